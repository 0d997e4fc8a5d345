"""Authentication-Results taken apart, domain names, and SPF records."""

from __future__ import annotations

import pytest

from helpdeskd.mail.verify import names, results, sender
from tests.unit.mail.verify.house import HERE, SILENT, Zone, zone


@pytest.mark.parametrize(
    ("value", "server", "found"),
    [
        ("mx.example; none", "mx.example", []),
        ("mx.example 1; spf=pass", "mx.example", [("spf", "pass", {})]),
        ("mx.example; dkim/1=pass header.d=a.example", "mx.example", [("dkim", "pass", {"header.d": "a.example"})]),
        ('"mx.example"; auth=pass (cram-md5) smtp.auth=a@b', "mx.example", [("auth", "pass", {"smtp.auth": "a@b"})]),
        ("(x (y) z) mx.example; spf=pass", "mx.example", [("spf", "pass", {})]),
        ("mx.example;spf=fail(a;b\\)c)smtp.helo=h", "mx.example", [("spf", "fail", {"smtp.helo": "h"})]),
        ('mx.example; spf=fail reason="a; spf=pass"', "mx.example", [("spf", "fail", {})]),
        ("", "", []),
        (";;;", "", []),
        ("mx.example; =pass; spf=; spf; =", "mx.example", []),
        ('mx.example; spf=pass smtp.mailfrom="a b"@c', "mx.example", [("spf", "pass", {"smtp.mailfrom": "a_b@c"})]),
        ("mx.example; (((((", "mx.example", []),
        ('mx.example; "spf=pass', "mx.example", [("spf", "pass", {})]),
    ],
)
def test_taken_apart(value, server, found):
    read = results.read(value.encode())
    assert read.server == server
    assert [(each.method, each.result, each.properties) for each in read.results] == found


def test_any_length():
    for filling in (b"(", b'"', b";", b"a=b;", b" ", b"a.b=", b"\\"):
        read = results.read(b"mx.example; " + filling * 100_000)
        assert len(read.results) <= results.MAX_RESULTS


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Shop.Example.", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("_dmarc.shop.example", "_dmarc.shop.example"),
        ("localhost", "localhost"),
        ("", ""),
        (".", ""),
        ("a..b", ""),
        ("a b", ""),
        ("[192.0.2.1]", ""),
        ("a" * 64 + ".example", ""),
        ("a." * 127 + "example", ""),
        ("ü" * 70 + ".example", ""),
        ("a\nb", ""),
        ("\ud800.example", ""),
    ],
)
def test_names(text, name):
    assert names.domain(text) == name


@pytest.mark.parametrize(
    ("name", "organisation"),
    [
        ("mail.shop.example", "shop.example"),
        ("shop.example", "shop.example"),
        ("a.b.shop.co.uk", "shop.co.uk"),
        ("co.uk", "co.uk"),
        ("uk", "uk"),
        ("foo.github.io", "foo.github.io"),
        ("a.xn--55qx5d.cn", "a.xn--55qx5d.cn"),
    ],
)
def test_organisations(name, organisation):
    assert names.organisation(name) == organisation


def many(n: int) -> str:
    return "v=spf1 " + " ".join(f"include:i{k}.shop.example" for k in range(n)) + " -all"


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (f"v=spf1 ip4:{HERE} -all", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 a:mail.shop.example -all", "pass"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 include:i0.shop.example -all", "pass"),
        ("v=spf1 redirect=i0.shop.example", "pass"),
        ("v=spf1 exists:%{i}.list.shop.example -all", "pass"),
        ("v=spf1 ptr:shop.example -all", "pass"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1", "neutral"),
        ("v=spf1 -all", "fail"),
        ("v=spf1 a:gone.shop.example -all", "fail"),
        ("v=spf1 a:g1.shop.example a:g2.shop.example a:g3.shop.example -all", "permerror"),
        ("v=spf1 a:silent.shop.example -all", "temperror"),
        ("v=spf1 ip4:nonsense -all", "permerror"),
        ("v=spf1 moo -all", "permerror"),
        ("v=spf1 include:shop.example", "permerror"),
        (many(11), "permerror"),
        ("v=spf1 " + "ip4:198.51.100.1 " * 1000 + "-all", "permerror"),
        ("v=spf10 -all", "none"),
        (None, "none"),
        (SILENT, "temperror"),
        ("v=spf1 exp=%{ -all", "permerror"),
        (b"v=spf1 \xff -all", "permerror"),
    ],
)
def test_spf(record, found):
    here = zone(spf=record)
    here.records |= {
        ("mail.shop.example", "A"): ("192.0.2.9", HERE),
        ("shop.example", "MX"): ((10, "mail.shop.example"),),
        ("i0.shop.example", "TXT"): (f"v=spf1 ip4:{HERE} -all".encode(),),
        (f"{HERE}.list.shop.example", "A"): ("127.0.0.2",),
        ("7.2.0.192.in-addr.arpa", "PTR"): ("mail.shop.example",),
        ("silent.shop.example", "A"): SILENT,
        **{(f"i{k}.shop.example", "TXT"): (b"v=spf1 ip4:198.51.100.1",) for k in range(1, 20)},
    }
    if record == many(11):
        here.records["i0.shop.example", "TXT"] = (b"v=spf1 ip4:198.51.100.1",)
    assert sender.check(HERE, "mx.shop.example", "carol@shop.example", here)[0] == found


def test_spf_over_ipv6():
    here = zone(spf="v=spf1 ip6:2001:db8::/32 -all")
    assert sender.check("2001:db8::7", "h", "carol@shop.example", here)[0] == "pass"
    assert sender.check("2001:db9::7", "h", "carol@shop.example", here)[0] == "fail"


def test_spf_asks_so_much_and_no_more():
    names_of = [f"m{k}.shop.example" for k in range(10)]
    here = Zone({(name, "MX"): tuple((1, f"x{k}.{name}") for k in range(10)) for name in names_of})
    for name in names_of:
        here.records |= {(f"x{k}.{name}", "A"): ("198.51.100.1",) for k in range(10)}
    here.records["shop.example", "TXT"] = (("v=spf1 " + " ".join(f"mx:{name}" for name in names_of)).encode(),)
    assert sender.check(HERE, "h", "carol@shop.example", here)[0] == "permerror"
    assert len(here.asked) <= sender.MAX_QUESTIONS


@pytest.mark.parametrize(
    "address",
    ["", "@", "a@", "@shop.example", "a b@shop.example", "ü@bücher.example", "a@" + "b" * 300, "%{i}@shop.example"],
)
@pytest.mark.parametrize("client", [HERE, "", "nonsense", "::1", "fe80::1%eth0"])
def test_spf_answers_whatever_it_is_given(address, client):
    here = zone(spf="v=spf1 exists:%{l}.%{s}.%{o}.%{d}.%{i}.%{p}.%{v}.%{h}.shop.example -all")
    assert sender.check(client, "\0", address, here)[0] in {"none", "fail", "permerror", "temperror", "neutral", "pass"}
