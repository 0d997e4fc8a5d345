"""What the client that brought a mail says of itself, beside what DNS says of its address: evidence for people, which decides nothing.

Many who are in order have no name, or another one than they greet by (RFC 5321 section 4.1.4 forbids to refuse them for it).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from helpdeskd.errors import DnsTrouble
from helpdeskd.mail import headers
from helpdeskd.mail.verify import names
from helpdeskd.model.trust import Check, Method
from helpdeskd.resolver import Resolver, reverse

MAX_NAMES = 3  # of an address that are asked for, of those its PTR has

_LITERAL = "[ipv6:"


def look(client: str, helo: str, hasty: str, resolver: Resolver | None) -> tuple[Check, ...]:
    """`hasty`: the commands whose answers it did not wait for. `resolver` None: DNS is not asked. Never raises."""
    try:
        address = str(ip_address(client.partition("%")[0]))
    except ValueError:  # a relay of ours, a socket: nothing to look at
        return ()
    found = [_greeting(address, helo, resolver)]
    if resolver is not None:
        found.append(_reverse_name(address, resolver))
    if hasty:
        found.append(
            Check(Method.PIPELINING, "fail", note=f"did not wait for the answer to {hasty.replace(' ', ', ')}")
        )
    return tuple(found)


def _greeting(address: str, helo: str, resolver: Resolver | None) -> Check:
    shown = headers.clean(helo)[:100] or "?"
    if helo.startswith("[") and helo.endswith("]"):
        try:
            said = str(ip_address(helo[len(_LITERAL) : -1] if helo.lower().startswith(_LITERAL) else helo[1:-1]))
        except ValueError:
            return Check(Method.HELO, "fail", shown, note="no address")
        return Check(Method.HELO, "pass" if said == address else "fail", shown, note="the address itself")
    name = names.domain(helo)
    if "." not in name or name.rpartition(".")[2].isdigit():
        return Check(Method.HELO, "fail", shown, note="no name of a host")
    if resolver is None:
        return Check(Method.HELO, "skipped", name, note="DNS is not asked")
    try:
        at = _at(name, address, resolver)
    except DnsTrouble as error:
        return Check(Method.HELO, "temperror", name, note=str(error)[:200])
    if not at:
        return Check(Method.HELO, "none", name, note="has no address")
    return Check(Method.HELO, "pass" if address in at else "fail", name, note=f"client {address}")


def _reverse_name(address: str, resolver: Resolver) -> Check:
    """Forward-confirmed: the name that the address has leads back to it."""
    try:
        found = [name for each in resolver.ptr(reverse(address)) if (name := names.domain(each))]
        for name in found[:MAX_NAMES]:
            if address in _at(name, address, resolver):
                return Check(Method.PTR, "pass", name, note=f"client {address}")
    except DnsTrouble as error:
        return Check(Method.PTR, "temperror", note=str(error)[:200])
    if not found:
        return Check(Method.PTR, "none", note=f"client {address} has no name")
    return Check(Method.PTR, "fail", found[0], note=f"does not lead back to {address}")


def _at(name: str, address: str, resolver: Resolver) -> Sequence[str]:
    """The addresses of `name` of the family of `address`."""
    found = resolver.aaaa(name) if ":" in address else resolver.a(name)
    return [str(ip_address(each)) for each in found]
