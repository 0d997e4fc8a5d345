"""What the checks come to: the whole table, and what must never make a mail pass."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from helpdeskd.mail.verify import Origin, names, sole_author
from helpdeskd.model.mail import Verdict
from helpdeskd.model.trust import Method, Why
from tests.unit.mail.verify.house import (
    HERE,
    NOW,
    PLAIN,
    SILENT,
    Zone,
    ed_key,
    judged,
    outside,
    rsa_key,
    sealed,
    signed,
    zone,
)

PASS, NONE, FAIL = Verdict
SPF = {"pass": f"v=spf1 ip4:{HERE} -all", "fail": "v=spf1 -all", "absent": None, "silent": SILENT}
POLICY = {"reject": "v=DMARC1; p=reject", "none": "v=DMARC1; p=none", "absent": None, "silent": SILENT}
SIGNED = signed()
MAILS = {"pass": SIGNED, "fail": SIGNED.replace(b"smokes", b"burns"), "absent": PLAIN, "silent": SIGNED}


def expected(dkim: str, spf: str, policy: str) -> tuple[Verdict, Why]:
    """The rule, said once more in other words."""
    if dkim == "pass":
        return PASS, Why.DKIM
    if spf == "pass":
        return PASS, Why.SPF
    if "silent" in {dkim, spf, policy}:
        return NONE, Why.DNS
    return (FAIL, Why.DMARC) if policy == "reject" else (NONE, Why.NO_POLICY)


@pytest.mark.parametrize(("dkim", "spf", "policy"), [*product(MAILS, SPF, POLICY)])
def test_every_combination_of_dkim_spf_and_dmarc(dkim, spf, policy):
    key = SILENT if dkim == "silent" else rsa_key()[1]
    found = judged(MAILS[dkim], outside(), zone(spf=SPF[spf], key=key, policy=POLICY[policy]))
    assert (found.verdict, found.why) == expected(dkim, spf, policy)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=DMARC1; p=reject", FAIL),
        ("v=DMARC1;p=QUARANTINE; rua=mailto:a@b.example", FAIL),
        ("v=DMARC1; p=none", NONE),
        ("v=DMARC1; p=reject; pct=0", NONE),
        ("v=DMARC1; p=reject; t=y", NONE),
        ("v=DMARC1; p=whatever", NONE),
        ("v=DMARC1; rua=mailto:a@b.example", NONE),
        ("v=DMARC2; p=reject", NONE),
        ("v=spf1 -all", NONE),
        ("v=DMARC1; p=reject; =;", NONE),
    ],
)
def test_what_a_dmarc_record_wants(record, verdict):
    assert judged(PLAIN, outside(), zone(policy=record)).verdict is verdict


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ({"_dmarc.shop.example": "v=DMARC1; p=reject"}, FAIL),
        ({"_dmarc.shop.example": "v=DMARC1; p=reject; sp=none"}, NONE),
        ({"_dmarc.shop.example": "v=DMARC1; p=none; sp=quarantine"}, FAIL),
        ({"_dmarc.shop.example": "v=DMARC1; p=reject", "_dmarc.mail.shop.example": "v=DMARC1; p=none"}, NONE),
        ({"_dmarc.example": "v=DMARC1; p=reject"}, NONE),
    ],
)
def test_a_subdomain_goes_by_its_own_record_and_else_by_its_organisation(records, verdict):
    raw = PLAIN.replace(b"carol@shop.example", b"carol@mail.shop.example")
    assert judged(raw, outside("x@else.example"), zone(**records)).verdict is verdict


def test_two_dmarc_records_are_none():
    here = Zone({("_dmarc.shop.example", "TXT"): (b"v=DMARC1; p=reject", b"v=DMARC1; p=none")})
    assert judged(PLAIN, outside(), here).why is Why.NO_POLICY


@pytest.mark.parametrize(
    ("author", "signer", "record", "verdict"),
    [
        ("shop.example", "shop.example", None, PASS),
        ("shop.example", "mail.shop.example", None, PASS),
        ("mail.shop.example", "shop.example", None, PASS),
        ("shop.example", "mail.shop.example", "v=DMARC1; p=reject; adkim=s", FAIL),
        ("shop.example", "mail.shop.example", "v=DMARC1; p=reject; aspf=s", PASS),
        ("shop.example", "mail.shop.example", SILENT, NONE),
        ("shop.example", "shop.example", SILENT, PASS),
        ("shop.example", "other.example", "v=DMARC1; p=reject", FAIL),
        ("a.co.uk", "b.co.uk", None, NONE),
        ("shop.co.uk", "co.uk", None, NONE),
        ("a.github.io", "b.github.io", None, NONE),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None, PASS),
        ("bücher.example", "xn--bcher-kva.example", None, PASS),
    ],
)
def test_alignment_of_a_signature(author, signer, record, verdict):
    raw = signed(PLAIN.replace(b"carol@shop.example", f"carol@{author}".encode()), signer)
    names = {f"s._domainkey.{signer}": rsa_key()[1], "_dmarc.shop.example": record}
    found = judged(raw, outside("x@else.example"), zone(**names))
    assert found.verdict is verdict, found.lines


@pytest.mark.parametrize(
    ("sender", "helo", "record", "verdict"),
    [
        ("carol@shop.example", "x", None, PASS),
        ("bounces@mail.shop.example", "x", None, PASS),
        ("bounces@mail.shop.example", "x", "v=DMARC1; p=reject; aspf=s", FAIL),
        ("bounces@mailer.example", "mx.shop.example", "v=DMARC1; p=reject", FAIL),
        ("", "mx.shop.example", None, PASS),
        ("", "mx.mailer.example", "v=DMARC1; p=reject", FAIL),
        ("", "", "v=DMARC1; p=reject", FAIL),
        ("nobody", "mx.shop.example", "v=DMARC1; p=reject", FAIL),
    ],
)
def test_alignment_of_the_envelope(sender, helo, record, verdict):
    every = dict.fromkeys(("mail.shop.example", "mx.shop.example", "mailer.example"), SPF["pass"])
    found = judged(PLAIN, outside(sender, helo), zone(spf=SPF["pass"], policy=record, **every))
    assert found.verdict is verdict, found.lines


def test_a_stranger_makes_nobody_ask_his_own_names():
    """A forger who answers slowly, or never, must not turn a fail into a none."""
    raw = signed(
        sealed(b"Authentication-Results: evil.example; dmarc=pass\r\n" + PLAIN, "evil.example", "evil.example")
    )
    raw = raw.replace(b"d=shop.example", b"d=evil.example", 1)
    here = zone(policy=POLICY["reject"])
    found = judged(raw, outside("a@evil.example", "evil.example", sealers=frozenset({"good.example"})), here)
    assert found.why is Why.DMARC
    assert [name for name, _ in here.asked] == ["_dmarc.shop.example"]
    assert {check.method for check in found.checks if check.result == "skipped"} == {
        Method.DKIM,
        Method.SPF,
        Method.ARC,
    }


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"From: Eve <eve@shop.example>\r\n", Why.SEVERAL_AUTHORS),
        (b"X-A: b\rFrom: eve@shop.example\r\n", Why.MALFORMED),
        (b"Subject: Pay me\r\n", Why.MALFORMED),
        (b"Content-Type: text/html\r\nContent-type: text/plain\r\n", Why.MALFORMED),
        (b"no header at all\r\n", Why.MALFORMED),
        (b"X-A: \0\r\n", Why.MALFORMED),
    ],
)
def test_what_programs_read_differently_never_passes(head, why):
    here = zone(spf=SPF["pass"], key=rsa_key()[1])
    found = judged(head + SIGNED, outside(), here)
    assert (found.verdict, found.why) == (NONE, why), found.lines


def test_two_authors_in_one_from():
    raw = signed(PLAIN.replace(b"<carol@shop.example>", b"<carol@shop.example>, eve@evil.example"))
    assert judged(raw, outside(), zone(key=rsa_key()[1])).why is Why.SEVERAL_AUTHORS


def test_a_malformed_forgery_still_fails():
    found = judged(b"X-A: b\rc\r\n" + PLAIN, outside("a@evil.example"), zone(policy=POLICY["reject"]))
    assert found.verdict is FAIL


@pytest.mark.parametrize("head", [b"", b"From: \r\n", b"From: Carol\r\n", b"From: carol@\r\n"])
def test_without_an_author_there_is_no_verdict(head):
    found = judged(head + b"Subject: x\r\n\r\nhello\r\n", outside(), zone())
    assert (found.verdict, found.why) == (NONE, Why.NO_AUTHOR)


@pytest.mark.parametrize(("raw", "why"), [(SIGNED, Why.DKIM), (PLAIN, Why.SPF_UNKNOWN)])
def test_where_the_client_is_not_known_dkim_alone_speaks(raw, why):
    """LMTP, a pipe, IMAP, a relay of our own: SPF might have passed, so nothing is refuted."""
    found = judged(raw, Origin(), zone(spf=SPF["fail"], key=rsa_key()[1], policy=POLICY["reject"]))
    assert found.why is why


def test_without_dns_nothing_is_looked_at():
    found = judged(SIGNED, outside(), None)
    assert (found.verdict, found.why) == (NONE, Why.OFF)


def test_a_body_that_takes_too_long_excuses_nothing():
    here = zone(key=rsa_key()[1], policy=POLICY["reject"])
    found = judged(SIGNED, outside("a@evil.example"), here, late=lambda: True)
    assert found.verdict is FAIL, found.lines
    assert found.checks[0].note == "no time is left"


def test_a_large_mail_is_verified_whole():
    raw = signed(PLAIN + b"it smokes\r\n" * 2_700_000, canonicalize=(b"relaxed", b"simple"))
    assert len(raw) > 25 << 20
    here = zone(key=rsa_key()[1], policy=POLICY["reject"])
    assert judged(raw, outside("a@evil.example"), here, parsed=PLAIN).why is Why.DKIM
    assert judged(raw + b"x", outside("a@evil.example"), here, parsed=PLAIN).why is Why.DMARC


def test_domains_that_one_mapping_takes_for_the_same():
    raw = signed(PLAIN.replace(b"carol@shop.example", "carol@straße.example".encode()), "strasse.example")
    key = {"s._domainkey.strasse.example": rsa_key()[1]}
    assert judged(raw, outside("x@else.example"), zone(**key)).why is Why.NO_POLICY
    assert names.domain("STRAßE.example") == "xn--strae-oqa.example"


def test_a_hundred_signatures_cost_ten():
    junk = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=k%d; h=from:subject:date; bh=AA==; b=AA==\r\n" % n
        for n in range(300)
    )
    here = zone(policy=POLICY["reject"])
    found = judged(junk + SIGNED, outside("a@evil.example"), here)
    assert found.verdict is FAIL
    assert len([name for name, _ in here.asked if "_domainkey" in name]) == 10
    assert len(found.checks) < 110


def test_the_second_signature_may_be_the_one():
    raw = signed(signed(PLAIN, "mailer.example"))
    two = signed(signed(), ed=True, selector="e")
    assert judged(raw, Origin(), zone(key=rsa_key()[1])).why is Why.DKIM
    assert judged(two, Origin(), zone(key=rsa_key()[1])).why is Why.DKIM
    assert judged(two, Origin(), zone(**{"e._domainkey.shop.example": ed_key()[1]})).why is Why.DKIM


def test_evidence_names_everything():
    here = zone(spf=SPF["fail"], key=rsa_key()[1], policy=POLICY["reject"])
    found = judged(MAILS["fail"], outside(), here)
    assert found.lines == (
        "from fail (dmarc)",
        "dkim fail shop.example s=s (aligned, the body was changed)",
        f"spf fail shop.example (aligned, client {HERE})",
        "dmarc fail shop.example (aligned, p=reject)",
    )


# Authentication-Results

BY = "mx.desk.example"
TRUSTING = Origin(servers=frozenset({BY}))


def results(*values: str, raw: bytes = PLAIN) -> bytes:
    return b"".join(f"Authentication-Results: {value}\r\n".encode() for value in values) + raw


@pytest.mark.parametrize(
    ("value", "verdict", "why"),
    [
        (f"{BY}; dmarc=pass (p=NONE) header.from=shop.example", PASS, Why.RESULTS),
        (f"{BY} 1; dkim=pass header.d=shop.example header.s=a", PASS, Why.RESULTS),
        ("MX.desk.example; dkim=pass header.i=@mail.shop.example", PASS, Why.RESULTS),
        (f'{BY};\r\n\tspf=pass (a (nested) comment; spf=fail) smtp.mailfrom="b@shop.example"', PASS, Why.RESULTS),
        (f"{BY}; spf = pass smtp.mailfrom = shop.example", PASS, Why.RESULTS),
        (f"{BY}; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example", NONE, Why.SPF_UNKNOWN),
        (f"{BY}; dmarc=pass header.from=evil.example", NONE, Why.SPF_UNKNOWN),
        (f"{BY}; dmarc=fail header.from=shop.example", FAIL, Why.DMARC),
        (f"{BY}; dmarc=fail header.from=shop.example; dkim=pass header.d=shop.example", PASS, Why.RESULTS),
        (f"{BY}; dkim=temperror header.d=shop.example", NONE, Why.DNS),
        (f"{BY}; dmarc=temperror header.from=shop.example", NONE, Why.DNS),
        (f"{BY}; none", NONE, Why.SPF_UNKNOWN),
        ("evil.example; dmarc=pass header.from=shop.example", NONE, Why.SPF_UNKNOWN),
        (f"evil.example ({BY}); dmarc=pass header.from=shop.example", NONE, Why.SPF_UNKNOWN),
        (f"({BY}) evil.example; dmarc=pass header.from=shop.example", NONE, Why.SPF_UNKNOWN),
        (f"{BY}.evil.example; dmarc=pass header.from=shop.example", NONE, Why.SPF_UNKNOWN),
        (f'{BY}; x="dmarc=pass header.from=shop.example; dkim=pass header.d=shop.example"', NONE, Why.SPF_UNKNOWN),
        (f"{BY}; dkim=fail (dkim=pass header.d=shop.example)", NONE, Why.SPF_UNKNOWN),
        (f'{BY}; dkim=none reason="x dkim=pass; header.d=shop.example" header.d=evil.example', NONE, Why.SPF_UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_trusted_server_says(value, verdict, why):
    found = judged(results(value), TRUSTING, zone(policy=POLICY["reject"]))
    assert (found.verdict, found.why) == (verdict, why), found.lines


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        ("dmarc=fail (p=REJECT sp=REJECT dis=NONE) header.from=shop.example", FAIL),
        ("dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=shop.example", NONE),
        ("dmarc=fail header.from=shop.example policy.dmarc=quarantine", FAIL),
        ("dmarc=fail header.from=shop.example", NONE),
        ("dmarc=pass header.from=shop.example", PASS),
    ],
)
def test_a_trusted_server_is_believed_without_dns(value, verdict):
    assert judged(results(f"{BY}; {value}"), TRUSTING, None).verdict is verdict


def test_only_the_topmost_header_of_a_trusted_server_counts():
    forged = f"{BY}; dmarc=pass header.from=shop.example; dkim=pass header.d=shop.example"
    found = judged(results(f"{BY}; dkim=none", forged), TRUSTING, zone())
    assert found.verdict is NONE
    assert f"auth-results ignored {BY} (below a trusted one: old or forged)" in found.lines


def test_a_foreign_header_on_top_hides_nothing():
    found = judged(results("list.example; dkim=fail", f"{BY}; dkim=pass header.d=shop.example"), TRUSTING, zone())
    assert found.why is Why.RESULTS
    assert "auth-results ignored list.example (not a trusted server)" in found.lines


def test_forged_results_are_noted_at_our_own_door():
    found = judged(results(f"{BY}; dmarc=pass header.from=shop.example"), outside(), zone(policy=POLICY["reject"]))
    assert found.verdict is FAIL
    assert found.lines[1] == f"auth-results ignored {BY} (not a trusted server)"


# ARC


def passed_on(*, first: str = "dmarc=pass header.from=shop.example", sealer: str = "list.example") -> bytes:
    raw = PLAIN.replace(b"Subject: Printer", b"Subject: [list] Printer")
    return sealed(f"Authentication-Results: {sealer}; {first}\r\n".encode() + raw, sealer, sealer)


def sealing(*domains: str, **more):
    keys = {f"arc._domainkey.{domain}": rsa_key()[1] for domain in domains}
    return zone(policy=POLICY["reject"], **keys, **more)


def at_the_door(*sealers: str) -> Origin:
    return outside("list-bounces@list.example", sealers=frozenset(sealers))


@pytest.mark.parametrize(
    ("first", "verdict", "why"),
    [
        ("dmarc=pass header.from=shop.example", NONE, Why.ARC),
        ("dkim=pass header.d=shop.example", NONE, Why.ARC),
        ("dkim=pass header.d=evil.example", FAIL, Why.DMARC),
        ("dmarc=fail header.from=shop.example", FAIL, Why.DMARC),
    ],
)
def test_a_trusted_forwarder_excuses_what_it_saw_pass(first, verdict, why):
    found = judged(passed_on(first=first), at_the_door("list.example"), sealing("list.example"))
    assert (found.verdict, found.why) == (verdict, why), found.lines


def test_two_forwarders():
    raw = results("mx.example; arc=pass; dmarc=pass header.from=shop.example", raw=passed_on())
    twice = sealed(raw, "mx.example", "mx.example")
    assert b"cv=pass" in twice
    here = sealing("list.example", "mx.example")
    assert judged(twice, at_the_door("mx.example"), here).why is Why.ARC
    assert judged(twice, at_the_door("list.example"), here).verdict is FAIL  # not the last


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"It smokes", b"It burns"),
        (b"cv=none", b"cv=pass"),
        (b"ARC-Message-Signature: i=1", b"X-Gone: i=1"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=2"),
        (b"dmarc=pass", b"dmarc=PASS"),
    ],
)
def test_a_broken_chain_excuses_nothing(before, after):
    raw = passed_on(first="dmarc=pass header.from=shop.example")
    assert before in raw
    found = judged(raw.replace(before, after, 1), at_the_door("list.example"), sealing("list.example"))
    assert found.verdict is FAIL, found.lines


def test_a_chain_whose_key_cannot_be_asked_for_is_asked_for_again():
    here = sealing(**{"arc._domainkey.list.example": SILENT})
    assert judged(passed_on(), at_the_door("list.example"), here).why is Why.DNS


def test_nobody_but_the_trusted_forwarder_is_asked():
    """Older seals are strangers': their silence neither excuses nor costs anything."""
    raw = results("list.example; dmarc=fail header.from=shop.example", raw=passed_on(sealer="evil.example"))
    twice = sealed(raw, "list.example", "list.example")
    here = sealing("evil.example", "list.example")
    here.records["arc._domainkey.evil.example", "TXT"] = SILENT
    assert judged(twice, at_the_door("list.example"), here).verdict is FAIL
    assert ("arc._domainkey.evil.example", "TXT") not in here.asked


