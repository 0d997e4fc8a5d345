"""Address lists in every shape, and dates."""

from __future__ import annotations

import time
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.mail import dates, headers, mailboxes


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"Example, Ann" <a@b.org>, c@d.org', [("Example, Ann", "a@b.org"), ("", "c@d.org")]),
        ('"Ann \\"the\\" Example" <a@b.org>', [('Ann "the" Example', "a@b.org")]),
        ("Team: Ann <a@b.org>, c@d.org; e@f.org", [("Ann", "a@b.org"), ("", "c@d.org"), ("", "e@f.org")]),
        ("One:a@b.org;, Two:c@d.org;", [("", "a@b.org"), ("", "c@d.org")]),
        ("a@b.org; c@d.org", [("", "a@b.org"), ("", "c@d.org")]),
        ("Ann (Sales) <a@b.org>", [("Ann", "a@b.org")]),
        ("<a@b.org> (Ann)", [("Ann", "a@b.org")]),
        ("<a@b.org> Ann", [("Ann", "a@b.org")]),
        ("a@b.org (Ann (at home))", [("Ann (at home)", "a@b.org")]),
        ("a(x)@(y)b . org", [("x y", "a@b.org")]),
        ("Ann <a@b.org", [("Ann", "a@b.org")]),
        ("Ann a@b.org>", [("Ann", "a@b.org")]),
        ("<@relay.org,@other.org:a@b.org>", [("", "a@b.org")]),
        ("Ann <mailto:a@b.org?subject=x>", [("Ann", "a@b.org")]),
        ('"Ann <a@b.org>, "Bob" <c@d.org>', [("Ann", "a@b.org"), ("Bob", "c@d.org")]),
        ('"Ann <a@b.org>', [("Ann", "a@b.org")]),
        ("Ann :-) <a@b.org>", None),
        ("=?utf-8?q?M=C3=BCller, Ann?= <a@b.org>", [("Müller, Ann", "a@b.org")]),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?= <a@b.org>", [("ü", "a@b.org")]),
        ('"=?utf-8?q?=C3=BC?=" <a@b.org>', [("ü", "a@b.org")]),
        ("=?utf-8?q?Ann_=3Ca=40b.org=3E?=", []),
        ('"quoted local"@b.org', [("", '"quoted local"@b.org')]),
        ("Ann <a@[192.0.2.1]>", [("Ann", "a@[192.0.2.1]")]),
        ("a@b.org, , ,c@d.org", [("", "a@b.org"), ("", "c@d.org")]),
        ("two a@b.org c@d.org", []),
        ("Ann <>, MAILER-DAEMON, nobody", []),
        ("undisclosed-recipients:;", []),
    ],
)
def test_mailboxes(value, expected):
    found = [(one.name, one.email) for one in headers.addresses(value)]
    assert found == expected or (expected is None and found)


@pytest.mark.parametrize(
    "unit",
    [
        "x",
        " ",
        "a.",
        "@a ",
        "(",
        ")",
        "<",
        ">",
        '"',
        "<a@b",
        '"\\',
        "a,",
        ":",
        "@",
        "=?u?q?",
        "a@b c@d ",
        "((a)",
        "<(",
        '"<a@b>,',
    ],
)
def test_lists_are_read_in_linear_time(unit):
    def cost(times: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            mailboxes.mailboxes(unit * times + " a@b", 2000)
            mailboxes.mailboxes(f"a <{unit * times}@b>", 2000)
            best = min(best, time.process_time() - start)
        return best

    times = 6000 // len(unit)
    assert cost(8 * times) <= 24 * max(cost(times), 0.001)


@settings(deadline=None)
@given(st.text(max_size=200) | st.text(alphabet='()<>,;:"\\@ a.=?', max_size=100))
def test_any_text_is_a_list(value):
    for name, address in mailboxes.mailboxes(value, 5):
        assert "@" in address
        assert isinstance(name, str)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon, 2 Feb 2026 10:00:00 +0100", "2026-02-02 09:00"),
        ("2 Feb 2026 10:00 GMT", "2026-02-02 10:00"),
        ("Mon, 02 Feb 26 10:00:00 -0000", "2026-02-02 10:00"),
        ("Mon Feb  2 10:00:00 2026", "2026-02-02 10:00"),
        ("Mon, 2 Feb 2026 10:00:00 EST", "2026-02-02 15:00"),
        ("Mon, 2 Feb 2026 10:00:00 +0100 (CET)", "2026-02-02 09:00"),
        ("Mon, 2 Feb 2026 10.00.00 +0100", "2026-02-02 09:00"),
        ("2026-02-02T10:00:00Z", "2026-02-02 10:00"),
        ("2026-02-02 10:00:00.123 +01:00", "2026-02-02 09:00"),
        ("Mo, 2 Mrz 2026 10:00:00 +0100", "2026-03-02 09:00"),
        ("February 2nd, 2026 at 3:07 pm", "2026-02-02 15:07"),
        ("02/13/2026 12:30 am", "2026-02-13 00:30"),
        ("13.02.2026 10:00", "2026-02-13 10:00"),
        ("2 (second) Feb (month) 2026 10:00:00 +0000", "2026-02-02 10:00"),
        ("2 2 26 10:00:00 +0000", "2026-02-02 10:00"),
        ("by mx.example.org with ESMTP id 12:34:56; Mon, 2 Feb 2026 10:00:00 +0000", "2026-02-02 10:00"),
        ("Mon, 99 Feb 2026 10:00:00 +0100", None),
        ("today", None),
        ("", None),
        ("1 Jan 0000 00:00:00 +9999", None),
    ],
)
def test_dates(value, expected):
    found = dates.moment(value)
    assert (found and f"{found:%Y-%m-%d %H:%M}") == expected


@settings(deadline=None)
@given(st.text(alphabet="0123456789:+-/., JanFebEST();apmT", max_size=60) | st.text(max_size=60))
def test_any_text_as_a_date(value):
    found = dates.moment(value)
    assert found is None or found.tzinfo is UTC
