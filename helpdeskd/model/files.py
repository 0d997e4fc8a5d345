"""Files of messages: what one can do to whoever opens it, and what a department does with such files."""

from __future__ import annotations

from enum import StrEnum


class Danger(StrEnum):
    """The worst that opening a file may do, the worst last."""

    NONE = ""
    ACTIVE = "active"  # a page, a picture or a document that may run scripts: HTML, SVG, PDF
    ENCRYPTED = "encrypted"  # nobody has looked into it
    MACROS = "macros"
    EXECUTABLE = "executable"  # a program, what starts one, what holds one: scripts, shortcuts, disk images, archives


class FilePolicy(StrEnum):
    """What a department does with programs and with documents that have macros. They are kept and flagged, always."""

    KEEP = "keep"  # treated as all files are
    HOLD = "hold"  # for staff alone until one of them releases it
    REFUSE = "refuse"  # never in a mail of ours, and for staff alone


class Withheld(StrEnum):
    """Why a file does not leave the house."""

    HELD = "held"
    REFUSED = "refused"


POLICED = frozenset({Danger.MACROS, Danger.EXECUTABLE})
_ORDER = tuple(Danger)


def worst(*dangers: Danger) -> Danger:
    return max(dangers, key=_ORDER.index, default=Danger.NONE)


def withheld(policy: FilePolicy, danger: Danger, *, released: bool) -> Withheld | None:
    """Does a file of this danger stay with staff?"""
    if danger not in POLICED or policy is FilePolicy.KEEP:
        return None
    if policy is FilePolicy.REFUSE:
        return Withheld.REFUSED
    return None if released else Withheld.HELD
