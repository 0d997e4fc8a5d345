"""What a ticket stores of a mail, as a repeatable derivation: used when it arrives, and again by `mail reparse`. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd.desk import commands
from helpdeskd.desk.context import Part
from helpdeskd.model.mail import Forward, Inbound


class Form(StrEnum):
    WHOLE = "whole"  # all of it: what customers write, and what is kept inside
    OUTGOING = "outgoing"  # what goes to customers
    COMMANDS = "commands"  # the same, of a mail that began with commands
    ORIGINAL = "original"  # what it passes on, as a mail of who wrote that
    COMMENT = "comment"  # what is said above it, and which headers it had


@dataclass(frozen=True, slots=True)
class Derived:
    subject: str
    date: datetime | None
    text: str
    quote: str
    html: str
    parts: tuple[Part, ...]


def derive(
    form: Form, inbound: Inbound, parts: tuple[Part, ...], scrub: Callable[[str], str], passed_on: tuple[Part, ...] = ()
) -> Derived:
    """`scrub` takes tokens and reply addresses of ours out of a text; `passed_on` are the files of a mail that is attached to it.

    Words that go to customers are what stands above the marker, without commands. The HTML holds the whole mail, notice included,
    and so may a file: they stay behind (the raw mail keeps them).
    """
    if form is Form.WHOLE:
        text = _said(cut(inbound, parts)) + inbound.text
        return Derived(inbound.subject, inbound.date, text, inbound.quote, inbound.html, parts)
    if inbound.forward is not None and form is Form.ORIGINAL:
        return _original(inbound.forward, parts, passed_on, scrub)
    if inbound.forward is not None and form is Form.COMMENT:
        return _comment(inbound, inbound.forward, parts)
    text = commands.parse(inbound.text).rest if form is Form.COMMANDS else inbound.text
    kept = tuple(part for part in parts if not part.ours)
    return Derived(inbound.subject, inbound.date, scrub(text), scrub(inbound.quote), "", kept)


def _original(
    forward: Forward, parts: tuple[Part, ...], passed_on: tuple[Part, ...], scrub: Callable[[str], str]
) -> Derived:
    """Whoever wrote it may see this. The HTML around an inline one holds the comment as well, and so does the whole mail."""
    own = (part for part in parts if not forward.attached or part.sha256 == forward.attached)
    files = tuple(part for part in (*passed_on, *own) if not part.ours)
    return Derived(forward.subject, forward.date, scrub(forward.text), scrub(forward.quote), forward.html, files)


def _comment(inbound: Inbound, forward: Forward, parts: tuple[Part, ...]) -> Derived:
    text = "\n\n".join(piece for piece in (_said(cut(inbound, parts)) + forward.comment, forward.head) if piece.strip())
    files = tuple(part for part in parts if part.ours or (forward.attached and part.sha256 != forward.attached))
    return Derived(inbound.subject, inbound.date, text, "", "", files)


def cut(inbound: Inbound, parts: tuple[Part, ...]) -> tuple[str, ...]:
    """What limits left out, for people: nothing unless the whole mail is among its own parts."""
    return inbound.loose_ends if any(part.sha256 == inbound.raw_sha256 for part in parts) else ()


def _said(cut: tuple[str, ...]) -> str:
    return f"[Not all of this mail is shown: {'; '.join(cut)}. The whole mail is attached.]\n\n" if cut else ""
