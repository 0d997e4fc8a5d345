"""What a request carries, before anybody has judged it: named values from path, query, form and JSON, and uploaded files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from helpdeskd.model.files import Danger


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a request. Its blob is durable already."""

    part: str  # the name of the form's part
    name: str  # as the client called it, made safe (mail.names.label); empty where it named none
    content_type: str
    size: int
    sha256: str
    found_type: str | None = None  # by the bytes, as mail.filetypes has it
    danger: Danger | None = None


class Values:
    """Texts by name; a name may come several times. With `fold` the case of names does not matter."""

    __slots__ = ("_fold", "_known")

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), *, fold: bool = False) -> None:
        self._fold = fold
        self._known: dict[str, list[str]] = {}
        for name, value in pairs:
            self._known.setdefault(name.lower() if fold else name, []).append(value)

    def all(self, name: str) -> list[str]:
        """Every value of exactly that name, in order."""
        return self._known.get(name.lower() if self._fold else name, [])

    def names(self) -> Iterable[str]:
        return self._known


@dataclass(frozen=True, slots=True)
class Given:
    """`path` are the placeholders' texts. `form` holds urlencoded and multipart fields and a JSON object's members."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Values = field(default_factory=Values)
    form: Values = field(default_factory=Values)
    files: tuple[Upload, ...] = ()


def pairs(text: str) -> list[tuple[str, str]]:
    """The pairs of a query string or an urlencoded form: `&` separates, `+` is a blank, bytes are UTF-8 (U+FFFD where not).

    Nothing is dropped: `a` alone is a with an empty value. https://url.spec.whatwg.org/#urlencoded-parsing
    """
    found = []
    for each in text.split("&"):
        if each:
            name, _, value = each.partition("=")
            found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text


def members(data: bytes) -> list[tuple[str, str]]:
    """The members of a JSON object as texts: true, 5 and 1.5 as JSON writes them, null not at all, a list one by one,
    anything deeper as JSON. Raises ValueError where it is no JSON object."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if not isinstance(found, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - what the caller sent is wrong, not what we passed
    return [
        (name, _text(each))
        for name, value in found.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