def test_a_message_signature_of_somebody_else():
    raw = passed_on()
    at = raw.index(b"ARC-Message-Signature")
    raw = raw[:at] + raw[at:].replace(b"d=list.example", b"d=evil.example", 1)
    here = sealing("list.example", **{"arc._domainkey.evil.example": SILENT})
    assert judged(raw, at_the_door("list.example"), here).verdict is FAIL
    assert ("arc._domainkey.evil.example", "TXT") not in here.asked


def test_a_chain_never_makes_a_mail_pass():
    here = zone(**{"arc._domainkey.list.example": rsa_key()[1]})
    assert judged(passed_on(), at_the_door("list.example"), here).why is Why.NO_POLICY


def test_old_signatures_end():
    raw = SIGNED.replace(b"; t=", b"; x=", 1)
    found = judged(raw, Origin(), zone(key=rsa_key()[1]), NOW + timedelta(days=9))
    assert "dkim policy shop.example s=s (aligned, the signature has expired)" in found.lines


ADA = "carol@shop.example"


@pytest.mark.parametrize(
    ("raw", "auth", "verdict", "why"),
    [
        (PLAIN, ADA, PASS, Why.SUBMISSION),
        (PLAIN, "Carol@SHOP.example", PASS, Why.SUBMISSION),
        (PLAIN, "dave@shop.example", NONE, Why.SPF_UNKNOWN),  # of the same domain, and somebody else
        (PLAIN.replace(b"From: Carol", b"From: x@shop.example, Carol"), ADA, NONE, Why.SPF_UNKNOWN),
        (PLAIN.replace(b"Subject", b"From: x@evil.example\r\nSubject"), ADA, NONE, Why.SPF_UNKNOWN),
        (PLAIN.replace(b"Subject", b"Subject: another\r\nSubject"), ADA, NONE, Why.SPF_UNKNOWN),
    ],
    ids=["own", "in-capitals", "another", "two-authors", "two-froms", "malformed"],
)
def test_who_had_logged_in_is_believed_to_be_themselves_alone(raw, auth, verdict, why):
    found = judged(raw, Origin(auth=auth), zone())
    assert (found.verdict, found.why) == (verdict, why)
    assert found.checks[0].line == f"auth pass {names.domain_of(auth)} (aligned, logged in as {auth})"


def test_without_dns_a_log_in_counts_all_the_same():
    assert judged(PLAIN, Origin(auth=ADA), None).why is Why.SUBMISSION


@pytest.mark.parametrize(
    ("head", "author"),
    [
        (PLAIN, ADA),
        (PLAIN.partition(b"\r\n\r\n")[0], ADA),
        (b"", ""),
        (b"From: a@b.example, c@d.example\r\n\r\n", ""),
        (b"From: a@b.example\r\nFrom: a@b.example\r\n\r\n", ""),
        (b"From: a@b.example\rX: y\r\n\r\n", ""),
        (b"From:\r\n a@b.example\r\n\r\n", "a@b.example"),
        (b"From: \xff\xfe\r\n\r\n", ""),
    ],
)
def test_the_sole_author(head, author):
    assert sole_author(head) == author
