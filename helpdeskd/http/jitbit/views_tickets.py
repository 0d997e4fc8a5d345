"""Tickets: decode, call the desk, encode."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from helpdeskd.desk import bodies, field_access, forms, notices, sheets, ticket_list
from helpdeskd.desk.forms import Changed, NewTicket, Status, Text
from helpdeskd.desk.ticket_list import OPEN, UNANSWERED, Wanted
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import asks_tickets, shapes_tickets, words
from helpdeskd.http.jitbit.asks import moment
from helpdeskd.http.jitbit.reach import actor, deliberate, root, seeing
from helpdeskd.http.written import words_of
from helpdeskd.model.ticket import Side, State


def list_tickets(call: Call) -> list[shapes_tickets.TicketSummary]:
    """Tickets that the caller sees, the newest first."""
    asked = call.params
    wanted = wanted_of(call, asked)
    found = call.read(ticket_list.page, seeing(call), wanted, limit=asked.count, offset=asked.offset)
    if not asked.with_fields:
        return [shapes_tickets.summary(each) for each in found]
    values = call.read(field_access.of_tickets, seeing(call), [each.ticket for each in found])
    return [shapes_tickets.summary(each, values[each.ticket.id]) for each in found]


def wanted_of(call: Call, asked: asks_tickets.Tickets) -> Wanted:
    """The filters of a list. `handledByUserID` and the mode `handledbyme` both count."""
    me, mode = seeing(call).person_id, asked.mode.lower()
    nobody = mode == "handledbyme" and asked.assignee_id not in {None, me}
    return Wanted(
        states=frozenset() if nobody else _states(asked),
        departments=frozenset(asked.departments) or None,
        section_id=asked.section_id,
        requester_id=asked.requester_id,
        company_id=asked.company_id,
        assignee_id=me if mode == "handledbyme" else asked.assignee_id,
        subscriber_id=me if asked.subscribed else None,
        tag=asked.tag,
        last_side=_SIDES.get(asked.side.lower()),
        created_from=asked.created_from,
        created_before=None if asked.created_to is None else asks_tickets.end(asked.created_to),
        updated_from=asked.updated_from,
        updated_before=None if asked.updated_to is None else asks_tickets.end(asked.updated_to),
        due_before=None if asked.due_in is None else call.here.clock() + timedelta(days=asked.due_in),
    )


_SIDES = {"tech": Side.STAFF, "cust": Side.CUSTOMER}
_OF_MODE = {"unanswered": UNANSWERED, "updated": UNANSWERED - {State.NEW}, "unclosed": OPEN}


def _states(asked: asks_tickets.Tickets) -> frozenset[State] | None:
    """All that is asked of the state must hold; None: nothing is."""
    numbers = (frozenset(asked.numbers), frozenset(map(asks_tickets.status, asked.more_statuses)))
    found = [each for each in map(words.states, numbers) if each is not None]
    if asked.mode.lower() in _OF_MODE:
        found.append(_OF_MODE[asked.mode.lower()])
    return frozenset.intersection(*found) if found else None


def show_ticket(call: Call) -> shapes_tickets.TicketDetail:
    """One ticket; comments and custom fields have calls of their own."""
    who = seeing(call)
    found = call.read(sheets.sheet, who, call.params.id)
    base = root(call)
    url = notices.ticket_url(call.desk, found.ticket.number) or f"{base}/ticket/{found.ticket.id}"
    return shapes_tickets.detail(found, who, base, url, call.desk.tokens)


def create_ticket(call: Call) -> int:
    """Open a ticket, for oneself or (technicians) for somebody else. Its number."""
    asked = call.params
    form = NewTicket(
        department_id=asked.department_id,
        words=words_of(asked.body, asked.subject, call.files),
        requester_id=asked.requester_id or None,
        assignee_id=asked.assignee_id or None,
        priority=words.PRIORITIES[asked.priority],
        origin=words.ORIGINS[asked.origin],
        tags=asks_tickets.names(asked.tags),
        fields=tuple(asks_tickets.custom_fields(asked.fields).items()) if asked.fields else (),
        tell=not asked.silent,
    )
    return call.write(forms.open, sight=seeing(call), actor=actor(call), form=form).ticket.id


def update_ticket(call: Call) -> None:
    """Change a ticket, or several in the same way, one after the other."""
    form, who, by = _changed(call.params), seeing(call), actor(call)
    for each in dict.fromkeys(call.params.ids):
        call.write(forms.change, sight=who, actor=by, ticket_id=each, form=form)


def _changed(asked: asks_tickets.ChangedTicket) -> Changed:
    given: dict[str, Any] = {
        "created_at": asked.created_at,
        "requester_id": asked.requester_id,
        "department_id": asked.department_id,
        "priority": None if asked.priority is None else words.PRIORITIES[asked.priority],
        "subject": asked.subject,
        "opening": None if asked.body is None else Text(*bodies.text_and_html(asked.body)),
        "tags": None if asked.tags is None else asks_tickets.names(asked.tags),
        "seconds_spent": asked.seconds,
        "status": None if asked.status is None else Status(words.SETS[asked.status], words.STATES[asked.status]),
        "closed_at": asked.closed_at,
    }
    changed = Changed(**{name: value for name, value in given.items() if value is not None})
    # Of these two nothing is a value.
    if asked.assignee_id is not None:
        changed = replace(changed, assignee_id=asked.assignee_id or None)
    if asked.due is not None:
        changed = replace(changed, due_at=moment(asked.due) if asked.due.strip() else None)
    return changed


def close_ticket(call: Call) -> None:
    """Close a ticket; its requester is told."""
    deliberate(call)
    asked = call.params
    call.write(forms.close, sight=seeing(call), actor=actor(call), ticket_id=asked.id, tell=not asked.silent)


def delete_ticket(call: Call) -> None:
    """Remove a ticket, its words and files."""
    call.write(forms.remove, sight=seeing(call), actor=actor(call), ticket_id=call.params.id)


def show_stats(call: Call) -> shapes_tickets.Stats:
    """How many of the tickets that the caller sees are in which state."""
    return shapes_tickets.stats(call.read(ticket_list.counts, seeing(call)))


def merge_tickets(call: Call) -> None:
    """Let a ticket go into another one."""
    asked, who = call.params, seeing(call)
    call.write(forms.merge, sight=who, actor=actor(call), ticket_id=asked.ticket_id, into_id=asked.into_id)
