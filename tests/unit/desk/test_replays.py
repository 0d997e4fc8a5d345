"""A genuine mail in the wrong place: signed, written to others, and sent on to a ticket by somebody else."""

from __future__ import annotations

import pytest

from helpdeskd.model.mail import Verdict
from helpdeskd.model.outgoing import NoticeName as N
from tests.unit.desk.street import Street

ADA, EVE, BOSS = "ada@staff.example", "eve@elsewhere.example", "boss@elsewhere.example"


@pytest.fixture
def street(house) -> Street:
    return Street(house, verdict=Verdict.PASS)


@pytest.fixture
def eves(street):
    """A ticket of Eve's that Ada has answered, so it is hers; Eve drew somebody in."""
    ticket = street.ticket(street.send(EVE, cc=(BOSS,)))
    street.house.answer(ticket)
    return ticket


def token(street: Street) -> str:
    return f"support+{street.last(N.STAFF_REPLY, EVE).reply_token}@example.org"


@pytest.mark.parametrize("words", ["Yes, agreed, you get your money back.", "#close\nYes."])
def test_what_the_assignee_wrote_to_others_is_no_answer(street, eves, words):
    before = street.outbox()
    state = street.ticket_state(eves)
    received = street.send(ADA, to=token(street), shown_to=(EVE,), subject="Re: lunch", text=words)
    assert (received.outcome, received.reason) == ("internal", "not-your-token")
    assert street.ticket_state(eves) is state
    assert street.outbox() == [*before, (N.KEPT_INTERNAL, ADA)]


def test_nor_is_a_participant_s_post_to_a_list(street, eves):
    received = street.send(BOSS, to=token(street), shown_to=("list@public.example",), text="I agree.")
    assert (received.outcome, received.reason) == ("internal", "no-proof")


@pytest.mark.parametrize(
    "way",
    [
        {"shown_to": ("Help <help@example.org>",)},
        {"shown_to": (EVE,), "cc": ("SUPPORT+anything@example.org",)},
        {"shown_to": ("desk@alias.example",), "original": "Desk@alias.example"},
    ],
    ids=["To", "Cc", "an alias of the MTA"],
)
def test_what_is_for_us_is_one(street, eves, way):
    subject = f"Re: [#{eves.number}] My printer"
    received = street.send(ADA, to="support@example.org", subject=subject, text="Yes.", **way)
    assert (received.outcome, received.reason) == ("appended", "subject-tag")
    assert street.outbox()[-2:] == [(N.STAFF_REPLY, EVE), (N.STAFF_REPLY, BOSS)]


def test_a_note_of_staff_whom_the_customer_drew_in(street):
    """Their own token is not in it, so it is no command: still it is not for the customer."""
    ticket = street.ticket(street.send(EVE, cc=(ADA,)))
    subject = f"Re: [#{ticket.number}] My printer"
    received = street.send(ADA, subject=subject, text="#note She never pays.")
    assert (received.outcome, received.reason) == ("internal", "not-your-token")
    assert street.outbox()[-1] == (N.KEPT_INTERNAL, ADA)
    assert [visibility for visibility, _, text in street.said(ticket) if "never pays" in text] == ["internal"]
