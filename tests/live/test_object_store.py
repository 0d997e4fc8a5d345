"""Two nodes with nothing in common but a PostgreSQL server and an object store: what one takes in, the other can read and send."""

from __future__ import annotations

import random
import signal
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.live.house import CUSTOMER, STAFF, SUPPORT, House, mail, parsed
from tests.live.machine import wait_until
from tests.s3 import S3
from tests.sink import SILENCE, Sink

pytestmark = pytest.mark.live

PICTURE = random.Random(20261125).randbytes(60_000)
LEASE = "[outgoing]\nlease_seconds = 2\n"


@pytest.fixture
def s3(folder: Path) -> Iterator[S3]:
    with S3(folder) as running:
        yield running


def node(folder: Path, name: str, store_url: str, sink: Sink, s3: S3, *roles: str) -> House:
    (folder / name).mkdir(mode=0o755)
    house = House(folder / name, store_url, sink, roles=roles, extra=s3.toml)
    text = house.config.read_text()
    house.config.write_text(text.replace("[outgoing]\n", LEASE))
    if name != "a":
        house.data.mkdir()  # what `init` makes is in the store, by way of the first
    return house


def write(house: House, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
        client.sendmail(CUSTOMER, [SUPPORT], raw)


def with_picture(subject: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Grace <{CUSTOMER}>", SUPPORT, subject
    message["Date"], message["Message-ID"] = "Wed, 25 Nov 2026 12:00:00 +0000", f"<{subject}@customer.example>"
    message.set_content("It looks like this.")
    message.add_attachment(PICTURE, maintype="image", subtype="png", filename="screen.png")
    return message.as_bytes().replace(b"\n", b"\r\n")


def files(raw: bytes) -> list[bytes]:
    return [part.get_content() for part in parsed(raw).iter_attachments()]


def about(sink: Sink, recipient: str, subject: str) -> list[bytes]:
    return [one.data for one in sink.to(recipient) if subject in str(parsed(one.data)["Subject"])]


def told(sink: Sink, subject: str) -> bool:
    return bool(about(sink, STAFF, subject) and about(sink, CUSTOMER, subject))


def test_what_one_node_takes_in_another_reads_and_sends(folder, postgres_url, sink, s3):
    raw = with_picture("It burns")
    with (
        node(folder, "a", postgres_url, sink, s3, "doors", "intake") as a,
        node(folder, "b", postgres_url, sink, s3, "outgoing") as b,
    ):
        write(a, raw)
        wait_until(lambda: told(sink, "It burns"), what="the notices, from the other node")
        assert files(about(sink, STAFF, "It burns")[0]) == [PICTURE]

        (ticket,) = b.json("ticket", "list", "--all")
        (spool_id,) = {
            line.partition("spool=")[2].split()[0] for line in a.log.read_text().splitlines() if "event=routed" in line
        }
        assert b.cli("mail", "show", spool_id, "--raw").encode() == raw

        answer = folder / "answer.bin"
        answer.write_bytes(PICTURE[::-1])
        a.cli("ticket", "reply", str(ticket["ticket"]["number"]), "Like this.", "--attach", str(answer))
        wait_until(lambda: len(about(sink, CUSTOMER, "It burns")) > 1, what="the answer")
        assert files(about(sink, CUSTOMER, "It burns")[1]) == [PICTURE[::-1]]
    for house in (a, b):
        assert not (house.data / "blobs").exists()


@contextmanager
def mail_waits(house: House) -> Iterator[None]:
    """What is done within makes a mail wait for the store."""
    said = len(house.log.read_text())
    yield
    wait_until(lambda: "event=waiting" in house.log.read_text()[said:], what="a mail to wait")


def test_a_node_that_dies(folder, postgres_url, sink, s3):
    """What it had claimed is sent by another; what lay in its spool comes when it is back."""
    a = node(folder, "a", postgres_url, sink, s3)
    with a:
        sink.wait(1)  # Ada's welcome
        s3.say = "503 SlowDown"
        with mail_waits(a):
            write(a, mail(CUSTOMER, SUPPORT, "Claimed", "Text"))
        assert a.stop(signal.SIGKILL) == -signal.SIGKILL
        with mail_waits(a):
            a.start()  # a store that is down keeps no door closed

        begun = len(sink.commands)
        sink.say("mail", SILENCE, SILENCE)
        s3.say = ""
        wait_until(lambda: [word[:4] for word in sink.commands[begun:]].count("MAIL") == 2, what="both notices begun")
        s3.say = "503 SlowDown"
        with mail_waits(a):
            write(a, mail(CUSTOMER, SUPPORT, "In the spool", "Text"))
        assert a.stop(signal.SIGKILL) == -signal.SIGKILL

        s3.say = ""
        with node(folder, "b", postgres_url, sink, s3) as b:
            wait_until(lambda: told(sink, "Claimed"), what="the other node to take over")
            assert [line["ticket"]["subject"] for line in b.json("ticket", "list", "--all")] == ["Claimed"]
            a.start()
            wait_until(lambda: told(sink, "In the spool"), what="what lay in the spool of the one that died")
    for house in (a, b):
        assert list((house.spool / "parked").iterdir()) == []
    for subject in ("Claimed", "In the spool"):
        assert len(about(sink, CUSTOMER, subject)) == 1
