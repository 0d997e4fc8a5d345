"""A whole street in trouble: a daemon with all four doors, peers that keep a mail until they are told that we have it, and the
ledger that is compared when the trouble is over.
"""

from __future__ import annotations

import smtplib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.fakeimap import FakeImap
from tests.live.house import ROOT, STAFF, SUPPORT, House, mail, parsed
from tests.live.machine import wait_until
from tests.sink import Sink

DOORS = ("smtp", "lmtp", "pipe", "imap")


class Street:
    """`offer` a mail at a door and hear what it says; `retry` what it did not take; `well` when all is over."""

    def __init__(self, house: House, sink: Sink, imap: FakeImap, lmtp: Path) -> None:
        self.house, self.sink, self.imap, self.lmtp = house, sink, imap, lmtp
        self.mails: dict[str, tuple[str, bytes]] = {}  # by subject: the door, and the bytes
        self.refused: list[str] = []
        self.uids: dict[str, int] = {}
        self._told: list[str] = []  # subjects of the notices to staff, read once each

    def offer(self, door: str, subject: str = "") -> int:
        """The SMTP code that ended it, pipe.py's exit status; 0 for IMAP, whose server waits to be asked."""
        subject = subject or f"{door} {len(self.mails)}"
        self.mails[subject] = door, mail(address(subject), SUPPORT, subject, "Text")
        code = self._hand_in(subject)
        if code not in {0, 250}:
            self.refused.append(subject)
        return code

    def hold(self, subject: str) -> None:
        """A mail that somebody has and that nobody took yet."""
        self.mails[subject] = "smtp", mail(address(subject), SUPPORT, subject, "Text")
        self.refused.append(subject)

    def retry(self) -> None:
        """Every peer brings again what was not taken; now it is."""
        refused, self.refused = self.refused, []
        for subject in refused:
            assert self._hand_in(subject) in {0, 250}, subject

    def _hand_in(self, subject: str) -> int:
        door, raw = self.mails[subject]
        match door:
            case "smtp":
                with smtplib.SMTP("127.0.0.1", self.house.port, timeout=60) as client:
                    return said(client, raw)
            case "lmtp":
                with smtplib.LMTP(str(self.lmtp), timeout=60) as client:
                    return said(client, raw)
            case "pipe":
                words = [
                    sys.executable,
                    "-I",
                    "pipe.py",
                    "--spool",
                    str(self.house.spool),
                    "--sender",
                    "a@x.example",
                    SUPPORT,
                ]
                return subprocess.run(words, input=raw, cwd=ROOT, capture_output=True).returncode
        self.uids[subject] = self.imap.add(raw)
        return 0

    def fetched(self, subject: str) -> bool:
        return "\\Seen" in self.imap.flags[self.uids[subject]]

    def told(self) -> Counter[str]:
        """How often staff heard of each new ticket, by the mail's subject."""
        for one in self.sink.to(STAFF)[len(self._told) :]:
            said = str(parsed(one.data)["Subject"])
            self._told.append(max((subject for subject in self.mails if subject in said), key=len, default=said))
        return Counter(subject for subject in self._told if subject in self.mails)

    def acknowledged(self) -> Counter[str]:
        """How often each author was answered. Those of the mailbox are not: its server says that they are months old."""
        return Counter(one.recipients[0] for one in self.sink.mails if one.recipients[0].endswith("@customer.example"))

    def arrive(self, *but: str) -> None:
        """Wait until each mail has become a ticket, and staff and author have heard of it; `but`: those that cannot yet."""
        subjects = self.mails.keys() - set(but)
        authors = {address(subject) for subject in subjects if self.mails[subject][0] != "imap"}

        def missing() -> set[str]:
            return (subjects - self.told().keys()) | (authors - self.acknowledged().keys())

        try:
            wait_until(lambda: not missing(), what="every mail's ticket and answer")
        except AssertionError as error:
            raise AssertionError(f"{error}: {missing()}\n{self.house.log.read_text()[-4000:]}") from None

    def well(self) -> None:
        """The trouble is over: everything is there once, answered once, and nothing is held against any mail."""
        self.retry()
        self.arrive()
        status = self.house.quiet()
        assert status["spool"]["parked"] == 0
        assert {name: status["outbox"][name] for name in ("failed", "unknown")} == {"failed": 0, "unknown": 0}
        subjects = Counter(line["ticket"]["subject"] for line in self.house.json("ticket", "list", "--all"))
        assert subjects == Counter(self.mails.keys())
        assert self.told() == Counter(self.mails.keys())
        assert self.acknowledged() == Counter(
            address(subject) for subject, (door, _) in self.mails.items() if door != "imap"
        )
        log = self.house.log.read_text()
        assert "event=parked" not in log
        assert "event=struck" not in log
        assert list((self.house.spool / "tmp").iterdir()) == []


def address(subject: str) -> str:
    """Each mail's author is its own: the acknowledgement tells which mail it is for."""
    return "".join(char if char.isalnum() else "-" for char in subject) + "@customer.example"


def said(client: smtplib.SMTP, raw: bytes) -> int:
    """One mail; the code that ended it."""
    client.ehlo()
    for code, _ in (client.mail("anna@customer.example"), client.rcpt(SUPPORT)):
        if code != 250:
            return code
    return client.data(raw)[0]


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """As when its disk is not mounted for a while."""
    elsewhere = folder.with_name(f"{folder.name}.away")
    folder.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(folder)


@contextmanager
def street(
    folder: Path, store_url: str, sink: Sink, *, extra: str = "", log: Path | None = None, reserve_mb: int = 1
) -> Iterator[Street]:
    """A daemon in `folder` that runs; a mailbox beside it that is asked every second."""
    lmtp = folder / "lmtp.sock"
    with FakeImap() as imap:
        box = (
            f'[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {imap.port}\nuser = "u"\npassword = "p"\n'
            'security = "none"\nbackfill = "all"\npoll_seconds = 1\nidle = false\n'
        )
        house = House(folder, store_url, sink, lmtp=f"unix:{lmtp}", extra=extra + box)
        house.log = log or house.log
        house.config.write_text(house.config.read_text().replace("reserve_mb = 1\n", f"reserve_mb = {reserve_mb}\n"))
        with house:
            yield Street(house, sink, imap, lmtp)
