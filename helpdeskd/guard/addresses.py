"""From where a key may be used, and who really asks behind proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from helpdeskd.errors import Refused

_WILD = re.compile(r"(\d{1,3})(\.\d{1,3}){0,2}(\.\*){1,3}", re.ASCII)

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address is in its last 32 bits

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


def block(address: str) -> str:
    """What counts as one address where failures and requests are counted, however it is spelled.

    Of IPv6 that is a /64, which is what one house has (RFC 6177): its addresses are as many as one likes.
    """
    found = _known(address.strip().strip("[]"))
    if found is None:
        return address.strip().casefold()[:64]
    if isinstance(found, IPv4Address):
        return str(found)
    if found in _NAT64:
        return str(IPv4Address(int(found) & 0xFFFFFFFF))
    return str(IPv6Network((int(found) >> 64 << 64, 64)))


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
