"""The log's lines: one each, whatever a peer calls itself, and nothing in them that steers a terminal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pytest
import structlog

from helpdeskd import log

HOSTILE = "a\nlevel=error event=parked\r\x1b[2J\x9b31m\u202e\u2028\x00\ud800 \u00e9"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_text_is_one_line_without_steering(capsys):
    log.configure("text")
    log.get("smtp").info(log.Event.RECEIVED, sender=HOSTILE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert "u001b[2J" in line
    assert "\u00e9" in line  # letters stay


def test_json_says_it_all(capsys):
    log.configure("json")
    log.get("smtp").info(log.Event.RECEIVED, sender=HOSTILE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert json.loads(line)["sender"] == HOSTILE


def test_a_log_that_cannot_be_written_stops_nobody(monkeypatch):
    """Its disk is full, or whoever read it has gone."""
    log.configure("text")
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(cast("BinaryIO", full), write_through=True))
        with pytest.raises(OSError, match="No space left"):
            sys.stderr.write("straight")
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            log.get("smtp").exception(log.Event.TROUBLE)
        log.get("smtp").info(log.Event.RECEIVED, sender="x" * 100_000)
