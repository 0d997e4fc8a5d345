"""Our own SPF record, read as a receiver reads it (RFC 7208): what is wrong with it, and whether it lets an address of ours send.

Unlike a receiver it goes on after the term that matches, so that every fault and every look-up is seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network

from helpdeskd.resolver import Resolver

MOST_LOOKUPS = 10  # section 4.6.4
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_TERM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^/\s]*(?:/[^\s]*)?)|(/\S*))?", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(\S*)", re.IGNORECASE)
_CIDR = re.compile(r"([^/]*)(?:/(\d{1,2}))?(?://(\d{1,3}))?")

Ip = IPv4Address | IPv6Address


@dataclass(slots=True)
class Reading:
    """What one record, with those it includes, came to."""

    lookups: int = 0
    faults: list[str] = field(default_factory=list)
    unclear: bool = False  # it depends on the mail (macros, ptr)


def records(resolver: Resolver, domain: str) -> list[str]:
    """The SPF records of a domain: one, or something is wrong. Raises DnsTrouble."""
    found = [record.decode("ascii", "replace") for record in resolver.txt(domain)]
    return [record for record in found if record.lower() == "v=spf1" or record.lower().startswith("v=spf1 ")]


def evaluate(resolver: Resolver, domain: str, record: str, address: Ip | None, reading: Reading) -> str:
    """pass, fail, softfail, neutral, or permerror (see `reading.faults`) for mail from this address; None: of no address at all,
    which `all` alone matches. Raises DnsTrouble."""
    result, redirect, ends = "", "", False
    for term in record.split()[1:]:
        modifier = _MODIFIER.fullmatch(term)
        if modifier:
            if modifier[1].lower() == "redirect":
                redirect = modifier[2]
            continue
        match = _TERM.fullmatch(term)
        if match is None:
            reading.faults.append(f"{term} in the record of {domain} is no term of SPF")
            continue
        kind, value = match[2].lower(), match[3] or match[4] or ""
        ends = ends or kind == "all"
        if _matches(resolver, domain, kind, value, address, reading) and not result:
            result = _RESULTS[match[1] or "+"]
    if redirect and not ends:
        reading.lookups += 1
        followed = _follow(resolver, redirect, domain, address, reading)
        result = result or followed
    return "permerror" if reading.faults else result or "neutral"


def _matches(resolver: Resolver, domain: str, kind: str, value: str, address: Ip | None, reading: Reading) -> bool:
    if kind == "all":
        return True
    if kind in {"ip4", "ip6"}:
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            network = None
        if network is None or network.version != int(kind[2]):
            reading.faults.append(f"{kind}:{value} in the record of {domain} is no network")
            return False
        return address is not None and address in network
    reading.lookups += 1
    if "%" in value or kind == "ptr":
        reading.unclear = True
        return False
    if kind == "exists":
        return bool(resolver.a(value))
    if kind == "include":
        return _follow(resolver, value, domain, address, reading) == "pass"
    cidr = _CIDR.fullmatch(value)
    if cidr is None or int(cidr[2] or 32) > 32 or int(cidr[3] or 128) > 128:
        reading.faults.append(f"{kind}:{value} in the record of {domain} is no host")
        return False
    if address is None:
        return False
    host = cidr[1] or domain
    length = (cidr[2] or "32") if address.version == 4 else (cidr[3] or "128")
    hosts = [host] if kind == "a" else [name for _, name in resolver.mx(host) if name]
    ask = resolver.a if address.version == 4 else resolver.aaaa
    return any(address in ip_network(f"{found}/{length}", strict=False) for name in hosts for found in ask(name))


def _follow(resolver: Resolver, name: str, domain: str, address: Ip | None, reading: Reading) -> str:
    """Of include and redirect: the result of another domain's record."""
    if "%" in name:
        reading.unclear = True
        return ""
    if reading.lookups > MOST_LOOKUPS:  # whoever asked tells it; and a circle ends here
        return ""
    found = records(resolver, name)
    if len(found) != 1:
        reading.faults.append(f"{name}, which the record of {domain} refers to, has {len(found) or 'no'} SPF records")
        return ""
    return evaluate(resolver, name, found[0], address, reading)
