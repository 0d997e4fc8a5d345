"""What a sender says that a file is, beside what it is."""

from __future__ import annotations

from helpdeskd.mail.filemagic import MAGIC
from helpdeskd.model.files import Danger

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
ZIP = "application/zip"
OLE2 = "application/x-ole-storage"

DANGEROUS = {
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


# What is known by its bytes: who claims it, and has other bytes, is not believed.
_BY_BYTES = frozenset({kind for _, _, kind, _ in MAGIC} | {"application/pdf", "text/html", "image/svg+xml"}) - {OLE2}
_KNOWN = _BY_BYTES | {"application/xhtml+xml", ZIP}
_LIVE = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml", "text/xsl", "multipart/related", "message/rfc822"})  # fmt: skip
# Within one of these a sender may be wrong, and nobody is harmed.
_ALIKE = (
    frozenset({"text/html", "application/xhtml+xml", "text/xml", TEXT}),
    frozenset({"application/postscript", "application/pdf"}),  # drawing programs write either
    frozenset(
        {ZIP, "application/gzip", "application/x-tar", "application/x-bzip2", "application/x-xz", "application/zstd"}
    )
    | {"application/x-7z-compressed", "application/vnd.rar", "application/vnd.ms-cab-compressed", "application/x-arj"}
    | {"application/x-lzh-compressed"},
)
_MEDIA = ("image/", "audio/", "video/", "application/ogg")


def pretends(claimed: str, found: str) -> bool:
    """Does it say that it is something which is known by its bytes, and has others?"""
    claimed = media_type(claimed)
    if claimed not in _KNOWN or found == claimed or any({claimed, found} <= kinds for kinds in _ALIKE):
        return False
    if claimed == ZIP:  # documents that are archives too
        return found in _BY_BYTES or found in {TEXT, UNKNOWN, OLE2} or not found.startswith("application/")
    if claimed != "image/svg+xml" and claimed.startswith(
        _MEDIA
    ):  # more forms of pictures, sounds and films than are known here
        return not (found.startswith(_MEDIA) and found != "image/svg+xml") and not (
            found == UNKNOWN and claimed.startswith(("audio/", "video/"))
        )
    return True


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
