"""An API and a mail program in one conversation: what is opened here is answered there, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx2 as httpx
import pytest
from sqlalchemy import select

from helpdeskd import spool
from helpdeskd.config import Config, Outgoing, Paths, Smtp, SpoolSettings
from helpdeskd.desk import api_keys, customers, departments, people
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.installation import Installation, open_installation
from helpdeskd.model.clock import now
from helpdeskd.store.schema import outbox
from tests.taken import take
from tests.unit.http.conftest import Serving
from tests.unit.http.helpdeskz.conftest import ALL, TOKEN

CAROL, SUPPORT = "carol@client.example", "support@desk.example"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    config = Config(
        paths=Paths(data=tmp_path / "data"),
        spool=SpoolSettings(reserve_percent=0.0, reserve_mb=0),
        smtp=Smtp(listen=()),
        outgoing=Outgoing(relay="relay.example"),
    )
    with closing(open_installation(config)) as made:

        def act(conn):
            given = (conn, made.desk, now())
            support = departments.add(*given, name="Support", addresses=(SUPPORT,))
            people.add_staff(*given, "Ada", "ada@staff.example", 3, (support.id,), welcome=False)
            customers.add(*given, name="Carol", email=CAROL, welcome=False)
            api_keys.create(*given, dialect="helpdeskz", name="x", token=TOKEN, permissions=ALL)

        made.store.writer.run(act)
        made.refresh()
        yield made


@pytest.fixture
def api(here: Installation, tmp_path: Path) -> Iterator[httpx.Client]:
    with ExitStack() as stack:
        client = Serving(tmp_path, here.desk, stack)(here.store, HELPDESKZ)
        client.headers["Token"] = TOKEN
        client.base_url = client.base_url.join("/helpdeskz/api/")
        yield client


def written(here: Installation, text: str, *, to: str = SUPPORT, subject: str = "Printer") -> None:
    """Carol writes a mail, and it is taken in."""
    raw = f"From: Carol <{CAROL}>\nTo: {to}\nSubject: {subject}\nMessage-ID: <{len(text)}@client.example>\nDate: Sun, 01 Mar 2026 12:00:00 +0000\n\n{text}\n"
    spool.put(here.spool_root, spool.Envelope(door="smtp", sender=CAROL, recipients=(to,)), [raw.encode()])
    assert not take(here).waiting


def answered_to(here: Installation) -> str:
    """Where Carol's mail program sends an answer to the last mail she got."""
    newest = select(outbox.c.reply_token).where(outbox.c.recipient == CAROL).order_by(outbox.c.id.desc()).limit(1)
    token = here.store.read(lambda conn: conn.execute(newest).scalar_one())
    assert token
    return SUPPORT.replace("@", f"+{token}@")


def said(api: httpx.Client, ticket: int) -> list[str]:
    return [each["message"].strip() for each in api.get(f"messages/show/{ticket}").json()["messages"]]


def test_opened_over_the_api_and_answered_by_mail(here: Installation, api: httpx.Client) -> None:
    given = {
        "opener": "user",
        "user_id": "1",
        "department_id": "1",
        "subject": "Printer",
        "body": "It burns.",
        "notify": "1",
    }
    assert api.post("tickets/create", data=given).json()["ticket_id"] == 1
    written(here, "Still.", to=answered_to(here), subject="Re: Printer")
    assert said(api, 1) == ["Still.", "It burns."]
    assert api.get("tickets").json()["total_tickets"] == 1


def test_opened_by_mail_and_answered_over_the_api(here: Installation, api: httpx.Client) -> None:
    written(here, "It burns.")
    ticket = api.get("tickets?user_id=1").json()["tickets"][0]
    assert (ticket["status"], ticket["user_fullname"]) == ("1", "Carol")
    answer = {"ticket_id": ticket["id"], "message": "<p>Pull the plug.</p>", "replier": "staff", "staff_id": "1"}
    assert api.post("messages/create", data=answer).json()["success"] == 1
    written(here, "Done, thank you.", to=answered_to(here), subject="Re: Printer")
    assert said(api, int(ticket["id"])) == ["Done, thank you.", "<p>Pull the plug.</p>", "It burns."]
    assert api.get(f"tickets/show/{ticket['id']}").json()["ticket"]["status"] == "3"


def test_a_mail_to_a_ticket_that_was_removed_opens_another(here: Installation, api: httpx.Client) -> None:
    written(here, "It burns.")
    address = answered_to(here)
    assert api.post("tickets/delete/1").json()["success"] == 1
    written(here, "Hello? Anybody?", to=address, subject="Re: Printer")
    assert said(api, 2) == ["Hello? Anybody?"]
