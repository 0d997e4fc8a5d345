"""The whole street on trial, door to sent answer: one daemon, a relay, a peer that behaves as such peers do, and a play of two mails."""

from __future__ import annotations

import imaplib
import itertools
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from helpdeskd import spool, tray
from tests.crash import ledger, strace
from tests.crash.ledger import Findings, Look, Mail
from tests.live.fakeimap import FakeImap, Talk
from tests.live.house import ROOT, STAFF, SUPPORT, House, mail, parsed, reply, reply_address
from tests.live.machine import wait_until
from tests.sink import Sink, threaded

DOORS = ("smtp", "lmtp", "pipe", "imap")
PATIENCE = 90.0  # seconds; only what is lost takes so long
Wrap = Callable[[list[str]], list[str]]
AS_IT_IS: Wrap = list


class StaysDead(Exception):
    """What a crash left cannot be started."""


class Peer(Protocol):
    """Who brings us mail by one door, and keeps each until he is told that we have it."""

    settings: str  # the daemon's, for this door

    def offer(self, house: House, mail: Mail, wrap: Wrap) -> bool: ...
    def satisfied(self) -> bool: ...


class Client:
    """SMTP or LMTP: no 250, no delivery. The same mail again, later."""

    settings = ""

    def __init__(self, connect: Callable[[House], smtplib.SMTP]) -> None:
        self._connect = connect

    def offer(self, house: House, mail: Mail, wrap: Wrap) -> bool:
        told = False
        try:
            with self._connect(house) as client:
                client.sendmail(mail.sender, [mail.recipient], mail.raw)
                told = True
        except (OSError, smtplib.SMTPException):
            pass  # what breaks after the 250 is no matter
        return told

    def satisfied(self) -> bool:
        return True


class Mta:
    """A pipe of an MTA: whatever is not exit 0 (a death by a signal, too) is tried again."""

    settings = ""

    def offer(self, house: House, mail: Mail, wrap: Wrap) -> bool:
        words = [sys.executable, "-I", "pipe.py", "--spool", str(house.spool), "--sender", mail.sender, mail.recipient]
        return subprocess.run(wrap(words), input=mail.raw, cwd=ROOT, capture_output=True).returncode == 0

    def satisfied(self) -> bool:
        return True


class Mailbox:
    """An IMAP server: it has the mail in any case, keeps the flags, and tells an idling client."""

    def __init__(self, server: FakeImap) -> None:
        self.server = server
        self.server.on_idle = self._tell
        self.server.internaldate = imaplib.Time2Internaldate(time.time()).strip('"')  # mail of today is answered
        self.settings = (
            f'[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {self.server.port}\nuser = "u"\npassword = "p"\n'
            'security = "none"\nbackfill = "all"\npoll_seconds = 2\n'
        )

    def _tell(self, talk: Talk) -> None:
        talk.say("+ idling")
        with self.server.arrived:
            known = self.server.uidnext
            if all("\\Seen" in flags for flags in self.server.flags.values()):
                self.server.arrived.wait_for(lambda: self.server.uidnext > known, 2)
        talk.say(f"* {len(self.server.mails)} EXISTS")

    def offer(self, house: House, mail: Mail, wrap: Wrap) -> bool:
        self.server.add(mail.raw)
        return True

    def satisfied(self) -> bool:
        return all("\\Seen" in flags for flags in dict(self.server.flags).values())


def peer(door: str, ends: ExitStack) -> Peer:
    match door:
        case "smtp":
            return Client(lambda house: smtplib.SMTP("127.0.0.1", house.port, timeout=60))
        case "lmtp":
            return Client(lambda house: smtplib.LMTP(str(house.folder / "lmtp.sock")))
        case "pipe":
            return Mta()
        case _:
            return Mailbox(ends.enter_context(FakeImap()))


