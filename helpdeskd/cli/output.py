"""What commands print: times, sizes and tables for people, JSON for scripts; nothing from outside steers a terminal."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import click

from helpdeskd.errors import Refused
from helpdeskd.mail import reply

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")

# What json.dumps leaves as it is, and a terminal may obey: C1 controls, marks that turn the writing around, line and
# paragraph separators, lone surrogates. In JSON they stand inside strings only, so they can be escaped afterwards.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")

# Fields of records that are no business of a script's log: with a reply token somebody could speak as its person.
_KEPT_BACK = frozenset({"reply_token", "envelope_token", "context", "envelope"})


def echo_json(value: Any) -> None:
    """One JSON document on standard output."""
    text = json.dumps(value, default=_plain, indent=2, ensure_ascii=False)
    click.echo(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return {name: getattr(value, name) for name in names if name not in _KEPT_BACK}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """Left-aligned columns under a header; the last one may be as long as it likes."""
    cells = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(header) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in cells
    )


def one_line(cell: object) -> str:
    """Text from outside never moves the cursor: control characters and line breaks become spaces."""
    text = cell.value if isinstance(cell, Enum) else "" if cell is None else str(cell)
    return "".join(c if c.isprintable() else " " for c in str(text))


def lines(text: str) -> str:
    """Text of several lines from outside, without what could steer a terminal."""
    return "\n".join(one_line(line.expandtabs()) for line in re.split(r"\r\n|\r|\n", text))


def say(text: str) -> None:
    """Print text that may come from outside."""
    click.echo(lines(text))


def folded(text: str, quote: str, *, forward: bool = False) -> list[str]:
    """The words of a message, with a line in place of what folds: `[3 lines of signature]`, `[20 quoted lines]`."""
    pieces: list[str] = []
    place = 0
    for fold in (*reply.folds(text, forward=forward), None):
        words = text[place : fold.start if fold else len(text)].strip()
        if words:
            pieces.append(words)
        if fold:
            count = len(text[fold.start : fold.end].strip().splitlines())
            pieces.append(_FOLDED[fold.kind].format(f"{count} line{'' if count == 1 else 's'}"))
            place = fold.end
    pieces = pieces or ["(no text)"]
    if quote.strip():
        pieces.append(f"[{len(quote.strip().splitlines())} quoted lines]")
    return pieces


_FOLDED = {
    reply.Kind.HEAD: "[{} about what follows]",
    reply.Kind.QUOTE: "[{} of quote]",
    reply.Kind.SIGNATURE: "[{} of signature]",
    reply.Kind.ENDING: "[{}, perhaps a signature]",
    reply.Kind.BELOW: "[{} below a telephone's]",
    reply.Kind.PERHAPS: "[{}, perhaps quoted]",
}


def moment(when: datetime | None) -> str:
    """2026-01-31 12:00, UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if when else "-"


def of_micros(value: int) -> datetime:
    """Microseconds since 1970 as a time; 1970 where they are none, as in a damaged file."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        return epoch + timedelta(microseconds=value)
    except OverflowError:
        return epoch


def ago(when: datetime | None, now: datetime) -> str:
    """How long ago, roughly: 12 s, 5 min, 3 h, 2 d."""
    if when is None:
        return "never"
    seconds = max(0, (now - when) // timedelta(seconds=1))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def size(count: float) -> str:
    """Bytes for people: 1.5 MB."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def write_new(place: Path, raw: bytes) -> None:
    """A new file, for its owner alone, whole or not at all. Raises Refused("no-file")."""
    try:
        file = open(place, "xb", opener=partial(os.open, mode=0o600))  # noqa: SIM115 - a mail is nobody else's business
        try:
            with file:
                file.write(raw)
        except OSError:  # half a mail would pass for one, and keep the next try from writing it
            place.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Refused("no-file", f"cannot write {place}: {error.strerror}") from error
