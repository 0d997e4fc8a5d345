"""What a file is by its bytes, and what may happen to whoever opens it. Nothing is unpacked, decoded or parsed: what is read of one
file is bounded, so a bomb (archive, picture, XML) is only ever a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

from helpdeskd.mail import containers
from helpdeskd.mail.containers import Piece
from helpdeskd.mail.fileendings import DOCUMENTS, EXECUTABLE, IN_ARCHIVES, MACROS, PAGES
from helpdeskd.model.files import Danger, worst

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
ZIP = "application/zip"
OLE2 = "application/x-ole-storage"

_HEAD = 4096
_LOOKED = 1 << 18  # bytes at either end of a PDF


@dataclass(frozen=True, slots=True)
class Look:
    """`found_type`: a media type by the bytes; TEXT where they are text, UNKNOWN where nothing is known of them."""

    found_type: str
    danger: Danger


# (where, bytes, media type, danger), the first that fits; from the formats' own specifications.
_D = Danger
# fmt: off
_MAGIC: tuple[tuple[int, bytes, str, Danger], ...] = (
    (0, b"MZ",                               "application/vnd.microsoft.portable-executable", _D.EXECUTABLE),
    (0, b"\x7fELF",                          "application/x-elf",              _D.EXECUTABLE),
    (0, b"\xfe\xed\xfa\xce",                 "application/x-mach-binary",      _D.EXECUTABLE),
    (0, b"\xfe\xed\xfa\xcf",                 "application/x-mach-binary",      _D.EXECUTABLE),
    (0, b"\xce\xfa\xed\xfe",                 "application/x-mach-binary",      _D.EXECUTABLE),
    (0, b"\xcf\xfa\xed\xfe",                 "application/x-mach-binary",      _D.EXECUTABLE),
    (0, b"\xca\xfe\xba\xbe",                 "application/x-mach-binary",      _D.EXECUTABLE),  # or a Java class
    (0, b"dex\n03",                          "application/vnd.android.dex",    _D.EXECUTABLE),
    (0, b"\0asm",                            "application/wasm",               _D.EXECUTABLE),
    (0, b"L\0\0\0\x01\x14\x02\0",            "application/x-ms-shortcut",      _D.EXECUTABLE),
    (0, b"ITSF",                             "application/vnd.ms-htmlhelp",    _D.EXECUTABLE),
    (0, b"?_\x03\0",                         "application/winhlp",             _D.EXECUTABLE),
    (0, bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), "application/onenote", _D.EXECUTABLE),  # it holds files that start
    (0, b"conectix",                         "application/x-vhd",              _D.EXECUTABLE),
    (0, b"vhdxfile",                         "application/x-vhdx",             _D.EXECUTABLE),
    (0, b"KDMV",                             "application/x-vmdk",             _D.EXECUTABLE),
    (0, b"QFI\xfb",                          "application/x-qemu-disk",        _D.EXECUTABLE),
    (0, b"xar!",                             "application/x-xar",              _D.EXECUTABLE),
    (0, b"!<arch>\ndebian",                  "application/vnd.debian.binary-package", _D.EXECUTABLE),
    (0, b"\xed\xab\xee\xdb",                 "application/x-rpm",              _D.EXECUTABLE),
    (0, b"Cr24",                             "application/x-chrome-extension", _D.EXECUTABLE),
    (0, b"FWS",                              "application/vnd.adobe.flash.movie", _D.ACTIVE),
    (0, b"CWS",                              "application/vnd.adobe.flash.movie", _D.ACTIVE),
    (0, b"ZWS",                              "application/vnd.adobe.flash.movie", _D.ACTIVE),
    (0, b"\x89PNG\r\n\x1a\n",                "image/png",                      _D.NONE),
    (0, b"\xff\xd8\xff",                     "image/jpeg",                     _D.NONE),
    (0, b"GIF87a",                           "image/gif",                      _D.NONE),
    (0, b"GIF89a",                           "image/gif",                      _D.NONE),
    (8, b"WEBP",                             "image/webp",                     _D.NONE),
    (0, b"II*\0",                            "image/tiff",                     _D.NONE),
    (0, b"MM\0*",                            "image/tiff",                     _D.NONE),
    (0, b"\0\0\x01\0",                       "image/vnd.microsoft.icon",       _D.NONE),
    (0, b"8BPS",                             "image/vnd.adobe.photoshop",      _D.NONE),
    (4, b"ftypheic",                         "image/heic",                     _D.NONE),
    (4, b"ftypmif1",                         "image/heif",                     _D.NONE),
    (4, b"ftypavif",                         "image/avif",                     _D.NONE),
    (4, b"ftypqt",                           "video/quicktime",                _D.NONE),
    (4, b"ftypM4A",                          "audio/mp4",                      _D.NONE),
    (4, b"ftyp",                             "video/mp4",                      _D.NONE),
    (8, b"WAVE",                             "audio/vnd.wave",                 _D.NONE),
    (8, b"AVI ",                             "video/vnd.avi",                  _D.NONE),
    (0, b"ID3",                              "audio/mpeg",                     _D.NONE),
    (0, b"OggS",                             "application/ogg",                _D.NONE),
    (0, b"fLaC",                             "audio/flac",                     _D.NONE),
    (0, b"\x1aE\xdf\xa3",                    "video/matroska",                 _D.NONE),
    (0, b"{\\rtf",                           "application/rtf",                _D.NONE),
    (0, b"%!PS",                             "application/postscript",         _D.NONE),
    (0, b"\x1f\x8b",                         "application/gzip",               _D.NONE),
    (0, b"BZh",                              "application/x-bzip2",            _D.NONE),
    (0, b"\xfd7zXZ\0",                       "application/x-xz",               _D.NONE),
    (0, b"\x28\xb5\x2f\xfd",                 "application/zstd",               _D.NONE),
    (0, b"7z\xbc\xaf\x27\x1c",               "application/x-7z-compressed",    _D.NONE),
    (0, b"Rar!\x1a\x07",                     "application/vnd.rar",            _D.NONE),
    (0, b"MSCF",                             "application/vnd.ms-cab-compressed", _D.NONE),
    (257, b"ustar",                          "application/x-tar",              _D.NONE),
    (0, b"SQLite format 3\0",                "application/vnd.sqlite3",        _D.NONE),
    (0, b"BM",                               "image/bmp",                      _D.NONE),
)
# fmt: on
_RIFF = frozenset({b"WEBP", b"WAVE", b"AVI "})
_DISK_AT = 32_769  # ECMA-119 section 8: the sixteenth sector of 2048 bytes, behind its first byte
_DISK = (b"CD001", b"BEA01", b"NSR02", b"NSR03")
_IMAGE_FILE = "application/x-disk-image"

_PDF_ACTS = re.compile(rb"/(?:JavaScript|JS|Launch)[\s(<\[/]")
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
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
    claims = _CLAIMS.get(claimed, Danger.NONE)
    return Look(claimed, worst(_named(name, UNKNOWN), claims))


_CLAIMS = {
    "text/html": Danger.ACTIVE,
    "application/xhtml+xml": Danger.ACTIVE,
    "image/svg+xml": Danger.ACTIVE,
    "application/x-msdownload": Danger.EXECUTABLE,
    "application/x-msdos-program": Danger.EXECUTABLE,
    "application/vnd.microsoft.portable-executable": Danger.EXECUTABLE,
    "application/x-executable": Danger.EXECUTABLE,
    "application/java-archive": Danger.EXECUTABLE,
    "application/vnd.android.package-archive": Danger.EXECUTABLE,
    "application/hta": Danger.EXECUTABLE,
    "application/x-iso9660-image": Danger.EXECUTABLE,
}


def media_type(claimed: str) -> str:
    """type/subtype in lower case, without parameters."""
    return claimed.partition(";")[0].strip().lower()


# --- the name --------------------------------------------------------------------------------------------------


def endings(name: str) -> tuple[str, ...]:
    """The last two of a name, in lower case, the last one first: ("exe", "pdf"). Windows passes over dots and blanks at its end."""
    pieces = [each.strip() for each in name.rpartition("/")[2].rstrip(" .").lower().rsplit(".", 2)]
    return tuple(reversed(pieces[1:]))


def hides_its_ending(name: str) -> bool:
    """`invoice.pdf.exe`, `photo.jpg            .scr`: what one sees first is not what is started."""
    found = endings(name)
    return len(found) == 2 and found[0] in EXECUTABLE and found[1] in DOCUMENTS


def _named(name: str, found_type: str) -> Danger:
    """By its last ending: it decides what opens the file."""
    ending = (*endings(name), "")[0]
    if ending in EXECUTABLE:
        # `offer from example.com` is no program where it is something else that we know.
        known = ending == "com" and found_type not in {UNKNOWN, TEXT}
        return Danger.NONE if known else Danger.EXECUTABLE
    if ending in MACROS:
        return Danger.MACROS
    return Danger.ACTIVE if ending in PAGES else Danger.NONE


# --- the bytes -------------------------------------------------------------------------------------------------


def _look(name: str, piece: Piece, size: int) -> Look:
    found = _by_bytes(piece, size)
    return Look(found.found_type, worst(found.danger, _named(name, found.found_type)))


def _by_bytes(piece: Piece, size: int) -> Look:
    head = piece(0, _HEAD)
    if head.startswith(b"PK\x03\x04"):
        return _zip(head, containers.zip_directory(piece, size) or containers.zip_headers(piece))
    found = _by_head(head, piece, size)
    behind = containers.zip_directory(piece, size) if size > len(head) or b"PK\x05\x06" in head else None
    if behind is not None:  # an archive behind something else: programs for archives, and Java, look at the end
        hidden = _zip(b"", behind)
        return Look(
            hidden.found_type if found.found_type == UNKNOWN else found.found_type, worst(found.danger, hidden.danger)
        )
    return found


def _by_head(head: bytes, piece: Piece, size: int) -> Look:
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole2(containers.ole2_directory(piece, size))
    if b"%PDF-" in head[:1024]:
        return Look("application/pdf", _pdf(piece, size))
    for at, magic, kind, danger in _MAGIC:
        if head.startswith(magic, at) and _fits(head, at, magic):
            if kind == "application/vnd.rar" and _rar_is_encrypted(head):
                return Look(kind, Danger.ENCRYPTED)
            return Look(kind, danger)
    if piece(_DISK_AT, 5) in _DISK or _boots(head) or (size >= 512 and piece(size - 512, 4) == b"koly"):
        return Look(_IMAGE_FILE, Danger.EXECUTABLE)
    return _text(head)


def _fits(head: bytes, at: int, magic: bytes) -> bool:
    """Short marks stand at the beginning of words too: BM is a bitmap with its header's length, MZ in a text is a name."""
    if at == 8:
        return head.startswith(b"RIFF")
    if magic == b"BM":
        return len(head) > 18 and head[14] in {12, 40, 52, 56, 64, 108, 124} and head[15:18] == b"\0\0\0"
    if magic in {b"MZ", b"BZh", b"ID3", b"FWS", b"CWS", b"ZWS"}:
        return bool(_NOT_TEXT.search(head))
    return True


