"""Rules at work: which are on, which tickets' time has come, and what is done to them, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, select

from helpdeskd import config
from helpdeskd.desk import history, rows, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.rules import RULES
from helpdeskd.desk.rules.rule import Rule, Since
from helpdeskd.errors import NotFound
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import schema, settings

KEY = "rule:"  # setting: is the rule of that name on?
PAGE = 100  # tickets of one rule in one transaction, so that mail need not wait for them

_t, _o = schema.ticket.c, schema.outbox.c
_SETTLED = (OutboxState.SENT.value, OutboxState.CANCELLED.value)
_ASTRAY = exists().where(_o.ticket_id == _t.id, _o.state.not_in(_SETTLED))
# What each time is kept in, and the order in which an index has it; few tickets are pending.
_SINCE: Mapping[Since, tuple[Any, Any]] = {
    Since.PENDING_UNTIL: (_t.pending_until, _t.id),
    Since.UPDATED_AT: (_t.updated_at, _t.updated_at),
}


@dataclass(frozen=True, slots=True)
class Switch:
    """A rule, and whether it is on."""

    rule: Rule
    on: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What a rule did to a ticket; the ticket after it."""

    rule: Rule
    ticket: Ticket


def list(conn: Connection) -> tuple[Switch, ...]:  # noqa: A001  # automation.list reads as what it is
    """All rules there are, by number."""
    return tuple(_switch(conn, each) for each in RULES)


def get(conn: Connection, number: int) -> Switch:
    """Raises NotFound."""
    return _switch(conn, _numbered(number))


def named(name: str) -> Rule:
    """Raises NotFound."""
    for each in RULES:
        if each.name == name.strip().lower():
            return each
    raise NotFound("rule", name)


def switch(conn: Connection, desk: Desk, now: datetime, *, number: int, on: bool, actor: Person | None) -> Switch:
    """On or off, from the next look on; what it did stays. Raises NotFound."""
    before = get(conn, number)
    if before.on is not on:
        settings.put(conn, KEY + before.rule.name, on)
    return replace(before, on=on)


def is_due(conn: Connection, team: config.Desk, now: datetime) -> bool:
    """Has some ticket's time come?"""
    return any(conn.execute(_due(each).limit(1), _asked(each, team, now)).first() for each in _that_are_on(conn))


def run(conn: Connection, desk: Desk, now: datetime) -> tuple[Done, ...]:
    """One page of each rule that is on. Empty: there is no more to do, or another node is doing it."""
    return tuple(
        Done(rule, _apply(conn, now, rule, ticket))
        for rule in _that_are_on(conn)
        for ticket in _page(conn, desk, now, rule)
    )


def _page(conn: Connection, desk: Desk, now: datetime, rule: Rule) -> tuple[Ticket, ...]:
    # Another node at the same work is passed over; SQLite has one writer at a time.
    page = _due(rule).limit(PAGE).with_for_update(skip_locked=True)
    found = tuple(rows.ticket(row) for row in conn.execute(page, _asked(rule, desk.settings, now)))
    return tuple(each for each in found if rule.holds(each, desk.settings, now))


def _apply(conn: Connection, now: datetime, rule: Rule, ticket: Ticket) -> Ticket:
    ticket, entries = tickets.step(conn, now, ticket, rule.becomes, None)
    history.write(conn, now, *(replace(each, detail={**each.detail, "rule": rule.name}) for each in entries))
    return ticket


@cache
def _due(rule: Rule) -> Select[Any]:
    since, order = _SINCE[rule.since]
    found = select(*rows.TICKET).where(
        _t.state == rule.state.value, since <= bindparam("before"), _t.removed_at.is_(None)
    )
    return (found.where(~_ASTRAY) if rule.arrived else found).order_by(order)


def _asked(rule: Rule, team: config.Desk, now: datetime) -> dict[str, datetime]:
    return {"before": rule.before(team, now)}


def _that_are_on(conn: Connection) -> tuple[Rule, ...]:
    return tuple(each.rule for each in list(conn) if each.on)


def _switch(conn: Connection, rule: Rule) -> Switch:
    return Switch(rule, settings.get(conn, KEY + rule.name, rule.on))


def _numbered(number: int) -> Rule:
    for each in RULES:
        if each.number == number:
            return each
    raise NotFound("rule", number)
