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
_MOST_MAILS_FULL = 10  # times the parts that one mail may have: so many are looked at in all that is attached to it
_MOST_WORDS = 8 << 20  # bytes of a text with files written into it
_BEGIN = re.compile(rb"(?m)^begin(?:-base64)? [0-7]{3,4} ")
_MOST_NAMES = 5  # of one file
_ENCODINGS = frozenset({"base64", "quoted-printable", "7bit", "8bit", "binary"})
_PART_HEADER = re.compile(rb"(?mi)^content-(?:type|transfer-encoding|disposition)[ \t]*:")
_NO_FILES = frozenset(
    {TEXT, UNKNOWN, "text/html", "text/xml", "text/x-script", "image/svg+xml"}
)  # nothing, as words of a mail


def looked_at(parts: list[Part], limits: Intake) -> list[Part]:
    """Parts with their `found_type` and `danger`. Never raises."""
    looking = _Looking(limits)
    made = []
    for part in parts:
        found = looking.file((part.name,), part.content_type, part.data, _MOST_DEPTH)
        made.append(replace(part, found_type=found.found_type, danger=found.danger))
    return made


def whole(part: Part, prepared: prepare.Prepared, made: split.Split, parts: list[Part], limits: Intake) -> Part:
    """The mail itself as a file: what was split, and what was unpacked of that."""
    try:
        found = _Looking(limits).below(made, _MOST_DEPTH)
    except FAULTS:
        return part
    found = Danger.EXECUTABLE if prepared.headers_cut else found
    return replace(part, danger=worst(found, *(each.danger for each in parts)))


class _Looking:
    """Through the files of one mail, and what is in them: mails in mails are many parts in few bytes, so not without end."""

    def __init__(self, limits: Intake) -> None:
        self._limits = limits
        self._left = _MOST_MAILS_FULL * limits.max_parts

    def file(self, names: tuple[str, ...], kind: str, data: bytes, depth: int) -> Look:
        """One, whatever its sender calls it: the worst of its bytes, of each of its names, and of what is in it."""
        looks = [filetypes.look(name, data) for name in names[:_MOST_NAMES] or ("",)]
        found_type = looks[0].found_type
        is_mail = kind in _MAILS
        if is_mail and found_type in {TEXT, UNKNOWN}:
            found_type = kind
        inside = Danger.EXECUTABLE if len(names) > _MOST_NAMES else Danger.NONE
        if is_mail or any(_MAIL_ENDINGS.intersection(filetypes.endings(name)[:1]) for name in names):
            inside = worst(inside, self._mail(data, depth))
        elif data.startswith(tnef.SIGNATURE):
            inside = worst(inside, self._winmail(data, depth))
        elif (content := cms.signed_content(data)) is not None:
            inside = worst(inside, self._mail(content, depth))
        elif cms.is_encrypted(data):
            inside = worst(inside, Danger.ENCRYPTED)
        return Look(found_type, worst(inside, *(each.danger for each in looks)))

    def _mail(self, raw: bytes, depth: int) -> Danger:
        if depth == 0 or self._left <= 0:
            return Danger.EXECUTABLE
        try:
            prepared = prepare.prepare(raw, self._limits)
            if prepared.headers_cut:
                return Danger.EXECUTABLE
            return self.below(split.split(prepared.data, prepared.body_at, self._limits), depth)
        except FAULTS:  # no reason to lose the mail around it, and none to trust what is in this one
            return Danger.EXECUTABLE

    def _winmail(self, data: bytes, depth: int) -> Danger:
        """Of what cannot be read in it nobody knows."""
        found = tnef.unpack(data) if depth and self._left > 0 else None
        if found is None or not found.whole:
            return Danger.EXECUTABLE
        return worst(*(self._held(one.name, one.content_type, one.data, depth) for one in found.files))

    def _held(self, name: str, kind: str, data: bytes, depth: int) -> Danger:
        self._left -= 1
        return self.file((name,), kind, data, depth - 1).danger if self._left > 0 else Danger.EXECUTABLE

    def below(self, made: split.Split, depth: int) -> Danger:
        """Of what was left out nobody knows, nor of parts that two programs may take for different things."""
        found = Danger.EXECUTABLE if made.cut else Danger.NONE
        for part in made.root.walk_parts():
            self._left -= 1
            if found is Danger.EXECUTABLE or self._left <= 0 or _is_ambiguous(part):
                return Danger.EXECUTABLE
            if not part.below:
                found = worst(found, self._leaf(part, depth))
        return found

    def _leaf(self, part: Tree, depth: int) -> Danger:
        kind = part.get_content_type()
        data = part.content()
        names = file_names(part)
        if kind in {"text/plain", "text/html"} and not names and part.get_content_disposition() != "attachment":
            if len(data) > _MOST_WORDS and _BEGIN.search(data):
                return Danger.EXECUTABLE  # a file written into it would take several times its size to be read
            words = filetypes.look("", data)  # no file of its
            inside = (self._held(name, "", held, depth) for name, held in _written_into(data))
            return worst(Danger.NONE if words.found_type in _NO_FILES else words.danger, *inside)
        if part.get_content_maintype() == "multipart" and _PART_HEADER.search(data):
            return Danger.EXECUTABLE  # it has parts, and they are not found
        described = label(decode(part.get("content-description", "")))
        names = (*names, described) if described else names
        found = self.file(names, kind, data, depth - 1).danger
        if "content-transfer-encoding" in part and part.encoding() not in _ENCODINGS:
            # Some programs take `x-base64` for what it sounds like.
            found = worst(found, self.file(names, kind, decoding.from_base64(part.body), depth - 1).danger)
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