def _boots(head: bytes) -> bool:
    """A boot sector with a file system of Windows behind it (FAT, NTFS)."""
    return head[510:512] == b"\x55\xaa" and any(
        head.startswith(mark, at) for at, mark in ((3, b"NTFS"), (54, b"FAT"), (82, b"FAT32"))
    )


def _pdf(piece: Piece, size: int) -> Danger:
    """Where its objects are compressed, what they do is not seen."""
    ends = piece(0, _LOOKED), piece(max(_LOOKED, size - _LOOKED), _LOOKED)
    return Danger.ACTIVE if any(_PDF_ACTS.search(each) for each in ends) else Danger.NONE


def _rar_is_encrypted(head: bytes) -> bool:
    """The names in it too: the main header's flag of version 4, an encryption header in version 5."""
    if head.startswith(b"Rar!\x1a\x07\0"):
        return len(head) > 10 and head[9] == 0x73 and bool(head[10] & 0x80)
    return len(head) > 13 and head[13] == 4


def _ole2(found: containers.Ole2) -> Look:
    kind = next((kind for name, kind in _OLE2 if name in found.names), OLE2)
    if found.installer:
        return Look("application/x-msi", Danger.EXECUTABLE)
    if not found.names.isdisjoint(_VBA) or not found.whole:  # of what cannot be read nobody knows
        return Look(kind, Danger.MACROS)
    return Look(kind, Danger.ENCRYPTED if "encryptedpackage" in found.names else Danger.NONE)


