"""Where a mailbox's secret comes from, and that it goes nowhere else."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from helpdeskd.config import Mailbox
from helpdeskd.sources.imap_login import LoginFailed, OauthBearer, Plain, Secret, Xoauth2, read_secret


def box(**changed: Any) -> Mailbox:
    return Mailbox(**{"name": "a", "host": "h", "user": "u", **changed})


def script(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", code)


def test_password_from_the_settings():
    assert read_secret(box(password="pä ss")) == Secret("pä ss", token=False)


def test_password_from_a_file_without_its_line_end(tmp_path):
    path = tmp_path / "password"
    path.write_bytes(b" pass \r\n")
    assert read_secret(box(password_file=path)) == Secret(" pass ", token=False)


def test_token_from_a_file_is_read_each_time(tmp_path):
    path = tmp_path / "token"
    path.write_text("one\n")
    mailbox = box(oauth2_token_file=path)
    assert read_secret(mailbox) == Secret("one", token=True)
    path.write_text("two\n")
    assert read_secret(mailbox) == Secret("two", token=True)


def test_token_from_a_command():
    assert read_secret(box(oauth2_command=script("print('tok')"))) == Secret("tok", token=True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "there is no password"),
        ({"password": "x\r\nA1 DELETE INBOX"}, "control characters"),
        ({"oauth2_command": script("print('se cret')")}, "no single access token"),
        ({"oauth2_command": script("pass")}, "no single access token"),
        ({"oauth2_command": script("print('s\\u00e9cret')")}, "no single access token"),
        ({"oauth2_command": script("import sys; print('secret'); sys.exit('secret')")}, "exit code 1"),
        ({"oauth2_command": ("/nowhere/secretless",)}, "No such file"),
        (
            {
                "oauth2_command": script("import signal; print('secret', flush=True); signal.pause()"),
                "timeout_seconds": 1,
            },
            "in 1 s",
        ),
    ],
)
def test_trouble_is_clear_and_holds_no_secret(changed, said):
    with pytest.raises(LoginFailed) as caught:
        read_secret(box(**changed))
    assert said in str(caught.value)
    assert "secret" not in str(caught.value).replace("secretless", "")


@pytest.mark.parametrize("key", ["password_file", "oauth2_token_file"])
def test_a_file_that_is_missing_or_no_text(tmp_path, key):
    with pytest.raises(LoginFailed, match=f"{key} .* No such file"):
        read_secret(box(**{key: tmp_path / "none"}))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(LoginFailed, match="not UTF-8"):
        read_secret(box(**{key: tmp_path / "binary"}))


def test_a_secret_does_not_show_itself():
    secret = Secret("hunter2", token=False)
    assert "hunter2" not in repr(secret)
    assert secret.scrub("NO wrong password hunter2") == "NO wrong password ***"


def test_plain():
    assert Plain("ü", "pä")(b"") == "\0ü\0pä".encode()  # RFC 4616


def test_xoauth2_ends_an_error_with_an_empty_line():
    mechanism = Xoauth2("u@example.org", "tok")
    assert mechanism(b"") == b"user=u@example.org\x01auth=Bearer tok\x01\x01"
    assert mechanism.refusal() == ""
    assert mechanism(b'{"status":"400"}') == b""
    assert mechanism.refusal() == "status 400"


def test_oauthbearer():
    mechanism = OauthBearer("a,b=c", "tok", "h", 993)
    assert mechanism(b"") == b"n,a=a=2Cb=3Dc,\x01host=h\x01port=993\x01auth=Bearer tok\x01\x01"
    assert mechanism(b"no json") == b"\x01"  # RFC 7628 section 3.2.3
    assert mechanism.refusal() == ""
