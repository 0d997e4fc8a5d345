"""How clients of Jitbit put parameters into a request: each gives what httpx sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

Values = Mapping[str, Any]  # texts, or lists of them
Files = tuple[tuple[str, str, bytes], ...]  # part, name, bytes
Request = dict[str, Any]

_BOUNDARY = "5f3c1e7a-2b1d-4c57-9f6e-1a2b3c4d5e6f"


def nothing(_values: Values, _files: Files) -> Request:
    """As .NET posts null: no type, an empty body."""
    return {"content": b""}


def query(values: Values, _files: Files) -> Request:
    """All in the address, a list by repeating its name; a POST has an empty body."""
    return {"params": urlencode(values, doseq=True)}


def query_of_axios(values: Values, _files: Files) -> Request:
    """The same, where a body of JSON is announced and none is sent."""
    return query(values, ()) | {"headers": {"Content-Type": "application/json"}}


def form(values: Values, _files: Files) -> Request:
    return _typed(urlencode(values, doseq=True).encode(), "application/x-www-form-urlencoded")


def form_in_utf8(values: Values, _files: Files) -> Request:
    """As browsers and URLSearchParams have it."""
    return _typed(form(values, ())["content"], "application/x-www-form-urlencoded;charset=UTF-8")


def multipart(values: Values, files: Files) -> Request:
    """As browsers, curl and PowerShell 7 write one."""
    fields = [(f'form-data; name="{name}"', "", str(value).encode()) for name, value in values.items()]
    uploads = [
        (f'form-data; name="{part}"; filename="{name}"', "application/octet-stream", data) for part, name, data in files
    ]
    return _parts(fields + uploads, _BOUNDARY)


def multipart_of_dotnet(values: Values, files: Files) -> Request:
    """As HttpClient writes one: names are bare, the boundary is quoted, each field has a type, a name beyond ASCII comes twice."""
    fields = [
        (f"form-data; name={name}", "text/plain; charset=utf-8", str(value).encode()) for name, value in values.items()
    ]
    uploads = [
        (
            f"form-data; name={part}; filename={_word(name)}; filename*=utf-8''{quote(name)}",
            "application/octet-stream",
            data,
        )
        for part, name, data in files
    ]
    return _parts(fields + uploads, f'"{_BOUNDARY}"')


def json_(values: Values, _files: Files) -> Request:
    """Numbers and truths as themselves."""
    return _typed(json.dumps({name: _plain(value) for name, value in values.items()}).encode(), "application/json")


def json_of_texts(values: Values, _files: Files) -> Request:
    return _typed(json.dumps(values).encode(), "application/json; charset=utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if value.lstrip("-").isdigit() else {"true": True, "false": False}.get(value, value)


def _typed(data: bytes, kind: str) -> Request:
    return {"content": data, "headers": {"Content-Type": kind}}


def _parts(parts: list[tuple[str, str, bytes]], boundary: str) -> Request:
    lines = []
    for disposition, kind, data in parts:
        lines += [f"--{_BOUNDARY}".encode()] + ([f"Content-Type: {kind}".encode()] if kind else [])
        lines += [f"Content-Disposition: {disposition}".encode(), b"", data]
    body = b"\r\n".join([*lines, f"--{_BOUNDARY}--".encode(), b""])
    return _typed(body, f"multipart/form-data; boundary={boundary}")


def _word(name: str) -> str:
    """RFC 2047, where it must be."""
    from email.header import Header

    return name if name.isascii() else f'"{Header(name, "utf-8", maxlinelen=200).encode()}"'
