"""Each route's request and its whole answer, to the letter: the documentation's examples, every documented error, quirks that are kept.

A row: what is asked (method, path with its query, form), and the answer's text. Rows that make something have a name of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx2 as httpx
import pytest

from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.http.helpdeskz.views import cast_page_of, page_of
from helpdeskd.http.helpdeskz.words import Said
from tests.unit.http.helpdeskz.conftest import NOON, PASSWORD

CAROL = '{"id":"1","fullname":"Carol","email":"carol@client.example"}'
PRINTER = (
    f'{{"id":"1","user_id":"1","department_id":"1","subject":"Printer","date":"{NOON}","last_update":"{NOON}",'
    '"status":"1","replies":"0","user_fullname":"Carol","department_name":"General"}'
)
OFFER = (
    f'{{"id":"2","user_id":"2","department_id":"2","subject":"Offer","date":"{NOON}","last_update":"{NOON}",'
    '"status":"1","replies":"0","user_fullname":"Dan","department_name":"Sales"}'
)
ADA = f'{{"id":"1","username":"ada","fullname":"Ada","email":"ada@staff.example","registration":"{NOON}","last_login":"0"}}'
NO_TICKETS = '{"success":1,"total_tickets":0,"pages":0,"tickets":[]}'
NO_FILES = '{"success":1,"files":[]}'
PNG = '{"id":"1","name":"a.png","filetype":"image/png","msg_id":"2","size":"12"}'
NO_USERS_BEYOND = re.compile(r'\{"success":1,"total_users":\d+,"total_pages":1,"users":\[\]\}')


def error(words: str) -> str:
    return f'{{"error":1,"message":"{words}"}}'


def done(words: str) -> str:
    return f'{{"success":1,"message":"{words}"}}'


TICKET = {"opener": "user", "user_id": "1", "department_id": "1", "subject": "S", "body": "B"}
MESSAGE = {"ticket_id": "1", "message": "M", "replier": "user"}
AUTH = {"username": "ada", "password": PASSWORD, "ip_address": "192.0.2.1"}

# fmt: off
ROWS: list[tuple[str, str, dict[str, str] | None, str | re.Pattern[str]]] = [
    # users
    ("GET", "users/show/1", None, f'{{"success":1,"user_data":{CAROL}}}'),
    ("GET", "users/1", None, f'{{"success":1,"user_data":{CAROL}}}'),
    ("GET", "users/show/1/", None, f'{{"success":1,"user_data":{CAROL}}}'),
    ("GET", "users?email=Carol@Client.Example", None, f'{{"success":1,"user_data":{CAROL}}}'),
    ("GET", "users?email=nobody@client.example", None, error("User not found.")),
    ("GET", "users?page=99", None, NO_USERS_BEYOND),
    ("GET", "users?page=0", None, error("Page not found.")),
    ("GET", "users?page=-1", None, error("Page not found.")),
    ("GET", "users?page=1.5", None, error("Page not found.")),
    ("GET", "users?page=1e9", None, NO_USERS_BEYOND),
    ("GET", "users/show/99", None, error("User not found.")),
    ("GET", "users/show/1abc", None, error("User not found.")),
    ("POST", "users/create", {}, error("Full name is missing. Email address is missing.")),
    ("POST", "users/create", {"fullname": " ", "email": "x"}, error("Full name is missing. Email address is not valid.")),
    ("POST", "users/create", {"fullname": "X", "email": "CAROL@client.example"}, error("Email address is is already in use.")),
    ("POST", "users/create", {"fullname": "X", "email": "general@desk.example"}, error("Email address is is already in use.")),
    ("POST", "users/update/99", {"new_email": "x"}, error("User not found.")),
    ("POST", "users/update/1", {}, error("Email address is missing.")),
    ("POST", "users/update/1", {"new_email": "x"}, error("Email address is not valid.")),
    ("POST", "users/update/1", {"new_email": "dan@client.example"}, error("Email address is is already in use.")),
    ("POST", "users/update/1", {"new_email": "carol@client.example"}, done("Email was changed.")),
    ("POST", "users/delete/99", None, error("User not found.")),
    # departments
    ("GET", "departments/show/1", None, '{"success":1,"department":{"id":"1","name":"General","private":"0"}}'),
    ("GET", "departments/1", None, '{"success":1,"department":{"id":"1","name":"General","private":"0"}}'),
    ("GET", "departments/show/99", None, error("Department not found.")),
    ("POST", "departments/create", {}, error("Department name is missing. Department type is missing.")),
    ("POST", "departments/create", {"name": "X", "private": "true"}, error("Department type must be 0 or 1")),
    ("POST", "departments/create", {"name": "general", "private": "0"}, error("Department name is already in use.")),
    ("POST", "departments/update/99", {}, error("Department not found.")),
    ("POST", "departments/update/1", {"name": "General"}, error("Department type is missing.")),
    ("POST", "departments/update/1", {"name": "General", "private": "0"}, done("Department was updated.")),
    ("POST", "departments/delete/99", None, error("Department not found.")),
    # tickets
    ("GET", "tickets/show/1", None, f'{{"success":1,"ticket":{PRINTER}}}'),
    ("GET", "tickets/1", None, f'{{"success":1,"ticket":{PRINTER}}}'),
    ("GET", "tickets/show/99", None, error("Ticket not found.")),
    ("GET", "tickets?user_id=2", None, f'{{"success":1,"total_tickets":1,"pages":1,"tickets":[{OFFER}]}}'),
    ("GET", "tickets?user_id=2&department_id=1", None, '{"success":1,"total_tickets":0,"pages":0,"tickets":[]}'),
    ("GET", "tickets?department_id=2&status=1", None, f'{{"success":1,"total_tickets":1,"pages":1,"tickets":[{OFFER}]}}'),
    ("GET", "tickets?department_id=2&status_id=1", None, f'{{"success":1,"total_tickets":1,"pages":1,"tickets":[{OFFER}]}}'),
    ("GET", "tickets?department_id=2&status=5", None, '{"success":1,"total_tickets":0,"pages":0,"tickets":[]}'),
    ("GET", "tickets?department_id=2&status=open&page=two", None, f'{{"success":1,"total_tickets":1,"pages":1,"tickets":[{OFFER}]}}'),
    ("GET", "tickets?department_id=99", None, '{"success":1,"total_tickets":0,"pages":0,"tickets":[]}'),
    ("GET", "tickets?department_id=2&page=2", None, '{"success":1,"total_tickets":1,"pages":1,"tickets":[]}'),
    ("GET", "tickets?status=6", None, error("Invalid Status ID.")),
    ("GET", "tickets?status=-1", None, error("Invalid Status ID.")),
    ("GET", "tickets?user_id=x&department_id=2", None, f'{{"success":1,"total_tickets":1,"pages":1,"tickets":[{OFFER}]}}'),
    ("GET", "tickets?user_id=2.0", None, f'{{"success":1,"total_tickets":1,"pages":1,"tickets":[{OFFER}]}}'),
    ("GET", "tickets?user_id=-1", None, NO_TICKETS),
    ("GET", "tickets?user_id=1e30", None, NO_TICKETS),
    ("GET", "tickets?department_id=2.5", None, NO_TICKETS),
    ("GET", "tickets?department_id=" + "9" * 30, None, NO_TICKETS),
    ("GET", "tickets?page=0", None, error("Page not found.")),
    ("POST", "tickets/create", {}, error("Opener is missing. User ID is missing. Department ID is missing. Subject is missing. Body is missing.")),
    ("POST", "tickets/create", {**TICKET, "opener": "x", "user_id": "x", "department_id": "0"}, error("Invalid opener. User ID is not valid. Department ID is not valid.")),
    ("POST", "tickets/create", {**TICKET, "user_id": "99", "department_id": "99"}, error("User ID not found. Department ID not found.")),
    ("POST", "tickets/create", {**TICKET, "opener": "staff"}, error("Staff ID is missing.")),
    ("POST", "tickets/create", {**TICKET, "opener": "staff", "staff_id": "x"}, error("Invalid Staff ID.")),
    ("POST", "tickets/create", {**TICKET, "opener": "staff", "staff_id": "99"}, error("Staff ID not found.")),
    ("POST", "tickets/create", {"opener": "staff", "user_id": "x", "staff_id": "x", "department_id": "x"}, error("User ID is not valid. Invalid Staff ID. Department ID is not valid. Subject is missing. Body is missing.")),
    ("POST", "tickets/create", {"opener": "user", "replier": "staff", "staff_id": "x"}, error("User ID is missing. Department ID is missing. Subject is missing. Body is missing.")),
    ("POST", "tickets/update/99", {}, error("Ticket not found.")),
    ("POST", "tickets/update/1", {}, done("Ticket was updated.")),
    ("POST", "tickets/update/1", {"status": "0", "department_id": "0"}, done("Ticket was updated.")),
    ("POST", "tickets/update/1", {"department_id": "x", "status": "6"}, error("Department ID is not valid. Invalid Status ID.")),
    ("POST", "tickets/update/1", {"department_id": "99"}, error("Department ID not found.")),
    ("POST", "tickets/delete/99", None, error("Ticket not found.")),
    # messages
    ("GET", "messages/show/1", None, f'{{"success":1,"pages":1,"total_replies":1,"messages":[{{"id":"1","date":"{NOON}","customer":"1","staff_id":"0","message":"It burns."}}]}}'),
    ("GET", "messages/2?page=0", None, f'{{"success":1,"pages":1,"total_replies":1,"messages":[{{"id":"2","date":"{NOON}","customer":"0","staff_id":"1","message":"Here it is."}}]}}'),
    ("GET", "messages/show/1?page=2", None, '{"success":1,"pages":1,"total_replies":1,"messages":[]}'),
    ("GET", "messages/show/99", None, error("Ticket not found.")),
    ("POST", "messages/create", {}, error("Ticket ID is missing. Message is missing. Replier is missing.")),
    ("POST", "messages/create", {**MESSAGE, "ticket_id": "99"}, error("Ticket not found.")),
    ("POST", "messages/create", {**MESSAGE, "replier": "x"}, error("Invalid replier.")),
    ("POST", "messages/create", {**MESSAGE, "replier": "staff"}, error("Staff ID is missing.")),
    ("POST", "messages/create", {**MESSAGE, "replier": "staff", "staff_id": "0"}, error("Invalid Staff ID.")),
    ("POST", "messages/create", {**MESSAGE, "replier": "staff", "staff_id": "99"}, error("Staff ID not found.")),
    ("POST", "messages/create", {"message": "M", "replier": "user", "opener": "staff", "staff_id": "x"}, error("Ticket ID is missing.")),
    # attachments
    ("GET", "attachments?msg_id=2", None, f'{{"success":1,"files":[{PNG}]}}'),
    ("GET", "attachments?ticket_id=2", None, f'{{"success":1,"files":[{PNG}]}}'),
    ("GET", "attachments?ticket_id=1", None, NO_FILES),
    ("GET", "attachments?ticket_id=1&msg_id=2", None, NO_FILES),
    ("GET", "attachments?ticket_id=2&msg_id=2", None, f'{{"success":1,"files":[{PNG}]}}'),
    ("GET", "attachments?ticket_id=&msg_id=", None, f'{{"success":1,"files":[{PNG}]}}'),
    ("GET", "attachments?ticket_id=x", None, NO_FILES),
    ("GET", "attachments?msg_id=x", None, NO_FILES),
    ("GET", "attachments?msg_id=2x", None, NO_FILES),
    ("GET", "attachments?msg_id=-1", None, NO_FILES),
    ("GET", "attachments?msg_id=1e30", None, NO_FILES),
    ("GET", "attachments/show/1", None, '{"success":1,"name":"a.png","filetype":"image/png","size":"12","content":"iVBORyBwaWN0dXJl"}'),
    ("GET", "attachments/show/99", None, error("Attachment not found.")),
    ("POST", "attachments/delete/99", None, error("Attachment not found.")),
    # staff
    ("GET", "staff?username=ADA", None, f'{{"success":1,"users":[{ADA}]}}'),
    ("GET", "staff?username=nobody", None, '{"success":1,"users":[]}'),
    ("GET", "staff/show/1", None, f'{{"success":1,"staff_data":{ADA}}}'),
    ("GET", "staff/1", None, f'{{"success":1,"staff_data":{ADA}}}'),
    ("GET", "staff/show/1.5", None, error("Invalid Staff ID.")),
    ("GET", "staff/show/99", None, error("Staff ID not found.")),
    ("POST", "staff/auth", {}, error("Api.error.usernameMissing. Password is missing. IP address is missing.")),
    ("POST", "staff/auth", {**AUTH, "username": "a b", "ip_address": "x"}, error("Invalid username. IP address is not valid.")),
    ("POST", "staff/auth", {**AUTH, "username": "nobody", "ip_address": "192.0.2.2"}, error("Invalid username or password. (attempt: 1 of 3)")),
    ("POST", "staff/auth", {**AUTH, "password": "wrong", "ip_address": "192.0.2.3"}, error("Invalid username or password. (attempt: 1 of 3)")),
    ("POST", "staff/auth", {**AUTH, "username": "carol@client.example", "ip_address": "192.0.2.4"}, error("Invalid username or password. (attempt: 1 of 3)")),
]
# fmt: on


@pytest.mark.parametrize(
    ("method", "path", "form", "answer"), ROWS, ids=lambda each: None if each is None else str(each)[:60]
)
def test_to_the_letter(
    api: httpx.Client, method: str, path: str, form: dict[str, str] | None, answer: str | re.Pattern[str]
) -> None:
    got = api.request(method, path, data=form)
    assert got.status_code == 200
    assert got.headers["content-type"] == "application/json; charset=UTF-8"
    if isinstance(answer, str):
        assert got.text == answer
    else:
        assert answer.fullmatch(got.text), got.text


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "users/new", "new"),
        ("GET", "tickets/edit/1", "edit"),
        ("GET", "messages", "index"),
        ("POST", "messages/delete/1", "delete"),
        ("POST", "attachments/create", "create"),
        ("POST", "staff/update/1", "update"),
    ],
)
def test_what_the_original_never_built(api: httpx.Client, method: str, path: str, action: str) -> None:
    got = api.request(method, path)
    wanted = f'{{"status":501,"error":501,"messages":{{"error":"\\"{action}\\" action not implemented."}}}}'
    assert (got.status_code, got.text) == (501, wanted)


@pytest.mark.parametrize(
    ("text", "page", "message_page"),
    [
        ("1", 1, 1),
        ("12", 12, 12),
        (" 2 ", 2, 2),
        ("+2", 2, 2),
        ("2.0", 2, 2),
        ("1e1", 10, 10),
        ("", 1, 1),
        ("two", 1, 1),
        ("2abc", 1, 2),
        ("0", None, 1),
        ("-1", None, 1),
        ("1.5", None, 1),
        ("9" * 30, 10**9, 10**9),
        ("1e999", None, 1),
        ("\uff12", 1, 1),
    ],
)
def test_which_page(text: str, page: int | None, message_page: int) -> None:
    """None: page not found. Messages know no such thing, as their number is cast."""
    assert cast_page_of(text) == message_page
    if page is None:
        with pytest.raises(Said):
            page_of(text)
    else:
        assert page_of(text) == page


def test_every_route_has_a_row() -> None:
    """Of those that change something, the answer of success stands in test_work."""
    shown = {(method, re.sub(r"\d+", "{id}", path.partition("?")[0].strip("/"))) for method, path, _, _ in ROWS}
    known = {
        (route.methods, path.strip("/"))
        for route in HELPDESKZ.routes
        for path in route.paths.split()
        if route.name != "not_implemented"
    }
    unshown = {("POST", "users"), ("GET", "departments"), ("GET", "attachments/{id}")}
    assert known - shown == unshown, "rows are missing, or are shown by now"


def test_the_table_of_the_documents_is_that_of_the_routes() -> None:
    text = (
        (Path(__file__).parents[4] / "docs" / "compatibility.md")
        .read_text(encoding="utf-8")
        .partition("## HelpDeskZ")[2]
        .partition("\n## ")[0]
    )
    rows = re.findall(r"^\| (GET|POST) (.*?) \| (\S+) \|", text, re.MULTILINE)
    told = {
        (method, path.replace("ID", "{id}"), permission)
        for method, cell, permission in rows
        for path in re.findall(r"`(/[^`]+)`", cell)
    }
    known = {
        (route.methods, path, route.permission)
        for route in HELPDESKZ.routes
        for path in route.paths.split()
        if route.permission
    }
    assert told == known
