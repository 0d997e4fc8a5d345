"""What the daemon and its parser say to one another: frames of a length and msgpack, each of one type.

Never pickle: the parser has read bytes of strangers, and what it says is read as data of these types or not at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import msgspec

from helpdeskd.config import Intake
from helpdeskd.model.mail import Inbound
from helpdeskd.model.seals import Keys

LENGTH = 4  # bytes before each frame, big-endian: how many follow
NO_MEMORY = "MemoryError"

T = TypeVar("T")


class Hello(msgspec.Struct, frozen=True):
    """Said once, before all mails: what is the same for each. Answered by an empty Answer."""

    instance: str
    marker: str
    limits: Intake
    keys: Keys = Keys()


class Mail(msgspec.Struct, frozen=True):
    """To be parsed. `sender` is the envelope's: "" the null path, None unknown."""

    raw: bytes
    sender: str | None


class Answer(msgspec.Struct, frozen=True):
    """What a mail was parsed to, or the error's type and its traceback."""

    inbound: Inbound | None = None
    fault: str = ""
    trace: str = ""


def frame(message: Hello | Mail | Answer) -> bytes:
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


def read(body: bytes | memoryview, kind: type[T]) -> T:
    """Raises msgspec.MsgspecError where it is none."""
    return msgspec.msgpack.decode(body, type=kind)


def lean(inbound: Inbound) -> Inbound:
    """Without the whole mail that may be among the parts: the other side has it."""
    return _whole_as(inbound, b"")


def whole(inbound: Inbound, raw: bytes) -> Inbound:
    return _whole_as(inbound, raw)


def _whole_as(inbound: Inbound, data: bytes) -> Inbound:
    if not any(part.sha256 == inbound.raw_sha256 for part in inbound.parts):
        return inbound
    parts = (replace(part, data=data) if part.sha256 == inbound.raw_sha256 else part for part in inbound.parts)
    return replace(inbound, parts=tuple(parts))
