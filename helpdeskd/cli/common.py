"""What commands share: settings, an opened installation, times and tables for people, JSON for scripts."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import click

from helpdeskd.config import Config
from helpdeskd.config.load import load
from helpdeskd.errors import Refused
from helpdeskd.installation import Installation, is_held, opened

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def settings(ctx: click.Context) -> Config:
    """The settings this command runs under. Raises ConfigError. Also quiets the log to warnings."""
    from helpdeskd import log

    config = load(ctx.find_root().obj, os.environ)
    log.configure(config.log.style, "warning")
    return config


@contextmanager
def reading(ctx: click.Context) -> Iterator[Installation]:
    """An installation to look at."""
    with opened(settings(ctx)) as installation:
        yield installation


@contextmanager
def writing(ctx: click.Context) -> Iterator[Installation]:
    """An installation to change; the daemon, if one runs, is woken afterwards.

    Raises Refused where a second writer would not be safe: SQLite with the WAL-reset bug while the daemon runs.
    """
    config = settings(ctx)
    with opened(config) as installation:
        if installation.store.dialect == "sqlite" and installation.store.warnings and is_held(config):
            raise Refused(
                "old-sqlite",
                "this SQLite (below 3.51.3) can lose data with two writers, and the daemon runs: stop it first, "
                "or install a newer SQLite",
            )
        yield installation
        installation.ring()


def echo_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """Left-aligned columns under a header; the last one may be as long as it likes."""
    cells = [[_clean(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(header) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in cells
    )


def _clean(cell: object) -> str:
    """Text from outside never moves the cursor: control characters become spaces."""
    text = cell.value if isinstance(cell, Enum) else "" if cell is None else str(cell)
    return "".join(c if c.isprintable() else " " for c in str(text))


def clean_text(text: str) -> str:
    """Text of several lines from outside, without what could steer a terminal."""
    return "\n".join(_clean(line) for line in text.splitlines())


def moment(when: datetime | None) -> str:
    """2026-01-31 12:00, UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if when else "-"


def ago(when: datetime | None, now: datetime) -> str:
    """How long ago, roughly: 12 s, 5 min, 3 h, 2 d."""
    if when is None:
        return "never"
    seconds = max(0, (now - when) // timedelta(seconds=1))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def size(count: float) -> str:
    """Bytes for people: 1.5 MB."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
