"""The course of alarms: when one begins, is over, and is told again. Pure; the state is plain JSON for the store's settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from helpdeskd.alarms.conditions import Answers, Key

AGAIN: Final = timedelta(days=1)  # what stands is told again so often, at most
FORGOTTEN: Final = timedelta(days=2)  # one that nobody has looked at for so long: its node or its mailbox is no more
QUIET: Final = timedelta(minutes=10)  # over is what has been well for so long: one that comes and goes is told once


class Phase(StrEnum):
    """What is told of an alarm."""

    BEGUN = "begun"
    STANDING = "standing"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One that stands. `well` is since when its condition has been met again; it is over once that has lasted."""

    key: Key
    words: str
    since: datetime
    told: datetime
    well: datetime | None = None


@dataclass(frozen=True, slots=True)
class News:
    """An alarm and what is to be told of it."""

    phase: Phase
    alarm: Alarm


def step(before: Iterable[Alarm], answers: Answers, now: datetime) -> tuple[tuple[Alarm, ...], tuple[News, ...]]:
    """The alarms that stand from now on, and the news. What was not looked at goes on as it was, until it is forgotten."""
    kept = (_not_ahead(alarm, now) for alarm in before)
    alarms = {alarm.key: alarm for alarm in kept if alarm.key in answers or now - alarm.told < FORGOTTEN}
    news: list[News] = []
    for key, words in answers.items():
        alarm = alarms.get(key)
        if alarm is None:
            if words:
                alarms[key] = Alarm(key, words, now, now)
                news.append(News(Phase.BEGUN, alarms[key]))
        elif not words:
            well = alarm.well or now
            if now - well >= QUIET:
                del alarms[key]
                news.append(News(Phase.OVER, alarm))
            else:
                alarms[key] = replace(alarm, well=well)
        elif now - alarm.told >= AGAIN:
            alarms[key] = replace(alarm, words=words, told=now, well=None)
            news.append(News(Phase.STANDING, alarms[key]))
        elif alarm.well is not None:
            alarms[key] = replace(alarm, words=words, well=None)
    return tuple(alarms[key] for key in sorted(alarms)), tuple(news)


def _not_ahead(alarm: Alarm, now: datetime) -> Alarm:
    """As it is where the clock was set back meanwhile: what stands would not be told, nor be over, before it has caught up."""
    well = None if alarm.well is None else min(alarm.well, now)
    return replace(alarm, since=min(alarm.since, now), told=min(alarm.told, now), well=well)


def to_json(alarms: Iterable[Alarm]) -> Any:
    return msgspec.to_builtins(list(alarms))


def from_json(value: Any) -> tuple[Alarm, ...]:
    """What `to_json` gave; of another version's what this one knows."""
    found = []
    for each in value:
        try:
            found.append(msgspec.convert(each, Alarm))
        except msgspec.ValidationError:
            continue
    return tuple(found)
