"""From where a key may be used, and who asks behind proxies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.errors import Refused
from helpdeskd.guard import addresses

ALLOWED = [
    ("192.0.2.7", ["192.0.2.7"], True),
    ("192.0.2.8", ["192.0.2.7"], False),
    ("192.0.2.8", ["198.51.100.1", "192.0.2.0/24"], True),
    ("192.0.2.8", ["192.0.2.*"], True),
    ("192.0.3.8", ["192.0.2.*"], False),
    ("192.0.3.8", ["192.0.*.*"], True),
    ("192.1.3.8", ["192.*.*.*"], True),
    ("193.1.3.8", ["192.*.*.*"], False),
    ("2001:db8::1", ["2001:db8::/32"], True),
    ("2001:db8::1", ["2001:0db8:0::1"], True),
    ("::ffff:192.0.2.7", ["192.0.2.7"], True),
    ("fe80::1%eth0", ["fe80::/10"], True),
    ("192.0.2.7", ["::/0"], False),
    ("no address", ["0.0.0.0/0"], False),
    ("no address", [], True),
]


@pytest.mark.parametrize(("address", "entries", "wanted"), ALLOWED)
def test_who_may(address: str, entries: list[str], wanted: bool) -> None:
    assert addresses.allowed(address, entries) is wanted


@pytest.mark.parametrize(
    "entry", ["", "x", "192.0.2", "192.0.*.7", "*.*.*.*", "256.0.0.*", "10.0.0.0/33", "192.0.2.*.*", "1.2.3.4.*"]
)
def test_what_is_no_entry_is_named(entry: str) -> None:
    with pytest.raises(Refused, match="expected an address") as told:
        addresses.parse(entry)
    assert repr(entry) in str(told.value)


@given(st.text())
def test_parsing_refuses_or_parses(entry: str) -> None:
    try:
        addresses.parse(entry)
    except Refused as error:
        assert error.reason == "bad-address-entry"


PROXY = ("10.0.0.0/8",)
CLIENTS = [
    ("203.0.113.9", "198.51.100.1", PROXY, "203.0.113.9"),  # no proxy of ours: what it says of others is nothing to us
    ("10.0.0.1", "198.51.100.1", (), "10.0.0.1"),
    ("10.0.0.1", "198.51.100.1", PROXY, "198.51.100.1"),
    ("10.0.0.1", "1.2.3.4, 198.51.100.1", PROXY, "198.51.100.1"),  # the client wrote the first itself
    ("10.0.0.1", "198.51.100.1, 10.0.0.2", PROXY, "198.51.100.1"),
    ("10.0.0.1", "10.0.0.3, 10.0.0.2", PROXY, "10.0.0.3"),
    ("10.0.0.1", "", PROXY, "10.0.0.1"),
    ("10.0.0.1", "198.51.100.1, rubbish", PROXY, "10.0.0.1"),
    ("10.0.0.1", "[2001:db8::1]", PROXY, "2001:db8::1"),
    ("::ffff:10.0.0.1", "198.51.100.1", PROXY, "198.51.100.1"),
]


@pytest.mark.parametrize(("peer", "forwarded", "trusted", "wanted"), CLIENTS)
def test_who_asks(peer: str, forwarded: str, trusted: tuple[str, ...], wanted: str) -> None:
    assert addresses.client(peer, forwarded, trusted) == wanted


@given(st.text())
def test_whatever_is_forwarded_there_is_an_answer(forwarded: str) -> None:
    assert addresses.client("10.0.0.1", forwarded, PROXY)


@pytest.mark.parametrize(
    ("spellings", "block"),
    [
        (
            ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207", "64:ff9b::c000:207", " [::FFFF:192.0.2.7] "],
            "192.0.2.7",
        ),
        (["2001:db8::1", "2001:0DB8:0::ffff:1:2:3", "2001:db8::1%eth0"], "2001:db8::/64"),
        (["2001:db8:0:1::1"], "2001:db8:0:1::/64"),
        (["::1"], "::/64"),
        (["Unix", " unix"], "unix"),
        (["x" * 5000], "x" * 64),
        ([""], ""),
    ],
)
def test_what_counts_as_one_address(spellings, block):
    assert {addresses.block(each) for each in spellings} == {block}
