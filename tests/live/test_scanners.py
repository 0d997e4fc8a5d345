"""Real rspamd and ClamAV beside a real daemon: what comes by SMTP is judged, held, trained with and released."""

from __future__ import annotations

import io
import smtplib
import zipfile
from contextlib import ExitStack, closing
from email.message import EmailMessage
from time import monotonic

import pytest

from helpdeskd.config import SpamSettings
from helpdeskd.intake import clamd, rspamd
from helpdeskd.model.spam import Spam
from helpdeskd.store import schema
from helpdeskd.store.engine import Store, open_store
from tests.live.house import CUSTOMER, SUPPORT, House, mail, parsed, reply
from tests.live.machine import wait_until
from tests.scanners import CLAMD, EICAR, GTUBE, RSPAMD, real_clamd, real_rspamd

EVE = "eve@evil.example"
needs_clamd = pytest.mark.skipif(not CLAMD.exists(), reason="clamd is not installed")
needs_rspamd = pytest.mark.skipif(RSPAMD is None, reason="rspamd is not installed")


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bill.txt", EICAR)
    return packed.getvalue()


def with_file(raw: bytes, data: bytes) -> bytes:
    message = EmailMessage()
    plain = parsed(raw)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References"):
        if plain[name]:
            message[name] = str(plain[name])
    message.set_content("see the file")
    message.add_attachment(data, maintype="application", subtype="zip", filename="bill.zip")
    return message.as_bytes()


def send(house: House, sender: str, raw: bytes, to: str = SUPPORT) -> None:
    with smtplib.SMTP("127.0.0.1", house.port) as client:
        client.sendmail(sender, [to], raw)


def settled(store: Store, count: int) -> dict[str, str]:
    """Outcome and reason by subject, once so many mails have one."""

    def looked() -> dict[str, str] | None:
        rows = store.read(lambda conn: conn.execute(schema.arrival.select()).all())
        found = {row.subject: f"{row.outcome} {row.reason}" for row in rows}
        return found if len(found) == count else None

    found: dict[str, str] = wait_until(looked, what="outcomes")
    return found


@needs_clamd
def test_clamd_looks_into_files(folder):
    with real_clamd(folder) as place:
        until = monotonic() + 60
        assert clamd.scan(place, b"hello", (b"a file",), until).says is Spam.HAM
        found = clamd.scan(place, b"hello", (b"", zipped()), until)
        assert (found.says, found.words) == (Spam.VIRUS, "Test.File.UNOFFICIAL")
        assert clamd.scan(place, with_file(mail(CUSTOMER, SUPPORT, "x", "y"), zipped()), (), until).says is Spam.VIRUS
        large = clamd.scan(place, b"\0" * 3_000_000, (), until)
        assert (large.says, large.words) == (None, "INSTREAM size limit exceeded. ERROR")
        clamd.ping(place, until)


@needs_rspamd
def test_rspamd_judges_and_learns(folder):
    about = rspamd.About("id", "192.0.2.99", "mx.example", "a@b.example", ("c@d.example",))
    with real_rspamd(folder) as (worker, controller):
        until = monotonic() + 60
        ham = rspamd.check(worker, mail(CUSTOMER, SUPPORT, "x", "It burns."), about, until)
        assert (ham.says, ham.words) == (Spam.HAM, "no action, 0.0 of 15.0")
        bad = rspamd.check(worker, mail(CUSTOMER, SUPPORT, "x", GTUBE), about, until)
        assert (bad.says, bad.words) == (Spam.SPAM, "reject, 15.0 of 15.0")
        rspamd.ping(worker, until)
        settings = SpamSettings(rspamd_controller=controller)
        raw = mail(CUSTOMER, SUPPORT, "x", "cheap watches for you and your friends, buy now")
        assert rspamd.learn(settings, raw, spam=True) is True
        assert rspamd.learn(settings, raw, spam=True) is False


@needs_clamd
@needs_rspamd
def test_the_whole_way(folder, sqlite_url, sink):
    """Forged headers from outside do nothing; spam and viruses are held, a conversation is not but for its virus; what is released is
    a ticket that is answered; and when both are gone, mail goes on."""
    with ExitStack() as stack:
        scanners = stack.enter_context(ExitStack())
        worker, controller = scanners.enter_context(real_rspamd(folder))
        place = scanners.enter_context(real_clamd(folder))
        extra = (
            '[trust]\ndns = false\nrelays = ["10.0.0.0/8"]\n'
            f'[spam]\nheaders_from = ["relays", "pipe"]\nrspamd = "{worker}"\nrspamd_controller = "{controller}"\n'
            f'clamd = "{place}"\nseconds = 30\n'
        )
        house = stack.enter_context(House(folder, sqlite_url, sink, extra=extra))
        store = stack.enter_context(closing(open_store(sqlite_url, migrate=False)))
        send(house, CUSTOMER, mail(CUSTOMER, SUPPORT, "forged", "It burns.", X_Spam_Flag="YES"))
        send(house, EVE, mail(EVE, SUPPORT, "spam", GTUBE))
        send(house, EVE, with_file(mail(EVE, SUPPORT, "virus", ""), zipped()))
        assert settled(store, 3) == {"forged": "opened new", "spam": "held spam", "virus": "held virus"}
        sink.wait(3)  # the welcome, the acknowledgement, the notice
        assert not [each for each in sink.mails if EVE in each.recipients]

        # In a conversation words are no spam, and a virus is one.
        acknowledgement = parsed(next(each.data for each in sink.mails if CUSTOMER in each.recipients))
        words, file = reply(CUSTOMER, acknowledgement, GTUBE), reply(CUSTOMER, acknowledgement, "See the file.")
        address = str(parsed(words)["To"])
        send(house, CUSTOMER, words.replace(b"Subject: Re:", b"Subject: Re: words:"), address)
        send(house, CUSTOMER, with_file(file.replace(b"Subject: Re:", b"Subject: Re: file:"), zipped()), address)
        outcomes = settled(store, 5)
        assert [outcomes[each] for each in outcomes if "words" in each] == ["appended reply-token"]
        assert [outcomes[each] for each in outcomes if "file" in each] == ["held virus"]

        held = {each["subject"]: each["id"] for each in house.json("spam", "list")}
        assert set(held) == set(outcomes) - {each for each in outcomes if "words" in each or each == "forged"}
        said = house.cli("spam", "release", held["spam"], "--train")
        assert f"{held['spam']}: learnt as ham\n{held['spam']}: Support: opened, because new" in said
        wait_until(lambda: any(EVE in each.recipients for each in sink.mails), what="an answer: it is a ticket now")

        scanners.close()
        send(house, CUSTOMER, mail(CUSTOMER, SUPPORT, "nobody scans", GTUBE))
        assert settled(store, 6)["nobody scans"] == "opened new"
        assert house.log.read_text().count("mails go on without it") == 2
        house.cli("mail", "audit")
