"""Whatever is wrong, a command says one clear line and its documented exit code; never a traceback."""

from __future__ import annotations

import errno
import importlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from helpdeskd import cli
from helpdeskd.desk import queries
from helpdeskd.store import sqlite
from tests.unit.cli.house import ROOT, clean_environment, typed

# Every command that needs an installation, with words that would do if there were one.
NEEDS_STORE = [
    ("status",),
    ("fetch",),
    ("fetch", "--through"),
    ("check", "mail"),
    ("department", "list"),
    ("department", "add", "Sales", "sales@desk.example"),
    ("staff", "list"),
    ("staff", "add", "Bob", "bob@staff.example"),
    ("staff", "disable", "bob@staff.example"),
    ("mail", "parked"),
    ("mail", "retry", "--all"),
    ("mail", "show", "1"),
    ("mail", "explain", str(ROOT / "README.md")),
    ("ticket", "list"),
    ("ticket", "show", "123456"),
    ("ticket", "search", "fire"),
    ("ticket", "reply", "123456", "text"),
    ("ticket", "note", "123456", "text"),
    ("ticket", "assign", "123456", "ada"),
    ("ticket", "close", "123456"),
    ("ticket", "merge", "123456", "654321"),
    ("outbox", "list"),
    ("outbox", "show", "1"),
    ("outbox", "retry", "--failed"),
    ("outbox", "cancel", "1"),
]


@pytest.mark.parametrize("words", NEEDS_STORE, ids=" ".join)
def test_without_an_installation_it_says_so_and_makes_nothing(empty, words):
    empty.write_config()
    said = empty(*words).failed(1)
    assert "helpdeskd init" in said
    assert str(empty.data) in said
    assert not empty.data.exists()


@pytest.mark.parametrize("words", NEEDS_STORE, ids=" ".join)
def test_wrong_settings_are_listed_each_on_its_line(empty, words):
    empty.config.write_text("[smtp]\nmax_errors = 0\nlisen = []\n")
    said = empty(*words)
    assert said.code == 78
    assert said.out == ""
    assert len(said.err.splitlines()) == 2
    assert all(line.startswith(f"helpdeskd: {empty.config}: smtp.") for line in said.err.splitlines())


def test_a_config_that_is_not_there(empty):
    assert (
        empty("ticket", "list").failed(78)
        == f"{empty.config}: file: expected a readable file: No such file or directory"
    )


def test_a_config_that_is_a_folder(empty):
    said = typed("--config", str(empty.folder), "config", "check").failed(78)
    assert said == f"{empty.folder}: file: expected a readable file: Is a directory"


