"""The submission door: TLS, then AUTH, then mail to departments in one's own name; and what STARTTLS makes us forget."""

from __future__ import annotations

import asyncio
import base64
import errno
import ssl
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from helpdeskd.errors import StoreDown, Temporary
from helpdeskd.threads import Few
from tests.dialogues.dialogue import MAIL, OURS, Client, open_doors

TLS = Path(__file__).parent / "tls"
ADA = "ada@client.example"
PASSWORD = "correct horse \u00e4"


@dataclass
class Known:
    """Who logs in, and what becomes of it."""

    address: str
    state: bool | Exception = True

    def holds(self) -> bool:
        if isinstance(self.state, Exception):
            raise self.state
        return self.state


def log_in(name: str, password: str, peer: str) -> Known | None:
    assert peer == "127.0.0.1"
    if name == "locked":
        raise Temporary("too many failures")
    if name == "broken":
        raise RuntimeError(f"a bug with {password}")
    return Known(ADA) if (name.lower(), password) == (ADA, PASSWORD) else None


def b64(*parts: str) -> str:
    return base64.b64encode("\0".join(parts).encode()).decode()


RIGHT = b64("", ADA, PASSWORD)


@pytest.fixture
async def doors(tmp_path):
    async with open_doors(
        tmp_path / "spool", tls_certificate=TLS / "one.pem", submission="127.0.0.1:0", log_in=log_in
    ) as opened:
        yield opened


@pytest.fixture
async def client(doors):
    client = await private(doors)
    yield client
    await client.close()


async def private(doors) -> Client:
    client = await Client.greeted(doors.submission_at)
    await client.ask("STARTTLS", "220")
    trusting = ssl.create_default_context(cafile=str(TLS / "one.pem"))
    await client.writer.start_tls(trusting, server_hostname="one.desk.example")
    await client.ask("EHLO client.example", "250")
    return client


async def test_what_is_offered_before_and_after_tls(doors):
    plain = await Client.greeted(doors.submission_at)
    lines = await plain.ask("EHLO client.example", "250")
    assert "250-STARTTLS" in lines
    assert not any("AUTH" in line for line in lines)
    await plain.ask(f"AUTH PLAIN {RIGHT}", "538 5.7.11")
    await plain.ask(f"MAIL FROM:<{ADA}>", "530 5.7.0")
    await plain.close()
    secure = await private(doors)
    assert "250-AUTH PLAIN LOGIN" in await secure.ask("EHLO client.example", "250")
    await secure.close()
    ordinary = await Client.greeted(doors.smtp_at)
    await ordinary.ask(f"AUTH PLAIN {RIGHT}", "502 5.5.1")
    await ordinary.close()


async def test_a_mail_in_ones_own_name(doors, client):
    with capture_logs() as lines:
        await client.ask(f"AUTH PLAIN {RIGHT}", "235 2.7.0")
        await client.mail(MAIL)
    envelope, raw = doors.only_mail()
    assert raw == MAIL
    assert (envelope.auth, envelope.door, envelope.sender) == (ADA, "smtp", ADA)
    assert RIGHT not in str(lines)
    assert PASSWORD not in str(lines)


