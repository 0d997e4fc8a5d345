"""What views of all nouns share: who asks, what they see, the ticket they mean, and where this API is reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from helpdeskd.desk import forms, people, sight
from helpdeskd.desk.sight import Act, Sight
from helpdeskd.http.dialect import Call, Denied, NoRoute
from helpdeskd.http.jitbit.access import NAME, is_foreign
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket


def seeing(call: Call) -> Sight:
    """What the caller sees."""
    return cast("Sight", call.caller.role)


def actor(call: Call) -> Person:
    """The caller, for acts in their name."""
    return call.read(people.get, seeing(call).person_id)


def ticket(call: Call, ticket_id: int, act: Act = Act.SEE) -> Ticket:
    """The ticket, where the caller may do this to it. Raises NotFound, Refused("not-permitted")."""
    return call.read(sight.ticket, seeing(call), ticket_id, act)


def work(call: Call, act: Callable[..., object], tickets: Mapping[str, int], **values: Any) -> None:
    """An act of the desk with these tickets, by their names there, where the caller may work on each. Raises NotFound, Refused."""
    call.write(forms.work, act, sight=seeing(call), actor=actor(call), tickets=tickets, **values)


def deliberate(call: Call) -> None:
    """For what GET changes: neither HEAD nor a link on somebody's page does it. Raises NoRoute, Denied."""
    if call.asked.method == "HEAD":
        raise NoRoute(call.asked.path, ("GET", "POST"))
    if is_foreign(call.asked):
        raise Denied("foreign-page")


def root(call: Call) -> str:
    """The address of this API: below the desk's public one, else below that by which the caller came."""
    asked = call.asked
    came_by = f"{'https' if asked.secure else 'http'}://{asked.headers.get('host', '')}"
    return f"{call.desk.settings.public_url.rstrip('/') or came_by}/{NAME}/api"