def test_a_data_folder_of_somebody_else(house, monkeypatch):
    """As an ordinary user meets it; root may look everywhere, so the refusal is played."""

    def refused(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_file", refused)
    monkeypatch.setattr(Path, "is_dir", refused)
    for words in (("status",), ("ticket", "list"), ("mail", "parked")):
        assert "Permission denied; run this as root, or as the user" in house(*words).failed(1)


def test_a_data_folder_that_is_a_file(empty):
    empty.write_config()
    empty.data.write_text("not a folder")
    for words in (("ticket", "list"), ("status",)):
        assert str(empty.data) in empty(*words).failed(1)
    for more in (("run",), ("fetch", "--through"), ("init", "--address", "a@b.example", "--admin", "c@d.example")):
        said = empty(*more)
        assert said.code == 1
        assert str(empty.data) in said.err
        assert len(said.err.splitlines()) == 1


def test_a_config_that_cannot_be_written(empty):
    blocked = empty.folder / "file"
    blocked.write_text("")
    said = typed("--config", str(blocked / "h.toml"), "init", "--address", "a@b.example", "--admin", "c@d.example")
    assert said.failed(1)


def test_a_postgresql_that_does_not_answer(house):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        house.write_config(f'[store]\nurl = "postgresql://nobody:geheim@127.0.0.1:{taken.getsockname()[1]}/none"\n')
        said = house.run("ticket", "list")
        status = house("status")
    line = said.failed(75)
    assert line.endswith("; try again later")
    assert "geheim" not in line
    assert status.code == 75
    assert re.search(r"^store +down: PostgreSQL 127.0.0.1", status.out, re.MULTILINE)
    assert re.search(r"^spool +0 waiting", status.out, re.MULTILINE)  # what can be seen is shown all the same


def test_a_store_locked_by_somebody_else(house):
    blocker = sqlite.driver().connect(house.data / "helpdeskd.sqlite3", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        assert "locked" in house("staff", "add", "Bob", "bob@staff.example").failed(75)
        assert "ada@staff.example" in house("staff", "list").ok()  # looking needs no lock
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()


def test_a_store_that_is_no_database(house):
    (house.data / "helpdeskd.sqlite3").write_bytes(b"this is no database, whatever its name says" * 100)
    assert "not a database" in house("ticket", "list").failed(75)


def test_a_store_of_another_version_is_not_changed_by_a_look(house):
    path = house.data / "helpdeskd.sqlite3"
    raw = sqlite.driver().connect(path)
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    assert "newer helpdeskd" in house("ticket", "list").failed(78)


def test_a_fault_of_our_own_is_one_line(house, monkeypatch):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("a bug\x1b[31m\nof two lines")

    monkeypatch.setattr(queries, "list_tickets", broken)
    said = house("ticket", "list").failed(70)
    assert "ZeroDivisionError: a bug [31m of two lines" in said
    monkeypatch.setenv("HELPDESKD_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        house("ticket", "list")


def test_control_characters_of_an_argument_do_not_reach_the_terminal(house):
    said = house("staff", "disable", "x\x1b]0;evil\x07@staff.example")
    assert said.code == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said.err)


def test_wrong_usage_is_2(house):
    for words in (
        ("nonsense",),
        ("ticket",),
        ("ticket", "show", "abc"),
        ("ticket", "list", "--state", "odd"),
        ("--odd",),
    ):
        said = house(*words)
        assert said.code == 2
        assert "Traceback" not in said.err


def test_a_reader_that_goes_away_is_no_accident(house):
    process = subprocess.Popen(
        [sys.executable, "-m", "helpdeskd", "--config", str(house.config), "config", "show"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=clean_environment(),
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


def test_a_terminal_that_knows_few_letters(house):
    number = house.ticket(subject="=?utf-8?b?8J+UpSBGw7bDtnI=?=")
    said = house.run("ticket", "show", str(number), env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert (said.code, said.err) == (0, "")
    assert b"\\U0001f525 F\xf6\xf6r" in said.raw


HEAVY = {"sqlalchemy", "alembic", "aiosmtpd", "aiosmtplib", "imapclient", "mailparser", "jinja2", "babel", "uvloop"}
LIGHT = [
    (("--help",), HEAVY | {"structlog", "msgspec"}),
    (("--version",), HEAVY | {"structlog", "msgspec"}),
    (("demo", "--help"), HEAVY),
    (("run", "--help"), HEAVY),
    (("config", "show"), HEAVY),
    (("config", "check"), HEAVY),
    (("ticket", "list"), HEAVY - {"sqlalchemy"}),
    (("outbox", "list"), HEAVY - {"sqlalchemy"}),
    (("status",), HEAVY - {"sqlalchemy"}),
    (("staff", "list"), HEAVY - {"sqlalchemy"}),
]


@pytest.mark.parametrize("name", [name for name, (_, text) in cli.COMMANDS.items() if ": " in text])
def test_the_help_names_each_subcommand(name):
    module, text = cli.COMMANDS[name]
    command = importlib.import_module(module).command
    if isinstance(command, click.Group):
        assert sorted(text.partition(": ")[2].rstrip(".").split(", ")) == sorted(command.commands)


@pytest.mark.parametrize(("words", "unwanted"), LIGHT, ids=[" ".join(words) for words, _ in LIGHT])
def test_a_command_loads_no_more_than_it_needs(house, words, unwanted):
    script = "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); from helpdeskd.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, *(["--config", str(house.config)] if words[0] != "--version" else []), *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "helpdeskd" in loaded
    assert not loaded & unwanted