@pytest.mark.parametrize(
    "words",
    [
        [(f"AUTH PLAIN {RIGHT}", "235")],
        [(f"auth plain {RIGHT}", "235")],
        [(f"AUTH PLAIN {b64(ADA, ADA, PASSWORD)}", "235")],
        [("AUTH PLAIN", "334"), (RIGHT, "235")],
        [("AUTH LOGIN", "334 VXNlcm5hbWU6"), (b64(ADA), "334 UGFzc3dvcmQ6"), (b64(PASSWORD), "235")],
        [(f"AUTH LOGIN {b64(ADA)}", "334 UGFzc3dvcmQ6"), (b64(PASSWORD), "235")],
        [(f"AUTH PLAIN {b64('', ADA, 'wrong')}", "535 5.7.8 wrong name or password")],
        [(f"AUTH PLAIN {b64('', 'nobody', PASSWORD)}", "535 5.7.8 wrong name or password")],
        [(f"AUTH PLAIN {b64('', 'locked', PASSWORD)}", "454 4.7.0")],
        [(f"AUTH PLAIN {b64('bob@client.example', ADA, PASSWORD)}", "535 5.7.8")],
        [(f"AUTH PLAIN {b64(ADA, PASSWORD)}", "501 5.5.2")],
        [("AUTH PLAIN =", "501 5.5.2")],
        [("AUTH PLAIN !!!", "501 5.5.2")],
        [("AUTH PLAIN", "334"), ("*", "501 5.7.0")],
        [("AUTH PLAIN", "334"), ("x" * 20000, "500 5.5.6")],
        [("AUTH PLAIN", "334"), (b64("", ADA, "x" * 6000), "535")],
        [("AUTH LOGIN", "334"), ("", "334"), ("", "535")],
        [("AUTH", "504 5.5.4")],
        [("AUTH CRAM-MD5", "504 5.5.4")],
    ],
)
async def test_ways_to_log_in(doors, client, words):
    for said, answer in words:
        await client.ask(said, answer)
    inside = words[-1][1] == "235"
    await client.ask(f"MAIL FROM:<{ADA}>", "250" if inside else "530")


async def test_a_bug_does_not_tell_the_password(doors, client):
    with capture_logs() as lines:
        await client.ask(f"AUTH PLAIN {b64('', 'broken', PASSWORD)}", "451 4.3.0")
    assert [line["event"] for line in lines] == ["trouble"]
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")


async def test_one_too_many_is_told_to_try_again(doors, client, monkeypatch):
    go = threading.Event()
    few = Few("few", 1, 0)
    monkeypatch.setattr(doors, "_log_ins", few)
    held = few.submit(go.wait, 30)
    try:
        await client.ask(f"AUTH PLAIN {RIGHT}", "454 4.7.0")
    finally:
        go.set()
    await asyncio.wrap_future(held)
    few.shutdown(wait=True)
    monkeypatch.undo()
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")


async def test_once_and_not_within_a_mail(doors, client):
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")
    await client.ask(f"AUTH PLAIN {RIGHT}", "503")
    await client.ask("EHLO again.example", "250")
    await client.ask(f"MAIL FROM:<{ADA}>", "250")  # a second greeting ends no log-in


async def test_guesses_have_an_end(doors, client):
    for _ in range(9):
        await client.ask(f"AUTH PLAIN {b64('', ADA, 'wrong')}", "535")
    await client.ask(f"AUTH PLAIN {b64('', ADA, 'wrong')}", "535", "421 4.7.0")
    await client.closed()
    assert doors.counts["refused.log-in"] == 10


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("MAIL FROM:<>", "553 5.7.1"),
        ("MAIL FROM:<bob@client.example>", "553 5.7.1"),
        ("MAIL FROM:<ada+x@client.example>", "553 5.7.1"),
        ("MAIL FROM", "501"),
        ("MAIL FROM:<ADA@client.example>", "250"),
        ("MAIL FROM:<ada@client.example> AUTH=<>", "250"),
        ("MAIL FROM:<ada@client.example> size=10 auth=e+3Dmc2@client.example BODY=8BITMIME", "250"),
        ("MAIL FROM:<ada@client.example> AUTH=bob@client.example", "250"),  # who has logged in is known better
        ("MAIL FROM:<ada@client.example> AUTH=", "501 5.5.4"),
        ("MAIL FROM:<ada@client.example> AUTH=a+zz", "501 5.5.4"),
    ],
)
async def test_the_sender_is_oneself(client, line, answer):
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")
    await client.ask(line, answer)


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"From: Ada <ADA@client.example>\r\n", "250"),
        (b"From: bob@client.example\r\n", "550 5.7.1"),
        (b"From: ada@client.example, bob@client.example\r\n", "550 5.7.1"),
        (b"From: ada@client.example\r\nFrom: bob@client.example\r\n", "550 5.7.1"),
        (b"Subject: x\r\n", "550 5.7.1"),
        (b"From: ada@client.example\r\nno header\r\n", "550 5.7.1"),
        (b'From: "ada@client.example" <bob@client.example>\r\n', "550 5.7.1"),
        (b"X: " + b"x" * 2_000_000 + b"\r\nFrom: ada@client.example\r\n", "550 5.7.1"),
    ],
    ids=["own", "another", "two", "twice", "none", "malformed", "shown", "too-far-down"],
)
async def test_so_is_from(doors, client, head, answer):
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")
    await client.mail(head + b"\r\nhello\r\n", answer)
    assert len(doors.mails()) == (answer == "250")
    await client.mail()  # the session goes on


