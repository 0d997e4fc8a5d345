"""How values are written and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from helpdeskd.desk import profiles
from helpdeskd.http.jitbit import asks, words
from helpdeskd.model.ticket import Origin, Priority, State

EAST = timezone(timedelta(hours=2))

# fmt: off
READ = [
    ("2026-03-01",                "2026-03-01T00:00:00+00:00"),
    ("2026-03-01T12:30",          "2026-03-01T12:30:00+00:00"),
    ("2026-03-01 12:30:05",       "2026-03-01T12:30:05+00:00"),
    ("2026-03-01T12:30:05.127Z",  "2026-03-01T12:30:05.127000+00:00"),
    ("2026-03-01T12:30:05+02:00", "2026-03-01T10:30:05+00:00"),
    ("03/01/2026 12:30:05",       "2026-03-01T12:30:05+00:00"),
    ("03/01/2026",                "2026-03-01T00:00:00+00:00"),
]
NO_DATES = ["", "tomorrow", "2026-02-30", "13/13/2026", "/Date(1)/", "0001-01-01T00:00:00+14:00"]
WRITTEN = [
    (datetime(2026, 3, 1, 12, tzinfo=UTC),                     "2026-03-01T12:00:00Z"),
    (datetime(2026, 3, 1, 12, 0, 0, 127999, tzinfo=UTC),       "2026-03-01T12:00:00.127Z"),
    (datetime(2026, 3, 1, 12, 0, 0, 999, tzinfo=UTC),          "2026-03-01T12:00:00Z"),
    (datetime(814, 1, 28, tzinfo=UTC),                         "0814-01-28T00:00:00Z"),
    (datetime(2026, 3, 1, 1, tzinfo=EAST),                     "2026-02-28T23:00:00Z"),
]
NAMES = [
    ("Carol Ann Jones", ("Carol Ann", "Jones")),
    ("Carol",           ("Carol", "")),
    ("",                ("", "")),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), READ)
def test_dates_that_are_read(text, expected):
    assert asks.moment(text).isoformat() == expected


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date(text):
    with pytest.raises((ValueError, OverflowError)):
        asks.moment(text)


@pytest.mark.parametrize(("at", "expected"), WRITTEN)
def test_dates_that_are_written(at, expected):
    assert words.moment(at) == expected


@pytest.mark.parametrize(("given", "expected"), NAMES)
def test_names_in_two(given, expected):
    assert profiles.halves(given) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("True", True), ("1", True), ("on", True), ("false", False), ("0", False), ("NO", False)]
)
def test_truth(text, expected):
    assert asks.truth(text) is expected


@pytest.mark.parametrize("text", ["", "maybe", "2", "t"])
def test_what_is_neither_true_nor_false(text):
    with pytest.raises(ValueError, match="true or false"):
        asks.truth(text)


@pytest.mark.parametrize("text", ["", "1_0", "1.0", "x", "\N{SUPERSCRIPT TWO}", "9" * 20])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="whole number"):
        asks.integer(text)


def test_every_word_of_ours_has_one_of_theirs():
    assert set(words.STATUS) == set(State)
    assert set(words.STATUS.values()) == set(words.STATUS_NAMES) == set(words.SETS)
    assert all(words.STATUS[state] == number for number, state in words.SETS.items())
    assert set(words.PRIORITY) == set(Priority)
    assert set(words.ORIGIN_NAMES) == set(Origin)
    assert set(words.ORIGINS.values()) == set(Origin) - {Origin.CLI}
