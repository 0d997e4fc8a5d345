"""Message-IDs, subjects and addresses as keys."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import pytest

from helpdeskd.mail import ids


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<a@b>", "a@b"),
        ("  <a@b>\r\n", "a@b"),
        ("<a @\r\n b>", "a@b"),
        ("a@b", "a@b"),
        ("", ""),
        ("<>", ""),
        ("<a\x00@b\u2028\ud800>", "a@b"),
        ("<" + "x" * 253 + "@b>", "x" * 253 + "@b"),
    ],
)
def test_key(raw, expected):
    assert ids.key(raw) == expected


def test_a_long_id_becomes_a_digest_that_its_own_key_equals():
    long = "<" + "x" * 400 + "@b>"
    assert ids.key(long).startswith("sha256:")
    assert len(ids.key(long)) <= 255
    assert ids.key(long) == ids.key(long.strip("<>"))
    assert ids.parse_ids(long) == (ids.key(long),)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ("<a@b>", ("a@b",)),
        ("<a@b><c@d>", ("a@b", "c@d")),
        ("<a@b>,<c@d>", ("a@b", "c@d")),
        ("<a@b>\r\n\t<c@d>", ("a@b", "c@d")),
        ("a@b c@d", ("a@b", "c@d")),
        ("<a@b> c@d", ("a@b", "c@d")),
        ("c@d <a@b>", ("c@d", "a@b")),
        ('"a@b"', ("a@b",)),
        ("<a@b> (comment) <c@d>", ("a@b", "c@d")),
        ("Your mail of Monday to joe@example.org", ()),
        ("mail from joe@example.org <a@b>", ("a@b",)),
        ("<a@b> <c@d> <a@b>", ("c@d", "a@b")),
        ("<a@b> <c@", ("a@b", "c@")),
        ("<a@b> <trunca", ("a@b",)),
        ("<no-at-sign>", ("no-at-sign",)),
        ("<><a@b>", ("a@b",)),
    ],
)
def test_parse_ids(header, expected):
    assert ids.parse_ids(header) == expected


def test_of_too_many_ids_the_root_and_the_nearest_stay():
    found = ids.parse_ids(" ".join(f"<{n}@x>" for n in range(5000)))
    assert len(found) == ids.MAX_IDS
    assert found[0] == "0@x"
    assert found[-1] == "4999@x"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Printer", "Printer"),
        ("Re: Printer", "Printer"),
        ("RE: re: Re: Printer", "Printer"),
        ("AW: WG: Printer", "Printer"),
        ("Antw: Printer", "Printer"),
        ("SV: VS: Printer", "Printer"),
        ("Re[2]: Printer", "Printer"),
        ("Re(3): Re^4: Re5: Printer", "Printer"),
        ("RE : Printer", "Printer"),
        ("R: I: Printer", "Printer"),
        ("TR: Printer", "Printer"),
        ("RV: Printer", "Printer"),
        ("Odp: Printer", "Printer"),
        ("Ответ: Printer", "Printer"),
        ("回复：打印机", "打印机"),
        ("[#123456] Re: Printer", "Printer"),
        ("Re: [#123456] Re: Printer", "Printer"),
        ("Printer [#123456]", "Printer"),
        ("Fwd: Printer (fwd)", "Printer"),
        ("  Re:   the   printer ", "the printer"),
        ("Question: which printer?", "Question: which printer?"),
        ("Regarding: x", "Regarding: x"),
        ("12:30 meeting", "12:30 meeting"),
        ("", ""),
        ("Re:", ""),
    ],
)
def test_base_subject(subject, expected):
    assert ids.base_subject(subject) == expected
    assert ids.base_subject(ids.base_subject(subject)) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Fwd: x", True),
        ("WG: x", True),
        ("[#123456] FW: x", True),
        ("x (fwd)", True),
        ("Re: Fwd: x", False),
        ("Re: x", False),
        ("x", False),
        ("forward: x", False),
    ],
)
def test_is_forward(subject, expected):
    assert ids.is_forward(subject) is expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("[#123456] x", (123456,)),
        ("Re: [ #123456 ] x [#1234567] [#123456]", (123456, 1234567)),
        ("#123456", ()),
        ("[123456]", ()),
        ("[#1234567890]", ()),
        ("[#\u0661\u0662\u0663]", ()),
    ],
)
def test_subject_numbers(subject, expected):
    assert ids.subject_numbers(subject) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("support+abc@x.org", ("support@x.org", "abc")),
        ("support+a+b@x.org", ("support@x.org", "a+b")),
        ("support@x.org", ("support@x.org", "")),
        ("support+@x.org", ("support@x.org", "")),
        ("+abc@x.org", ("+abc@x.org", "")),
        ('"a+b"@x.org', ('"a+b"@x.org', "")),
        ("postmaster", ("postmaster", "")),
        ("postmaster+x", ("postmaster", "x")),
    ],
)
def test_split_detail(address, expected):
    assert ids.split_detail(address) == expected


def test_new_mail_ids_differ_and_are_keys():
    made = ids.new_mail_id(lambda n: bytes(range(n)), "Desk.Example")
    assert made == ids.key(f"<{made}>")
    assert made.endswith("@desk.example")
    assert ids.new_mail_id(lambda n: b"\xff" * n, "Desk.Example") != made
    assert ids.new_mail_id(lambda n: bytes(n), "exämple.org").endswith("@xn--exmple-cua.org")
