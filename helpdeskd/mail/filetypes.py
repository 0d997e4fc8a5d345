"""What a file is by its bytes, and what may happen to whoever opens it. What is read of one file is bounded, and next to nothing of it is
unpacked, so a bomb (archive, picture, XML) is only ever a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO

from helpdeskd.mail import archives, macros, ole2, zips
from helpdeskd.mail.fileclaims import DANGEROUS, OLE2, TEXT, UNKNOWN, ZIP, media_type
from helpdeskd.mail.fileendings import DOCUMENTS, EXECUTABLE, IN_ARCHIVES, LINKS, MACROS, PACKED, PAGES, WORDS
from helpdeskd.mail.filemagic import NOT_TEXT, first
from helpdeskd.mail.zips import Piece
from helpdeskd.model.files import Danger, worst

_HEAD = 4096
_LONG = 1024  # characters of a name
_LOOKED = 1 << 18  # bytes at either end of a PDF


@dataclass(frozen=True, slots=True)
class Look:
    """`found_type`: a media type by the bytes; TEXT where they are text, UNKNOWN where nothing is known of them."""

    found_type: str
    danger: Danger


_DISK_AT = 32_769  # ECMA-119 section 8: the sixteenth sector of 2048 bytes, behind its first byte
_DISK = (b"CD001", b"BEA01", b"NSR02", b"NSR03")
_IMAGE_FILE = "application/x-disk-image"
_SCRIPT = re.compile(rb"#![ \t]*(?:/[^\s/]{1,60}/|[A-Za-z]:[\\/])")  # and who reads it
# What a shortcut to a page says, and nothing else that it may lead to.
_LINK = re.compile(rb"(?:^[ \t]*URL[ \t]*=[ \t]*|<string>)(?:https?://|mailto:)", re.IGNORECASE | re.MULTILINE)
_LINK_ACTS = re.compile(
    rb"file:|\\\\|search-ms|&#|(?:^[ \t]*URL[ \t]*=[ \t]*+|<string>)(?!https?://|mailto:)", re.IGNORECASE | re.MULTILINE
)

_PDF_ACTS = re.compile(rb"/(?:JavaScript|JS|Launch)[\s(<\[/]")
# WHATWG mimesniff section 7.1: how an unnamed page begins; and the pictures of SVG.
_PAGE = re.compile(
    rb"<(?:!doctype html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p|meta|base|form|img|link|object|embed|svg"
    rb"|[a-z]{1,9}:(?:html|svg))[\s>/]",
    re.IGNORECASE,
)
_XML_PAGE = re.compile(rb"<(?:[a-z]{1,9}:)?(?:html|svg)[\s>/]", re.IGNORECASE)
_SVG = re.compile(rb"<(?:[a-z]{1,9}:)?svg[\s>/]", re.IGNORECASE)

_OOXML = (("word/", "word", "wordprocessingml.document"), ("xl/", "excel", "spreadsheetml.sheet"), ("ppt/", "powerpoint", "presentationml.presentation"))  # fmt: skip
_OLE2 = (
    ("worddocument", "application/msword"),
    ("workbook", "application/vnd.ms-excel"),
    ("book", "application/vnd.ms-excel"),
    ("powerpoint document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
)
_VBA = frozenset({"vba", "_vba_project", "_vba_project_cur", "macros"})
_PROGRAMS_IN = frozenset({"meta-inf/manifest.mf", "androidmanifest.xml", "appxmanifest.xml", "appxmetadata/appxbundlemanifest.xml"})  # fmt: skip


def look(name: str, data: bytes) -> Look:
    """Of bytes in memory. Never raises, whatever they are."""
    return _look(name, lambda start, length: data[start : start + length], len(data))


def look_into(name: str, file: BinaryIO, size: int) -> Look:
    """Of an open file, of which little is read; it stays open, wherever it stands then."""

    def piece(start: int, length: int) -> bytes:
        file.seek(start)
        return file.read(length)

    return _look(name, piece, size)


def by_name(name: str, claimed: str) -> Look:
    """Of a file whose bytes nobody has looked at: its name and what its sender calls it."""
    claimed = media_type(claimed)
    claims = DANGEROUS.get(claimed, Danger.NONE)
    return Look(claimed, worst(_named(name, UNKNOWN), claims))


# --- the name --------------------------------------------------------------------------------------------------

_UNSEEN = " .\t\r\n\v\f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"  # fmt: skip


def endings(name: str) -> tuple[str, ...]:
    """The last two of a name, in lower case, the last one first: ("exe", "pdf"). Windows passes over dots and blanks at its end, many a
    program over what follows a NUL, and a colon begins what is no part of the name."""
    name = name.partition("\0")[0].rpartition("/")[2]
    pieces = [each.strip() for each in name.rstrip(_UNSEEN)[-_LONG:].lower().rsplit(".", 2)]
    return tuple(each.partition(":")[0].rstrip() for each in reversed(pieces[1:]))


def hides_its_ending(name: str) -> bool:
    """`invoice.pdf.exe`, `photo.jpg            .scr`: what one sees first is not what is started."""
    found = endings(name)
    return len(found) == 2 and found[0] in EXECUTABLE and found[1] in DOCUMENTS


def _named(name: str, found_type: str) -> Danger:
    """By its last ending: it decides what opens the file."""
    ending, before, *_ = (*endings(name), "", "")
    if ending in EXECUTABLE:
        # `Offer from example.com`, `Letter to Fa. One`: no programs where they are something else that we know.
        known = ending in WORDS and found_type not in {UNKNOWN, TEXT, "text/x-script"}
        return Danger.NONE if known else Danger.EXECUTABLE
    if ending in MACROS:
        return Danger.MACROS
    if ending in PACKED and before not in WORDS:
        return IN_ARCHIVES.get(before, Danger.NONE)
    return Danger.ACTIVE if ending in PAGES else Danger.NONE


# --- the bytes -------------------------------------------------------------------------------------------------


def _look(name: str, piece: Piece, size: int) -> Look:
    ending = (*endings(name), "")[0]
    head = piece(0, _HEAD)
    found = _by_bytes(head, ending, piece, size)
    if ending in LINKS and size <= _HEAD and found.found_type in {TEXT, "text/xml"} and _leads_to_a_page(head):
        return found
    return Look(found.found_type, worst(found.danger, _named(name, found.found_type)))


def _leads_to_a_page(head: bytes) -> bool:
    return bool(_LINK.search(head)) and not _LINK_ACTS.search(head)


def _by_bytes(head: bytes, ending: str, piece: Piece, size: int) -> Look:
    if head.startswith(b"PK\x03\x04"):
        return _zip(head, zips.read(piece, size), ending)
    found = _by_head(head, ending, piece, size)
    behind = zips.directory(piece, size) if size > len(head) or b"PK\x05\x06" in head else None
    if behind is not None:  # an archive behind something else: programs for archives, and Java, look at the end
        behind = replace(behind, kinds=behind.kinds or b"")  # of a file within a file, pieces may lie elsewhere
        hidden = _zip(b"", behind, ending)
        return Look(
            hidden.found_type if found.found_type == UNKNOWN else found.found_type, worst(found.danger, hidden.danger)
        )
    return found


def _by_head(head: bytes, ending: str, piece: Piece, size: int) -> Look:
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole2(ole2.ole2_directory(piece, size))
    if b"%PDF-" in head[:1024]:
        return Look("application/pdf", _pdf(piece, size))
    if (known := first(head)) is not None:
        kind, danger = known
        return Look(kind, worst(danger, _packed(kind, piece, size)) if kind in archives.KINDS else danger)
    if piece(_DISK_AT, 5) in _DISK or _boots(head) or (size >= 512 and piece(size - 512, 4) == b"koly"):
        return Look(_IMAGE_FILE, Danger.EXECUTABLE)
    if macros.in_bare_workbook(head):
        return Look("application/vnd.ms-excel", Danger.MACROS)
    found = _text(head)
    if found.danger is not Danger.EXECUTABLE and macros.in_text(head, ending, piece, size):
        return Look(found.found_type, Danger.MACROS)
    return found


def _boots(head: bytes) -> bool:
    """A boot sector with a file system of Windows behind it (FAT, NTFS)."""
    return head[510:512] == b"\x55\xaa" and any(
        head.startswith(mark, at) for at, mark in ((3, b"NTFS"), (54, b"FAT"), (82, b"FAT32"))
    )


def _pdf(piece: Piece, size: int) -> Danger:
    """Where its objects are compressed, what they do is not seen."""
    ends = piece(0, _LOOKED), piece(max(_LOOKED, size - _LOOKED), _LOOKED)
    return Danger.ACTIVE if any(_PDF_ACTS.search(each) for each in ends) else Danger.NONE


def _packed(kind: str, piece: Piece, size: int) -> Danger:
    found = archives.read(kind, piece, size)
    sealed = Danger.ENCRYPTED if found.encrypted else Danger.NONE
    return worst(sealed, _in_archive(found.names), Danger.NONE if found.whole else Danger.EXECUTABLE)


def _ole2(found: ole2.Ole2) -> Look:
    kind = next((kind for name, kind in _OLE2 if name in found.names), OLE2)
    if found.installer:
        return Look("application/x-msi", Danger.EXECUTABLE)
    if "\x01ole10native" in found.names:  # a file of any kind within a document, which it starts
        return Look(kind, Danger.EXECUTABLE)
    if not found.names.isdisjoint(_VBA) or not found.whole:  # of what cannot be read nobody knows
        return Look(kind, Danger.MACROS)
    sealed = Danger.ENCRYPTED if "encryptedpackage" in found.names else Danger.NONE
    return Look(kind, worst(sealed, *map(macros.of_workbook, found.books)))


def _zip(head: bytes, found: zips.Zip, ending: str) -> Look:
    """Whatever its first files say that it is, who unpacks it gets all that is in it."""
    names = set(found.names)
    sealed = Danger.ENCRYPTED if found.encrypted else Danger.NONE
    inside = Danger.NONE if found.whole else Danger.EXECUTABLE  # what it may hide nobody knows
    inside = worst(sealed, inside, _in_archive((*found.names, *found.others), ending))
    if not names.isdisjoint(_PROGRAMS_IN) or any(each.endswith(".class") for each in names):
        return Look("application/java-archive" if "meta-inf/manifest.mf" in names else ZIP, Danger.EXECUTABLE)
    if "[content_types].xml" in names:
        kind, danger = _ooxml(names, found.kinds)
        return Look(kind, worst(inside, danger))
    if head[30:38] == b"mimetype":
        # OpenDocument 1.3 part 2 section 3.3, EPUB 3.3 section 4.2.6.3: the first file, not compressed
        length = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        size = int.from_bytes(head[18:22], "little")
        kind = head[30 + length : 30 + length + min(size, 100)].decode("ascii", "replace")
        if re.fullmatch(r"application/[a-z0-9.+-]{1,80}", kind):
            return Look(kind, worst(inside, Danger.MACROS if any(map(_is_basic, names)) else Danger.NONE))
    return Look(ZIP, inside)


def _in_archive(names: Iterable[str], ending: str = "") -> Danger:
    """By the endings of these files. Scripts of saved pages lie in a folder below their page; those of a book are read by the book's
    program alone."""
    names = frozenset(names)
    pages: frozenset[str] | None = None
    found = Danger.NONE
    for name in names:
        if ".app/contents/" in name:  # a program of macOS is a folder
            return Danger.EXECUTABLE
        last = (*endings(name), "")[0]
        danger = IN_ARCHIVES.get(last, Danger.NONE)
        if (
            danger is Danger.NONE or name.rpartition("/")[2] == "autorun.inf"
        ):  # which does nothing but on a disk of its own
            continue
        if last in LINKS:
            danger = Danger.ACTIVE
        elif last == "js":
            if ending == "epub":
                danger = Danger.NONE
            else:
                if pages is None:
                    pages = frozenset(each.rpartition("/")[0] for each in names if (*endings(each), "")[0] in PAGES)
                danger = Danger.ACTIVE if _below(name, pages) else danger
        found = worst(found, danger)
        if found is Danger.EXECUTABLE:
            break
    return found


def _below(name: str, folders: frozenset[str]) -> bool:
    """Does it lie in a folder of one of these folders?"""
    folder = name.rpartition("/")[0] if len(name) <= _LONG else ""
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in folders:
            return True
    return False


def _ooxml(names: set[str], kinds: bytes | None) -> tuple[str, Danger]:
    """ECMA-376; macros are a part of their own, whatever it is called: the list of kinds says which."""
    said = None if kinds is None else kinds.replace(b"\0", b"").lower().replace(_BINARY, b"")
    in_list = said is None or any(mark in said for mark in _KINDS_OF_MACROS)
    with_macros = in_list or any(
        each.endswith(("vbaproject.bin", "vbadata.xml")) or "macrosheets/" in each for each in names
    )
    danger = Danger.MACROS if with_macros else Danger.NONE
    for folder, program, kind in _OOXML:
        if any(each.startswith(folder) for each in names):
            return (
                f"application/vnd.ms-{program}.{_ENABLED[program]}.macroEnabled.12"
                if with_macros
                else f"application/vnd.openxmlformats-officedocument.{kind}"
            ), danger
    return ZIP, danger


_KINDS_OF_MACROS = (b"macroenabled", b"vbaproject", b"macrosheet", b"&#")  # the last hides any of them
_BINARY = b"sheet.binary.macroenabled"  # every .xlsb, with macros or without
_ENABLED = {"word": "document", "excel": "sheet", "powerpoint": "presentation"}


def _is_basic(name: str) -> bool:
    """Macros of OpenDocument: Basic/<library>/<module>.xml beside the library's own list, or Scripts/."""
    return name.startswith("scripts/") or (
        name.startswith("basic/") and name.endswith(".xml") and not name.endswith(("script-lb.xml", "script-lc.xml"))
    )


