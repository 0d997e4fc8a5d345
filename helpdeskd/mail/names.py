"""File names of parts, in every shape senders write them (RFC 2183, 2231, 2047 where it does not belong, raw bytes)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from helpdeskd.mail import charset, headers
from helpdeskd.mail.split import Tree

MAX_NAME = 200
_EXTENDED = re.compile(r"([A-Za-z0-9_-]{1,30})'[A-Za-z-]{0,20}'(.*)", re.DOTALL)
_STRAY = {
    key: re.compile(rf"[\s,]{key}\s?=\s?(\"[^\"]{{1,500}}\"|[^\s;]{{1,500}})", re.IGNORECASE)
    for key in ("filename", "name")
}
_ENTITY = re.compile(r"&#(?:\d{2,7}|x[0-9A-Fa-f]{2,6});")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")


def file_name(part: Tree) -> str:
    """The name a part has, decoded, without folders or control characters, at most 200 characters; empty for none.

    Content-Disposition wins over Content-Type, and the extended form over the plain one (RFC 6266 section 4.3).
    Never a path to write to: only a label.
    """
    for header, key in (("content-disposition", "filename"), ("content-type", "name")):
        if "name" not in part.get(header, "").lower():
            continue
        plain = ""
        parameters: list[tuple[str, Any]] = part.get_params(failobj=[], header=header)
        for name, value in parameters:
            if name.lower() != key or not value:
                continue
            if isinstance(value, tuple):
                found = label(_extended(str(value[0] or ""), str(value[2] or "")))
                if found:
                    return found
            elif not plain:
                plain = label(_plain(str(value)))
        if not plain and (stray := _STRAY[key].search(part.get(header, "")[:4096])):
            plain = label(_plain(stray[1].strip('"')))  # `attachment filename=x`: a semicolon is missing
        if plain:
            return plain
    return ""


def file_names(part: Tree) -> tuple[str, ...]:
    """Every name that a program may save it under: that of either header, in either form, of a header that stands there twice."""
    found = [file_name(part)]
    for header, key in (("content-disposition", "filename"), ("content-type", "name")):
        values = part.get_all(header, [])
        if len(values) > 1 or any(value.lower().count("name") > 1 for value in values) or header == "content-type":
            for value in values:
                found += _all_names(header, key, value)
    return tuple(dict.fromkeys(name for name in found if name))


def _all_names(header: str, key: str, value: str) -> Iterator[str]:
    if "name" not in value.lower():
        return
    alone = Tree()
    alone.set_raw(header, value)
    parameters: list[tuple[str, Any]] = alone.get_params(failobj=[], header=header)
    for name, said in parameters:
        if name.lower() != key or not said:
            continue
        yield label(_extended(str(said[0] or ""), str(said[2] or "")) if isinstance(said, tuple) else _plain(str(said)))
    if stray := _STRAY[key].search(value[:4096]):
        yield label(_plain(stray[1].strip('"')))


def _extended(name: str, value: str) -> str:
    """The standard library has undone the percent signs into one character per byte."""
    try:
        return charset.decode(value.encode("latin-1"), name or None)
    except UnicodeEncodeError:
        return headers.repair(value)


def _plain(value: str) -> str:
    value = headers.repair(value)
    if "=?" in value:
        value = headers.words(value)
    match = _EXTENDED.fullmatch(value)
    if match and charset.codec(match.group(1)):  # filename="utf-8''caf%C3%A9.pdf": the form without its asterisk
        return charset.decode(unquote_to_bytes(match.group(2)), match.group(1))
    if _ENTITY.search(value):
        value = _ENTITY.sub(lambda match: html.unescape(match[0]), value)
    if len(_PERCENT.findall(value)) >= 2 and " " not in value:
        decoded = unquote_to_bytes(value)
        if not decoded.isascii():
            return charset.decode(decoded, "utf-8")
    return value


_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')  # of path, shell or eye
_MAX_BYTES = 240  # of a name: file systems have room for 255
# Devices, whatever their ending: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)\s*(?:\.|$)",
    re.IGNORECASE,
)


def safe(name: str) -> str:
    """A name that every system can save a file under, and that reads as what it is; never empty."""
    name = _UNFIT.sub("_", label(name)).strip(" .")
    raw = name.encode("utf-8", "replace")
    if len(raw) > _MAX_BYTES:
        stem, dot, extension = name.rpartition(".")
        tail = f".{extension}".encode() if dot and len(extension) <= 10 else b""
        kept = stem.encode() if tail else raw
        name = (kept[: _MAX_BYTES - len(tail)].decode("utf-8", "ignore").rstrip(" .") + tail.decode()).strip(" .")
    return f"_{name}" if _DEVICE.match(name) else name or "file"


def label(name: str) -> str:
    """A name as people may see it and save it under: no folders, no control characters, not hidden, not endless."""
    name = headers.clean(name).replace("\\", "/").rpartition("/")[2].strip(" .\"'")
    if len(name) > MAX_NAME:
        stem, dot, extension = name.rpartition(".")
        if dot and len(extension) <= 10:
            name = f"{stem[: MAX_NAME - len(extension) - 1]}.{extension}"
        else:
            name = name[:MAX_NAME]
    return name
