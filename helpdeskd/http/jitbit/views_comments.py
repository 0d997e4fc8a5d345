"""Comments: decode, call the desk, encode."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from helpdeskd.desk import bodies, comments, conversation, edits, forwarding, people
from helpdeskd.desk.context import SYSTEM, Desk
from helpdeskd.desk.sight import Act, Sight
from helpdeskd.errors import Refused
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_comments
from helpdeskd.http.jitbit.reach import actor, root, seeing, ticket
from helpdeskd.http.written import words_of
from helpdeskd.model.people import Person


def create_comment(call: Call) -> int:
    """Say something in a ticket: in public, as a note, or as an entry. The ticket's number comes back."""
    asked = call.params
    there = ticket(call, asked.id, Act.REPLY)
    author = _author(call)
    words = words_of(asked.body, "", call.files)
    if asked.system:
        words = replace(words, reason=SYSTEM)
    given = {"ticket": there, "author": author, "words": words}
    if asked.internal:
        posted = call.write(comments.note, **given)
    elif asked.system:
        posted = call.write(comments.enter, **given)
    else:
        posted = call.write(comments.say, **given, to=frozenset(asked.to))
    return posted.ticket.id


def _author(call: Call) -> Person:
    who, wanted = seeing(call), call.params.author_id
    if wanted in {0, who.person_id}:
        return actor(call)
    if not who.everything:
        raise Refused("not-permitted", "only an administrator writes in somebody else's name")
    return call.read(people.get, wanted)


def update_comment(call: Call) -> None:
    """Change a comment's words."""
    text, html = bodies.text_and_html(call.params.body)
    call.write(_rewrite, who=seeing(call), message_id=call.params.id, text=text, html=html, actor=actor(call))


def _rewrite(conn: Connection, desk: Desk, now: datetime, *, who: Sight, message_id: int, **more: Any) -> None:
    edits.editable(conn, who, message_id)
    edits.rewrite(conn, desk, now, message_id=message_id, **more)


def list_comments(call: Call) -> list[shapes_comments.Comment]:
    """What was said in a ticket after its first words, the oldest first."""
    there = ticket(call, call.params.id)
    found = call.read(conversation.said, seeing(call), there)
    return [shapes_comments.comment(each, there, root(call), call.desk.tokens) for each in found]


def forward_ticket(call: Call) -> None:
    """Mail a ticket's conversation to somebody outside."""
    asked = call.params
    there = ticket(call, asked.id, Act.WORK)
    named = [each for given in (*asked.to, *asked.cc) for each in given.replace(";", ",").split(",") if each.strip()]
    words = words_of(asked.body, there.subject, call.files)
    call.write(forwarding.forward, ticket=there, to=named, words=words, actor=actor(call))
