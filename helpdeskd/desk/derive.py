"""What a ticket stores of a mail, as a repeatable derivation: used when it arrives, and again by `mail reparse`. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd.desk import commands
from helpdeskd.desk.context import Part
from helpdeskd.model.mail import Inbound


class Form(StrEnum):
    WHOLE = "whole"  # all of it: what customers write, and what is kept inside
    OUTGOING = "outgoing"  # what goes to customers
    COMMANDS = "commands"  # the same, of a mail that began with commands


@dataclass(frozen=True, slots=True)
class Derived:
    subject: str
    date: datetime | None
    text: str
    quote: str
    html: str
    parts: tuple[Part, ...]


def derive(form: Form, inbound: Inbound, parts: tuple[Part, ...], scrub: Callable[[str], str]) -> Derived:
    """`scrub` takes tokens and reply addresses of ours out of a text.

    Words that go to customers are what stands above the marker, without commands. The HTML holds the whole mail, notice included,
    and so may a file: they stay behind (the raw mail keeps them).
    """
    if form is Form.WHOLE:
        text = _said(cut(inbound, parts)) + inbound.text
        return Derived(inbound.subject, inbound.date, text, inbound.quote, inbound.html, parts)
    text = commands.parse(inbound.text).rest if form is Form.COMMANDS else inbound.text
    kept = tuple(part for part in parts if not part.ours)
    return Derived(inbound.subject, inbound.date, scrub(text), scrub(inbound.quote), "", kept)


def cut(inbound: Inbound, parts: tuple[Part, ...]) -> tuple[str, ...]:
    """What limits left out, for people: nothing unless the whole mail is among its own parts."""
    return inbound.loose_ends if any(part.sha256 == inbound.raw_sha256 for part in parts) else ()


def _said(cut: tuple[str, ...]) -> str:
    return f"[Not all of this mail is shown: {'; '.join(cut)}. The whole mail is attached.]\n\n" if cut else ""
