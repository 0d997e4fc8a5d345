"""What the doors' two halves share: why they refuse, what they allow, and how an address is read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from helpdeskd.sources.smtp_data import Content
    from helpdeskd.sources.smtp_link import Link


class Refusal(StrEnum):
    """Why a door said no."""

    SYNTAX = "syntax"
    SEQUENCE = "sequence"
    UNKNOWN_COMMAND = "unknown-command"
    BAD_ADDRESS = "bad-address"
    UNKNOWN_RECIPIENT = "unknown-recipient"
    TOO_MANY_RECIPIENTS = "too-many-recipients"
    TOO_LARGE = "too-large"
    NO_ROOM = "no-room"
    TROUBLE = "trouble"  # ours, whatever it is; the peer keeps the mail and tries again
    TOO_MANY_CONNECTIONS = "too-many-connections"
    CROWDED_OUT = "crowded-out"  # the door was full, and this one had done least
    TOO_MANY_FROM_CLIENT = "too-many-from-client"
    TOO_MANY_ERRORS = "too-many-errors"
    TOO_MANY_COMMANDS = "too-many-commands"
    NOT_MAIL = "not-mail"  # a browser talks to us
    INJECTION = "injection"  # commands sent in the clear to be read as if they came by TLS
    LOG_IN = "log-in"  # a wrong one, or none is possible now
    NOT_YOURS = "not-yours"  # submitted in another's name
    TLS_FAILED = "tls-failed"
    IDLE = "idle"
    TOO_SLOW = "too-slow"
    STOPPING = "stopping"


class Limits:
    """What one connection may do. Seconds, bytes, counts."""

    __slots__ = ("data_seconds", "errors", "idle_seconds", "recipients", "size")

    def __init__(self, *, size: int, recipients: int, errors: int, idle_seconds: float, data_seconds: float) -> None:
        self.size = size
        self.recipients = recipients
        self.errors = errors
        self.idle_seconds = idle_seconds
        self.data_seconds = data_seconds


class LoggedIn(Protocol):
    """Who has logged in, and whether that still holds (guard.submission)."""

    @property
    def address(self) -> str: ...
    @property
    def holds(self) -> Callable[[], bool]: ...


class House(Protocol):
    """What a connection asks of the doors it came through."""

    hostname: str
    limits: Limits
    scratch: str
    stopping: bool

    def arrived(self, talk: Link) -> tuple[Refusal, str] | None: ...
    def left(self, talk: Link) -> None: ...
    def refused(self, reason: Refusal) -> None: ...
    def wanted(self, recipient: str) -> bool: ...
    def log_in(self, name: str, password: str, peer: str) -> asyncio.Future[LoggedIn | None]: ...
    def still_in(self, known: LoggedIn) -> asyncio.Future[bool]: ...
    def check_room(self, *, anew: bool = False) -> None: ...
    def keep(self, talk: Link, content: Content) -> asyncio.Future[str]: ...


# <path>, perhaps with an old source route, which is to be ignored (RFC 5321 section 4.1.1.3), or a bare address
_PATH = re.compile(
    r"\s*(?:<\s*(?:@[^\s:<>]*:)?(?P<path>(?:\"(?:[^\"\\]|\\.)*\"|[^\s<>\"])*)\s*>|(?P<bare>[^\s<>\"]+))(?:\s+(?P<params>.*))?\s*"
)


def path(arg: str, keyword: str) -> tuple[str, str] | None:
    """(address, parameters) of MAIL's or RCPT's argument; the null path is ""."""
    if arg[: len(keyword)].upper() != keyword:
        return None
    match = _PATH.fullmatch(arg, len(keyword))
    if match is None:
        return None
    path, bare, params = match.groups()
    return (bare if path is None else path), params or ""


def one_client(peer: str) -> str:
    """What counts as one client where connections are counted: an IPv4 address, or an IPv6 /64."""
    if ":" not in peer:
        return peer
    return str(IPv6Network((int(IPv6Address(peer.partition("%")[0])) >> 64 << 64, 64)))


def shown(address: str) -> str:
    """For the log: without the detail, which may be the reply token of an address that was ours."""
    local, at, domain = address.rpartition("@")
    base, plus, _ = local.partition("+")
    return f"{base}{plus}{'...' if plus else ''}{at}{domain}"


def possible(address: str) -> bool:
    """No control characters, and UTF-8 (what is not came as lone surrogates, which are not printable)."""
    return address.isprintable()
