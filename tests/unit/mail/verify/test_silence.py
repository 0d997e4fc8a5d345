"""Whose silence in DNS excuses a mail, and whose does not: a forger chooses names."""

from __future__ import annotations

import pytest

from helpdeskd.errors import DnsTrouble
from helpdeskd.model.mail import Verdict
from helpdeskd.model.trust import Why
from tests.unit.mail.verify.house import PLAIN, SILENT, Zone, judged, outside, signed, zone

_, NONE, FAIL = Verdict
REJECT = "v=DMARC1; p=reject"
SIGNED = signed()
DEAD = zone(
    policy=REJECT,
    spf="v=spf1 -all",
    **{
        "s._domainkey.dead.shop.example": SILENT,
        "dead.shop.example": SILENT,
        "_dmarc.dead.shop.example": SILENT,
        "lost._domainkey.shop.example": SILENT,
    },
)
BELOW = signed(domain="dead.shop.example")
LOST = signed(selector="lost")


@pytest.mark.parametrize(
    ("raw", "sender", "verdict"),
    [
        (BELOW, "a@evil.example", FAIL),  # a signature of a name below
        (PLAIN, "a@dead.shop.example", FAIL),  # an envelope below
        (BELOW, "a@dead.shop.example", FAIL),
        (LOST, "a@evil.example", NONE),  # a key of the very domain, and a body that fits
        (LOST.replace(b"smokes", b"burns"), "a@evil.example", FAIL),  # and one that does not
        (PLAIN.replace(b"<carol@shop", b"<carol@dead.shop"), "a@dead.shop.example", FAIL),  # a From below
        (signed(PLAIN.replace(b"<carol@shop", b"<carol@dead.shop"), "dead.shop.example"), "a@evil.example", FAIL),
    ],
)
def test_whose_silence_excuses(raw, sender, verdict):
    found = judged(raw, outside(sender), DEAD)
    assert found.verdict is verdict, found.lines


def test_silence_below_excuses_where_nothing_is_wanted():
    assert (
        judged(BELOW, outside("a@evil.example"), Zone({**DEAD.records, **zone(policy="v=DMARC1; p=none").records})).why
        is Why.DNS
    )


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(DnsTrouble("gone", ours=True), NONE), (DnsTrouble("late", late=True), FAIL), (SILENT, FAIL)],
)
def test_what_silence_is_ours(error, verdict):
    here = zone(policy=REJECT, **{"s._domainkey.dead.shop.example": error})
    assert judged(BELOW, outside("a@evil.example"), here).verdict is verdict
    own = zone(policy=REJECT, key=error)
    assert judged(SIGNED, outside("a@evil.example"), own).verdict is (FAIL if error.late else NONE)


def test_a_strict_domain_is_not_excused_by_its_organisation():
    raw = signed(PLAIN.replace(b"carol@shop", b"carol@mail.shop"))
    for record, verdict in (("v=DMARC1; p=reject", NONE), ("v=DMARC1; p=reject; adkim=s", FAIL)):
        here = zone(key=SILENT, **{"_dmarc.mail.shop.example": record})
        assert judged(raw, outside("a@evil.example"), here).verdict is verdict


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=spf1 include:spf.mailer.example -all", NONE),
        ("v=spf1 a:dead.shop.example -all", NONE),
        ("v=spf1 ptr -all", FAIL),
        ("v=spf1 ptr:shop.example -all", FAIL),
        ("v=spf1 exists:%{l}.dead.shop.example -all", FAIL),
        ("v=spf1 exists:%{p}.shop.example -all", FAIL),
        ("v=spf1 -all exp=%{l}.dead.shop.example", FAIL),
    ],
)
def test_an_spf_record_and_names_that_a_client_chooses(record, verdict):
    records = {
        ("spf.mailer.example", "TXT"): SILENT,
        ("dead.shop.example", "A"): SILENT,
        ("carol.dead.shop.example", "A"): SILENT,
        ("carol.dead.shop.example", "TXT"): SILENT,
        ("7.2.0.192.in-addr.arpa", "PTR"): ("mx.shop.example",) if record.endswith("shop.example -all") else SILENT,
        ("mx.shop.example", "A"): SILENT,
    }
    here = Zone({**zone(spf=record, policy=REJECT).records, **records})
    found = judged(PLAIN, outside(), here)
    assert found.verdict is verdict, found.lines


def test_own_names_are_asked_first():
    """Slow names of a forger's choice use up only what is left."""
    here = Zone(DEAD.records)
    judged(signed(SIGNED, "dead.shop.example"), outside("a@evil.example"), here)
    assert [name for name, _ in here.asked] == [
        "_dmarc.shop.example",
        "s._domainkey.shop.example",
        "s._domainkey.dead.shop.example",
    ]
