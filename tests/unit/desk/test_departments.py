"""Departments: what is refused, and how they are found."""

from __future__ import annotations

import pytest

from helpdeskd.desk import departments
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import ReplyTokens


def test_add_stores_everything_and_the_first_address_sends(house):
    sales = house.department(
        "  Sales   and more ",
        "Sales@Example.org",
        "shop@example.org",
        "SALES@example.org",
        sender_name="The Shop",
        private=True,
        follow_up_days=0,
        reply_tokens=ReplyTokens.MESSAGE_ID,
        verp=True,
        cc_participates=False,
        language="de",
    )
    assert sales == departments.get(house.conn, sales.id)
    assert sales.name == "Sales and more"
    assert sales.addresses == ("sales@example.org", "shop@example.org")
    assert sales.address == "sales@example.org"
    assert (sales.private, sales.follow_up_days, sales.verp, sales.cc_participates) == (True, 0, True, False)
    assert (sales.reply_tokens, sales.language) == (ReplyTokens.MESSAGE_ID, "de")
    assert departments.sender(sales) == Address("The Shop", "sales@example.org")


def test_the_sender_is_named_as_the_department_unless_told_otherwise(house):
    assert departments.sender(house.support) == Address("Support", "support@example.org")


@pytest.mark.parametrize(
    ("name", "addresses", "more", "reason"),
    [
        ("", ("x@example.org",), {}, "bad-name"),
        ("SUPPORT", ("x@example.org",), {}, "name-taken"),
        ("Sales", ("sales",), {}, "bad-address"),
        ("Sales", ("sa les@example.org",), {}, "bad-address"),
        ("Sales", ("sales@example.org\nBcc: x@y.z",), {}, "bad-address"),
        ("Sales", ("sales+shop@example.org",), {}, "bad-address"),
        ("Sales", ("a" * 65 + "@example.org",), {}, "bad-address"),
        ("Sales", ("säles@example.org",), {}, "bad-address"),
        ("Sales", ("sales@exämple.org",), {}, "bad-address"),
        ("Sales", ("Help@Example.org",), {}, "address-taken"),
        ("Sales", ("ada@staff.example",), {}, "address-is-staff"),
        ("Sales", ("sales@example.org",), {"follow_up_days": -1}, "bad-days"),
    ],
)
def test_refused(house, name, addresses, more, reason):
    with pytest.raises(Refused) as refused:
        house.department(name, *addresses, **more)
    assert refused.value.reason == reason
    assert departments.list(house.conn) == (house.support,)


def test_a_name_is_compared_as_it_is_stored(house):
    assert house.department("Not\x00fit").name == "Not\ufffdfit"
    with pytest.raises(Refused, match="already"):
        house.department("not\x00fit")


def test_found_by_address_name_and_age(house):
    sales = house.department("Säles", "sales@example.org")
    conn = house.conn
    assert departments.list(conn) == (house.support, sales)
    assert departments.first(conn) == house.support
    assert departments.by_address(conn, " HELP@example.org ") == house.support
    assert departments.by_address(conn, "help+aBcD@example.org") == house.support
    assert departments.by_address(conn, "nobody@example.org") is None
    assert departments.by_address(conn, "") is None
    assert departments.by_name(conn, "sÄLES") == sales
    assert departments.by_name(conn, "sale") is None
    assert departments.address_book(conn) == {
        "support@example.org": house.support.id,
        "help@example.org": house.support.id,
        "sales@example.org": sales.id,
    }


def test_an_empty_store_has_no_first_department(conn):
    assert departments.first(conn) is None
    assert departments.list(conn) == ()
    assert departments.address_book(conn) == {}
    with pytest.raises(NotFound) as refused:
        departments.get(conn, 1)
    assert refused.value.reason == "no-such-department"