def _zip(head: bytes, found: containers.Zip) -> Look:
    names = set(found.names)
    sealed = Danger.ENCRYPTED if found.encrypted else Danger.NONE
    if not names.isdisjoint(_PROGRAMS_IN) or any(each.endswith(".class") for each in names):
        return Look("application/java-archive" if "meta-inf/manifest.mf" in names else ZIP, Danger.EXECUTABLE)
    if "[content_types].xml" in names:
        return Look(*_ooxml(names, sealed))
    if (
        head[30:38] == b"mimetype"
    ):  # OpenDocument 1.3 part 2 section 3.3, EPUB 3.3 section 4.2.6.3: the first file, not compressed
        length = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        size = int.from_bytes(head[18:22], "little")
        kind = head[30 + length : 30 + length + min(size, 100)].decode("ascii", "replace")
        if re.fullmatch(r"application/[a-z0-9.+-]{1,80}", kind):
            return Look(kind, worst(sealed, Danger.MACROS if any(map(_is_basic, names)) else Danger.NONE))
    inside = Danger.NONE if found.whole else Danger.EXECUTABLE  # what it may hide nobody knows
    last = {each.rpartition(".")[2].rstrip() for each in names}
    inside = worst(inside, *(IN_ARCHIVES[each] for each in last & IN_ARCHIVES.keys()))
    return Look(ZIP, worst(sealed, inside))


