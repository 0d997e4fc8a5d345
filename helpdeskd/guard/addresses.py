"""From where a key may be used, and who really asks behind proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from helpdeskd.errors import Refused

_WILD = re.compile(r"(\d{1,3})(\.\d{1,3}){0,2}(\.\*){1,3}", re.ASCII)

Network = IPv4Network | IPv6Network


def parse(entry: str) -> Network:
    """An entry of an allow-list: an address, a network (10.0.0.0/8), or the first numbers of an IPv4 address (10.1.*.*).

    Raises Refused("bad-address-entry") naming it.
    """
    text = entry.strip()
    try:
        if _WILD.fullmatch(text) and text.count(".") == 3:
            fixed = text.split(".*", 1)[0].split(".")
            return ip_network(".".join([*fixed, *["0"] * (4 - len(fixed))]) + f"/{8 * len(fixed)}")
        return ip_network(text, strict=False)
    except ValueError as error:
        raise Refused(
            "bad-address-entry", f"{entry!r}: expected an address, a network such as 10.0.0.0/8, or 10.1.*.*"
        ) from error


@lru_cache(maxsize=1024)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(parse(each) for each in entries)


def _known(address: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address that came by an IPv6 socket counts as what it is (RFC 4291 section 2.5.5.2)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def allowed(address: str, entries: Iterable[str]) -> bool:
    """Is `address` in one of the entries? With none, every address is."""
    wanted = tuple(entries)
    if not wanted:
        return True
    found = _known(address)
    return found is not None and any(found in network for network in _networks(wanted))


def client(peer: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """Who asks: the last address of X-Forwarded-For that is no trusted proxy's, where the peer is one; else the peer.

    What stands before that address anybody may have written. A list that cannot be read counts as none.
    """
    if not trusted or not allowed(peer, trusted):
        return peer
    nearest = peer
    for text in reversed(forwarded.split(",")):
        found = _known(text.strip().strip("[]"))
        if found is None:
            break
        nearest = str(found)
        if not allowed(nearest, trusted):
            break
    return nearest
