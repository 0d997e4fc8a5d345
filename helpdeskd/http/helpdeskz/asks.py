"""What its routes are asked with: each parameter's name, rules and words, in the order the original judges them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated

from sqlalchemy import Connection

from helpdeskd.desk import addresses, customers, departments, lists, people
from helpdeskd.errors import NotFound, Refused
from helpdeskd.http.helpdeskz.words import IN_USE, NOT_VALID
from helpdeskd.http.params import (
    Also,
    Doc,
    Ignored,
    Known,
    Named,
    Only,
    Reading,
    Required,
    Rule,
    Where,
    natural,
    one_of,
)


def _truth(text: str) -> bool:
    """1 is yes; nothing else is."""
    return text == "1"


_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
# What PHP's is_numeric() calls a number. No two of its parts may take the same digit: a long row of them would be tried in every way.
NUMERIC = re.compile(r"[ \t-\r]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t-\r]*", re.ASCII)
_EXACT = 2**53  # beyond, a float is no longer one whole number


def _number(text: str) -> int:
    """A row's number; 0, which no row has, where it is none."""
    return int(text) if _DIGITS.fullmatch(text) else 0


def _compared(text: str) -> int:
    """What a filter is compared with, as a database compares texts with numbers: 2.0 is 2; 0 for what no row's number can be."""
    found = _number(text)
    if found == 0 and NUMERIC.fullmatch(text):
        value = float(text)
        found = int(value) if 0 < value < _EXACT and value == int(value) else 0
    return found


READING = Reading(_compared, _truth, lambda text: datetime.fromtimestamp(int(text), UTC))


def _is_address(text: str) -> bool:
    try:
        addresses.clean(text)
    except Refused:
        return False
    return True


def _is_free(conn: Connection, email: str) -> bool:
    return people.find(conn, email) is None and not addresses.ours(conn, (email,))


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_customer(conn: Connection, text: str) -> bool:
    try:
        return customers.get(conn, _number(text)) is not None
    except NotFound:
        return False


def _is_department(conn: Connection, text: str) -> bool:
    return departments.there(conn, _number(text)) is not None


def _is_ticket(conn: Connection, text: str) -> bool:
    return lists.ticket(conn, _number(text)) is not None


def _is_active_staff(conn: Connection, text: str) -> bool:
    found = lists.staff_member(conn, _number(text))
    return found is not None and found.person.is_staff


def _is_file(conn: Connection, text: str) -> bool:
    return lists.public_file(conn, _number(text)) is not None


# What is no number is not looked at: all tickets are listed. Files are not: their list has no pages.
NOT_A_NUMBER = Ignored(lambda text: not NUMERIC.fullmatch(text))
EMPTY = Ignored(lambda text: not text)
FALSY = Ignored(lambda text: text in {"", "0"})

UserId = Annotated[int, Where.PATH, Named("id"), Known("User not found.", _is_customer, alone=True)]
DepartmentId = Annotated[int, Where.PATH, Named("id"), Known("Department not found.", _is_department, alone=True)]
TicketId = Annotated[int, Where.PATH, Named("id"), Known("Ticket not found.", _is_ticket, alone=True)]
FileId = Annotated[int, Where.PATH, Named("id"), Known("Attachment not found.", _is_file, alone=True)]


def _staff_where(name: str) -> tuple[Only | Required | Rule | Known | Doc, ...]:
    """Which member of staff: asked where `name` says that one acts, and not looked at elsewhere."""
    return (
        Only(lambda reader: reader.text(name) == "staff"),
        Required("Staff ID is missing."),
        natural("Invalid Staff ID."),
        Known("Staff ID not found.", _is_active_staff),
        Doc(f"Asked where {name} is staff."),
    )


@dataclass(frozen=True, slots=True)
class Page:
    page: Annotated[str, Where.QUERY, Doc("From 1.")] = "1"


@dataclass(frozen=True, slots=True)
class NewUser:
    fullname: Annotated[str, Required("Full name is missing.")]
    email: Annotated[str, Required("Email address is missing."), Rule(NOT_VALID, _is_address), Known(IN_USE, _is_free)]
    notify: Annotated[bool, Doc("1: the user gets a mail with a link to choose a password.")] = False


@dataclass(frozen=True, slots=True)
class Users:
    email: Annotated[str, Where.QUERY, EMPTY, Doc("Find one by this address.")] = ""
    page: Annotated[str, Where.QUERY, Doc("From 1; 25 on each.")] = "1"


@dataclass(frozen=True, slots=True)
class OneUser:
    user: UserId


@dataclass(frozen=True, slots=True)
class ChangedUser:
    user: UserId
    new_email: Annotated[str, Required("Email address is missing."), Rule(NOT_VALID, _is_address)]


