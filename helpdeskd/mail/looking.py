"""What the files of a mail are, each by its bytes; of attached mails what is in them."""

from __future__ import annotations

from dataclasses import replace

from helpdeskd.config import Intake
from helpdeskd.mail import filetypes, prepare, split
from helpdeskd.mail.faults import FAULTS
from helpdeskd.mail.names import file_name
from helpdeskd.model.files import Danger, worst
from helpdeskd.model.mail import Part

_MAILS = frozenset({"message/rfc822", "message/global"})
_MOST_DEPTH = 4  # mails in mails that are opened: parts of a deeper one are flagged for what they may hide


def looked_at(parts: list[Part], limits: Intake) -> list[Part]:
    """Parts with their `found_type` and `danger`. Never raises."""
    return [_looked_at(part, limits) for part in parts]


def whole(part: Part, made: split.Split, parts: list[Part], limits: Intake) -> Part:
    """The mail itself as a file: what was split, and what was unpacked of that."""
    try:
        return replace(part, danger=worst(_below(made, limits, _MOST_DEPTH), *(each.danger for each in parts)))
    except FAULTS:
        return part


def _looked_at(part: Part, limits: Intake) -> Part:
    if part.content_type in _MAILS:
        return replace(part, found_type=part.content_type, danger=_inside(part.data, limits, _MOST_DEPTH))
    found = filetypes.look(part.name, part.data)
    return replace(part, found_type=found.found_type, danger=found.danger)


def _inside(raw: bytes, limits: Intake, depth: int) -> Danger:
    if depth == 0:
        return Danger.EXECUTABLE
    try:
        prepared = prepare.prepare(raw, limits)
        return _below(split.split(prepared.data, prepared.body_at, limits), limits, depth)
    except FAULTS:  # no reason to lose the mail around it, and none to trust what is in this one
        return Danger.EXECUTABLE


def _below(made: split.Split, limits: Intake, depth: int) -> Danger:
    """Of what was left out nobody knows."""
    found = Danger.EXECUTABLE if made.cut else Danger.NONE
    for part in made.root.walk_parts():
        if part.below:
            continue
        if part.get_content_type() in _MAILS:
            found = worst(found, _inside(part.content(), limits, depth - 1))
        elif (name := file_name(part)) or part.get_content_maintype() != "text":
            found = worst(found, filetypes.look(name, part.content()).danger)
    return found
