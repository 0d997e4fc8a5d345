"""Tickets, their messages and their files: decode, call the desk, encode."""

from __future__ import annotations

import base64
from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import changes, customers, departments, files, lists, people, removal, tickets
from helpdeskd.desk.context import Desk, Words
from helpdeskd.errors import NotFound
from helpdeskd.http.dialect import Call
from helpdeskd.http.download import type_of
from helpdeskd.http.helpdeskz import shapes
from helpdeskd.http.helpdeskz.asks import NewTicket
from helpdeskd.http.helpdeskz.views import a_page, cast_page_of, page_of
from helpdeskd.http.helpdeskz.words import Said
from helpdeskd.http.written import words_of
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Origin, State, Ticket

TICKETS_A_PAGE = 15
MESSAGES_A_PAGE = 15

# A reply changes the state of no ticket that somebody has set aside; one of staff does not open a closed one again.
_BY_USER = frozenset({State.IN_PROGRESS, State.PENDING})
_BY_STAFF = _BY_USER | {State.CLOSED}


def _staff(call: Call) -> Person | None:
    found = call.read(lists.staff_member, call.params.staff_id) if call.params.staff_id else None
    return None if found is None else found.person


def create_ticket(call: Call) -> shapes.TicketMade:
    """Open a ticket for a user, by them or by a member of staff."""
    words = words_of(call.params.body, call.params.subject, call.files)
    ticket = call.write(_open, asked=call.params, words=words)
    return shapes.TicketMade(1, ticket.id, "Ticket was created.")


def _open(conn: Connection, desk: Desk, now: datetime, *, asked: NewTicket, words: Words) -> Ticket:
    """Department and people are read here: what is removed meanwhile gets no ticket."""
    if departments.there(conn, asked.department_id) is None:
        raise NotFound("department", asked.department_id)
    staff = lists.staff_member(conn, asked.staff_id) if asked.opener == "staff" and asked.staff_id else None
    posted = tickets.open(
        conn,
        desk,
        now,
        department=departments.get(conn, asked.department_id),
        requester=customers.get(conn, asked.user_id).person,
        words=words,
        acknowledge=asked.notify,
        origin=Origin.API,
        opened_by=None if staff is None else staff.person,
    )
    return posted.ticket


def list_tickets(call: Call) -> shapes.TicketPage:
    """Tickets, the newest first."""
    asked = call.params
    page = page_of(asked.page)
    wanted = lists.Wanted(
        shapes.STATES[asked.status] if asked.status else (),
        asked.department_id,
        asked.user_id,
    )
    total = call.read(lists.total, wanted)
    found = a_page(call, lists.tickets, wanted, total=total, page=page, size=TICKETS_A_PAGE)
    return shapes.TicketPage(1, total, shapes.pages(total, TICKETS_A_PAGE), [shapes.ticket(each) for each in found])


def show_ticket(call: Call) -> shapes.TicketFound:
    """One ticket."""
    found = call.read(lists.ticket, call.params.ticket)
    if found is None:
        raise Said("Ticket not found.")
    return shapes.TicketFound(1, shapes.ticket(found))


def update_ticket(call: Call) -> shapes.Done:
    """Move a ticket to a department, whose staff are told, or set its status, of which nobody is."""
    asked = call.params
    department = call.read(departments.get, asked.department_id) if asked.department_id else None
    ticket = _ticket(call, asked.ticket)
    if department is not None:
        call.write(changes.set_department, ticket=ticket, department=department, actor=None)
    if asked.status:
        call.write(_set_status, ticket=ticket, status=asked.status)
    return shapes.Done(1, "Ticket was updated.")


def _set_status(conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, status: int) -> None:
    current = tickets.resolve(conn, ticket.id, locked=True)
    if shapes.STATUS[current.state] != status:
        state = shapes.STATES[status][0]
        changes.set_state(conn, desk, now, ticket=current, state=state, actor=None, tell=False)


def _ticket(call: Call, ticket_id: int) -> Ticket:
    """The ticket, or the one it was merged into."""
    return call.read(tickets.resolve, ticket_id)


def delete_ticket(call: Call) -> shapes.Done:
    """Remove a ticket, its messages and files."""
    ticket = call.read(tickets.get, call.params.ticket)
    call.write(removal.ticket, ticket=ticket, actor=None)
    return shapes.Done(1, "Ticket was removed.")


def create_message(call: Call) -> shapes.Done:
    """Reply in a ticket, as its user or as a member of staff."""
    asked = call.params
    ticket = _ticket(call, asked.ticket_id)
    words = words_of(asked.message, "", call.files)
    staff = _staff(call) if asked.replier == "staff" else None
    if staff is not None:
        call.write(tickets.staff_reply, ticket=ticket, author=staff, words=words, close=asked.close, holding=_BY_STAFF)
    else:
        author = call.read(people.get, ticket.requester_id)
        call.write(tickets.customer_reply, ticket=ticket, author=author, words=words, reopen=True, holding=_BY_USER)
    return shapes.Done(1, "Message was created and added to ticket.")


def list_messages(call: Call) -> shapes.MessagePage:
    """What was said in a ticket and in those merged into it, the newest first."""
    asked = call.params
    page = cast_page_of(asked.page)
    parts = call.read(lists.parts, asked.ticket)
    total = call.read(lists.public_total, parts)
    found = a_page(call, lists.public_messages, parts, total=total, page=page, size=MESSAGES_A_PAGE)
    said = [shapes.message(each, call.desk.tokens) for each in found]
    return shapes.MessagePage(1, shapes.pages(total, MESSAGES_A_PAGE), total, said)


def list_files(call: Call) -> shapes.FileList:
    """Files of what was said in public: of a message, of a ticket, or all there are."""
    asked = call.params
    parts = None if asked.ticket_id is None else call.read(lists.parts, asked.ticket_id)
    found = call.read(lists.public_files, of=parts, message_id=asked.msg_id)
    return shapes.FileList(1, [shapes.file(each) for each in found])


def show_file(call: Call) -> shapes.FileFound:
    """A file with its content, base64."""
    found = call.read(lists.public_file, call.params.file)
    try:
        if found is None:
            raise Said("Attachment not found.")
        call.read(files.check_program, found)
        data = call.here.blobs.get(found.sha256)
    except NotFound:
        raise Said("File was removed from servers.") from None
    return shapes.FileFound(1, found.name, type_of(found), str(found.size), base64.b64encode(data).decode("ascii"))


def delete_file(call: Call) -> shapes.Done:
    """Take a file away."""
    call.write(files.remove, attachment_id=call.params.file, actor=None, public=True)
    return shapes.Done(1, "File was removed from servers.")
