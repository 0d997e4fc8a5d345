"""DNS for those who verify mails: answers are kept for their time to live, and a server that is silent is left alone for a while.

resolver.py asks once and plainly, for a person who waits; this is for mails. One `Dns` for a process, any thread; `until` gives what one mail may ask.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, NamedTuple

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from helpdeskd.errors import DnsTrouble

MAX_KEPT = 10_000  # answers
MAX_BYTES = 16 << 20  # of their texts
MIN_TTL, MAX_TTL = 5.0, 3600.0  # seconds
NOTHING_TTL = 300.0  # how long "there is no such thing" is believed
TROUBLE_TTL = 30.0  # how long an error is believed
TRY_SECONDS = 2.0  # for one server
ASK_SECONDS = 5.0  # for one question
SILENT_TTL = 120.0  # how long a domain whose servers are silent is not asked again
# So many questions in a row that nobody answered, and the root silent, too: then nothing is asked for REST_SECONDS.
SILENCE = 3
REST_SECONDS = 60.0

Ask = Callable[
    [str, str, float], tuple[tuple[Any, ...], float]
]  # (name, type, seconds) -> (answers, seconds they hold)


class _Kept(NamedTuple):
    answers: tuple[Any, ...]
    trouble: str
    until: float
    size: int


class Dns:
    """`ask` is the network; `clock` counts seconds; `zone` says whose servers answer for a name."""

    def __init__(self, ask: Ask, zone: Callable[[str], str], clock: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._zone = zone
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._bytes = 0
        self._silent: OrderedDict[str, float] = (
            OrderedDict()
        )  # zones that did not answer, and until when nobody asks them
        self._in_a_row = 0  # questions that nobody answered
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def until(self, deadline: float) -> Until:
        """What asks until then, by the clock given."""
        return Until(self, deadline)

    def look_up(self, name: str, kind: str, deadline: float) -> tuple[Any, ...]:
        """The answers, none where there are none. Raises DnsTrouble."""
        key = (name.lower().rstrip("."), kind)
        zone = self._zone(key[0])
        now = self._clock()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.until > now:
                self._kept.move_to_end(key)
                if kept.trouble:
                    raise DnsTrouble(kept.trouble)
                return kept.answers
            if max(self._rests_until, self._silent.get(zone, 0.0)) > now:
                raise DnsTrouble(f"{kind} of {name}: nobody answered a moment ago")
            rested = self._rests_until > 0
            if rested:  # this one tries again; whoever comes meanwhile does not wait for it
                self._rests_until = now + REST_SECONDS
        seconds = min(ASK_SECONDS, deadline - now)
        if seconds <= 0:
            raise DnsTrouble("no time is left to ask DNS")
        if rested and self._root_is_silent():
            raise DnsTrouble("DNS is silent still")
        try:
            answers, ttl = self._ask(*key, seconds)
        except DnsTrouble as error:
            if error.silent:
                self._was_silent(zone, seconds)
            else:
                self._in_a_row = 0
                self._keep(key, (), str(error), TROUBLE_TTL)
            raise
        self._in_a_row = 0
        self._keep(key, answers, "", min(max(ttl, MIN_TTL), MAX_TTL))
        return answers

    def _was_silent(self, zone: str, seconds: float) -> None:
        """One silent domain is left alone; where several are in a row and the root is, too, it is our own server. Else anybody
        with silent domains could have us ask nothing at all."""
        with self._lock:
            if seconds >= TRY_SECONDS:  # where little time was left, the next mail may ask with more
                self._silent[zone] = self._clock() + SILENT_TTL
                self._silent.move_to_end(zone)
                if len(self._silent) > MAX_KEPT:
                    self._silent.popitem(last=False)
            self._in_a_row += 1
            suspect = self._in_a_row >= SILENCE
        if suspect:
            self._root_is_silent()

    def _root_is_silent(self) -> bool:
        """Everybody's DNS server knows the root's. If ours does not answer even that, nothing is asked for a while."""
        silent = False
        try:
            self._ask("", "NS", TRY_SECONDS)
        except DnsTrouble as error:
            silent = error.silent
        self._in_a_row = 0
        self._rests_until = self._clock() + REST_SECONDS if silent else 0.0
        return silent

    def _keep(self, key: tuple[str, str], answers: tuple[Any, ...], trouble: str, ttl: float) -> None:
        size = sum(len(answer) for answer in answers) + len(key[0]) + 100
        with self._lock:
            if (before := self._kept.pop(key, None)) is not None:
                self._bytes -= before.size
            self._kept[key] = _Kept(answers, trouble, self._clock() + ttl, size)
            self._bytes += size
            while len(self._kept) > MAX_KEPT or self._bytes > MAX_BYTES:
                self._bytes -= self._kept.popitem(last=False)[1].size


class Until:
    """A resolver as mail.verify asks for it, until a moment."""

    def __init__(self, dns: Dns, deadline: float) -> None:
        self._dns = dns
        self._deadline = deadline

    def txt(self, name: str) -> tuple[bytes, ...]:
        return self._dns.look_up(name, "TXT", self._deadline)

    def a(self, name: str) -> tuple[str, ...]:
        return self._dns.look_up(name, "A", self._deadline)

    def aaaa(self, name: str) -> tuple[str, ...]:
        return self._dns.look_up(name, "AAAA", self._deadline)

    def mx(self, name: str) -> tuple[tuple[int, str], ...]:
        return self._dns.look_up(name, "MX", self._deadline)

    def ptr(self, name: str) -> tuple[str, ...]:
        return self._dns.look_up(name, "PTR", self._deadline)


def network(servers: Sequence[tuple[str, int]] = ()) -> Ask:
    """Asks these servers (address, port), or those of the system (resolv.conf), over UDP, and TCP for what is too long."""
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        resolver = dns.resolver.Resolver(configure=False)  # a machine without DNS: every question is trouble
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in servers]
    resolver.timeout = TRY_SECONDS
    resolver.cache = None
    resolver.search = []

    def ask(name: str, kind: str, seconds: float) -> tuple[tuple[Any, ...], float]:
        try:
            found = resolver.resolve(dns.name.from_text(name), kind, lifetime=seconds, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return (), NOTHING_TTL
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, UnicodeError):
            return (), NOTHING_TTL  # there can be no such name
        except (dns.exception.DNSException, OSError) as error:
            silent = isinstance(error, dns.exception.Timeout | OSError)
            raise DnsTrouble(f"{kind} of {name}: {type(error).__name__}", silent=silent) from error
        records = found.rrset or ()
        return tuple(_READ[kind](record) for record in records), float(found.rrset.ttl if found.rrset else NOTHING_TTL)

    return ask


_READ: dict[str, Callable[[Any], Any]] = {
    "TXT": lambda record: b"".join(record.strings),
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": lambda record: (record.preference, record.exchange.to_text(omit_final_dot=True)),
    "NS": lambda record: record.target.to_text(omit_final_dot=True),
    "PTR": lambda record: record.target.to_text(omit_final_dot=True),
}
