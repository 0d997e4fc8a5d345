"""Carrying out the commands of one mail of staff, and telling its author what came of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import changes, commands, departments, history, notices, people, tags, tickets
from helpdeskd.desk.commands import HELP, Command, Commands, Name
from helpdeskd.desk.context import Desk, Words
from helpdeskd.desk.history import Entry
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.model.routing import Action
from helpdeskd.model.ticket import History, Priority, State, Ticket

NOBODY = frozenset({"nobody", "none", "-"})

# What says where and who comes before the words, what says how it stands comes after them.
_STATES = {Name.CLOSE: State.CLOSED, Name.OPEN: State.AWAITING_STAFF, Name.PENDING: State.PENDING}


@dataclass(frozen=True, slots=True)
class Order:
    """The mail: who commands what in which ticket. `words.text` is the text below the commands; `words_as` what it is."""

    ticket: Ticket
    author: Person
    commands: Commands
    words: Words
    words_as: Action  # ANSWER, APPEND or INTERNAL

    @property
    def closes(self) -> bool:
        """Does the ticket end up closed?"""
        states = [command.name for command in self.commands.list if command.name in _STATES]
        return bool(states) and states[-1] is Name.CLOSE

    @property
    def has_words(self) -> bool:
        return not commands.is_signature(self.words.text) or any(not part.inline for part in self.words.parts)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one command."""

    command: str  # as it was written
    done: bool
    text: str

    def plain(self) -> dict[str, object]:
        return {"command": self.command, "done": self.done, "text": self.text}


def obey(conn: Connection, desk: Desk, now: datetime, order: Order) -> tuple[Ticket, int | None]:
    """The ticket after it, and the id of the message its text became, if it had any.

    Where a command is unknown none is carried out, and the text is a note that says so: what its author wanted is not clear.
    A command that cannot be is reported to its author; the others are carried out.
    """
    results: list[Result] = []
    ticket, message_id = order.ticket, None
    if order.commands.unknown:
        results += [Result(line, done=False, text="unknown command") for line in order.commands.unknown]
        results += [Result(_written(each), done=False, text="not carried out") for each in order.commands.list]
        if order.has_words:
            told = commands.kept_as_note(order.commands.unknown)
            words = replace(order.words, text=told + order.words.text)
            message_id = tickets.note(conn, desk, now, ticket=ticket, author=order.author, words=words).message_id
    else:
        for command in order.commands.list:
            if command.name not in _STATES and command.name is not Name.NOTE:
                results.append(_do(conn, desk, now, order, command))
        answered = False
        if order.has_words:
            message_id, answered, result = _say(conn, desk, now, order)
            results += result
        elif order.commands.is_note:
            results.append(Result("#note", done=False, text="there was no text"))
        for command in order.commands.list:
            if command.name in _STATES:
                results.append(_do(conn, desk, now, order, command, tell=not answered))
    history.write(
        conn,
        now,
        Entry(
            ticket.id, History.COMMANDED, order.author.id, message_id, {"commands": [each.plain() for each in results]}
        ),
    )
    ticket = tickets.resolve(conn, ticket.id)
    notices.commands_done(
        conn,
        desk,
        now,
        department=departments.get(conn, ticket.department_id),
        ticket=ticket,
        requester=people.get(conn, ticket.requester_id),
        person=order.author,
        words=order.words,
        message_id=message_id,
        changes=[each.plain() for each in results],
        unknown=list(order.commands.unknown),
        commands=list(HELP.values()),
    )
    return ticket, message_id


def _written(command: Command) -> str:
    return f"#{command.name.value} {command.args}".strip()


def _say(conn: Connection, desk: Desk, now: datetime, order: Order) -> tuple[int, bool, list[Result]]:
    """Store the words as what they are. (message, was it an answer to the customer, what to tell the author of it)."""
    ticket, author, words = order.ticket, order.author, order.words
    if order.commands.is_note:
        note = tickets.note(conn, desk, now, ticket=ticket, author=author, words=words)
        return note.message_id, False, [Result("#note", done=True, text="the text is an internal note")]
    if order.words_as is Action.ANSWER:
        sent = tickets.staff_reply(conn, desk, now, ticket=ticket, author=author, words=words, close=order.closes)
        return sent.message_id, True, []
    if order.words_as is Action.APPEND:
        reopen = ticket.state is State.CLOSED
        said = tickets.customer_reply(conn, desk, now, ticket=ticket, author=author, words=words, reopen=reopen)
        return said.message_id, False, []
    kept = tickets.note(conn, desk, now, ticket=ticket, author=author, words=words)
    text = "kept as an internal note: the text of one of our notices stands in it, so it was not sent to the customer"
    return kept.message_id, False, [Result("your text", done=False, text=text)]


