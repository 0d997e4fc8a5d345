"""Those who bring the mail, each as its kind does: it keeps a mail until it is told that we have it, and comes again until then.

smtp, lmtp   an MTA: several mails over a connection; what is not answered, or with 4xx, is sent again; 5xx is a bounce
pipe         an MTA's pipe: anything but exit 0 is tried again; it needs no daemon
imap         a server that has the mail in any case, and keeps the flags
staff        Ada, who answers the notices she gets, from her own mail program
"""

from __future__ import annotations

import queue
import smtplib
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from tests.crash.soak.letters import Letter
from tests.live.fakeimap import FakeImap, Talk
from tests.live.house import ROOT, STAFF, House, parsed, reply, reply_address
from tests.sink import Caught, Sink

LINES = {"smtp": 3, "lmtp": 2, "pipe": 1}  # connections at once
PER_CONNECTION = 10
LONGEST_WAIT = 1.0  # seconds between two tries; a real MTA waits for minutes
RETRIED = 75  # EX_TEMPFAIL, for pipe(8)
BROKEN = (OSError, smtplib.SMTPException)


class Tally(Sink):
    """The relay: it counts by Message-ID what it has taken, and keeps no more than the notices that Ada will answer."""

    def __init__(self) -> None:
        super().__init__()
        self.went: Counter[str] = Counter()
        self.notices: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def _keep(self, mail: Caught) -> None:
        message = parsed(mail.data)
        self.went[str(message["Message-ID"]).strip("<>")] += 1
        if STAFF in mail.recipients and "] New: " in str(message["Subject"]):
            self.notices.put(mail.data)


class Mailbox(FakeImap):
    """One that tells an idling client of what came, at once."""

    def __init__(self) -> None:
        super().__init__()
        self.internaldate = f"{datetime.now(UTC):%d-%b-%Y %H:%M:%S} +0000"  # old mail would get no answer
        self.on_idle = self._tell
        self.settings = (
            f'[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {self.port}\nuser = "u"\npassword = "p"\n'
            'security = "none"\nbackfill = "all"\npoll_seconds = 2\n'
        )

    def _tell(self, talk: Talk) -> None:
        talk.say("+ idling")
        with self.arrived:
            known = self.uidnext
            self.arrived.wait_for(lambda: self.uidnext > known, 2)
        talk.say(f"* {len(self.mails)} EXISTS")

    def unseen(self) -> int:
        return sum("\\Seen" not in flags for flags in list(self.flags.values()))


