"""The log's lines: one each, whatever a peer calls itself, and nothing in them that steers a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator

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
