"""DNS, as whoever asks it sees it: a protocol that tests answer themselves, and the real thing for one who waits.
lookups.py is the real thing for mails; these two alone know dnspython.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Protocol

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

from helpdeskd.errors import DnsTrouble

_PORT = 53


class Resolver(Protocol):
    """Names without a last dot, in ASCII. No such name and no such record are an empty answer; raises DnsTrouble where it
    cannot be known now. Blocks: never called on the event loop."""

    def txt(self, name: str) -> tuple[bytes, ...]:
        """Each record, its strings joined."""

    def a(self, name: str) -> tuple[str, ...]: ...

    def aaaa(self, name: str) -> tuple[str, ...]: ...

    def mx(self, name: str) -> tuple[tuple[int, str], ...]:
        """(preference, exchange) each, the nearest first. A null MX (RFC 7505) is (0, "")."""

    def ptr(self, name: str) -> tuple[str, ...]:
        """`name` is in in-addr.arpa or ip6.arpa: see `reverse`."""


class Dns:
    """Asks `servers` (address or address:port; none: those of the system), and waits `seconds` for an answer at most. Any thread."""

    def __init__(self, *, servers: Sequence[str] = (), seconds: float = 5.0) -> None:
        self._servers = tuple(servers)
        self._seconds = seconds
        self._found: dns.resolver.Resolver | None = None

    def txt(self, name: str) -> tuple[bytes, ...]:
        return tuple(b"".join(record.strings) for record in self._ask(name, "TXT"))

    def a(self, name: str) -> tuple[str, ...]:
        return tuple(record.address for record in self._ask(name, "A"))

    def aaaa(self, name: str) -> tuple[str, ...]:
        return tuple(record.address for record in self._ask(name, "AAAA"))

    def mx(self, name: str) -> tuple[tuple[int, str], ...]:
        return tuple(sorted((record.preference, _host(record.exchange)) for record in self._ask(name, "MX")))

    def ptr(self, name: str) -> tuple[str, ...]:
        return tuple(_host(record.target) for record in self._ask(name, "PTR"))

    def _ask(self, name: str, kind: str) -> list[Any]:
        try:
            asked = dns.name.from_text(name)
        except (
            dns.exception.DNSException,
            UnicodeError,
        ):  # a label over 63 octets, an empty one: there is no such name
            return []
        try:
            # Without the search list of the machine: `example.com` is never `example.com.our-network.example`.
            answer = self._resolver().resolve(asked, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise DnsTrouble(f"DNS does not answer for {name} {kind}: {type(error).__name__}") from error
        return list(answer)

    def _resolver(self) -> dns.resolver.Resolver:
        """Made at first use: a machine without a resolv.conf is trouble of the one who asks, not of the start."""
        if self._found is None:
            made = dns.resolver.Resolver(configure=not self._servers)
            if self._servers:
                made.nameservers = []
                ports = {}
                for server in self._servers:
                    address, port = server_of(server)
                    made.nameservers = [*made.nameservers, address]
                    ports[address] = port
                made.nameserver_ports = ports
            made.lifetime = self._seconds
            made.timeout = min(made.timeout, self._seconds)
            self._found = made
        return self._found


def server_of(text: str) -> tuple[str, int]:
    """(address, port) of 192.0.2.53, 192.0.2.53:5353, 2001:db8::53 or [2001:db8::53]:5353. Raises ValueError."""
    address, port = text.strip(), str(_PORT)
    if address.startswith("["):
        address, _, rest = address[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
    elif address.count(":") == 1:
        address, _, port = address.partition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} has no port of DNS")
    return str(ip_address(address)), int(port)


def reverse(address: str) -> str:
    """The name that `ptr` wants for an IP address. Raises ValueError for what is none."""
    return dns.reversename.from_address(str(ip_address(address))).to_text(omit_final_dot=True)


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""
