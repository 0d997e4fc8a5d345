"""When an alarm is told: once when it begins, once when it is over, once a day in between."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from helpdeskd.alarms.conditions import AlarmKind, Key
from helpdeskd.alarms.course import AGAIN, FORGOTTEN, QUIET, Alarm, Phase, from_json, step, to_json

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PARKED = Key(AlarmKind.PARKED, "n1")
OTHER = Key(AlarmKind.PARKED, "n2")
MINUTE = timedelta(minutes=1)

BAD, FINE, UNKNOWN = "1", "", None
# Minutes from noon with what is seen then -> the news, by minute.
COURSES = {
    "begins and stands": ([(0, BAD), (1, BAD), (60, BAD)], [(0, Phase.BEGUN)]),
    "is over once it has been well for long": (
        [(0, BAD), (5, FINE), (14, FINE), (15, FINE)],
        [(0, Phase.BEGUN), (15, Phase.OVER)],
    ),
    "comes and goes": (
        [(0, BAD), *((n, FINE if n % 2 else BAD) for n in range(1, 60)), (60, FINE), (69, FINE), (70, FINE)],
        [(0, Phase.BEGUN), (69, Phase.OVER)],
    ),
    "again after a day, and only then": (
        [(0, BAD), (1439, BAD), (1440, BAD), (1441, BAD), (2880, BAD)],
        [(0, Phase.BEGUN), (1440, Phase.STANDING), (2880, Phase.STANDING)],
    ),
    "the clock was set back": (
        [(9000, BAD), (0, BAD), (1440, BAD), (8999, FINE), (1450, FINE), (1459, FINE), (1460, FINE)],
        [(9000, Phase.BEGUN), (1440, Phase.STANDING), (1460, Phase.OVER)],
    ),
    "nobody could look": ([(0, BAD), (1, UNKNOWN), (30, UNKNOWN), (31, BAD)], [(0, Phase.BEGUN)]),
    "always well": ([(0, FINE), (60, FINE)], []),
    "begins anew after it was over": (
        [(0, BAD), (1, FINE), (11, FINE), (12, BAD)],
        [(0, Phase.BEGUN), (11, Phase.OVER), (12, Phase.BEGUN)],
    ),
}


@pytest.mark.parametrize(("seen", "told"), COURSES.values(), ids=COURSES)
def test_courses(seen, told):
    alarms: tuple[Alarm, ...] = ()
    news = []
    for minute, words in seen:
        at = NOON + minute * MINUTE
        alarms, new = step(alarms, {} if words is None else {PARKED: words}, at)
        alarms = from_json(json.loads(json.dumps(to_json(alarms))))  # as after a restart, every time
        news += [(minute, each.phase) for each in new]
    assert news == told


def test_others_alarms_go_on():
    before, _ = step((), {OTHER: "2"}, NOON)
    after, news = step(before, {PARKED: "1"}, NOON + MINUTE)
    assert [alarm.key for alarm in after] == [PARKED, OTHER]
    assert [each.alarm.key for each in news] == [PARKED]


def test_what_nobody_looks_at_any_more_is_forgotten():
    """A mailbox that is no longer configured, a node that is no more. But not an alarm whose daemon was stopped for a week."""
    before, _ = step((), {OTHER: "2"}, NOON)
    assert step(before, {}, NOON + FORGOTTEN - MINUTE) == (before, ())
    assert step(before, {}, NOON + FORGOTTEN) == ((), ())
    _, (news,) = step(before, {OTHER: "2"}, NOON + timedelta(days=7))
    assert news.phase is Phase.STANDING
    assert FORGOTTEN > AGAIN


def test_nothing_new_changes_nothing():
    """So that a look that finds all as it was writes nothing."""
    before, _ = step((), {PARKED: "1"}, NOON)
    after, news = step(before, {PARKED: "2"}, NOON + MINUTE)
    assert (after, news) == (before, ())


def test_the_words_of_a_day_later_are_todays():
    before, _ = step((), {PARKED: "1"}, NOON)
    _, (news,) = step(before, {PARKED: "2"}, NOON + AGAIN)
    assert (news.alarm.words, news.alarm.since) == ("2", NOON)
    (alarm,), _ = step(before, {PARKED: ""}, NOON)
    assert alarm.well == NOON
    assert QUIET < AGAIN


def test_what_another_version_has_left():
    (good,) = from_json([*to_json(step((), {PARKED: "1"}, NOON)[0]), {"key": {"kind": "unheard-of"}}, 7])
    assert good.key == PARKED