class Peers:
    """All of them at once, each in threads of its own. `told` is how many letters they need not care for any more."""

    def __init__(
        self, house: House, letters: Iterable[Letter], *, relay: Tally, mailbox: Mailbox, answers: int = 0
    ) -> None:
        self.house, self.relay, self.mailbox, self.answers = house, relay, mailbox, answers
        self.letters = list(letters)
        self.told = 0
        self.news = threading.Condition()
        self.over = threading.Event()
        self._todo = {door: queue.SimpleQueue[Letter]() for door in (*LINES, "imap")}
        for letter in self.letters:
            self._todo[letter.door].put(letter)
        by_line: dict[str, Callable[[], smtplib.SMTP]] = {
            "smtp": lambda: smtplib.SMTP("127.0.0.1", house.port, timeout=60),
            "lmtp": lambda: smtplib.LMTP(str(house.folder / "lmtp.sock"), timeout=60),
        }
        self.threads = [
            threading.Thread(target=self._by_line, args=(connect, self._todo[door]), name=f"{door}-{number}")
            for door, connect in by_line.items()
            for number in range(LINES[door])
        ]
        self.threads.append(threading.Thread(target=self._by_pipe, args=(self._todo["pipe"],), name="pipe"))
        self.threads.append(threading.Thread(target=self._by_imap, args=(self._todo["imap"],), name="imap"))
        self.threads.append(threading.Thread(target=self._ada, args=(by_line["smtp"],), name="staff"))

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        """They give up what is left, if anything is."""
        self.over.set()
        with self.news:
            self.news.notify_all()
        for thread in self.threads:
            thread.join(120)

    @property
    def done(self) -> bool:
        return not any(thread.is_alive() for thread in self.threads)

    def _settled(self) -> None:
        with self.news:
            self.told += 1
            self.news.notify_all()

    def _by_line(self, connect: Callable[[], smtplib.SMTP], todo: queue.SimpleQueue[Letter]) -> None:
        client: smtplib.SMTP | None = None
        for number, letter in enumerate(_all(todo), 1):
            client = self._bring(letter, connect, client)
            if client is not None and number % PER_CONNECTION == 0:
                _hang_up(client)
                client = None
        _hang_up(client)

    def _bring(
        self, letter: Letter, connect: Callable[[], smtplib.SMTP], client: smtplib.SMTP | None
    ) -> smtplib.SMTP | None:
        """Until it is told yes, for each recipient, or no for ever. Returns the connection, if there is one still."""
        left, tries = list(letter.recipients), 0
        while left and not letter.bounced and not self.over.is_set():
            letter.offers += 1
            try:
                client = client or connect()
                left = list(client.sendmail(letter.sender, left, letter.raw))
            except BROKEN as broken:
                letter.bounced = _bounce(broken)
                _hang_up(client)
                client = None
            if left and not letter.bounced:
                tries = self._wait(tries)
        if not self.over.is_set():
            self._settled()
        return client

    def _by_pipe(self, todo: queue.SimpleQueue[Letter]) -> None:
        for letter in _all(todo):
            words = [sys.executable, "-I", "pipe.py", "--spool", str(self.house.spool), "--sender", letter.sender]
            code, tries = RETRIED, 0
            while code == RETRIED and not self.over.is_set():
                letter.offers += 1
                done = subprocess.run([*words, *letter.recipients], input=letter.raw, cwd=ROOT, capture_output=True)
                code = done.returncode
                if code == RETRIED:
                    tries = self._wait(tries)
            letter.bounced = f"exit {code}" if code not in {0, RETRIED} else ""
            if code != RETRIED:
                self._settled()

    def _by_imap(self, todo: queue.SimpleQueue[Letter]) -> None:
        """In step with the others: so there is mail to fetch all the time."""
        mine = todo.qsize()
        others = max(1, len(self.letters) - mine)
        for number, letter in enumerate(_all(todo)):
            with self.news:
                due = (number * others) // mine  # of the others' letters
                self.news.wait_for(lambda due=due, n=number: self.over.is_set() or self.told - n >= due)  # type: ignore[misc]
            if self.over.is_set():
                return
            letter.offers += 1
            self.mailbox.add(letter.raw)
            self._settled()

    def _ada(self, connect: Callable[[], smtplib.SMTP]) -> None:
        for number in range(self.answers):
            notice = None
            while notice is None and not self.over.is_set():
                with suppress(queue.Empty):
                    notice = parsed(self.relay.notices.get(timeout=1))
            if notice is None:
                return
            raw = reply(STAFF, notice, f"Answer number {number}.")
            letter = Letter("staff", STAFF, (reply_address(notice),), raw)
            with self.news:
                self.letters.append(letter)
            _hang_up(self._bring(letter, connect, None))

    def _wait(self, tries: int) -> int:
        self.over.wait(min(0.05 * 2**tries, LONGEST_WAIT))
        return tries + 1


def _all(todo: queue.SimpleQueue[Letter]) -> Iterable[Letter]:
    with suppress(queue.Empty):
        while True:
            yield todo.get_nowait()


def _bounce(broken: Exception) -> str:
    """What makes an MTA give a mail up: 5xx, and nothing else."""
    answers = [(0, b"")]
    if isinstance(broken, smtplib.SMTPRecipientsRefused):
        answers = list(broken.recipients.values())
    elif isinstance(broken, smtplib.SMTPResponseException):
        answers = [(broken.smtp_code, b"%r" % broken.smtp_error)]
    return next((f"{code} {said!r}" for code, said in answers if code >= 500), "")


def _hang_up(client: smtplib.SMTP | None) -> None:
    if client is not None:
        with suppress(*BROKEN):
            client.quit()
        client.close()
