"""Authentication-Results (RFC 8601): what a server found, read without backtracking."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_VALUE = 16384  # characters that are read
MAX_RESULTS = 100

_METHOD = re.compile(r"([a-z0-9-]+)(?:/[0-9]+)?=([a-z]+)(?:\s|\Z)")
_PROPERTY = re.compile(r"(?:\A|\s)([a-z0-9-]+\.[a-z0-9_.-]+)=(\S*)")
_EQUALS = re.compile(r"(?<=\S)\s*=\s*")


@dataclass(frozen=True, slots=True)
class Result:
    """`dkim=pass header.d=example.com`; properties in lower case. `words` are its comments, some say a policy there."""

    method: str
    result: str
    properties: dict[str, str]
    words: str


@dataclass(frozen=True, slots=True)
class Results:
    server: str  # authserv-id, in lower case
    results: tuple[Result, ...]


def read(value: bytes) -> Results:
    """Never raises; what cannot be read is left out."""
    first, *rest = _pieces(value[:MAX_VALUE].decode("utf-8", "replace"))
    server = (first[0].split() or [""])[0].lower()
    found = []
    for text, comment in rest[:MAX_RESULTS]:
        plain = _EQUALS.sub("=", text.strip()).lower()
        method = _METHOD.match(plain)
        if method is not None:
            properties = {match[1]: match[2] for match in _PROPERTY.finditer(plain, method.end(2))}
            found.append(Result(method[1], method[2], properties, comment.lower()))
    return Results(server, tuple(found))


def _pieces(value: str) -> list[tuple[str, str]]:
    """(text, its comments) between semicolons: comments nest, and quoted strings may hold anything (RFC 5322 section 3.2)."""
    made: list[tuple[str, str]] = []
    text: list[str] = []
    comment: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in value:
        if escaped:
            (comment if depth else text).append(char)
            escaped = False
        elif char == "\\" and (depth or quoted):
            escaped = True
        elif quoted:
            if char == '"':
                quoted = False
            else:
                text.append("_" if char.isspace() else char)
        elif char == '"' and not depth:
            quoted = True
        elif char == "(":
            depth += 1
            comment.append(" ")
        elif char == ")" and depth:
            depth -= 1
            text.append(" ")
        elif depth:
            comment.append(char)
        elif char == ";":
            made.append(("".join(text), "".join(comment)))
            text, comment = [], []
        else:
            text.append(char)
    return [*made, ("".join(text), "".join(comment))]
