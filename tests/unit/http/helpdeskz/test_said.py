"""What was said, as its clients get it: messages are HTML there, and only what was said in public is anybody's there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import Engine, event

from helpdeskd.desk import people, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.http.written import words_of
from helpdeskd.mail import html
from helpdeskd.model.mail import Verdict
from helpdeskd.model.routing import Reason
from tests.unit.http.helpdeskz.conftest import PICTURE, House

DEEP = "<div>" * 2_000 + "Deep words & <b>more</b>" + "</div>" * 2_000

# What stands in a mail -> what its `message` is.
MAILS: list[tuple[Words, str]] = [
    (Words("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;"),
    (Words("a < b && c > d"), "a &lt; b &amp;&amp; c &gt; d"),
    (Words("one\ntwo\r\n\r\nthree\n"), "one<br />\ntwo<br />\n<br />\nthree"),
    (
        Words("Yes.", quote="> <img src=x onerror=alert(1)>"),
        "Yes.<br />\n<br />\n&gt; &lt;img src=x onerror=alert(1)&gt;",
    ),
    (Words("", quote="> all of it"), "&gt; all of it"),
    (Words("plain", html="<p>rich &amp; <b>safe</b></p>"), "<p>rich &amp; <b>safe</b></p>"),
    (Words('It\'s "so"'), 'It\'s "so"'),
    (Words(""), ""),
]


@pytest.mark.parametrize(("words", "shown"), MAILS)
def test_a_text_is_never_markup(alone: House, words: Words, shown: str) -> None:
    ticket = alone.read(tickets.get, 1)
    carol = alone.read(people.get, ticket.requester_id)
    alone.write(tickets.customer_reply, ticket=ticket, author=carol, words=words, reopen=True)
    newest = alone.client.get("messages/show/1").json()["messages"][0]
    assert newest["message"] == shown


def test_quotations_have_nobodys_reply_token(alone: House) -> None:
    ticket = alone.read(tickets.get, 1)
    carol = alone.read(people.get, ticket.requester_id)
    token = alone.serving.desk.tokens.make(ticket.id, carol.id)
    words = Words("Yes.", quote=f"On Sunday General <general+{token}@desk.example> wrote:")
    alone.write(tickets.customer_reply, ticket=ticket, author=carol, words=words, reopen=True)
    newest = alone.client.get("messages/show/1").json()["messages"][0]
    assert newest["message"].endswith("On Sunday General &lt;general@desk.example&gt; wrote:")


# What a program sends -> what of it is HTML, what text.
SENT: list[tuple[str, str, str]] = [
    ("Answering a ticket.", "", "Answering a ticket."),
    ("a < b", "", "a < b"),
    ("one\ntwo", "", "one\ntwo"),
    ("<p>Hi</p>", "<p>Hi</p>", "Hi"),
    ("<p onclick=x>Hi<script>x</script></p>", "<p>Hi</p>", "Hi"),
    ("R&amp;D", "R&amp;D", "R&D"),
    ("<script>alert(1)</script>", "", "<script>alert(1)</script>"),
    ("<!-- nothing -->", "", "<!-- nothing -->"),
    (DEEP, "", "Deep words & more"),
]


@pytest.mark.parametrize(("sent", "rich", "plain"), SENT, ids=lambda each: each[:20])
def test_no_word_is_lost_where_html_cannot_be_cleaned(sent: str, rich: str, plain: str) -> None:
    made = words_of(sent, "", ())
    assert made.html == rich
    assert " ".join(made.text.split()) == " ".join(plain.split())


def test_nothing_is_lost_of_what_is_too_long_to_be_cleaned() -> None:
    sent = "<p>" + "word " * (html.MAX_BYTES // 5) + "end"
    assert words_of(sent, "", ()).text == sent


def test_what_cannot_be_cleaned_is_shown_as_text(alone: House) -> None:
    given = {"ticket_id": "1", "message": DEEP, "replier": "user"}
    assert alone.client.post("messages/create", data=given).json()["success"] == 1
    newest = alone.client.get("messages/show/1").json()["messages"][0]["message"]
    assert newest.strip().startswith("Deep words &amp;")
    assert "<div" not in newest


def test_staff_who_write_in_a_ticket_of_their_own_are_its_customer(fresh: House) -> None:
    carol = fresh.read(people.at, "carol@client.example")
    fresh.client.post("messages/create", data={"ticket_id": "1", "message": "A", "replier": "staff", "staff_id": "2"})
    fresh.write(people.add_staff, "Carol", carol.email, 3, (), welcome=False)
    said = [(each["customer"], each["staff_id"]) for each in fresh.client.get("messages/show/1").json()["messages"]]
    assert said == [("0", "2"), ("1", "0")]


def _hidden(house: House) -> dict[str, int]:
    """Messages with a file each that nobody outside may see: what hides them -> the message."""
    ticket = house.read(tickets.get, 1)
    ada, carol = house.read(people.at, "ada@staff.example"), house.read(people.get, ticket.requester_id)

    def with_file(**more: Any) -> Words:
        part = Part("secret.txt", "text/plain", len(PICTURE), house.serving.blobs.put(PICTURE))
        return Words("Not for everybody.", subject="S", parts=(part,), **more)

    forged = with_file(verdict=Verdict.FAIL)
    made = {
        "a note": house.write(tickets.note, ticket=ticket, author=ada, words=with_file()),
        "a stranger's mail": house.write(
            tickets.keep, ticket=ticket, author=None, words=with_file(), why=Reason.STRANGER
        ),
        "a forged mail": house.write(tickets.keep, ticket=ticket, author=carol, words=forged, why=Reason.UNVERIFIED),
    }
    return {name: posted.message_id for name, posted in made.items()}


def test_files_of_notes_are_nobodys(fresh: House) -> None:
    api = fresh.client
    public = api.get("attachments").json()["files"]
    messages = _hidden(fresh)
    assert api.get("attachments").json()["files"] == public
    assert api.get("attachments?ticket_id=1").json()["files"] == []
    assert api.get("messages/show/1").json()["total_replies"] == 1
    for nth, (what, message) in enumerate(messages.items(), 1):
        file = int(public[-1]["id"]) + nth
        assert api.get("attachments", params={"msg_id": message}).json()["files"] == [], what
        assert api.get(f"attachments/show/{file}").json()["message"] == "Attachment not found.", what
        assert api.post(f"attachments/delete/{file}").json()["message"] == "Attachment not found.", what


@contextmanager
def selects() -> Iterator[list[str]]:
    """Every statement that reads, of whatever store."""
    found: list[str] = []

    def hear(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def test_a_list_costs_the_same_however_long_it_is(fresh: House) -> None:
    api = fresh.client
    lists_of = [
        "users",
        "departments",
        "tickets",
        "tickets?status=4",
        "messages/show/1",
        "attachments?ticket_id=1",
        "staff",
    ]

    def costs() -> list[tuple[str, int]]:
        found = []
        for path in lists_of:
            with selects() as said:
                assert api.get(path).json()["success"] == 1
            found.append((path, len(said)))
        return found

    _opened(api, 99)
    before = costs()
    for n in range(5):
        assert api.post("users/create", data={"fullname": "X", "email": f"x{n}@client.example"}).json()["success"] == 1
        assert api.post("departments/create", data={"name": f"D{n}", "private": "0"}).json()["success"] == 1
        _opened(api, n)
        file = {"attachment[]": ("a.txt", b"a", "text/plain")}
        said = {"ticket_id": "1", "message": "M", "replier": "user"}
        assert api.post("messages/create", data=said, files=file).json()["success"] == 1
        fresh.write(people.add_staff, f"S{n}", f"s{n}@staff.example", 1, (1,), welcome=False)
    assert costs() == before


def test_beyond_the_last_page_nobody_looks(alone: House) -> None:
    for path in ("users", "tickets", "tickets?status=4", "messages/show/1"):
        with selects() as said:
            answer = alone.client.get(path + ("&" if "?" in path else "?") + "page=1000000000").json()
        assert list(answer.values())[-1] == []
        assert not [each for each in said if "OFFSET" in each], path


def _opened(api: httpx.Client, n: int) -> None:
    given = {"opener": "user", "user_id": "1", "department_id": "2", "subject": f"S{n}", "body": "B"}
    made = api.post("tickets/create", data=given).json()
    assert api.post(f"tickets/update/{made['ticket_id']}", data={"status": "4"}).json()["success"] == 1
