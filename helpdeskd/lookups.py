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
# Of an organisation with so many silent domains the others below it get only that many seconds to answer: what is there answers.
SILENT_DOMAINS, SHORT_SECONDS = 3, 1.0
LEAST_SECONDS = 1.0  # with less time left nothing is asked: silence would say nothing
# A question that nobody answered, and the root silent, too: then nothing is asked for this long.
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
    """`ask` is the network; `clock` counts seconds; `zone` gives the organisation of a name."""

    def __init__(self, ask: Ask, zone: Callable[[str], str], clock: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._zone = zone
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._bytes = 0
        self._silent: OrderedDict[str, float] = (
            OrderedDict()
        )  # zones that did not answer, and until when nobody asks them
        self._short: dict[
            str, tuple[int, float]
        ] = {}  # silent domains of organisations, and until when they are counted
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def until(self, deadline: float) -> Until:
        """What asks until then, by the clock given."""
        return Until(self, deadline)

    def look_up(self, name: str, kind: str, deadline: float) -> tuple[Any, ...]:
        """The answers, none where there are none. Raises DnsTrouble."""
        key = (name.lower().rstrip("."), kind)
        host = host_of(key[0])
        zone = self._zone(host)
        now = self._clock()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.until > now:
                self._kept.move_to_end(key)
                if kept.trouble:
                    raise DnsTrouble(kept.trouble)
                return kept.answers
            if self._rests_until > now:
                raise DnsTrouble(f"{kind} of {name}: nobody answered a moment ago", ours=True)
            if max(self._silent.get(zone, 0.0), self._silent.get(host, 0.0)) > now:
                raise DnsTrouble(f"{kind} of {name}: its servers did not answer a moment ago")
            count, counted = self._short.get(zone, (0, 0.0))
            rested = self._rests_until > 0
            if rested:  # this one tries again; whoever comes meanwhile does not wait for it
                self._rests_until = now + REST_SECONDS
        seconds = min(ASK_SECONDS, deadline - now)
        if seconds < LEAST_SECONDS:
            raise DnsTrouble("no time is left to ask DNS", late=True)
        if host != zone and count >= SILENT_DOMAINS and counted > now:
            seconds = SHORT_SECONDS
        if rested and self._root_is_silent():
            raise DnsTrouble("DNS is silent still", ours=True)
        try:
            answers, ttl = self._ask(*key, seconds)
        except DnsTrouble as error:
            if not error.silent:
                self._keep(key, (), str(error), TROUBLE_TTL)
            elif self._root_is_silent():
                raise DnsTrouble(f"{error}: our DNS server is silent", silent=True, ours=True) from error
            else:
                self._was_silent(host, zone)
            raise
        self._keep(key, answers, "", min(max(ttl, MIN_TTL), MAX_TTL))
        return answers

    def _was_silent(self, host: str, zone: str) -> None:
        """That domain is left alone; and where it is the organisation's own, all below it. The silence of a domain below says nothing
        about the others: else anybody could have us ask nothing of an organisation that has a single dead one."""
        with self._lock:
            now = self._clock()
            self._silent[host] = now + SILENT_TTL
            self._silent.move_to_end(host)
            if len(self._silent) > MAX_KEPT:
                self._silent.popitem(last=False)
            count, counted = self._short.pop(zone, (0, 0.0))
            self._short[zone] = (count + 1 if counted > now else 1, now + SILENT_TTL)
            if len(self._short) > MAX_KEPT:
                del self._short[next(iter(self._short))]

    def _root_is_silent(self) -> bool:
        """Everybody's DNS server knows the root's. If ours does not answer even that, nothing is asked for a while."""
        silent = False
        try:
            self._ask("", "NS", TRY_SECONDS)
        except DnsTrouble as error:
            silent = error.silent
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


def host_of(name: str) -> str:
    """What is left alone where a name is silent: for _dmarc.example.com that is example.com. Other names may stand at servers of their
    own (a key at a mailer's, a name that a macro makes), and say nothing about the domain above."""
    return name.removeprefix("_dmarc.")


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
