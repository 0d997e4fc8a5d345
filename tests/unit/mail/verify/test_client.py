"""What a client says of itself: a table of greetings and of names that lead back, or do not."""

from __future__ import annotations

import pytest

from helpdeskd.mail.verify.client import MAX_NAMES, look
from helpdeskd.model.trust import Method
from tests.unit.mail.verify.house import SILENT, Zone

HERE, SIX = "192.0.2.7", "2001:db8::7"
HERE_REVERSED = "7.2.0.192.in-addr.arpa"
RECORDS: dict[tuple[str, str], object] = {
    ("mx.shop.example", "A"): (HERE,),
    ("mx.shop.example", "AAAA"): ("2001:0db8:0::0007",),
    ("elsewhere.example", "A"): ("192.0.2.8",),
    ("silent.example", "A"): SILENT,
}
DNS = Zone(RECORDS)


@pytest.mark.parametrize(
    ("client", "helo", "line"),
    [
        (HERE, "mx.shop.example", f"helo pass mx.shop.example (client {HERE})"),
        (HERE, "MX.Shop.Example.", f"helo pass mx.shop.example (client {HERE})"),
        (SIX, "mx.shop.example", f"helo pass mx.shop.example (client {SIX})"),
        (HERE, "elsewhere.example", f"helo fail elsewhere.example (client {HERE})"),
        (HERE, "nowhere.example", "helo none nowhere.example (has no address)"),
        (HERE, "silent.example", "helo temperror silent.example"),
        (HERE, f"[{HERE}]", f"helo pass [{HERE}] (the address itself)"),
        (SIX, f"[IPv6:{SIX}]", f"helo pass [IPv6:{SIX}] (the address itself)"),
        (HERE, "[192.0.2.8]", "helo fail [192.0.2.8] (the address itself)"),
        (HERE, "[me]", "helo fail [me] (no address)"),
        (HERE, HERE, f"helo fail {HERE} (no name of a host)"),
        (HERE, "localhost", "helo fail localhost (no name of a host)"),
        (HERE, "", "helo fail ? (no name of a host)"),
        (HERE, "a\x1b[31mb\u202e c", "helo fail a[31mb c (no name of a host)"),
        (HERE, "x" * 2000, f"helo fail {'x' * 100} (no name of a host)"),
    ],
)
def test_greetings(client, helo, line):
    check = look(client, helo, "", DNS)[0]
    assert check.line.startswith(line)
    assert not check.aligned


@pytest.mark.parametrize(
    ("ptr", "line"),
    [
        (("mx.shop.example",), f"ptr pass mx.shop.example (client {HERE})"),
        (("nowhere.example", "mx.shop.example"), f"ptr pass mx.shop.example (client {HERE})"),
        (("elsewhere.example",), f"ptr fail elsewhere.example (does not lead back to {HERE})"),
        ((), f"ptr none (client {HERE} has no name)"),
        (("no name at all",), f"ptr none (client {HERE} has no name)"),
        (SILENT, "ptr temperror"),
        (("silent.example",), "ptr temperror"),
        (tuple(f"n{n}.example" for n in range(1000)), "ptr fail n0.example"),
    ],
)
def test_reverse_names(ptr, line):
    dns = Zone({**RECORDS, (HERE_REVERSED, "PTR"): ptr})
    check = look(HERE, "mx.shop.example", "", dns)[1]
    assert check.line.startswith(line)
    assert len([name for name, kind in dns.asked if kind == "A" and name != "mx.shop.example"]) <= MAX_NAMES


def test_what_it_did_not_wait_for():
    *_, check = look(HERE, "x", "EHLO DATA", None)
    assert check.line == "pipelining fail (did not wait for the answer to EHLO, DATA)"


def test_without_dns_the_greeting_is_all_there_is():
    (check,) = look(HERE, "mx.shop.example", "", None)
    assert (check.method, check.result) == (Method.HELO, "skipped")


@pytest.mark.parametrize("client", ["", "unix", "mx.shop.example"])
def test_a_server_of_ours_is_not_looked_at(client):
    assert look(client, "x", "EHLO", DNS) == ()