class Street:
    """One installation. Points are tried in it one after the other: the daemon that a crash brought back is the next one's victim."""

    def __init__(self, folder: Path, door: str, store_url: str, sink: Sink, peer: Peer) -> None:
        self.sink, self.peer = sink, peer
        # Two lines to the relay, so that two answers leave at once. What comes first belongs to [outgoing].
        settings = f"connections = 2\n{peer.settings}"
        lmtp = f"unix:{folder / 'lmtp.sock'}" if door == "lmtp" else ""
        self.house = House(folder, store_url, sink, extra=settings, lmtp=lmtp)
        self.look = Look(store_url)
        self.trace = folder / "trace"
        self.mails: list[Mail] = []
        self._numbers = itertools.count(1)

    def open(self) -> None:
        """The first ticket, which Ada will answer again and again."""
        self.house.init()
        self.house.start()
        first = self.from_customer()
        self.through(first)
        self._customer = first.sender
        ((mail_id,),) = self.look("SELECT mail_id FROM outbox WHERE notice = 'new_ticket'")
        (self._notice,) = (parsed(each.data) for each in self.sink.to(STAFF) if mail_id.encode() in each.data)

    def close(self) -> None:
        """The daemon is killed: what stopping in order does is another test's matter."""
        if self.house.process is not None:
            self.house.process.kill()
            self.house.process.wait()

    # The play

    def from_customer(self, files: int = 1) -> Mail:
        """A customer of his own each time: no ceiling of automatic mail is met."""
        sender = f"grace@customer{next(self._numbers)}.example"
        message = parsed(mail(sender, SUPPORT, "The printer is on fire", "What now?"))
        for number in range(files):
            message.add_attachment(f"{sender} {number}".encode(), "application", "octet-stream")
        return ledger.of_customer(sender, SUPPORT, message.as_bytes())

    def from_staff(self) -> Mail:
        """Ada answers the notice of the first ticket, once more."""
        raw = reply(STAFF, self._notice, f"Pull plug number {next(self._numbers)}.")
        return ledger.of_staff(reply_address(self._notice), raw, self._customer)

    def play(self, wrap: Wrap) -> None:
        self.through(self.from_customer(), wrap)
        self.through(self.from_staff())

    def warm(self) -> None:
        """A bystander's mail, until the pools have their threads: strace is attached to threads that are there."""
        for _ in range(3):
            there = list(strace.roles(self.pid).values())
            if there.count("blobs") >= 2 and there.count("render") >= 2:
                return
            bystander = self.from_customer(files=6)
            bystander.offers = 1
            self.mails.append(bystander)
            envelope = spool.Envelope(door="pipe", sender=bystander.sender, recipients=(bystander.recipient,))
            spool.put(str(self.house.spool), envelope, [bystander.raw])
            spool.ring(str(self.house.spool))
            self.settle()

    def through(self, mail: Mail, wrap: Wrap = AS_IT_IS) -> None:
        """The peer brings the mail until he is told yes; then everything comes to rest. The daemon is brought back when it dies."""
        self.mails.append(mail)
        end = time.monotonic() + PATIENCE
        told = False
        while not told and time.monotonic() < end:
            mail.offers += 1
            told = self.peer.offer(self.house, mail, wrap)
            wrap = AS_IT_IS  # strace had its chance
            if not told:
                self.revive()
        self.settle()

    def settle(self) -> None:
        """Until nothing is on its way, or until patience is over: the ledger will tell what is missing."""
        ours = {mail.mail_id for mail in self.mails}

        def at_rest() -> bool:
            if self.revive() or tray.scan(str(self.house.spool)) or not self.peer.satisfied():
                return False
            return ours <= self.look.arrived() and not self.look.waiting()

        with suppress(AssertionError):
            wait_until(at_rest, PATIENCE)

    def revive(self) -> bool:
        """Start the daemon again if it is dead. Raises StaysDead."""
        assert self.house.process is not None
        if self.house.process.poll() is None:
            return False
        try:
            self.house.start()
        except (AssertionError, TimeoutError) as error:
            raise StaysDead(f"the daemon does not start again: {error}") from error
        return True

    # What it came to

    @property
    def pid(self) -> int:
        assert self.house.process is not None
        return self.house.process.pid

    def findings(self, since: int) -> Findings:
        found = ledger.compare(self.house, self.look, self.sink, self.mails, since)
        found.left += ledger.sweep(self.house, self.look)
        if not self.peer.satisfied():
            found.left.append("a mail in the mailbox is not marked as seen")
        return found


@contextmanager
def street(folder: Path, door: str, store_url: str) -> Iterator[Street]:
    """A running one."""
    with ExitStack() as ends:
        made = Street(folder, door, store_url, ends.enter_context(threaded(Sink())), peer(door, ends))
        ends.callback(made.close)
        made.open()
        yield made
