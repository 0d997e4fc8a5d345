"""Is a mail wanted? Those whom [spam] names are asked side by side, beside the verdict and the parser; whoever does not answer in
time is noted, and the mail goes on without it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import monotonic

from helpdeskd import log, spool
from helpdeskd.config import Config
from helpdeskd.errors import DnsTrouble
from helpdeskd.intake import clamd, rspamd
from helpdeskd.intake.exchange import Unreachable
from helpdeskd.log import Event
from helpdeskd.lookups import Dns
from helpdeskd.mail import spamsigns
from helpdeskd.model.mail import Door
from helpdeskd.model.spam import UNASKED, By, Judgement, Sign, Spam
from helpdeskd.threads import tell_name

MAX_THREADS = 32  # for each of those who are asked
GRACE = 3.0  # seconds beyond the deadline of whoever is asked: a ping, a thread that is to be had
PING_SECONDS = 1.0
# A scanner that is busy answers no ping either, and is asked all the same: else whoever keeps it busy has all other mails pass unseen.
# One that answers nobody for so long, or takes no connection, rests: of each so many seconds a ping is sent once, and the first that is
# answered ends it.
GONE_SECONDS = 60.0
REST_SECONDS = 2.0
LIST_REST_SECONDS = 30.0  # the same for a list, which other servers of DNS answer for

# What settings call a door at which mail has come past a server of ours.
_NAMES = {Door.SMTP.value: "relays", Door.LMTP.value: "lmtp", Door.PIPE.value: "pipe", Door.IMAP.value: "mailboxes"}

_log = log.get("intake")

Ask = Callable[["Mail", float], tuple[Sign, ...]]


@dataclass(frozen=True, slots=True)
class Mail:
    raw: bytes
    files: Sequence[bytes]
    about: rspamd.About


@dataclass(frozen=True, slots=True)
class Scanning:
    """Signs under way, and those that were there at once."""

    spool_id: str = ""
    signs: tuple[Sign, ...] = ()
    asked: tuple[tuple[By, Future[tuple[Sign, ...]]], ...] = ()
    until: float = 0.0
    dnsbl_needed: int = 0

    def result(self) -> Judgement:
        """Waits until the deadline. Never raises."""
        if not (self.signs or self.asked):
            return UNASKED
        signs = list(self.signs)
        for by, future in self.asked:
            try:
                signs += future.result(max(0.0, self.until - monotonic()))
            except (TimeoutError, CancelledError):
                future.cancel()  # of use where no thread has taken it up
                signs.append(Sign(by, None, "no answer in time"))
            except Exception as error:  # no sign is a reason to lose a mail
                _log.error(Event.TROUBLE, spool=self.spool_id, part="scan", error=repr(error), exc_info=error)
                signs.append(Sign(by, None, "a fault of ours: the log tells"))
        return spamsigns.judge(signs, dnsbl_needed=self.dnsbl_needed)


_NOTHING = Scanning()


class Scanner:
    """One for an intake. `dns` None: no list of addresses is asked."""

    def __init__(self, config: Config, dns: Dns | None) -> None:
        self._config = config
        self._spam = spam = config.spam
        self._dns = dns
        self._asks: dict[By, Ask] = {}
        self._pings: dict[By, Callable[[float], None]] = {}
        if spam.dnsbl and dns is not None:
            self._asks[By.DNSBL] = partial(self._lists, dns)
        if spam.rspamd:
            self._asks[By.RSPAMD] = lambda mail, until: (rspamd.check(spam.rspamd, mail.raw, mail.about, until),)
            self._pings[By.RSPAMD] = partial(rspamd.ping, spam.rspamd)
        if spam.clamd:
            self._asks[By.CLAMD] = lambda mail, until: (clamd.scan(spam.clamd, mail.raw, mail.files, until),)
            self._pings[By.CLAMD] = partial(clamd.ping, spam.clamd)
        threads = min(config.intake.batch, MAX_THREADS) * len(self._asks)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scan", initializer=tell_name) if threads else None
        self._rests: dict[
            By | str, float
        ] = {}  # who is not asked, and until when: a list asked again, a scanner pinged first
        self._unheard: dict[By, float] = {}  # since when nobody has had an answer of it
        self._troubled: set[By] = set()  # who did not answer the last time
        self._lock = threading.Lock()

    @property
    def wants_files(self) -> bool:
        """Else the bytes of a mail's files need not be kept for it."""
        return By.CLAMD in self._asks

    def begin(self, envelope: spool.Envelope, client: str, raw: bytes, files: Sequence[bytes] = ()) -> Scanning:
        """`client`: the address of whoever connected to us from outside; empty for relays of our own, and where it is not known."""
        if not (self._asks or self._spam.headers_from):
            return _NOTHING
        signs = spamsigns.in_headers(raw) if self._believes_headers(envelope, client) else ()
        mail = Mail(raw, files, _about(envelope, client))
        asked: list[tuple[By, Future[tuple[Sign, ...]]]] = []
        for by in self._asks:
            if by is By.DNSBL and not client:
                continue
            assert self._pool is not None
            try:
                asked.append((by, self._pool.submit(self._asked, by, mail)))
            except RuntimeError as error:  # the system gives us no thread, or we are being shut down
                signs = (*signs, Sign(by, None, str(error)))
        until = monotonic() + self._spam.seconds + GRACE
        return Scanning(envelope.id, signs, tuple(asked), until, self._spam.dnsbl_needed)

    def close(self) -> None:
        """What runs still ends by its own deadline."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _believes_headers(self, envelope: spool.Envelope, client: str) -> bool:
        """Only where the mail has come past a server of ours, which could have written them."""
        return not client and not envelope.auth and _NAMES.get(envelope.door) in self._spam.headers_from

    def _asked(self, by: By, mail: Mail) -> tuple[Sign, ...]:
        if self._still_rests(by):
            return (Sign(by, None, "not asked: it did not answer a moment ago"),)
        begun = monotonic()
        try:
            signs = self._asks[by](mail, begun + self._spam.seconds)
            self._unheard.pop(by, None)
        except OSError as error:
            late = isinstance(error, TimeoutError)
            if not late:
                self._unheard.pop(by, None)
            elif self._is_gone(by, begun, error):
                self._rests[by] = monotonic() + REST_SECONDS
            words = (
                "no answer in time" if late else spamsigns.plain(error.strerror or str(error)) or type(error).__name__
            )
            signs = (Sign(by, None, words),)
        self._tell(by, mail, next((sign.words for sign in signs if sign.says is None), ""))
        return signs

    def _is_gone(self, by: By, begun: float, error: OSError) -> bool:
        """It did not answer in time: was it this mail that took long, or is it gone?"""
        if by not in self._pings:
            return False
        unheard = self._unheard.setdefault(by, begun)
        return isinstance(error, Unreachable) or (monotonic() - unheard >= GONE_SECONDS and not self._lives(by))

    def _still_rests(self, by: By) -> bool:
        until = self._rests.get(by)
        if until is None:
            return False
        if until <= monotonic() and self._lives(by):
            self._rests.pop(by, None)
            return False
        if until <= monotonic():
            self._rests[by] = monotonic() + REST_SECONDS
        return True

    def _lives(self, by: By) -> bool:
        try:
            self._pings[by](monotonic() + PING_SECONDS)
        except OSError:
            return False
        self._unheard.pop(by, None)
        return True

    def _tell(self, by: By, mail: Mail, trouble: str) -> None:
        """Once when it begins to fail, once when it is over: not for each mail."""
        with self._lock:
            known = by in self._troubled
            if bool(trouble) == known:
                return
            (self._troubled.add if trouble else self._troubled.discard)(by)
        if trouble:
            _log.warning(
                Event.TROUBLE, part=by.value, spool=mail.about.spool_id, error=f"mails go on without it: {trouble}"
            )
        else:
            _log.info(Event.TROUBLE, part=by.value, spool=mail.about.spool_id, error="none any more: it answers again")

    def _lists(self, dns: Dns, mail: Mail, until: float) -> tuple[Sign, ...]:
        return tuple(self._list(dns, zone, mail.about.client, until) for zone in self._spam.dnsbl)

    def _list(self, dns: Dns, zone: str, client: str, until: float) -> Sign:
        name = spamsigns.listed_as(client, zone)
        if name is None:
            return Sign(By.DNSBL, None, f"{zone}: the client has no address")
        if self._rests.get(zone, 0.0) > monotonic():
            return Sign(By.DNSBL, None, f"{zone}: not asked: it did not answer a moment ago")
        try:
            ask = dns.until(until).a
            sign = spamsigns.of_list(client, zone, ask(name))
            if sign.says is Spam.SUSPECT and ask(spamsigns.NOBODY + zone):
                return Sign(By.DNSBL, None, f"{zone} lists 127.0.0.1, and so it may list everybody")
            return sign
        except DnsTrouble as error:
            if error.silent:
                self._rests[zone] = monotonic() + LIST_REST_SECONDS
            return Sign(By.DNSBL, None, f"{zone}: {spamsigns.plain(str(error))}")


def _about(envelope: spool.Envelope, client: str) -> rspamd.About:
    sender = envelope.sender if envelope.sender_known else None
    return rspamd.About(envelope.id, client, envelope.helo, sender, envelope.recipients)
