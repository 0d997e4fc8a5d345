"""How our mail stands with other servers: what DNS says of the domains we send from, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

from helpdeskd.errors import DnsTrouble
from helpdeskd.outgoing import spf
from helpdeskd.resolver import Resolver, reverse

if TYPE_CHECKING:
    from helpdeskd.mail.sign import Key

T = TypeVar("T")

_POLICIES = ("none", "quarantine", "reject")
_PATIENCE = 2  # unanswered questions, while none was answered, until it is given up


class Subject(StrEnum):
    MX = "MX"  # answers reach us
    SPF = "SPF"  # RFC 7208
    DKIM = "DKIM"  # RFC 6376
    DMARC = "DMARC"  # RFC 7489
    PTR = "PTR"  # the address our mail leaves from has a name


class Mark(StrEnum):
    OK = "ok"
    NOTE = "note"  # works, and is worth knowing
    FIX = "fix"
    UNKNOWN = "unknown"  # DNS did not answer


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is what was asked for in DNS; `record` what is to be published, as a zone file has it."""

    subject: Subject
    name: str
    mark: Mark
    words: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of our departments; `keys` sign what is sent from it."""

    name: str
    sends: bool  # else it only receives
    keys: tuple[Key, ...] = ()


def look(domains: Iterable[Domain], addresses: Iterable[str], resolver: Resolver) -> list[Finding]:
    """Everything about these domains, and about the IP addresses their mail leaves from. Asks DNS, in turn: blocks."""
    patient, known = _Patient(resolver), tuple(addresses)
    found: list[Finding] = []
    for domain in domains:
        found += _guarded(Subject.MX, domain.name, partial(_mx, domain.name, patient))
        if not domain.sends:
            continue
        found += _guarded(Subject.SPF, domain.name, partial(_spf, domain.name, known, patient))
        found += _dkim(domain, patient)
        found += _guarded(Subject.DMARC, f"_dmarc.{domain.name}", partial(_dmarc, domain, patient))
    for address in known:
        found += _guarded(Subject.PTR, address, partial(_ptr, address, patient))
    return found


def _guarded(subject: Subject, name: str, ask: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(ask())
    except DnsTrouble as error:
        return [Finding(subject, name, Mark.UNKNOWN, str(error))]


def _mx(domain: str, resolver: Resolver) -> Iterator[Finding]:
    hosts = resolver.mx(domain)
    if any(not host for _, host in hosts):
        yield Finding(Subject.MX, domain, Mark.FIX, "says that it takes no mail (null MX): nobody can answer")
        return
    if not hosts:
        if resolver.a(domain) or resolver.aaaa(domain):
            yield Finding(Subject.MX, domain, Mark.NOTE, "no MX: answers go to the address of the domain itself")
        else:
            words = "no MX and no address: nobody can answer"
            yield Finding(Subject.MX, domain, Mark.FIX, words, f"{domain}. IN MX 10 mail.{domain}.")
        return
    lost = [host for _, host in hosts if not (resolver.a(host) or resolver.aaaa(host))]
    if lost:
        yield Finding(Subject.MX, domain, Mark.FIX, f"no address: {', '.join(lost)}")
    else:
        yield Finding(Subject.MX, domain, Mark.OK, ", ".join(host for _, host in hosts))


def _spf(domain: str, addresses: tuple[str, ...], resolver: Resolver) -> Iterator[Finding]:
    def finding(mark: Mark, words: str, record: str = "") -> Finding:
        return Finding(Subject.SPF, domain, mark, words, record)

    records = spf.records(resolver, domain)
    ours = "".join(f" ip{ip_address(each).version}:{each}" for each in addresses)
    if not records:
        words = (
            "no SPF record: name all servers that send for this domain, your relay too (its operator knows the term)"
        )
        yield finding(Mark.FIX, words, f'{domain}. IN TXT "v=spf1 mx{ours} -all"')
        return
    if len(records) > 1:
        yield finding(Mark.FIX, f"{len(records)} SPF records count as none: make one of them")
        return
    reading = spf.Reading()
    others = spf.evaluate(resolver, domain, records[0], None, reading)
    if reading.lookups > spf.MOST_LOOKUPS:
        yield finding(Mark.FIX, f"more than {spf.MOST_LOOKUPS} look-ups: the record counts as broken")
        return
    if reading.faults:
        yield from (finding(Mark.FIX, fault) for fault in reading.faults)
        return
    if others == "pass":
        yield finding(Mark.FIX, "lets everybody send in your name (+all)")
    elif others == "neutral":
        yield finding(Mark.NOTE, "does not say what to think of other servers: end it with -all or ~all")
    else:
        yield finding(Mark.OK, records[0])
    for address in addresses:
        reading = spf.Reading()
        result = spf.evaluate(resolver, domain, records[0], ip_address(address), reading)
        if result == "pass":
            yield finding(Mark.OK, f"lets {address} send")
        elif reading.unclear:
            yield finding(Mark.NOTE, f"whether {address} may send depends on the mail")
        else:
            term = f"ip{ip_address(address).version}:{address}"
            yield finding(Mark.FIX, f"does not let {address} send ({result}): add {term}")


def _dkim(domain: Domain, resolver: Resolver) -> Iterator[Finding]:
    if not domain.keys:
        words = "no key signs for it: helpdeskd dkim keygen makes one (or your relay signs)"
        yield Finding(Subject.DKIM, domain.name, Mark.NOTE, words)
    for key in domain.keys:
        yield from _guarded(Subject.DKIM, key.place, partial(_published, key, resolver))


def _published(key: Key, resolver: Resolver) -> Iterator[Finding]:
    def finding(mark: Mark, words: str) -> Finding:
        return Finding(Subject.DKIM, key.place, mark, words, key.zone if mark is Mark.FIX else "")

    records = [record.decode("ascii", "replace") for record in resolver.txt(key.place)]
    if not records:
        yield finding(Mark.FIX, "the key is not published: every signature fails")
        return
    if len(records) > 1:
        yield finding(Mark.FIX, f"{len(records)} records, of which a receiver takes any: leave one")
        return
    tags = _tags(records[0])
    value = "".join(tags.get("p", "").split())
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        yield finding(Mark.FIX, "what is published is no DKIM record")
    elif not value:
        yield finding(Mark.FIX, "the key is revoked (p= is empty): every signature fails")
    elif value != key.public or tags.get("k", "rsa").lower() != ("rsa" if key.rsa else "ed25519"):
        yield finding(Mark.FIX, "another key is published than the one that signs: every signature fails")
    elif not {"*", "email"} & _choices(tags.get("s", "*")):
        yield finding(Mark.FIX, "the record is not for mail (s=)")
    elif "sha256" not in _choices(tags.get("h", "sha256")):
        yield finding(Mark.FIX, "the record does not allow SHA-256 (h=)")
    elif "y" in _choices(tags.get("t", "")):
        yield finding(Mark.NOTE, "published as a test (t=y): receivers may take the mail as unsigned")
    else:
        yield finding(Mark.OK, "published, and it is the key that signs")


def _dmarc(domain: Domain, resolver: Resolver) -> Iterator[Finding]:
    at, records = domain.name, _policies(resolver, domain.name)
    while (
        not records and at.count(".") > 1
    ):  # RFC 7489 section 6.6.3: the organisation's, which is one of the domains above
        at = at.partition(".")[2]
        records = _policies(resolver, at)

    def finding(mark: Mark, words: str, record: str = "") -> Finding:
        return Finding(Subject.DMARC, f"_dmarc.{at}", mark, words, record)

    if not records:
        at = domain.name
        record = f'_dmarc.{at}. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@{at}"'
        yield finding(
            Mark.FIX, "no DMARC record: large providers refuse mail without one; begin with reports alone", record
        )
        return
    if len(records) > 1:
        yield finding(Mark.FIX, f"{len(records)} DMARC records count as none: leave one")
        return
    tags = _tags(records[0])
    below = at != domain.name
    policy = (tags.get("sp", tags.get("p", "")) if below else tags.get("p", "")).lower()
    strict = [key.place for key in domain.keys if key.domain != domain.name]
    if policy not in _POLICIES:
        yield finding(Mark.FIX, "no policy: p= is none, quarantine or reject")
    elif tags.get("adkim", "r").lower() == "s" and strict:
        words = f"wants signatures of {domain.name} itself (adkim=s), but {', '.join(strict)} signs: make a key for it"
        yield finding(Mark.FIX, words)
    elif policy == "none":
        words = "p=none: mail that others forge in your name is not refused; go on to quarantine when its reports look right"
        yield finding(Mark.NOTE, words)
    else:
        yield finding(Mark.OK, f"p={policy}")


def _policies(resolver: Resolver, domain: str) -> list[str]:
    found = [record.decode("ascii", "replace") for record in resolver.txt(f"_dmarc.{domain}")]
    return [record for record in found if record.replace(" ", "").startswith("v=DMARC1")]


def _ptr(address: str, resolver: Resolver) -> Iterator[Finding]:
    ip = ip_address(address)

    def finding(mark: Mark, words: str) -> Finding:
        return Finding(Subject.PTR, address, mark, words)

    if not ip.is_global:
        yield finding(Mark.NOTE, "is an address of your own network: others see another one")
        return
    names = resolver.ptr(reverse(address))
    if not names:
        yield finding(Mark.FIX, "has no name (PTR): many servers refuse such clients; who gave you the address sets it")
        return
    ask = resolver.a if ip.version == 4 else resolver.aaaa
    good = [name for name in names if any(ip_address(found) == ip for found in ask(name))]
    if good:
        yield finding(Mark.OK, good[0])
    else:
        yield finding(Mark.FIX, f"is called {', '.join(names)}, which does not lead back to it")


def _tags(record: str) -> dict[str, str]:
    """tag=value; tag=value (RFC 6376 section 3.2)."""
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _choices(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(":")}


class _Patient:
    """A resolver that is not asked for ever: where nothing at all is answered, the rest is not asked."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._troubles = 0
        self._answered = False

    def _ask(self, ask: Callable[[str], T], name: str) -> T:
        if self._troubles >= _PATIENCE and not self._answered:
            raise DnsTrouble("DNS does not answer here")
        try:
            found = ask(name)
        except DnsTrouble:
            self._troubles += 1
            raise
        self._answered = True
        return found

    def txt(self, name: str) -> tuple[bytes, ...]:
        return self._ask(self._resolver.txt, name)

    def a(self, name: str) -> tuple[str, ...]:
        return self._ask(self._resolver.a, name)

    def aaaa(self, name: str) -> tuple[str, ...]:
        return self._ask(self._resolver.aaaa, name)

    def mx(self, name: str) -> tuple[tuple[int, str], ...]:
        return self._ask(self._resolver.mx, name)

    def ptr(self, name: str) -> tuple[str, ...]:
        return self._ask(self._resolver.ptr, name)
