"""init: one command from nothing to a help desk; run again it changes nothing; the lines it prints are the right ones."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from helpdeskd import resources
from helpdeskd.cli import init, settings
from helpdeskd.cli.mta import next_steps
from helpdeskd.config import Config, Lmtp, Paths
from helpdeskd.config.load import DEFAULT_FILE, load
from tests.unit.cli.house import ADA, ROOT, SUPPORT, clean_environment, typed


def init_(house, *more: str):
    return house("init", "--data", str(house.data), "--address", SUPPORT, "--admin", ADA, *more)


def test_from_nothing(empty):
    said = init_(empty, "--admin-name", "Ada Lovelace", "--relay", "smtp.example.com:587").ok()
    assert f"Wrote {empty.config}" in said
    assert "Added the department Support <support@desk.example>." in said
    assert "Added the administrator Ada Lovelace" in said
    assert "helpdeskd unix - n n - 10 pipe\n      -o soft_bounce=yes\n      flags=Rq user=helpdeskd argv=" in said
    assert empty.config.stat().st_mode & 0o777 == 0o640
    config = load(empty.config, {})
    assert (config.paths.data, config.outgoing.relay, config.outgoing.security) == (
        empty.data,
        "smtp.example.com:587",
        "starttls",
    )
    (person,) = empty("staff", "list", "--json").json
    assert (person["person"]["level"], person["departments"]) == (3, ["Support"])
    # told of tickets, and welcomed
    assert empty("status", "--json").json["outbox"]["queued"] == 1
    number = empty.ticket()
    mails = empty("ticket", "show", str(number), "--json").json["outbox"]
    assert {(mail["notice"], mail["recipient"]) for mail in mails} == {
        ("acknowledgement", "grace@customer.example"),
        ("new_ticket", ADA),
    }


def test_the_config_is_the_manual_with_three_lines_changed(empty):
    init_(empty, "--relay", "localhost").ok()
    ours = empty.config.read_text().splitlines()
    manual = (resources.find("config") / "helpdeskd.toml").read_text().splitlines()
    changed = [(a, b) for a, b in zip(manual, ours, strict=True) if a != b]
    assert [b for _, b in changed] == [f'data = "{empty.data}"', 'relay = "localhost"', 'security = "none"']


def test_again_it_keeps_everything(empty):
    init_(empty).ok()
    empty.config.write_text(empty.config.read_text() + "# edited\n")
    before = (
        empty.config.read_bytes(),
        empty("staff", "list").ok(),
        empty("department", "list").ok(),
        empty("status", "--json").json["outbox"],
    )
    for words in ((), ("--address", SUPPORT, "--admin", ADA)):
        said = empty("init", *words).ok()
        assert f"Kept {empty.config}." in said
        assert "Kept the department Support" in said
        assert "Added" not in said
    assert before == (
        empty.config.read_bytes(),
        empty("staff", "list").ok(),
        empty("department", "list").ok(),
        empty("status", "--json").json["outbox"],
    )


def test_again_it_says_which_options_changed_nothing(empty):
    init_(empty).ok()
    assert "--relay changed nothing: edit the file" in empty("init", "--relay", "localhost").ok()
    assert load(empty.config, {}).outgoing.relay == ""


def test_a_disabled_administrator_stays_so(empty):
    init_(empty).ok()
    empty("staff", "disable", ADA).ok()
    assert "Kept ada, a member of staff, disabled." in init_(empty).ok()
    (person,) = empty("staff", "list", "--json").json
    assert person["person"]["disabled_at"]


@pytest.mark.parametrize(
    ("relay", "security"),
    [
        ("localhost", "none"),
        ("localhost:25", "none"),
        ("127.0.0.1:2525", "none"),
        ("[::1]:25", "none"),
        ("mail.example.com", "starttls"),
        ("mail.example.com:465", "tls"),
        ("10.0.0.1:587", "starttls"),
    ],
)
def test_how_to_talk_to_the_relay_is_guessed(empty, relay, security):
    init_(empty, "--relay", relay).ok()
    assert load(empty.config, {}).outgoing.security == security


def test_or_said(empty):
    init_(empty, "--relay", "localhost:25", "--relay-security", "starttls").ok()
    assert load(empty.config, {}).outgoing.security == "starttls"


@pytest.mark.parametrize(
    "words",
    [
        ("--address", "nonsense", "--admin", ADA),
        ("--address", SUPPORT, "--admin", "Ada Lovelace"),
        ("--address", SUPPORT, "--admin", SUPPORT.upper()),
        ("--address", SUPPORT, "--admin", ADA, "--relay", "http://x"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_written(empty, words):
    empty("init", "--data", str(empty.data), *words).failed(1)
    assert os.listdir(empty.folder) == []


def test_without_a_terminal_it_asks_for_options(empty):
    said = empty("init", "--data", str(empty.data), "--admin", ADA)
    assert said.code == 2
    assert "--address is needed" in said.err
    assert os.listdir(empty.folder) == []


def test_at_a_terminal_it_asks(empty):
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "helpdeskd", "--config", str(empty.config), "init", "--data", str(empty.data)],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=clean_environment(),
    ) as process:
        os.write(master, f"{SUPPORT}\n{ADA}\n".encode())
        out, _ = process.communicate()
    os.close(master)
    os.close(slave)
    assert process.returncode == 0
    assert f"Added the department Support <{SUPPORT}>".encode() in out
    assert f"who is told of every new ticket at {ADA}".encode() in out


def test_a_folder_with_odd_letters(empty):
    odd = empty.folder / 'a "b" \\c'
    empty("init", "--data", str(odd), "--address", SUPPORT, "--admin", ADA).ok()
    assert load(empty.config, {}).paths.data == odd
    assert (odd / "helpdeskd.sqlite3").exists()


def test_a_second_department_is_added_when_asked_for(empty):
    init_(empty).ok()
    empty("init", "--address", "sales@desk.example", "--department", "Sales").ok()
    assert "sales@desk.example" in empty("department", "list").ok()
    said = empty("init", "--address", "third@desk.example", "--department", "Sales")
    assert (said.code, said.err) == (1, "helpdeskd: there is a department Sales already\n")


# -- the lines

FILE = DEFAULT_FILE
PIPE = Path("/opt/helpdeskd/bin/helpdeskd-pipe")


def test_lines_for_the_default_places():
    said = next_steps(Config(), "support@example.com", FILE, PIPE)
    assert "argv=/opt/helpdeskd/bin/helpdeskd-pipe --sender ${sender} -- ${recipient}\n" in said
    assert 'support: "|/opt/helpdeskd/bin/helpdeskd-pipe || exit 75"\n' in said
    assert "--spool" not in said
    assert "--config" not in said


def test_lines_elsewhere():
    said = next_steps(Config(paths=Paths(data=Path("/srv/desk"))), "support@example.com", Path("/srv/h.toml"), PIPE)
    assert said.count("/opt/helpdeskd/bin/helpdeskd-pipe --spool /srv/desk/spool") == 3
    assert "helpdeskd --config /srv/h.toml run" in said


@pytest.mark.parametrize(
    ("listen", "line"),
    [
        ((), "lmtp:unix:/helpdeskd/lmtp"),
        (("unix:/var/spool/postfix/helpdeskd/lmtp",), "lmtp:unix:/helpdeskd/lmtp"),
        (("unix:/run/helpdeskd/lmtp",), "lmtp:unix:/run/helpdeskd/lmtp"),
        (("127.0.0.1:24",), "lmtp:inet:127.0.0.1:24"),
    ],
)
def test_lines_for_lmtp(listen, line):
    said = next_steps(Config(lmtp=Lmtp(listen=listen)), "support@example.com", FILE, PIPE)
    assert f"support@example.com    {line}\n" in said


def test_the_mailbox_printed_is_a_setting():
    said = next_steps(Config(), "söme+one@example.com", FILE, PIPE)
    block = re.search(r"^    \[\[mailbox\]\]\n(?:    .+\n)+", said, re.MULTILINE)
    assert block
    table = tomllib.loads("\n".join(line.strip() for line in block[0].splitlines()))
    assert re.fullmatch(r"[A-Za-z0-9._-]+", table["mailbox"][0]["name"])


def test_docs_install_gives_the_same_lines():
    """What init prints for the default places stands in docs/install.md word for word."""
    said = next_steps(Config(), "support@example.com", FILE, PIPE)
    docs = "\n".join(line.strip() for line in (ROOT / "docs/install.md").read_text().splitlines())
    for start, end in (
        ("helpdeskd unix", "-- ${recipient}"),
        ("helpdeskd_router:", "transport = helpdeskd_pipe"),
        ("helpdeskd_pipe:\n", "message_suffix ="),
    ):
        block = said[said.index(start) : said.index(end) + len(end)]
        assert "\n".join(line.strip() for line in block.splitlines()) in docs
    assert 'support: "|/opt/helpdeskd/bin/helpdeskd-pipe || exit 75"' in docs
    assert "support@example.com    lmtp:unix:/helpdeskd/lmtp" in docs


def test_the_installed_script_is_named_where_there_is_one(tmp_path, monkeypatch):
    (tmp_path / "helpdeskd-pipe").write_text("")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert init._pipe() == tmp_path / "helpdeskd-pipe"
    (tmp_path / "helpdeskd-pipe").unlink()
    monkeypatch.setenv("PATH", "/nowhere")
    assert init._pipe() == ROOT / "pipe.py"


# -- root


@pytest.fixture
def steps(monkeypatch) -> list[tuple[object, ...]]:
    """What a root process would do to become somebody else."""
    done: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in ("initgroups", "setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda *args, name=name: done.append((name, *args)))
    return done


def test_root_becomes_the_owner_of_the_data(tmp_path, steps, monkeypatch):
    folder = os.stat_result((0o40750, 0, 0, 2, 12345, 54321, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda *_args, **_kw: folder)
    settings.as_owner(Config(paths=Paths(data=tmp_path)))
    assert steps == [("setgroups", []), ("setgid", 54321), ("setuid", 12345)]


def test_root_stays_root_where_the_data_is_roots_or_not_there(tmp_path, steps):
    settings.as_owner(Config(paths=Paths(data=tmp_path / "none")))
    if tmp_path.stat().st_uid == 0:
        settings.as_owner(Config(paths=Paths(data=tmp_path)))
    assert steps == []


def test_version_is_the_projects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert typed("--version").ok() == f"helpdeskd {project}\n"
