"""One ticket by three ways: what is said by HelpDeskZ's API, by Jitbit's and by mail is read by all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from helpdeskd.http.helpdeskz import HELPDESKZ
from tests.live.house import text_of
from tests.unit.http.jitbit.conftest import UNHURRIED
from tests.unit.http.mailed import CAROL, PASSWORD, TOKEN, Mailed, mailed

PICTURE = bytes(range(256)) * 300


@dataclass
class Ways:
    """`helpdeskz` and `jitbit` are what its clients do: one method, one path, what it answers."""

    post: Mailed
    client: httpx.Client

    def helpdeskz(self, method: str, path: str, **data: Any) -> dict[str, Any]:
        answer = self.client.request(method, f"/helpdeskz/api/{path}", headers={"Token": TOKEN}, data=data)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def jitbit(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self.client.request(method, f"/jitbit/api/{path}", auth=("tina", PASSWORD), **more)
        assert answer.status_code == 200, answer.text
        return answer

    def messages(self, ticket: int) -> list[str]:
        """Oldest first, as HelpDeskZ has them; what is quoted below an answer is left out."""
        told = self.helpdeskz("GET", f"messages/show/{ticket}")["messages"]
        return [_above(each["message"]) for each in reversed(told)]

    def comments(self, ticket: int) -> list[tuple[str, str]]:
        told = self.jitbit("GET", f"comments?id={ticket}").json()
        return [(each["Email"], _above(each["Body"])) for each in told]


def _above(words: str) -> str:
    return re.split(r"(?:\s|<br ?/>)*On Sun, 22 Nov 2026", words.strip())[0]


@pytest.fixture
def ways(tmp_path: Path, store_url: str) -> Iterator[Ways]:
    with mailed(tmp_path, store_url) as post:
        yield Ways(post, post.serve(HELPDESKZ, UNHURRIED))


def test_from_helpdeskz_by_mail_to_jitbit_and_back(ways: Ways) -> None:
    (carol,) = ways.helpdeskz("GET", "users")["users"]
    opened = {
        "opener": "user",
        "user_id": carol["id"],
        "department_id": 1,
        "subject": "Printer",
        "body": "It burns.",
        "notify": 1,
    }
    ticket = ways.helpdeskz("POST", "tickets/create", **opened)["ticket_id"]

    ways.post.answered("Here is a picture.", ("smoke 1.png", PICTURE))
    assert ways.comments(ticket) == [(CAROL, "Here is a picture.")]
    shown = ways.jitbit("GET", f"ticket?id={ticket}").json()
    assert (shown["Subject"], shown["Body"], shown["Status"], shown["UpdatedByUser"]) == (
        "Printer",
        "It burns.",
        "New",
        True,
    )
    (file,) = shown["Attachments"]
    assert (file["FileName"], file["FileSize"]) == ("smoke 1.png", len(PICTURE))
    downloaded = ways.jitbit("GET", f"attachment?id={file['FileID']}")
    assert downloaded.content == PICTURE
    assert "smoke 1.png" in downloaded.headers["content-disposition"]

    plan = {"files": {"uploadFile": ("plan.txt", b"1. The plug.", "text/plain")}}
    assert ways.jitbit("POST", "comment", data={"id": ticket, "body": "Pull the plug."}, **plan).json() == ticket
    mail = ways.post.sent(CAROL)[-1]
    assert "Pull the plug." in text_of(mail)
    assert [each.get_filename() for each in mail.iter_attachments()] == ["plan.txt"]
    ways.post.answered("Done.")
    assert ways.messages(ticket) == ["It burns.", "Here is a picture.", "Pull the plug.", "Done."]
    files = ways.helpdeskz("GET", f"attachments?ticket_id={ticket}")["files"]
    assert sorted(each["name"] for each in files) == ["plan.txt", "smoke 1.png"]


def test_from_jitbit_by_mail_to_helpdeskz_and_closed(ways: Ways) -> None:
    carol = ways.jitbit("GET", f"UserByEmail?email={CAROL}").json()["UserID"]
    given = {"categoryId": 1, "subject": "Lamp", "body": "<p>Your lamp is <b>out</b>.</p>", "userId": carol}
    ticket = ways.jitbit("POST", "ticket", json=given).json()
    ways.post.answered("So it is.")
    assert ways.messages(ticket) == ["<p>Your lamp is <b>out</b>.</p>", "So it is."]
    ways.helpdeskz("POST", "messages/create", ticket_id=ticket, message="Wait.", replier="staff", staff_id=1)
    assert "Wait." in text_of(ways.post.sent(CAROL)[-1])
    ways.post.answered("I do.")
    assert ways.helpdeskz("GET", f"tickets/show/{ticket}")["ticket"]["status"] == "3"
    assert [words for _, words in ways.comments(ticket)] == ["So it is.", "Wait.", "I do."]

    ways.helpdeskz("POST", f"tickets/update/{ticket}", status=5)
    shown = ways.jitbit("GET", f"ticket?id={ticket}").json()
    assert (shown["Status"], shown["StatusID"], shown["ResolvedDate"] is None) == ("Closed", 3, False)
    assert ways.jitbit("GET", "Stats").json()["Closed"] == 1

    ways.post.answered("It is out again.")
    assert ways.jitbit("GET", f"ticket?id={ticket}").json()["StatusID"] != 3
    assert ways.comments(ticket)[-1] == (CAROL, "It is out again.")


def test_what_is_not_for_the_customer_stays_so(ways: Ways) -> None:
    """A note of Jitbit's and its file are nothing that HelpDeskZ shows, nor are they mailed."""
    ways.post.new("Printer", "It burns.")
    (ticket,) = (each["IssueID"] for each in ways.jitbit("GET", "Tickets").json())
    before = len(ways.post.sent(CAROL))
    note = {"id": ticket, "body": "She has no plug.", "forTechsOnly": "true"}
    ways.jitbit("POST", "comment", data=note, files={"f": ("secret.txt", b"x")})
    assert ways.messages(ticket) == ["It burns."]
    assert ways.helpdeskz("GET", "attachments")["files"] == []
    assert len(ways.post.sent(CAROL)) == before


def test_removed_by_one_it_is_gone_from_the_other(ways: Ways) -> None:
    ways.post.new("Printer", "It burns.")
    (ticket,) = (each["IssueID"] for each in ways.jitbit("GET", "Tickets").json())
    assert ways.post.sent(CAROL)
    ways.helpdeskz("POST", f"tickets/delete/{ticket}")
    assert ways.jitbit("GET", "Tickets").json() == []
    ways.post.answered("Hello?")
    (other,) = (each["IssueID"] for each in ways.jitbit("GET", "Tickets").json())
    assert other != ticket
    assert ways.messages(other) == ["Hello?"]
