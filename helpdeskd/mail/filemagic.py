"""What the first bytes of a file say that it is."""

from __future__ import annotations

import re

from helpdeskd.model.files import Danger

NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

# (where, bytes, media type, danger), the first that fits; from the formats' own specifications.
_D = Danger
# fmt: off
MAGIC: tuple[tuple[int, bytes, str, Danger], ...] = (
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
    (0, b"\0\1\0\0Standard Jet DB\0",       "application/x-msaccess",         _D.MACROS),
    (0, b"\0\1\0\0Standard ACE DB\0",       "application/x-msaccess",         _D.MACROS),
    (0, b"ActiveMime",                       "application/x-mso",              _D.MACROS),
    (0, b"\x0e\x11\xfc\x0d\xd0\xcf\x11\x0e", "application/x-ole-storage",      _D.MACROS),  # OLE2 before it was done
    (0, b"\x89PNG\r\n\x1a\n",                "image/png",                      _D.NONE),
    (0, b"\xff\xd8\xff",                     "image/jpeg",                     _D.NONE),
    (0, b"GIF87a",                           "image/gif",                      _D.NONE),
    (0, b"GIF89a",                           "image/gif",                      _D.NONE),
    (8, b"WEBP",                             "image/webp",                     _D.NONE),
    (0, b"II*\0",                            "image/tiff",                     _D.NONE),
    (0, b"MM\0*",                            "image/tiff",                     _D.NONE),
    (0, b"II+\0",                            "image/tiff",                     _D.NONE),  # BigTIFF
    (0, b"MM\0+",                            "image/tiff",                     _D.NONE),
    (0, b"\0\0\x01\0",                       "image/vnd.microsoft.icon",       _D.NONE),
    (0, b"8BPS",                             "image/vnd.adobe.photoshop",      _D.NONE),
    (4, b"ftyphei",                          "image/heic",                     _D.NONE),
    (4, b"ftyphev",                          "image/heic",                     _D.NONE),
    (4, b"ftypmif1",                         "image/heif",                     _D.NONE),
    (4, b"ftypmsf1",                         "image/heif",                     _D.NONE),
    (4, b"ftypavif",                         "image/avif",                     _D.NONE),
    (4, b"ftypqt",                           "video/quicktime",                _D.NONE),
    (4, b"ftypM4A",                          "audio/mp4",                      _D.NONE),
    (4, b"ftyp",                             "video/mp4",                      _D.NONE),
    (4, b"moov",                             "video/quicktime",                _D.NONE),
    (4, b"mdat",                             "video/quicktime",                _D.NONE),
    (4, b"wide",                             "video/quicktime",                _D.NONE),
    (8, b"WAVE",                             "audio/vnd.wave",                 _D.NONE),
    (8, b"AVI ",                             "video/vnd.avi",                  _D.NONE),
    (0, b"ID3",                              "audio/mpeg",                     _D.NONE),
    (0, b"\xff\xfb",                         "audio/mpeg",                     _D.NONE),
    (0, b"\xff\xfa",                         "audio/mpeg",                     _D.NONE),
    (0, b"\xff\xf3",                         "audio/mpeg",                     _D.NONE),
    (0, b"\xff\xf2",                         "audio/mpeg",                     _D.NONE),
    (0, b"\xff\xf1",                         "audio/aac",                      _D.NONE),
    (0, b"\xff\xf9",                         "audio/aac",                      _D.NONE),
    (0, b"OggS",                             "application/ogg",                _D.NONE),
    (0, b"fLaC",                             "audio/flac",                     _D.NONE),
    (0, b"\x1aE\xdf\xa3",                    "video/matroska",                 _D.NONE),
    (0, b"{\\rtf",                           "application/rtf",                _D.NONE),
    (0, b"%!PS",                             "application/postscript",         _D.NONE),
    (0, b"\xc5\xd0\xd3\xc6",                 "application/postscript",         _D.NONE),  # EPS with a preview
    (0, b"\x1f\x8b",                         "application/gzip",               _D.NONE),
    (0, b"BZh",                              "application/x-bzip2",            _D.NONE),
    (0, b"\xfd7zXZ\0",                       "application/x-xz",               _D.NONE),
    (0, b"\x28\xb5\x2f\xfd",                 "application/zstd",               _D.NONE),
    (0, b"7z\xbc\xaf\x27\x1c",               "application/x-7z-compressed",    _D.NONE),
    (0, b"Rar!\x1a\x07",                     "application/vnd.rar",            _D.NONE),
    (0, b"MSCF",                             "application/vnd.ms-cab-compressed", _D.NONE),
    (0, b"\x60\xea",                         "application/x-arj",              _D.NONE),
    (2, b"-lh",                              "application/x-lzh-compressed",   _D.NONE),
    (257, b"ustar",                          "application/x-tar",              _D.NONE),
    (0, b"SQLite format 3\0",                "application/vnd.sqlite3",        _D.NONE),
    (0, b"BM",                               "image/bmp",                      _D.NONE),
)
# fmt: on
# Letters that texts begin with too.
_WORDS = frozenset(
    {
        b"MZ",
        b"BZh",
        b"ID3",
        b"FWS",
        b"CWS",
        b"ZWS",
        b"ITSF",
        b"xar!",
        b"Cr24",
        b"KDMV",
        b"conectix",
        b"vhdxfile",
        b"dex\n03",
    }
    | {b"8BPS", b"OggS", b"fLaC", b"MSCF", b"moov", b"mdat", b"wide"}
)
_BITMAPS = frozenset({12, 40, 52, 56, 64, 108, 124})


def first(head: bytes) -> tuple[str, Danger] | None:
    """(media type, danger) by the table."""
    for at, magic, kind, danger in MAGIC:
        if head.startswith(magic, at) and _fits(head, at, magic):
            return kind, danger
    return None


def _fits(head: bytes, at: int, magic: bytes) -> bool:
    """Short marks stand at the beginning of words too: BM is a bitmap with its header's length, MZ in a text is a name."""
    if at == 8:
        return head.startswith(b"RIFF")
    if magic == b"BM":
        return len(head) > 18 and head[14] in _BITMAPS and head[15:18] == b"\0\0\0"
    if magic == b"-lh":
        return head[6:7] == b"-" and head[20:21] in {b"\0", b"\1", b"\2"}
    if magic == b"\x60\xea":
        return 20 <= int.from_bytes(head[2:4], "little") <= 2600 and head[4:5] >= b"\x14"
    if (
        len(magic) == 2 and magic[:1] == b"\xff"
    ):  # ISO 11172-3 section 2.4.1.3: no bit rate of 15, no sampling frequency of 3
        return magic[1] & 6 == 0 or (len(head) > 3 and head[2] >> 4 < 15 and head[2] >> 2 & 3 < 3 and head[2] >> 4 > 0)
    return magic not in _WORDS or bool(NOT_TEXT.search(head))
