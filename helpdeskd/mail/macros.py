"""Macros in documents that are no archive: marks of them that stand in plain sight. What hides them on purpose is not seen."""

from __future__ import annotations

import re
from struct import unpack_from

from helpdeskd.mail.zips import Piece
from helpdeskd.model.files import Danger

_LOOKED = 1 << 18  # bytes at either end

# [MS-XLS] sections 2.4.28 (BoundSheet8), 2.4.117 (FilePass).
_SHEET, _PASSWORD, _END = 0x85, 0x2F, 0x0A
_MACRO_SHEETS = {1, 6}  # Excel 4's, and a module of Visual Basic of Excel 5

# Word 2003 says so itself ([MS-WORDML] w:macrosPresent), and calls the part that holds them editdata.mso; a page saved with them has
# it in base64.
_MARKS = (b"editdata.mso", b"qwn0axzltwlt", b"activemime")  # in small letters
_PRESENT = re.compile(rb"macrospresent\s*=\s*[\"']\s*yes")
_MIME = re.compile(rb"(?:\A|\n)MIME-Version[ \t]*:", re.IGNORECASE)
_OFFICE = frozenset({"doc", "dot", "rtf", "xls", "xlt", "xlw", "ppt", "pps", "pot", "wps", "docx", "xlsx", "pptx"})
# A symbolic link file with formulas or names, which Excel knows by its first letters whatever it is called.
_SYLK = re.compile(rb"\AID;P[^\r\n]*[\r\n]")
_SYLK_ACTS = re.compile(rb"[\r\n](?:NN;|[OC];(?:[^\r\n]*;)?E)")


def of_workbook(data: bytes) -> Danger:
    """By the records at the beginning of a workbook of Excel 5 to 2003."""
    at, found = 0, Danger.NONE
    while at + 4 <= len(data):
        kind, length = unpack_from("<HH", data, at)
        if kind == _SHEET and at + 10 <= len(data) and data[at + 9] in _MACRO_SHEETS:
            return Danger.MACROS
        if kind == _PASSWORD:
            found = Danger.ENCRYPTED
        if kind == _END:
            break
        at += 4 + length
    return found


def in_bare_workbook(head: bytes) -> bool:
    """A sheet of Excel 2 to 4, which is no OLE2 file: is it one of macros, or a book that may hold one?"""
    return (
        head[:1] == b"\x09"
        and head[1:2] in {b"\0", b"\2", b"\4"}
        and head[3:4] == b"\0"
        and head[6:8] in {b"\x40\0", b"\0\1"}
    )


def in_text(head: bytes, ending: str, piece: Piece, size: int) -> bool:
    """Is it text that an Office program takes for a document with macros?"""
    if _SYLK.match(head):
        return any(_SYLK_ACTS.search(each) for each in _ends(piece, size))
    is_mime = bool(_MIME.search(head))
    if is_mime and ending in _OFFICE:
        return True  # a saved page that says it is a document: nobody's program writes that, and Word opens it
    if not is_mime and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and ending not in _OFFICE:
        return False
    return any(_says_so(each.lower()) for each in _ends(piece, size))


def _ends(piece: Piece, size: int) -> tuple[bytes, bytes]:
    return piece(0, _LOOKED), piece(max(_LOOKED, size - _LOOKED), _LOOKED)


def _says_so(text: bytes) -> bool:
    return any(mark in text for mark in _MARKS) or (b"macrospresent" in text and bool(_PRESENT.search(text)))
