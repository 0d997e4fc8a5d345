"""Tags and time: decode, call the desk, encode."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from helpdeskd.desk import directory, forms, tags, timekeeping
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.forms import Status
from helpdeskd.desk.timekeeping import Spent
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_work, words
from helpdeskd.http.jitbit.reach import actor, seeing, ticket, work


def tag(call: Call) -> None:
    """One tag more."""
    asked = call.params
    work(call, tags.add, {"ticket": asked.ticket_id}, tags=(asked.name,))


def list_time(call: Call) -> list[shapes_work.TimeSpent]:
    """The time spent on a ticket, the oldest first."""
    there = ticket(call, call.params.ticket_id)
    spent, known = call.read(_spent, there.id)
    return [shapes_work.time_spent(each, there.id, known.get(each.person_id or 0)) for each in spent]


def _spent(conn: Connection, ticket_id: int) -> tuple[tuple[Spent, ...], Mapping[int, Entry]]:
    found = timekeeping.entries(conn, ticket_id)
    return found, directory.several(conn, (each.person_id for each in found if each.person_id is not None))


def add_time(call: Call) -> None:
    """Time spent on a ticket, and where it goes by that."""
    asked = call.params
    call.write(
        forms.spend,
        sight=seeing(call),
        actor=actor(call),
        ticket_id=asked.ticket_id,
        seconds=asked.seconds,
        status=None if asked.status is None else Status(words.SETS[asked.status], words.STATES[asked.status]),
    )