def _ooxml(names: set[str], sealed: Danger) -> tuple[str, Danger]:
    """ECMA-376; macros are a part of their own, whatever it is called by its ending."""
    macros = any(each.endswith(("vbaproject.bin", "vbadata.xml")) or "macrosheets/" in each for each in names)
    for folder, program, kind in _OOXML:
        if any(each.startswith(folder) for each in names):
            return (
                f"application/vnd.ms-{program}.{_ENABLED[program]}.macroEnabled.12"
                if macros
                else f"application/vnd.openxmlformats-officedocument.{kind}"
            ), Danger.MACROS if macros else sealed
    return ZIP, Danger.MACROS if macros else sealed


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
    if head.startswith(b"#!"):
        return Look("text/x-script", Danger.EXECUTABLE)
    begins = _without_preamble(head)
    is_xml = head.lstrip().startswith(b"<?xml")
    if (_XML_PAGE if is_xml else _PAGE).match(begins):
        return Look("image/svg+xml" if _SVG.match(begins) else "text/html", Danger.ACTIVE)
    if not head or _NOT_TEXT.search(head):
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


# --- serving ---------------------------------------------------------------------------------------------------

# What is known by its bytes: who claims it, and has other bytes, is not believed.
_KNOWN = frozenset(
    {kind for _, _, kind, _ in _MAGIC} | {"application/pdf", "text/html", "image/svg+xml", "application/xhtml+xml", ZIP}
)
_LIVE = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml", "text/xsl", "multipart/related", "message/rfc822"})  # fmt: skip


def pretends(claimed: str, found: str) -> bool:
    """Does it say that it is something which is known by its bytes, and has others? Of pictures one passes for another, and nobody is
    harmed."""
    claimed = media_type(claimed)
    return claimed in _KNOWN and found != claimed and not (claimed.startswith("image/") and found.startswith("image/"))


def served_type(claimed: str, found: str | None) -> str:
    """The media type that a file is given out with: by its bytes, where they say anything. `found`: None where nobody has looked.
    Pages and what else a browser would run are bytes."""
    claimed = media_type(claimed)
    if found is None or found in {UNKNOWN, TEXT, ZIP, OLE2}:
        believed = claimed not in _KNOWN or found in {None, claimed}
        kind = claimed if believed else found or UNKNOWN
    else:
        kind = found
    return UNKNOWN if kind in _LIVE else kind
