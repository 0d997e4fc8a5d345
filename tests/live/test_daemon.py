"""The daemon as a process: readiness, one at a time, signals, roles apart, a host with nothing but cron."""

from __future__ import annotations

import signal
import smtplib
import subprocess
import sys

import pytest

from tests.live import dovecot
from tests.live.house import CUSTOMER, ROOT, STAFF, SUPPORT, House, mail, parsed, text_of
from tests.live.machine import wait_until

pytestmark = pytest.mark.live


def write(house: House, subject: str, text: str = "Text") -> None:
    with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
        client.sendmail(CUSTOMER, [SUPPORT], mail(CUSTOMER, SUPPORT, subject, text))


def subjects(house: House) -> set[str]:
    return {line["ticket"]["subject"] for line in house.json("ticket", "list", "--all")}


def test_a_second_daemon_refuses(folder, sqlite_url, sink):
    with House(folder, sqlite_url, sink) as house:
        said = house.cli("run", ok=1)
        assert "runs already" in said
        assert "Traceback" not in said


def test_roles_apart_need_postgresql(folder, sqlite_url, sink):
    house = House(folder, sqlite_url, sink)
    house.init()
    assert "PostgreSQL only" in house.cli("run", "--role", "doors", ok=1)


def test_roles_apart_on_postgresql(folder, postgres_url, sink):
    with House(folder, postgres_url, sink, roles=("doors",)) as doors:
        write(doors, "while nobody else is there")
        with doors.beside("imap", "intake", "outgoing"):
            wait_until(lambda: sink.to(CUSTOMER), what="the acknowledgement")
    assert subjects(doors) == {"while nobody else is there"}


def test_mail_taken_while_the_rest_was_dead_is_not_lost(folder, store_url, sink):
    with House(folder, store_url, sink) as house:
        for n in range(20):
            write(house, f"Number {n}")
        assert house.stop(signal.SIGKILL) == -signal.SIGKILL
        house.start()
        status = house.quiet()
        assert subjects(house) == {f"Number {n}" for n in range(20)}
        answers = [parsed(one.data) for one in sink.to(CUSTOMER)]
        went_out = {str(one["Message-ID"]) for one in answers}
        assert len(went_out) == len(answers), "an automatic answer went out twice"
        # Killed between the final dot and the relay's answer: nobody knows, and the outbox says so.
        assert len(went_out) + status["outbox"]["unknown"] >= 20


def test_sighup_reads_templates_again(folder, sqlite_url, sink):
    templates = folder / "templates"
    body = templates / "mail" / "acknowledgement" / "body.txt"
    body.parent.mkdir(parents=True)
    with House(folder, sqlite_url, sink, templates=str(templates)) as house:
        write(house, "before")
        wait_until(lambda: len(sink.to(CUSTOMER)) == 1)
        body.write_text("We will call you, {{ ticket.number }}.\n")
        assert house.process is not None
        house.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "event=reloaded" in house.log.read_text())
        write(house, "after")
        wait_until(lambda: len(sink.to(CUSTOMER)) == 2)
        assert "We will call you" in text_of(parsed(sink.to(CUSTOMER)[1].data))


def test_one_grep_tells_a_tickets_story(folder, sqlite_url, sink):
    with House(folder, sqlite_url, sink) as house:
        write(house, "Hello")
        wait_until(lambda: house.log.read_text().count("event=sent") == 3, what="welcome, acknowledgement, notice")
        (line,) = house.json("ticket", "list")
        number = line["ticket"]["number"]
        story = [one for one in house.log.read_text().splitlines() if str(number) in one]
        told = [next(word for word in one.split() if word.startswith("event=")) for one in story]
        assert sorted(told) == sorted(
            ["event=routed", "event=opened", "event=queued", "event=queued", "event=sent", "event=sent"]
        )
        mails = {
            what: {word for one in story if what in one for word in one.split() if word.startswith("message=")}
            for what in ("event=queued", "event=sent")
        }
        assert mails["event=queued"] == mails["event=sent"]


def test_nothing_but_cron(folder, store_url, sink):
    """`fetch --through`: the mailbox and pipe.py's mails become tickets and answers, with no daemon."""
    if why := dovecot.why_not():
        pytest.skip(why)
    with dovecot.DovecotInstance() as server:
        user = "desk@example.org"
        extra = (
            f'[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {server.port}\nuser = "{user}"\n'
            f'password = "{server.password}"\nsecurity = "none"\nbackfill = "all"\n'
        )
        house = House(folder, store_url, sink, extra=extra)
        house.init()
        server.deliver(user, mail(CUSTOMER, SUPPORT, "by IMAP", "Text"))
        subprocess.run(
            [sys.executable, "pipe.py", "--spool", str(house.spool), "--sender", CUSTOMER, SUPPORT],
            input=mail(CUSTOMER, SUPPORT, "by pipe", "Text"),
            cwd=ROOT,
            check=True,
        )
        first = house.cli("fetch", "--through")
        assert "desk: 1 fetched" in first
        assert "2 received" in first
        assert subjects(house) == {"by IMAP", "by pipe"}
        assert {parsed(one.data)["Subject"].split("] ")[1] for one in sink.to(CUSTOMER)} == {"by IMAP", "by pipe"}
        assert "desk: 0 fetched" in house.cli("fetch", "--through")
        assert len(sink.to(CUSTOMER)) == 2
        assert len(sink.to(STAFF)) == 3


def test_fetch_says_when_a_mailbox_fails(folder, sqlite_url, sink):
    extra = (
        '[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = 1\nuser = "u"\npassword = "geheim"\nsecurity = "none"\n'
    )
    house = House(folder, sqlite_url, sink, extra=extra)
    house.init()
    said = house.cli("fetch", ok=75)
    assert "desk: 0 fetched, failed" in said
    assert "geheim" not in said


def test_check_mail_proves_plus_addresses(folder, sqlite_url, sink):
    """The sink plays the world: what `check mail` sends comes back to our door."""
    with House(folder, sqlite_url, sink) as house:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "helpdeskd",
                "--config",
                str(house.config),
                "check",
                "mail",
                "--no-dns",
                "--wait",
                "60",
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        sent = wait_until(lambda: [one for one in sink.mails if one.recipients[0].startswith("support+check-")])
        with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
            client.sendmail(SUPPORT, [sent[0].recipients[0]], sent[0].data)
        out, _ = process.communicate(timeout=90)
        assert process.returncode == 0, out
        assert b"It came back" in out
        assert subjects(house) == set()
