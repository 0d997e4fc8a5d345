"""What a program adds to a ticket in somebody's name: a public word of theirs, a note, an entry."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import history, messages, search, sight, tickets
from helpdeskd.desk.context import SYSTEM, Desk, Posted, Words
from helpdeskd.desk.history import Entry
from helpdeskd.desk.sight import Act
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Ticket, Visibility


def say(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    author: Person,
    words: Words,
    to: frozenset[int] = frozenset(),
) -> Posted:
    """In public: the department's answer where the author works on the ticket, else a customer's word, which opens a closed one
    again. `to`: of those an answer is mailed to, these alone.

    Raises Refused: not-of-the-ticket (they do not see it), not-permitted (`to` is for those who work on it), not-a-recipient.
    """
    ticket = tickets.resolve(conn, ticket.id, locked=True)
    who = sight.of(conn, author)
    if not sight.sees(conn, who, ticket):
        raise Refused("not-of-the-ticket", f"{author.shown} takes no part in ticket {ticket.id}")
    if sight.handles(who, ticket):
        return tickets.staff_reply(conn, desk, now, ticket=ticket, author=author, words=words, to=to or None)
    if to:
        raise Refused("not-permitted", "only who works on a ticket chooses recipients")
    return tickets.customer_reply(conn, desk, now, ticket=ticket, author=author, words=words, reopen=True)


def note(conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, author: Person, words: Words) -> Posted:
    """For those who work on the ticket, of whom the author is one; nobody is mailed. With the reason SYSTEM it is shown as an entry.

    Raises NotFound, Refused("not-permitted").
    """
    ticket = tickets.resolve(conn, ticket.id, locked=True)
    sight.check(conn, sight.of(conn, author), ticket, Act.WORK)
    return tickets.note(conn, desk, now, ticket=ticket, author=author, words=words)


def enter(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, author: Person, words: Words, act: Act = Act.WORK
) -> Posted:
    """An entry: everybody who sees the ticket reads it, nobody is mailed, and whose turn it is stays. `act`: what the author must be
    allowed to do there. Raises NotFound, Refused("not-permitted")."""
    ticket = tickets.resolve(conn, ticket.id, locked=True)
    sight.check(conn, sight.of(conn, author), ticket, act)
    message_id = messages.store(conn, now, ticket.id, Visibility.SYSTEM, author, words)
    search.say(conn, ticket.id, Visibility.SYSTEM, words)
    history.write(conn, now, Entry(ticket.id, History.NOTED, author.id, message_id, {"reason": SYSTEM}))
    return Posted(tickets.touch(conn, now, ticket), message_id)
