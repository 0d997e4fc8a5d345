"""Reading a request's body within its limits: urlencoded, multipart, JSON. Files go to disk as they come, then to the blobs."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from helpdeskd.errors import NoRoom
from helpdeskd.http.dialect import Malformed
from helpdeskd.http.given import Upload, members, pairs
from helpdeskd.http.here import Here
from helpdeskd.mail.filetypes import look_into
from helpdeskd.mail.names import label

_IN_MEMORY = 1 << 16  # bytes of a file before it goes to disk
_ESCAPED = 4  # times a field may be larger as it is sent: %D0 for a byte, \u0434 for two
_FORM = b"application/x-www-form-urlencoded"
_JSON = frozenset({b"application/json", b"text/json"})
# RFC 8187. Forms have no such names by RFC 7578, but .NET sends them, and beside them an RFC 2047 word as the plain name.
_EXTENDED_NAME = re.compile(rb";\s*filename\*\s*=\s*\"?utf-8'[^';]*'([^;\"\s]*)", re.IGNORECASE)


@dataclass(slots=True)
class _File:
    part: str
    name: str
    content_type: str
    size: int
    held: BinaryIO


@dataclass(slots=True)
class Body:
    """What a body holds. `fields` reads it, `keep` keeps its files: both after who sent it was let in, and in a thread."""

    kind: bytes = b""
    data: bytes = b""  # of a body that is no multipart
    pairs: list[tuple[str, str]] = field(default_factory=list)
    files: list[_File] = field(default_factory=list)

    def fields(self, here: Here) -> list[tuple[str, str]]:
        """Raises Malformed."""
        found = self.pairs
        if self.data and (self.kind in _JSON or (self.kind != _FORM and self.data.lstrip()[:1] == b"{")):
            try:
                found = members(self.data)
            except ValueError as error:
                raise Malformed(400, f"the body is no JSON object: {error}") from error
        elif self.data and self.data.count(b"&") < here.settings.max_parts:
            found = pairs(self.data.decode("utf-8", "replace"))
        elif self.data:
            raise Malformed(400, f"more than {here.settings.max_parts} fields")
        if len(found) > here.settings.max_parts:
            raise Malformed(400, f"more than {here.settings.max_parts} fields")
        return found

    def keep(self, here: Here) -> tuple[Upload, ...]:
        """Look at the files and put them into the blobs: durable when this returns. In a thread. Raises NoRoom, StoreDown."""
        if self.files and not here.room():
            raise NoRoom("the disk is at its reserve")
        kept = []
        for file in self.files:
            name = label(file.name)
            found = look_into(name, file.held, file.size)
            file.held.seek(0)
            sha256 = here.blobs.put_file(file.held)
            name = name or ("file" if file.name else "")
            kept.append(Upload(file.part, name, file.content_type, file.size, sha256, *astuple(found)))
        self.close()
        return tuple(kept)

    def close(self) -> None:
        for file in self.files:
            file.held.close()


async def read(
    receive: Receive, headers: Mapping[str, str], here: Here, *, files: bool = False, most: int = 1 << 40
) -> Body:
    """At most `most` bytes, and what the settings say. Raises Malformed: too large, too many parts, not what its type says, cut off; TimeoutError. Without `files` their parts are passed over."""
    kind, options = parse_options_header(headers.get("content-type", ""))
    multipart = kind == b"multipart/form-data"
    limit = min(most, here.settings.max_body_mb << 20)
    if not multipart:  # it is held in memory, several times while it is read
        limit = min(limit, (here.settings.max_field_kb << 10) * _ESCAPED)
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    async with asyncio.timeout(here.settings.body_seconds):
        if multipart:
            return await _multipart(receive, options.get(b"boundary", b""), here, limit, files=files)
        return Body(kind, await _whole(receive, limit))


def _too_large(limit: int) -> Malformed:
    size = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} KB"
    return Malformed(413, f"the request is larger than {size}")


async def _chunks(receive: Receive, limit: int) -> Any:
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise Malformed(400, "the request ended too soon")
        chunk = event.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        more = event.get("more_body", False)
        if chunk:
            yield chunk


async def _whole(receive: Receive, limit: int) -> bytes:
    return b"".join([chunk async for chunk in _chunks(receive, limit)])


async def _multipart(receive: Receive, boundary: bytes, here: Here, limit: int, *, files: bool) -> Body:
    """RFC 7578."""
    if not 0 < len(boundary) <= 70:  # RFC 2046 section 5.1.1
        raise Malformed(400, "multipart/form-data without a boundary")
    parts = _Parts(here.settings.max_parts, here.settings.max_field_kb << 10, files=files)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        async for chunk in _chunks(receive, limit):
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        parts.body.close()
        raise Malformed(400, f"the body is no multipart/form-data: {error}") from error
    except BaseException:
        parts.body.close()
        raise
    if not parts.ended:
        parts.body.close()
        raise Malformed(400, "the last part of the body is cut off")
    return parts.body


class _Parts:
    """What the push parser calls."""

    def __init__(self, most: int, most_field: int, *, files: bool) -> None:
        self.body = Body()
        self.ended = False
        self._most, self._most_field, self._files = most, most_field, files
        self._count = 0
        self._header: list[bytes] = []
        self._value: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._file: _File | None = None
        self._field: list[bytes] = []
        self._size = 0
        self._name: str | None = None

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.append(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.append(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > self._most:
            raise Malformed(400, f"more than {self._most} parts")
        self._headers = {}
        self._file = self._name = None
        self._field, self._size = [], 0

    def _header_end(self) -> None:
        self._headers[b"".join(self._header).lower()] = b"".join(self._value)
        self._header, self._value = [], []

    def _headers_end(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        extended = _EXTENDED_NAME.search(disposition)
        raw = unquote_to_bytes(extended[1]) if extended else options.get(b"filename")
        if raw is None:
            return
        kind = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
        name = raw.decode("utf-8", "replace")
        held = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the body
        self._file = _File(self._name, name, kind, 0, held)  # type: ignore[arg-type]  # it reads and writes as BinaryIO does
        self.body.files.append(self._file)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            if self._files:
                self._file.held.write(data[start:end])
                self._file.size += end - start
            return
        self._size += end - start
        if self._size > self._most_field:
            raise Malformed(413, f"a field is larger than {self._most_field >> 10} KB")
        self._field.append(data[start:end])

    def _end(self) -> None:
        if self._file is None and self._name is not None:
            self.body.pairs.append((self._name, b"".join(self._field).decode("utf-8", "replace")))
        elif self._file is not None and not self._files:
            self.body.files.remove(self._file)
            self._file.held.close()

    def _all(self) -> None:
        self.ended = True