def _text(head: bytes) -> Look:
    wide = head[:2] in {b"\xff\xfe", b"\xfe\xff"}
    if wide:
        head = head.decode("utf-16", "replace").encode("utf-8", "replace")
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _SCRIPT.match(head):
        return Look("text/x-script", Danger.EXECUTABLE)
    begins = _without_preamble(head)
    is_xml = head.lstrip().startswith(b"<?xml")
    if (_XML_PAGE if is_xml else _PAGE).match(begins):
        return Look("image/svg+xml" if _SVG.match(begins) else "text/html", Danger.ACTIVE)
    if not head or NOT_TEXT.search(head):
        return Look(UNKNOWN, Danger.NONE)
    if is_xml:
        return Look("text/xml", Danger.ACTIVE if b"<?xml-stylesheet" in head else Danger.NONE)
    return Look(TEXT, Danger.NONE)


def _without_preamble(head: bytes) -> bytes:
    """Without blanks, comments, processing instructions and a DOCTYPE that is not HTML's: what a page may begin with."""
    while True:
        head = head.lstrip(b" \t\r\n\x0c")
        for begin, end in ((b"<!--", b"-->"), (b"<?", b"?>")):
            if head.startswith(begin):
                head = head.partition(end)[2]
                break
        else:
            if head[:9].lower() != b"<!doctype" or _PAGE.match(head):
                return head
            if _SVG.match(b"<" + head[9:].lstrip() + b" "):
                return b"<svg " + head
            head = head.partition(b">")[2]