@dataclass(frozen=True, slots=True)
class NewDepartment:
    name: Annotated[str, Required("Department name is missing.")]
    private: Annotated[bool, Required("Department type is missing."), one_of("0 1", "Department type must be 0 or 1")]


@dataclass(frozen=True, slots=True)
class OneDepartment:
    department: DepartmentId


@dataclass(frozen=True, slots=True)
class ChangedDepartment:
    department: DepartmentId
    name: Annotated[str, Required("Department name is missing.")]
    private: Annotated[bool, Required("Department type is missing."), one_of("0 1", "Department type must be 0 or 1")]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    opener: Annotated[str, Required("Opener is missing."), one_of("user staff", "Invalid opener.")]
    user_id: Annotated[
        int,
        Required("User ID is missing."),
        natural("User ID is not valid."),
        Known("User ID not found.", _is_customer),
    ]
    staff_id: Annotated[int, *_staff_where("opener")] = 0
    department_id: Annotated[
        int,
        Required("Department ID is missing."),
        natural("Department ID is not valid."),
        Known("Department ID not found.", _is_department),
    ]
    subject: Annotated[str, Required("Subject is missing.")]
    body: Annotated[str, Required("Body is missing."), Doc("HTML; what is dangerous in it is left out.")]
    notify: Annotated[bool, Doc("1: the user gets a mail with the ticket's data.")] = False


@dataclass(frozen=True, slots=True)
class Tickets:
    status: Annotated[int, Where.QUERY, Also("status_id"), NOT_A_NUMBER, one_of("1 2 3 4 5", "Invalid Status ID.")] = 0
    user_id: Annotated[int | None, Where.QUERY, NOT_A_NUMBER] = None
    department_id: Annotated[int | None, Where.QUERY, NOT_A_NUMBER] = None
    page: Annotated[str, Where.QUERY, Doc("From 1; 15 on each.")] = "1"


@dataclass(frozen=True, slots=True)
class OneTicket:
    ticket: TicketId


@dataclass(frozen=True, slots=True)
class ChangedTicket:
    ticket: TicketId
    department_id: Annotated[
        int, FALSY, natural("Department ID is not valid."), Known("Department ID not found.", _is_department)
    ] = 0
    status: Annotated[int, Also("status_id"), FALSY, one_of("1 2 3 4 5", "Invalid Status ID.")] = 0


@dataclass(frozen=True, slots=True)
class NewMessage:
    ticket_id: Annotated[
        int, Required("Ticket ID is missing."), natural("Ticket not found."), Known("Ticket not found.", _is_ticket)
    ]
    message: Annotated[str, Required("Message is missing."), Doc("HTML; what is dangerous in it is left out.")]
    replier: Annotated[str, Required("Replier is missing."), one_of("user staff", "Invalid replier.")]
    staff_id: Annotated[int, *_staff_where("replier")] = 0
    close: Annotated[bool, Doc("1: and the ticket is closed, where staff reply.")] = False


@dataclass(frozen=True, slots=True)
class Messages:
    ticket: TicketId
    page: Annotated[str, Where.QUERY, Doc("From 1; 15 on each.")] = "1"


@dataclass(frozen=True, slots=True)
class Files:
    ticket_id: Annotated[int | None, Where.QUERY, EMPTY, Doc("Of this ticket; what is no number is no ticket's.")] = (
        None
    )
    msg_id: Annotated[int | None, Where.QUERY, EMPTY, Doc("Of this message, the same.")] = None


@dataclass(frozen=True, slots=True)
class OneFile:
    file: FileId


@dataclass(frozen=True, slots=True)
class StaffList:
    username: Annotated[str, Where.QUERY] = ""


@dataclass(frozen=True, slots=True)
class OneStaff:
    staff: Annotated[
        int,
        Where.PATH,
        Named("id"),
        natural("Invalid Staff ID."),
        Known("Staff ID not found.", lambda conn, text: lists.staff_member(conn, _number(text)) is not None),
    ]


_USERNAME = re.compile(r"[\w.@+-]{1,320}")


@dataclass(frozen=True, slots=True)
class Auth:
    username: Annotated[
        str,
        Required("Api.error.usernameMissing."),  # sic
        Rule("Invalid username.", lambda text: _USERNAME.fullmatch(text) is not None),
    ]
    password: Annotated[str, Required("Password is missing.")]
    ip_address: Annotated[
        str,
        Required("IP address is missing."),
        Rule("IP address is not valid.", _is_ip),
        Doc("Of the person who logs in: failures are counted for it."),
    ]
    two_factor: Annotated[str, Doc("The one-time code, where their account asks for one.")] = ""
