"""What the files of a mail are, each by its bytes and its name; of mails, and of what holds one, what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from helpdeskd.config import Intake
from helpdeskd.mail import cms, decoding, filetypes, prepare, split, tnef
from helpdeskd.mail.faults import FAULTS
from helpdeskd.mail.fileclaims import TEXT, UNKNOWN
from helpdeskd.mail.filetypes import Look
from helpdeskd.mail.headers import decode
from helpdeskd.mail.names import file_names, label
from helpdeskd.mail.split import Tree
from helpdeskd.model.files import Danger, worst
from helpdeskd.model.mail import Part

_MAILS = frozenset({"message/rfc822", "message/global", "message/news", "message/partial"})
_MAIL_ENDINGS = frozenset({"eml", "mht", "mhtml", "nws"})
_MOST_DEPTH = 4  # mails in mails that are opened: parts of a deeper one are flagged for what they may hide
_ENCODINGS = frozenset({"base64", "quoted-printable", "7bit", "8bit", "binary"})
_PART_HEADER = re.compile(rb"(?mi)^content-(?:type|transfer-encoding|disposition)[ \t]*:")
_NO_FILES = frozenset(
    {TEXT, UNKNOWN, "text/html", "text/xml", "text/x-script", "image/svg+xml"}
)  # nothing, as words of a mail


def looked_at(parts: list[Part], limits: Intake) -> list[Part]:
    """Parts with their `found_type` and `danger`. Never raises."""
    return [_looked_at(part, limits) for part in parts]


def whole(part: Part, prepared: prepare.Prepared, made: split.Split, parts: list[Part], limits: Intake) -> Part:
    """The mail itself as a file: what was split, and what was unpacked of that."""
    try:
        found = _below(made, limits, _MOST_DEPTH)
    except FAULTS:
        return part
    found = Danger.EXECUTABLE if prepared.headers_cut else found
    return replace(part, danger=worst(found, *(each.danger for each in parts)))


def _looked_at(part: Part, limits: Intake) -> Part:
    found = _look((part.name,), part.content_type, part.data, limits, _MOST_DEPTH)
    return replace(part, found_type=found.found_type, danger=found.danger)


def _look(names: tuple[str, ...], kind: str, data: bytes, limits: Intake, depth: int) -> Look:
    """Of one file, whatever its sender calls it: the worst of its bytes, of each of its names, and of what is in it."""
    looks = [filetypes.look(name, data) for name in names or ("",)]
    found_type = looks[0].found_type
    is_mail = kind in _MAILS
    if is_mail and found_type in {TEXT, UNKNOWN}:
        found_type = kind
    inside = Danger.NONE
    if is_mail or any(filetypes.endings(name)[:1] and filetypes.endings(name)[0] in _MAIL_ENDINGS for name in names):
        inside = _inside(data, limits, depth)
    elif data.startswith(tnef.SIGNATURE):
        inside = _unpacked(data, limits, depth)
    elif (content := cms.signed_content(data)) is not None:
        inside = _inside(content, limits, depth)
    elif cms.is_encrypted(data):
        inside = Danger.ENCRYPTED
    return Look(found_type, worst(inside, *(each.danger for each in looks)))


def _inside(raw: bytes, limits: Intake, depth: int) -> Danger:
    if depth == 0:
        return Danger.EXECUTABLE
    try:
        prepared = prepare.prepare(raw, limits)
        if prepared.headers_cut:
            return Danger.EXECUTABLE
        return _below(split.split(prepared.data, prepared.body_at, limits), limits, depth)
    except FAULTS:  # no reason to lose the mail around it, and none to trust what is in this one
        return Danger.EXECUTABLE


def _unpacked(data: bytes, limits: Intake, depth: int) -> Danger:
    """A winmail.dat. Of what cannot be read in it nobody knows."""
    found = tnef.unpack(data)
    if found is None or not found.whole or depth == 0:
        return Danger.EXECUTABLE
    return worst(*(_look((one.name,), one.content_type, one.data, limits, depth - 1).danger for one in found.files))


def _below(made: split.Split, limits: Intake, depth: int) -> Danger:
    """Of what was left out nobody knows, nor of parts that two programs may take for different things."""
    found = Danger.EXECUTABLE if made.cut else Danger.NONE
    for part in made.root.walk_parts():
        if found is Danger.EXECUTABLE:
            break
        if _is_ambiguous(part):
            return Danger.EXECUTABLE
        if not part.below:
            found = worst(found, _of_leaf(part, limits, depth))
    return found


def _of_leaf(part: Tree, limits: Intake, depth: int) -> Danger:
    kind = part.get_content_type()
    data = part.content()
    names = file_names(part)
    if kind in {"text/plain", "text/html"} and not names and part.get_content_disposition() != "attachment":
        words = filetypes.look("", data)  # no file of its
        inside = (_look((name,), "", held, limits, depth - 1).danger for name, held in _written_into(data))
        return worst(Danger.NONE if words.found_type in _NO_FILES else words.danger, *inside)
    if part.get_content_maintype() == "multipart" and _PART_HEADER.search(data):
        return Danger.EXECUTABLE  # it has parts, and they are not found
    described = label(decode(part.get("content-description", "")))
    names = (*names, described) if described else names
    found = _look(names, kind, data, limits, depth - 1).danger
    if "content-transfer-encoding" in part and part.encoding() not in _ENCODINGS:
        # Some programs take `x-base64` for what it sounds like.
        found = worst(found, _look(names, kind, decoding.from_base64(part.body), limits, depth - 1).danger)
    return found


def _written_into(text: bytes) -> Iterator[tuple[str, bytes]]:
    if b"begin" in text:
        for found in decoding.uuencoded(text):
            yield label(decode(found.name)), found.data


def _is_ambiguous(part: Tree) -> bool:
    """Two headers of one kind, or two boundaries: some programs go by the first, others by the last."""
    said = {" ".join(value.lower().split()) for value in part.get_all("content-type", [])}
    if len(said) > 1 and any(value.startswith(("multipart/", "message/")) for value in said):
        return True
    coded = {decoding.name_of(value) for value in part.get_all("content-transfer-encoding", [])}
    if len(coded) > 1 and coded & {"base64", "quoted-printable", *decoding.UU_NAMES}:
        return True
    boundaries = [value for name, value in part.get_params(failobj=[]) if name.lower() == "boundary"]
    return len(boundaries) > 1
