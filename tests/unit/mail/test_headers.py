"""Header values: decoded, repaired, cleaned; addresses in every shape."""

from __future__ import annotations

import pytest

from helpdeskd.mail import headers
from helpdeskd.mail.headers import Headers


def bytes_as_parsed(data: bytes) -> str:
    return data.decode("ascii", "surrogateescape")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", "plain"),
        ("folded\r\n value", "folded value"),
        ("  padded  ", "padded"),
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?UTF-8?b?R3LDvMOfZQ?=", "Grüße"),
        ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?a?= and =?utf-8?Q?b?=", "a and b"),
        ("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?B?R3LDvM?= =?utf-8?B?Ofw5/Dnw==?=", None),
        ("=?iso-8859-1?Q?Andr=E9?= x", "André x"),
        ("=?utf-8*en?Q?x?=", "x"),
        ("=?utf-8?Q?with space?=", "with space"),
        ("prefix=?utf-8?Q?x?=suffix", "prefixxsuffix"),
        ("=?nonsense?Q?x=FFy?=", None),
        ("=?utf-8?X?x?=", "=?utf-8?X?x?="),
        ("=?utf-8?B?!!!?=", ""),
        ("=?utf-8?Q?=00a=0D=0Ab?=", "a b"),
        ("a\x00b\x07c\x85d\u2028e\ufefff", None),
        ("not =?encoded", "not =?encoded"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u05e9\u05dc\u05d5\u05dd\u200f", "\u05e9\u05dc\u05d5\u05dd\u200f"),
    ],
)
def test_decode(raw, expected):
    found = headers.decode(raw)
    if expected is not None:
        assert found == expected
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029" for char in found)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_raw_bytes_are_repaired(encoding):
    assert headers.decode(bytes_as_parsed("Café fermé à Noël".encode(encoding))) == "Café fermé à Noël"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@b.org", [("", "a@b.org")]),
        ("<a@b.org>", [("", "a@b.org")]),
        ("Ann <a@b.org>", [("Ann", "a@b.org")]),
        ('"Doe, Ann" <a@b.org>', [("Doe, Ann", "a@b.org")]),
        ('"a@b.org" <a@b.org>', [("", "a@b.org")]),
        ("a@b.org (Ann)", [("Ann", "a@b.org")]),
        ("=?utf-8?Q?J=C3=BCrgen?= <j@b.org>", [("Jürgen", "j@b.org")]),
        ('"=?utf-8?Q?J=C3=BCrgen?=" <j@b.org>', [("Jürgen", "j@b.org")]),
        ("=?utf-8?Q?Doe=2C_Ann_=3Cx=40y=3E?= <a@b.org>", [("Doe, Ann <x@y>", "a@b.org")]),
        ("A: b@b.org, c@b.org;", [("", "b@b.org"), ("", "c@b.org")]),
        ("undisclosed-recipients:;", []),
        ("a@b.org, A@B.ORG", [("", "a@b.org")]),
        ("a@b.org; c@b.org", None),
        ("<<a@b.org>>", [("", "a@b.org")]),
        ("Ann a@b.org", [("Ann", "a@b.org")]),
        ("MAILER-DAEMON", []),
        ("", []),
        ("@", []),
        ("a@", []),
        ("<@>", []),
        ("Ann <a b@c.org>", []),
        ("'Ann' <a@b.org>", [("Ann", "a@b.org")]),
        ("<mailto:a@b.org>", [("", "a@b.org")]),
        ('"quoted local"@b.org', [("", '"quoted local"@b.org')]),
        ("jürgen@exämple.org", [("", "jürgen@exämple.org")]),
        ("a@[192.0.2.1]", [("", "a@[192.0.2.1]")]),
    ],
)
def test_addresses(value, expected):
    found = [(one.name, one.email) for one in headers.addresses(value)]
    if expected is None:
        assert found
    else:
        assert found == expected


@pytest.mark.parametrize(
    "value",
    [
        "(" * 5000 + "a@b.org",
        '"' * 5001,
        "<" * 5000,
        ",".join(["a@b.org"] * 5000),
        "@" * 5000,
        "=?" * 5000,
        ":;" * 3000 + "a@b",
    ],
)
def test_hostile_address_lists_are_survived(value):
    assert len(headers.addresses(value)) <= headers.MAX_ADDRESSES


def test_an_address_never_holds_what_could_break_out():
    for value in ("a@b.org\r\nBcc: x@y", "<a@b\x00.org>", "=?utf-8?q?a=0D=0A=40b=2Eorg?=", '"a\r\nb"@c.org'):
        for one in headers.addresses(value):
            assert one.email.isprintable()
            assert one.name.isprintable()


def test_headers_are_found_in_any_case_and_the_first_counts():
    found = Headers([("Subject", "one"), ("SUBJECT", "two"), ("To", "a@b.org"), ("to", "c@d.org")])
    assert found.text("subject") == "one"
    assert found.all("subject") == ["one", "two"]
    assert [one.email for one in found.addresses("to")] == ["a@b.org", "c@d.org"]
    assert "cc" not in found
    assert found.text("cc") == found.raw("cc") == found.joined("cc") == ""