async def test_a_full_disk_is_no_fault_of_from(doors, client, monkeypatch):
    """What was kept of the mail is gone by then, its From too."""

    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")
    await client.mail(MAIL + b"x" * 2_000_000 + b"\r\n", "452 4.3.1")
    await client.mail()


async def test_a_log_in_that_has_ended_takes_no_further_mail(doors, client):
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")
    await client.mail()
    (talk,) = doors._talks
    talk._known.state = StoreDown("no store")
    await client.ask(f"MAIL FROM:<{ADA}>", "451 4.3.0")
    talk._known.state = True
    await client.mail()
    talk._known.state = False
    await client.ask(f"MAIL FROM:<{ADA}>", "421 4.7.0")
    await client.closed()
    assert len(doors.mails()) == 2


async def test_it_is_no_relay_either(client):
    await client.ask(f"AUTH PLAIN {RIGHT}", "235")
    await client.ask(f"MAIL FROM:<{ADA}>", "250")
    await client.ask("RCPT TO:<grace@elsewhere.example>", "550 5.1.1")
    await client.ask(f"RCPT TO:<{OURS}>", "250")


# -- STARTTLS


async def test_a_log_in_and_a_mail_put_in_front_of_tls_count_for_nothing(doors):
    """Whoever sits on the way can talk first; then the client's own words must not land in a session that is half theirs."""
    client = await Client.greeted(doors.smtp_at)
    await client.ask("MAIL FROM:<mallory@evil.example>", "250")
    await client.ask(f"RCPT TO:<{OURS}>", "250")
    (talk,) = doors._talks
    talk.user = "mallory@evil.example"
    talk.hasty.append("EHLO")
    await client.ask("STARTTLS", "220")
    trusting = ssl.create_default_context(cafile=str(TLS / "one.pem"))
    await client.writer.start_tls(trusting, server_hostname="one.desk.example")
    await client.ask("DATA", "503")
    await client.ask("MAIL FROM:<ada@client.example>", "503 5.5.1 send EHLO first")
    await client.ask("EHLO client.example", "250")
    await client.ask("DATA", "503")
    await client.mail()
    envelope, _ = doors.only_mail()
    assert (envelope.sender, envelope.auth, envelope.hasty) == (ADA, "", "")
    await client.close()


@pytest.mark.parametrize(
    "injected",
    [
        f"AUTH PLAIN {RIGHT}\r\n".encode(),
        f"EHLO x\r\nAUTH PLAIN {RIGHT}\r\nMAIL FROM:<{ADA}>\r\nRCPT TO:<{OURS}>\r\nDATA\r\n".encode(),
        b"RSET\r\n" * 10_000,
        b"\r\n",
        b"\x16\x03\x01",  # the beginning of a handshake that did not wait for 220
    ],
    ids=["auth", "a-mail", "a-flood", "a-line-end", "tls"],
)
@pytest.mark.parametrize("at", ["smtp_at", "submission_at"])
async def test_nothing_may_stand_behind_starttls(doors, at, injected):
    client = await Client.greeted(getattr(doors, at))
    await client.send(b"STARTTLS\r\n" + injected)
    await client.expect("501 5.5.1")
    with suppress(ConnectionError):
        assert await client.reader.read() == b""
    await client.close()
    assert doors.counts["refused.injection"] == 1
    assert doors.mails() == []


async def test_a_goodbye_under_tls_waits_for_nobody(doors):
    client = await private(doors)
    theirs = cast("asyncio.Transport", client.writer.transport)
    theirs.pause_reading()
    (talk,) = doors._talks
    await client.send(b"QUIT\r\n")
    await doors.until(lambda: doors.connections == 0)
    assert talk.ending
    theirs.abort()
