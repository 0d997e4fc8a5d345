"""One mail, judged twice: a copy without a voice does not stand for one that has it, and nothing is done twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.ticket import State
from tests.unit.desk.street import Street

PASS, NONE, FAIL = Verdict.PASS, Verdict.NONE, Verdict.FAIL
ADA = "ada@staff.example"


@pytest.fixture
def street(house) -> Street:
    return Street(house)


@pytest.fixture
def ticket(street):
    return street.ticket(street.send(mail_id="first@customer.example"))


def copies(street: Street, mail, *verdicts: Verdict) -> list[str]:
    """`outcome reason` of each copy, one after the other."""
    said = []
    for n, verdict in enumerate(verdicts):
        (received,) = street.take(replace(mail, spool_id=f"copy-{n}", verdict=verdict))
        said.append(f"{received.outcome} {received.reason}")
    return said


DUPLICATE = "duplicate same-mail"


@pytest.mark.parametrize(
    ("verdicts", "outcomes"),
    [
        ((FAIL, PASS), ["internal unverified", "appended stored-message-id"]),
        ((NONE, PASS), ["internal no-proof", "appended stored-message-id"]),
        ((FAIL, FAIL), ["internal unverified", DUPLICATE]),
        ((NONE, NONE), ["internal no-proof", DUPLICATE]),
        ((NONE, FAIL), ["internal no-proof", DUPLICATE]),
        ((FAIL, NONE), ["internal unverified", DUPLICATE]),
        ((FAIL, NONE, PASS), ["internal unverified", DUPLICATE, "appended stored-message-id"]),
        ((FAIL, PASS, PASS), ["internal unverified", "appended stored-message-id", DUPLICATE]),
        ((FAIL, PASS, FAIL), ["internal unverified", "appended stored-message-id", DUPLICATE]),
        ((PASS, FAIL, NONE), ["appended stored-message-id", DUPLICATE, DUPLICATE]),
    ],
    ids=lambda value: " ".join(str(each) for each in value) if isinstance(value[0], Verdict) else "",
)
def test_an_answer(street, ticket, verdicts, outcomes):
    answer = street.mail(references=("first@customer.example",), text="It burns again.")
    assert copies(street, answer, *verdicts) == outcomes
    said = [visibility for visibility, _, text in street.said(ticket) if text == "It burns again."]
    assert said.count("public") == (PASS in verdicts)


def test_with_the_own_token_none_is_better_than_fail(street, ticket):
    answer = street.answer(street.last(N.ACKNOWLEDGEMENT), "carol@customer.example", "Again.")
    assert copies(street, answer, FAIL, NONE, NONE, PASS) == [
        "internal unverified",
        "appended reply-token",
        DUPLICATE,
        DUPLICATE,
    ]


def test_a_new_ticket(street):
    """Whom the forged one names got no answer; the genuine one opens its own, once, and is answered."""
    mail = street.mail(text="My chair.")
    assert copies(street, mail, FAIL, PASS, PASS, FAIL) == ["opened unverified", "opened new", DUPLICATE, DUPLICATE]
    assert street.house.told(N.ACKNOWLEDGEMENT) == ["Carol@customer.example"]


def test_what_was_opened_in_public_is_there(street):
    assert copies(street, street.mail(), NONE, PASS) == ["opened new", DUPLICATE]


@pytest.mark.parametrize("words", ["#priority high", "#note\nNot for Carol."])
def test_commands_are_obeyed_once(street, ticket, words):
    command = street.answer(street.last(N.NEW_TICKET, ADA), ADA, words)
    assert copies(street, command, FAIL, NONE, PASS) == ["internal unverified", "command commands", DUPLICATE]
    assert len(street.house.mails(N.COMMANDS_DONE)) == 1


def test_a_stranger_stays_one(street, ticket):
    mail = street.mail("eve@elsewhere.example", references=("first@customer.example",))
    assert copies(street, mail, FAIL, NONE, PASS) == ["internal unverified", DUPLICATE, DUPLICATE]


def test_a_machine_stays_one(street, ticket):
    mail = street.mail(kind=Kind.AUTO_REPLY, references=("first@customer.example",))
    assert copies(street, mail, FAIL, PASS) == ["automatic automatic", DUPLICATE]


def test_the_genuine_one_reopens(street, ticket):
    """What a forger sends first takes nothing from it."""
    notice = street.last(N.NEW_TICKET, ADA)
    street.take(street.answer(notice, ADA, "#close"))
    assert street.ticket_state(ticket) is State.CLOSED
    answer = street.mail(references=("first@customer.example",), subject="Re: My printer")
    assert copies(street, answer, FAIL, PASS) == ["internal unverified", "appended stored-message-id"]
    assert street.ticket_state(ticket) is State.AWAITING_STAFF


@pytest.mark.parametrize(
    ("author", "verdict"), [("eve@elsewhere.example", FAIL), ("bob@staff.example", FAIL), (ADA, FAIL)]
)
def test_staff_are_told_whose_name_a_refuted_mail_bears(street, ticket, author, verdict):
    mail = street.mail(author, references=("first@customer.example",), text="Let me in.")
    assert copies(street, mail, verdict) == ["internal unverified"]
    told = street.house.mails(N.CUSTOMER_REPLIED)
    assert [(each.recipient, each.context["author"]["email"]) for each in told] == [
        (ADA, author),
        ("bob@staff.example", author),
    ]
