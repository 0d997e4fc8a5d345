"""Its JSON. What comes from a row is a string there: ids, flags, sizes, dates (Unix seconds)."""

from __future__ import annotations

from datetime import datetime
from html import escape

import msgspec

from helpdeskd.desk.customers import Customer
from helpdeskd.desk.lists import Line, Said, StaffLine
from helpdeskd.http.download import type_of
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.people import Department
from helpdeskd.model.ticket import Attachment, State

# Our states as its statuses, and each of these as what is asked for and what is set.
STATUS = {
    State.NEW: 1,
    State.AWAITING_CUSTOMER: 2,
    State.AWAITING_STAFF: 3,
    State.IN_PROGRESS: 4,
    State.PENDING: 4,
    State.CLOSED: 5,
    State.MERGED: 5,
}
STATES = {status: tuple(state for state, number in STATUS.items() if number == status) for status in range(1, 6)}


class Done(msgspec.Struct):
    success: int
    message: str


class UserMade(msgspec.Struct):
    success: int
    user_id: int
    message: str


class User(msgspec.Struct):
    id: str
    fullname: str
    email: str


class UserPage(msgspec.Struct):
    success: int
    total_users: int
    total_pages: int
    users: list[User]


class UserFound(msgspec.Struct):
    success: int
    user_data: User


class DepartmentMade(msgspec.Struct):
    success: int
    department_id: int
    message: str


class DepartmentRow(msgspec.Struct):
    id: str
    name: str
    private: str


class DepartmentList(msgspec.Struct):
    success: int
    departments: list[DepartmentRow]


class DepartmentFound(msgspec.Struct):
    success: int
    department: DepartmentRow


class TicketMade(msgspec.Struct):
    success: int
    ticket_id: int
    message: str


class TicketRow(msgspec.Struct):
    id: str
    user_id: str
    department_id: str
    subject: str
    date: str
    last_update: str
    status: str
    replies: str
    user_fullname: str
    department_name: str


class TicketPage(msgspec.Struct):
    success: int
    total_tickets: int
    pages: int
    tickets: list[TicketRow]


class TicketFound(msgspec.Struct):
    success: int
    ticket: TicketRow


class MessageRow(msgspec.Struct):
    id: str
    date: str
    customer: str
    staff_id: str
    message: str


class MessagePage(msgspec.Struct):
    success: int
    pages: int
    total_replies: int
    messages: list[MessageRow]


class FileRow(msgspec.Struct):
    id: str
    name: str
    filetype: str
    msg_id: str
    size: str


class FileList(msgspec.Struct):
    success: int
    files: list[FileRow]


class FileFound(msgspec.Struct):
    success: int
    name: str
    filetype: str
    size: str
    content: str


class StaffRow(msgspec.Struct):
    id: str
    username: str
    fullname: str
    email: str
    registration: str
    last_login: str


class StaffRows(msgspec.Struct):
    success: int
    users: list[StaffRow]


class StaffFound(msgspec.Struct):
    success: int
    staff_data: StaffRow


def escaped(text: str) -> str:
    """Names of users and departments are HTML there, and known clients show them as such."""
    return escape(text, quote=True).replace("&#x27;", "&#039;")


def shown(text: str) -> str:
    """Words of a text as the HTML that messages are there: nothing in them is markup, and each line stays one."""
    return escape(text.strip("\r\n"), quote=False).replace("\r\n", "\n").replace("\n", "<br />\n")


def seconds(moment: datetime | None) -> str:
    return "0" if moment is None else str(int(moment.timestamp()))


def user(customer: Customer) -> User:
    person = customer.person
    return User(str(customer.number), escaped(person.name or "Guest"), escaped(person.email))


def department(found: Department) -> DepartmentRow:
    return DepartmentRow(str(found.id), escaped(found.name), "1" if found.private else "0")


def ticket(line: Line) -> TicketRow:
    found = line.ticket
    return TicketRow(
        str(found.id),
        str(line.customer_no or 0),
        str(found.department_id),
        found.subject,
        seconds(found.created_at),
        seconds(found.updated_at),
        str(STATUS[found.state]),
        str(found.replies),
        escaped(line.requester_name or "Guest"),
        escaped(line.department),
    )


def message(said: Said, tokens: TokenKeys) -> MessageRow:
    """Without reply tokens: what people quote has theirs, by which whoever reads it could speak for them."""
    found = said.message
    words = found.html or shown("\n\n".join(each.strip("\r\n") for each in (found.text, found.quote) if each))
    staff = said.staff_no if said.by_staff else None
    return MessageRow(
        str(found.id), seconds(found.created_at), "0" if staff else "1", str(staff or 0), tokens.scrub(words)
    )


def file(found: Attachment) -> FileRow:
    return FileRow(str(found.id), found.name, type_of(found), str(found.message_id or 0), str(found.size))


def staff(line: StaffLine) -> StaffRow:
    person = line.person
    return StaffRow(
        str(line.staff_no), line.username, person.name, person.email, seconds(line.created_at), seconds(line.last_at)
    )


def pages(total: int, size: int) -> int:
    """None at all for an empty list."""
    return -(-total // size)
