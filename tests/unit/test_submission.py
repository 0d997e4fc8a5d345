"""From a mail program to a ticket: the daemon, TLS, a password of argon2, a key, and the verdict that rests on them."""

from __future__ import annotations

import asyncio
import smtplib
import ssl

import pytest
from structlog.testing import capture_logs

from helpdeskd import daemon
from helpdeskd.config import Config, Paths, Smtp, Submission, Trust
from helpdeskd.desk import accounts, api_keys, departments, people
from helpdeskd.guard.passwords import Passwords
from helpdeskd.installation import opened
from helpdeskd.model.api import SUBMISSION
from helpdeskd.model.mail import Verdict
from helpdeskd.store import schema
from tests.sink import CERTIFICATE, TLS
from tests.taken import take

ADA, HELP = "ada@staff.example", "help@desk.example"
PASSWORD, TOKEN = "correct horse", "hd_" + "t" * 40


async def test_staff_hand_in_mail_and_are_believed(tmp_path):
    settings = Config(
        paths=Paths(data=tmp_path),
        smtp=Smtp(listen=("127.0.0.1:0",), tls_certificate=CERTIFICATE, tls_key=TLS / "key.pem"),
        submission=Submission(listen=("127.0.0.1:0",)),
        trust=Trust(dns=False),
    )
    with opened(settings) as here:
        fill(here)
    house = daemon.Daemon(settings)
    running = asyncio.create_task(house.run())
    try:
        with capture_logs() as lines:
            await asyncio.to_thread(house.ready.wait)
            await asyncio.to_thread(dialogue, dict(place.split() for place in house.listening))
    finally:
        house.stop()
        await running
    assert PASSWORD not in str(lines)
    assert TOKEN not in str(lines)
    with opened(settings) as here:
        take(here)  # what the daemon had not got to
        found = here.store.read(kept)
    ours = ["from pass (submission)", "auth pass staff.example (aligned, logged in as ada@staff.example)"]
    assert found == {
        "by password": (Verdict.PASS, ours),
        "by key": (Verdict.PASS, ours),
        "by nothing": (Verdict.NONE, []),
    }


def fill(here):
    given = (here.desk, here.clock())
    hashed = Passwords(memory_kib=64, passes=1).hash(PASSWORD)

    def act(conn):
        departments.add(conn, *given, name="Help", addresses=(HELP,))
        ada, _ = people.add_staff(conn, *given, email=ADA, name="Ada", level=1)
        accounts.set_password(conn, *given, person=ada, password_hash=hashed)
        api_keys.create(conn, *given, dialect=SUBMISSION, name="", token=TOKEN, person_id=ada.id)

    here.store.writer.run(act)


def dialogue(at):
    for words, secret in (("by password", PASSWORD), ("by key", TOKEN)):
        with connected(at["submission"]) as client:
            client.starttls(context=ssl.create_default_context(cafile=str(CERTIFICATE)))
            with pytest.raises(smtplib.SMTPAuthenticationError, match=r"5\.7\.8 wrong name or password"):
                client.login(ADA, "wrong horse")
            client.login(ADA, secret)
            client.sendmail(ADA, [HELP], mail(words))
    with connected(at["smtp"]) as client:
        client.sendmail(ADA, [HELP], mail("by nothing"))


def connected(place):
    return smtplib.SMTP("localhost", int(place.rpartition(":")[2]), local_hostname="client.example")


def mail(words):
    stamp = words.replace(" ", "-")
    return (
        f"From: Ada <{ADA}>\r\nTo: {HELP}\r\nSubject: {words}\r\nMessage-ID: <{stamp}@staff.example>\r\n"
        f"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nHello {words}.\r\n"
    )


def kept(conn):
    found = {}
    for row in conn.execute(schema.message.select()):
        arrival = conn.execute(schema.arrival.select().where(schema.arrival.c.id == row.arrival_id)).one()
        about = [line for line in arrival.evidence if line.startswith(("from ", "auth "))]
        found[row.subject or row.text] = (Verdict(row.verdict), about)
    return found
