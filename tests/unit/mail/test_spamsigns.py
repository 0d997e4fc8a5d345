"""Signs of spam: headers, lists of addresses, and what all of it comes to. Tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.mail import spamsigns
from helpdeskd.mail.spamsigns import in_headers, judge, listed_as, of_list
from helpdeskd.model.spam import By, Sign, Spam

REST = b"From: a@b.example\r\nSubject: x\r\n"


@pytest.mark.parametrize(
    ("header", "spam"),
    [
        (b"X-Spam-Flag: YES", True),
        (b"X-Spam: Yes", True),
        (b"x-spam:yes", True),
        (b"X-Spam-Status: Yes, score=7.3 required=5.0 tests=BAYES_99,\r\n\tURIBL autolearn=no", True),
        (b"X-Spam-Status:\r\n Yes, score=7.3", True),
        (b"X-Spam-Status: No, score=-1.0 required=5.0 tests=ALL_TRUSTED, yes", False),
        (b"X-Spam-Flag: NO", False),
        (b"X-Spam-Flag: yesterday", False),
        (b"X-Spam-Flagged: YES", False),
        (b"X-Spam-Level: *****", False),
        (b"X-Spamd-Result: default: True [16.20 / 15.00];\r\n\tBAYES_SPAM(5.10)[99.9%]", True),
        (b"X-Spamd-Result: default: False [3.40 / 15.00]; TRUE(0.00)[]", False),
        (b"X-Rspamd-Action: add header", True),
        (b"X-Rspamd-Action: reject", True),
        (b"X-Rspamd-Action: no action", False),
        (b"X-Rspamd-Action: greylist", False),
        (b"Subject: hello\r\n X-Spam-Flag: YES", False),  # a folded line is its header's
        (b"no header at all\r\nX-Spam-Flag: YES", True),  # what is no header hides none below it
        (b"X-Spam-Flag: NO\r\nX-Spam-Flag: YES\r\nX-Spam-Flag: NO", True),  # a no means nothing
    ],
)
def test_headers(header, spam):
    for raw in (header + b"\r\n" + REST, REST + header + b"\r\n"):
        for line_end in (b"\r\n", b"\n"):
            mail = (raw + b"\r\nX-Spam-Flag: Yes, in a body\r\n").replace(b"\r\n", line_end)
            assert bool(in_headers(mail)) is spam, mail


def test_what_a_header_said_is_told_in_one_short_line():
    (sign,) = in_headers(REST + b"X-Spam-Status: Yes, \x1b[31m" + b"A" * 9999 + b"\r\n\r\n")
    assert (sign.by, sign.says) == (By.HEADER, Spam.SPAM)
    assert sign.words.startswith("X-Spam-Status: Yes, [31mAAA")
    assert len(sign.words) == spamsigns.MAX_WORDS
    assert len(in_headers(b"X-Spam: yes\n" * 1000 + b"\n")) == spamsigns.MAX_SIGNS


@given(st.lists(st.sampled_from([b"X-Spam", b"-Flag", b":", b" ", b"\r\n", b"\n", b"\t", b"yes", b"x"])).map(b"".join))
def test_headers_of_any_shape(raw):
    in_headers(raw)


@pytest.mark.parametrize("unit", [b"X-Spam-Status:" + b"\r\n " * 50, b"X-Spam:" + b" " * 150, b"X-Spamd-Result: a"])
def test_headers_are_read_in_one_pass(unit):
    """Blanks without an end: each start is looked at once, and not again from each blank."""
    assert in_headers(unit * 5000) == ()


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("192.0.2.99", "99.2.0.192.bl.example"),
        ("::ffff:192.0.2.99", "99.2.0.192.bl.example"),
        ("2001:db8::1", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.bl.example"),
        ("fe80::1%eth0", "1." + "0." * 27 + "0.8.e.f.bl.example"),
        ("unix", None),
        ("", None),
    ],
)
def test_the_name_of_a_client(client, name):
    assert listed_as(client, "bl.example") == name


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((), Spam.HAM),
        (("127.0.0.2",), Spam.SUSPECT),
        (("127.0.0.10", "127.0.0.4"), Spam.SUSPECT),
        (("127.255.255.254",), None),  # asked through a public resolver
        (("127.255.255.255",), None),  # too often
        (("127.0.0.1",), None),
        (("127.0.1.2",), None),
        (("203.0.113.7",), None),  # a resolver that invents answers, a domain that was sold
        (("203.0.113.7", "127.0.0.2"), Spam.SUSPECT),
    ],
)
def test_what_a_list_answers(answers, says):
    sign = of_list("192.0.2.99", "bl.example", answers)
    assert (sign.by, sign.says) == (By.DNSBL, says)
    assert "bl.example" in sign.words


def signs(words):
    """`dnsbl:suspect rspamd:-`"""
    made = []
    for word in words.split():
        by, _, says = word.partition(":")
        made.append(Sign(By(by), None if says == "-" else Spam(says), ""))
    return made


@pytest.mark.parametrize(
    ("found", "needed", "judged"),
    [
        ("", 0, "ham"),
        ("rspamd:ham clamd:ham dnsbl:ham", 1, "ham"),
        ("rspamd:- clamd:- dnsbl:-", 1, "ham"),  # who is not there says nothing
        ("header:spam", 0, "spam header"),
        ("header:spam rspamd:ham", 0, "spam header"),
        ("rspamd:spam", 0, "spam rspamd"),
        ("rspamd:suspect", 1, "suspect rspamd"),  # no list says so
        ("dnsbl:suspect", 0, "suspect dnsbl"),
        ("dnsbl:suspect dnsbl:suspect dnsbl:suspect", 0, "suspect dnsbl"),
        ("dnsbl:suspect", 1, "spam dnsbl"),
        ("dnsbl:suspect", 2, "suspect dnsbl"),
        ("dnsbl:suspect dnsbl:- dnsbl:ham", 2, "suspect dnsbl"),
        ("dnsbl:suspect rspamd:suspect", 2, "suspect dnsbl"),  # rspamd is no list
        ("dnsbl:suspect dnsbl:ham dnsbl:suspect", 2, "spam dnsbl"),
        ("clamd:virus", 0, "virus clamd"),
        ("header:spam rspamd:spam clamd:virus", 1, "virus clamd"),
    ],
)
def test_what_it_comes_to(found, needed, judged):
    made = judge(signs(found), dnsbl_needed=needed)
    assert " ".join((made.state, *([made.why.by] if made.why else []))) == judged
    assert made.signs == tuple(signs(found))


def test_it_is_told():
    made = judge([Sign(By.RSPAMD, Spam.SPAM, "reject, 16.0 of 15.0"), Sign(By.CLAMD, None, "refused")], dnsbl_needed=0)
    assert made.lines == ("spam spam (rspamd)", "rspamd spam (reject, 16.0 of 15.0)", "clamd unknown (refused)")
    assert judge([], dnsbl_needed=0).lines == ()


def test_of_megabytes_only_the_beginning_is_looked_at():
    assert spamsigns.plain(" \n" * 5_000_000 + "x") == ""
    assert spamsigns.plain("\x1b[31m a\u202eb " * 100) == ("[31m a b " * 100)[:150]