def _do(conn: Connection, desk: Desk, now: datetime, order: Order, command: Command, *, tell: bool = True) -> Result:
    """One command in a savepoint of its own, so that one that is refused half way leaves nothing behind."""
    savepoint = conn.begin_nested()
    try:
        text = _ACTS[command.name](Turn(conn, desk, now, order, command.args, tell))
    except Refused as error:
        savepoint.rollback()
        return Result(_written(command), done=False, text=str(error))
    except BaseException:
        savepoint.rollback()
        raise
    savepoint.commit()
    return Result(_written(command), done=True, text=text)


@dataclass(frozen=True, slots=True)
class Turn:
    """One command's turn. `tell`: closing is news to the requester."""

    conn: Connection
    desk: Desk
    now: datetime
    order: Order
    args: str
    tell: bool

    @property
    def given(self) -> tuple[Connection, Desk, datetime]:
        return self.conn, self.desk, self.now


def _close(turn: Turn) -> str:
    changes.set_state(
        *turn.given, ticket=turn.order.ticket, state=State.CLOSED, actor=turn.order.author, tell=turn.tell
    )
    return "closed"


def _open(turn: Turn) -> str:
    ticket = tickets.get(turn.conn, turn.order.ticket.id)
    if not ticket.is_closed and ticket.state is not State.PENDING:
        return "was open already"
    changes.set_state(*turn.given, ticket=ticket, state=State.AWAITING_STAFF, actor=turn.order.author)
    return "open"


def _pending(turn: Turn) -> str:
    until = commands.until(turn.args, turn.now)
    changes.set_state(*turn.given, ticket=turn.order.ticket, state=State.PENDING, actor=turn.order.author, until=until)
    return f"pending until {until:%Y-%m-%d %H:%M} UTC"


def _assign(turn: Turn) -> str:
    if not turn.args:
        raise Refused("no-name", "say to whom: #assign name, #assign me or #assign nobody")
    if turn.args.casefold() in NOBODY:
        changes.assign(*turn.given, ticket=turn.order.ticket, assignee=None, actor=turn.order.author)
        return "assigned to nobody"
    who = turn.order.author if turn.args.casefold() == "me" else people.staff_named(turn.conn, turn.args)
    changes.assign(*turn.given, ticket=turn.order.ticket, assignee=who, actor=turn.order.author)
    return f"assigned to {who.shown}"


def _priority(turn: Turn) -> str:
    known = {priority.value: priority for priority in Priority}
    priority = known.get(turn.args.casefold())
    if priority is None:
        raise Refused("bad-priority", f"a priority is one of {', '.join(known)}")
    changes.set_priority(*turn.given, ticket=turn.order.ticket, priority=priority, actor=turn.order.author)
    return f"priority {priority.value}"


def _tag(turn: Turn) -> str:
    wanted = commands.tags(turn.args)
    tags.add(*turn.given, ticket=turn.order.ticket, tags=wanted, actor=turn.order.author)
    return f"tagged {', '.join(wanted)}"


def _department(turn: Turn) -> str:
    known = departments.list(turn.conn)
    names = ", ".join(department.name for department in known)
    if not turn.args:
        raise Refused("no-name", f"say where to: {names}")
    wanted = " ".join(turn.args.split()).casefold()
    department = next((each for each in known if each.name.casefold() == wanted), None)
    if department is None:
        raise NotFound("department", f"{turn.args} (there are: {names})")
    changes.set_department(*turn.given, ticket=turn.order.ticket, department=department, actor=turn.order.author)
    return f"moved to {department.name}"


_ACTS: dict[Name, Callable[[Turn], str]] = {
    Name.CLOSE: _close,
    Name.OPEN: _open,
    Name.PENDING: _pending,
    Name.ASSIGN: _assign,
    Name.PRIORITY: _priority,
    Name.TAG: _tag,
    Name.DEPARTMENT: _department,
}
