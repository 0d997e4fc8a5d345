"""Who hears of a ticket, and what else is tied to it: decode, call the desk, encode."""

from __future__ import annotations

from helpdeskd.desk import subscribers
from helpdeskd.desk.sight import Act
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_subscribers
from helpdeskd.http.jitbit.reach import actor, seeing, ticket


def list_subscribers(call: Call) -> list[shapes_subscribers.Subscriber]:
    """Requester, assignee, and those who take part."""
    there = ticket(call, call.params.id, Act.WORK)
    who = seeing(call)
    return [shapes_subscribers.subscriber(each, who) for each in call.read(subscribers.of, there)]


def add_subscriber(call: Call) -> None:
    """Let somebody take part in a ticket."""
    asked = call.params
    there, who = ticket(call, asked.id), actor(call)
    call.write(subscribers.add, ticket=there, person_id=asked.person_id or who.id, actor=who)


def remove_subscriber(call: Call) -> None:
    """Let somebody take part no more."""
    asked = call.params
    there, who = ticket(call, asked.id), actor(call)
    call.write(subscribers.remove, ticket=there, person_id=asked.person_id or who.id, actor=who)


def show_integrations(call: Call) -> dict[str, str]:
    """What a ticket is tied to in other programs: nothing."""
    ticket(call, call.params.id)
    return {}
