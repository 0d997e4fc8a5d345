"""What SMTP needs of addresses, bytes and replies. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from helpdeskd import config

_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_WORDS = 500  # characters of a server's reply that we keep
_SERVER_ID = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bqueued as ([\w./:-]+)",  # Postfix, many others
        r"\bid=([\w./-]+)",  # Exim
        r" ([\w.-]+) - gsmtp",  # Gmail
        r"(?:^|\s)(?!\d\.\d)([\w.-]*\d[\w.-]*) message accepted for delivery",  # sendmail, OpenSMTPD
        r"\bok:? +(?=[\w.-]*\d)([\w.-]{8,})",  # SES, qmail and kin
    )
)


@dataclass(frozen=True, slots=True)
class Envelope:
    sender: bytes
    recipient: bytes
    utf8: bool
    shown: str


def address(settings: config.Outgoing) -> tuple[str, int]:
    """Host and port of `outgoing.relay`: host, host:port, [v6]:port. The port follows `security` where none is given."""
    relay, default = settings.relay.strip(), _PORTS[settings.security]
    if relay.startswith("["):
        host, _, rest = relay[1:].partition("]")
        return host, int(rest[1:]) if rest.startswith(":") else default
    host, colon, port = relay.rpartition(":")
    if colon and ":" not in host:
        return host, int(port)
    return relay, default


def server_id(message: str) -> str:
    """The queue id in the words after 250, where the server's manner is known; else empty."""
    for pattern in _SERVER_ID:
        found = pattern.search(message)
        if found:
            return found.group(1).strip(".")[:100]
    return ""


def envelope(sender: str, recipient: str) -> Envelope:
    if not recipient:
        raise ValueError("there is no recipient")
    wire = tuple(_wire(a) for a in (sender, recipient))
    utf8 = not all(w.isascii() for w in wire)
    return Envelope(wire[0], wire[1], utf8, recipient if not wire[1].isascii() else sender)


def _wire(address: str) -> bytes:
    """The address as SMTP carries it: an international domain in its ASCII form, so that SMTPUTF8 is needed for local parts only."""
    if any(c in "<> \x7f" or c < " " for c in address):
        raise ValueError(f"{address!r} is no mail address")
    local, at, domain = address.rpartition("@")
    if at and not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as why:
            raise ValueError(f"{address!r} is no mail address: its domain has no ASCII form") from why
    try:
        return f"{local}{at}{domain}".encode()
    except UnicodeError as why:
        raise ValueError(f"{address!r} is no mail address") from why


def stuffed(raw: bytes) -> bytes:
    """`raw` with CRLF line ends and stuffed dots (RFC 5321 section 4.5.2), without the final dot."""
    crlf = raw.count(b"\r\n")
    if raw.count(b"\n") != crlf or raw.count(b"\r") != crlf:
        raw = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    raw = raw.replace(b"\r\n.", b"\r\n..")
    return b"." + raw if raw.startswith(b".") else raw


def clean(words: str) -> str:
    """Server words on one line, printable, of bounded length."""
    words = words.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:_WORDS]
