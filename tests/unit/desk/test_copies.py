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


def by_way(mail, **way):
    """Another copy of it: what stands outside of its identity differs."""
    recipients = way.pop("to", mail.recipients)
    return replace(mail, recipients=recipients, inbound=replace(mail.inbound, **way))


LIST = {"kind": Kind.LIST, "kind_why": "List-Id"}
ANSWERED = {"kind": Kind.AUTO_REPLY, "kind_why": "Auto-Submitted"}


@pytest.mark.parametrize("verdict", [PASS, NONE])
@pytest.mark.parametrize("way", [LIST, ANSWERED], ids=["list", "auto-submitted"])
def test_a_copy_that_somebody_marked_takes_nothing_from_the_mail(street, ticket, way, verdict):
    mail = street.answer(street.last(N.ACKNOWLEDGEMENT), "carol@customer.example", "Still burning.")
    told = len(street.house.mails(N.CUSTOMER_REPLIED))
    assert copies(street, by_way(mail, **way), verdict, verdict) == ["automatic automatic", DUPLICATE]
    (received,) = street.take(replace(mail, spool_id="direct", verdict=verdict))
    assert (received.outcome, received.reason) == ("appended", "reply-token")
    (received,) = street.take(replace(mail, spool_id="retry", verdict=verdict))
    assert (received.outcome, received.reason) == ("duplicate", "same-mail")
    assert len(street.house.mails(N.CUSTOMER_REPLIED)) > told


@pytest.mark.parametrize("first", ["support@example.org", "the participant's"])
def test_one_delivery_for_each_recipient(street, first):
    """Nothing is signed, and the copy to the own token comes last."""
    ticket = street.ticket(street.send(cc=("eve@elsewhere.example",)))
    street.house.answer(ticket)
    if first == "the participant's":
        first = f"support+{street.last(N.STAFF_REPLY, 'eve@elsewhere.example').reply_token}@example.org"
    mail = street.answer(
        street.last(N.STAFF_REPLY, "carol@customer.example"), "carol@customer.example", "Still burning."
    )
    (received,) = street.take(by_way(mail, to=(first,)))
    assert (received.outcome, received.reason) == ("internal", "no-proof")
    (received,) = street.take(replace(mail, spool_id="own"))
    assert (received.outcome, received.reason) == ("appended", "reply-token")
    for spool_id, copy in (("again", mail), ("first-again", by_way(mail, to=(first,)))):
        (received,) = street.take(replace(copy, spool_id=spool_id))
        assert (received.outcome, received.reason) == ("duplicate", "same-mail")


def test_what_staff_write_too(street, ticket):
    mail = street.answer(street.last(N.NEW_TICKET, ADA), ADA, "Use water.", inbound={"marker_cut": True})
    plain = by_way(mail, to=("support@example.org",))
    assert copies(street, plain, NONE, NONE) == ["internal not-your-token", DUPLICATE]
    (received,) = street.take(replace(mail, spool_id="own"))
    assert (received.outcome, received.reason) == ("appended", "reply-token")
    assert len(street.house.mails(N.STAFF_REPLY)) == 1


def test_another_department_that_keeps_it_takes_nothing_from_it(street, house):
    """Sales keep it in the ticket of Support, for nothing proves it; the copy with the token is for Support."""
    ticket = street.ticket(street.send())
    house.answer(ticket)
    mail = street.answer(street.last(N.STAFF_REPLY), "carol@customer.example", "Still burning.")
    sales = by_way(mail, to=(house.department("Sales", "sales@example.org").address,))
    assert copies(street, sales, NONE, NONE) == ["internal no-proof", DUPLICATE]
    (received,) = street.take(replace(mail, spool_id="own"))
    assert (received.outcome, received.reason) == ("appended", "reply-token")


def test_a_new_request_that_a_reader_sent_on_first(street, ticket):
    """What a stranger's token made of it is not all that becomes of it; and it opens one ticket."""
    token = street.last(N.ACKNOWLEDGEMENT).reply_token
    mail = street.mail("Dora <dora@else.example>", subject="A new thing", text="My chair.")
    led = by_way(mail, to=(f"support+{token}@example.org",))
    assert copies(street, led, PASS, PASS) == ["internal stranger", DUPLICATE]
    for spool_id, outcome in (("direct", "opened"), ("retry", "duplicate")):
        (received,) = street.take(replace(mail, spool_id=spool_id, verdict=PASS))
        assert received.outcome == outcome


@pytest.mark.parametrize(("first", "second"), [(FAIL, FAIL), (NONE, NONE), (PASS, PASS)])
def test_what_opened_a_ticket_without_a_voice_opens_no_other(street, first, second):
    code = street.mail("no-reply@service.example", subject="Your confirmation code: 4711", text="4711")
    assert copies(street, code, first, second)[1] == DUPLICATE


@pytest.mark.parametrize("first", [NONE, PASS])
def test_a_reply_that_somebody_sent_on_without_what_it_answers(street, ticket, first):
    """References are not in its identity. As good a copy may be the same mail by another door, before what it answers was here."""
    mail = street.mail(references=("first@customer.example",), text="Still burning.")
    (received,) = street.take(replace(by_way(mail, references=()), spool_id="cut", verdict=first))
    assert (received.outcome, received.reason) == ("opened", "new")
    appended = [] if first is PASS else ["appended stored-message-id"]
    assert copies(street, mail, PASS, PASS, NONE) == [*appended, *[DUPLICATE] * (3 - len(appended))]
    assert [words for _, _, words in street.said(ticket)].count("Still burning.") == len(appended)
