"""Companies and what customers' profiles say: by name, by domain, in pages; names in step; mail that is not wanted."""

from __future__ import annotations

import pytest

from helpdeskd.desk import companies, customers, people, profiles
from helpdeskd.desk.context import Skip
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.outgoing import NoticeName
from tests.unit.desk.plans import indexed


def add(house, name, **more):
    return companies.add(house.conn, house.desk, house.now, name=name, actor=house.ada, **more)


def change(house, company, **more):
    return companies.change(house.conn, house.desk, house.now, company=company, actor=house.ada, **more)


def profile(house, person, **values):
    person = people.get(house.conn, person.id)
    return profiles.change(house.conn, house.desk, house.now, person=person, actor=house.ada, **values)


def test_made_found_and_changed(house):
    acme = add(house, " Acme  Ltd ", notes="Pays late.", domains=("Acme.example", "@acme.test", "*@acme.example"))
    assert acme == companies.Company(acme.id, "Acme Ltd", "Pays late.", ("acme.example", "acme.test"))
    assert companies.find(house.conn, "ACME LTD") == companies.get(house.conn, acme.id) == acme
    again = companies.named(house.conn, house.desk, house.now, name="acme ltd", actor=None)
    assert again == acme
    assert change(house, acme) == acme
    changed = change(house, acme, name="ACME", notes="", domains=("acme.test",))
    assert changed == companies.Company(acme.id, "ACME", "", ("acme.test",))
    assert companies.at(house.conn, "acme") == changed
    with pytest.raises(NotFound):
        companies.at(house.conn, "Acme Ltd")
    for missing in (4711, 0, -1, 2**70):
        with pytest.raises(NotFound):
            companies.get(house.conn, missing)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"name": " "}, "bad-name"),
        ({"name": "x" * 201}, "bad-name"),
        ({"name": "ACME"}, "name-taken"),
        ({"name": "New", "notes": "x" * 20_001}, "bad-notes"),
        ({"name": "New", "domains": ("no domain",)}, "bad-domain"),
        ({"name": "New", "domains": ("",)}, "bad-domain"),
        ({"name": "New", "domains": ("acme.example",)}, "domain-taken"),
        ({"name": "New", "domains": [f"d{n}.example" for n in range(101)]}, "too-many-domains"),
    ],
)
def test_refused(house, given, reason):
    add(house, "Acme", domains=("acme.example",))
    other = add(house, "Other")
    for act in (lambda: add(house, **given), lambda: change(house, other, **given)):
        with pytest.raises(Refused) as refused, house.conn.begin_nested():
            act()
        assert refused.value.reason == reason


def test_pages_by_name(house):
    made = [add(house, name, domains=(f"{name.lower()}.example",)) for name in ("Zeta", "acme", "Beta")]
    zeta, acme, beta = made
    conn = house.conn
    assert companies.page(conn, limit=2, offset=0) == (acme, beta)
    assert companies.page(conn, limit=2, offset=2) == (zeta,)
    assert companies.page(conn, limit=-1, offset=-1) == ()
    assert indexed(conn, lambda: companies.page(conn, limit=2, offset=0)) == 2


def test_whoever_first_writes_from_a_domain_belongs_to_its_company(house):
    early = house.customer("early@acme.example")
    acme = add(house, "Acme", domains=("acme.example",))
    by_mail = house.customer("Eve@ACME.example", "Eve")
    by_form = customers.add(house.conn, house.desk, house.now, name="", email="z@acme.example", welcome=False).person
    sub = house.customer("eve@sub.acme.example")
    house.customer("early@acme.example", "Now with a name")
    found = [profiles.of(house.conn, each.id) for each in (early, by_mail, by_form, sub)]
    assert [each.company_id for each in found] == [None, acme.id, acme.id, None]


def test_divisions(house):
    def named(name):
        return companies.division_named(house.conn, house.desk, house.now, name=name, actor=None)

    works, accounts = named("Works"), named("Accounts")
    assert named(" wORKS ") == works
    assert companies.divisions(house.conn) == (accounts, works)
    assert companies.division(house.conn, works.id) == works
    with pytest.raises(Refused):
        named("")
    with pytest.raises(NotFound):
        companies.division(house.conn, 4711)


def test_a_profile_starts_empty_and_keeps_the_name_in_step(house):
    acme = add(house, "Acme")
    empty = profiles.Profile(house.carol.id)
    assert profiles.of(house.conn, house.carol.id) == empty
    assert profile(house, house.carol) == profile(house, house.carol, phone="", company_id=None) == empty
    assert profiles.names(house.carol, "", "") == ("Carol", "")
    assert profiles.names(house.ada, "", "") == ("Ada", "Lovelace")
    changed = profile(house, house.carol, family_name=" de  Vries ", company_id=acme.id, notes="a\r\nb ", manages=True)
    assert (changed.given_name, changed.family_name, changed.notes) == ("Carol", "de Vries", "a\nb")
    carol = people.get(house.conn, house.carol.id)
    assert carol.name == "Carol de Vries"
    assert profiles.names(carol, "Carol", "de Vries") == ("Carol", "de Vries")
    renamed = people.change(house.conn, carol, name="Carola Smith")
    assert profiles.names(renamed, "Carol", "de Vries") == ("Carola", "Smith"), (
        "the person's own name is the newer word"
    )
    assert profile(house, house.carol, company_id=acme.id).manages
    assert not profile(house, house.carol, company_id=add(house, "Other").id).manages, "it was given for Acme"
    signed = profile(house, house.ada, greeting="Hello,", signature="-- \nAda", out_of_office=True)
    assert profiles.of(house.conn, house.ada.id) == signed
    assert people.get(house.conn, house.ada.id).name == "Ada Lovelace"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"company_id": 4711}, "no-such-company"),
        ({"division_id": 4711}, "no-such-division"),
        ({"manages": True}, "no-company"),
        ({"given_name": "x" * 101}, "bad-given-name"),
        ({"signature": "x" * 10_001}, "bad-signature"),
    ],
)
def test_a_profile_that_cannot_be(house, values, reason):
    with pytest.raises(Refused) as refused:
        profile(house, house.carol, **values)
    assert refused.value.reason == reason


def test_whoever_wants_no_mail_gets_none(house):
    profile(house, house.carol, wants_mail=False)
    profile(house, house.bob, wants_mail=False)
    assert profiles.of(house.conn, house.bob.id) == profiles.Profile(house.bob.id)
    carol = people.get(house.conn, house.carol.id)
    posted = house.open(requester=carol)
    assert house.told(NoticeName.NEW_TICKET) == ["ada@staff.example"]
    assert house.told(NoticeName.ACKNOWLEDGEMENT) == []
    assert {(each.recipient, each.why) for each in posted.told.skipped} == {
        ("Carol@customer.example", Skip.UNWANTED),
        ("bob@staff.example", Skip.UNWANTED),
    }
    profile(house, house.bob, wants_mail=True)
    house.open(requester=carol)
    assert house.told(NoticeName.NEW_TICKET).count("bob@staff.example") == 1
