"""Laws of delivery reports: any bytes are read, what is read is plain, and what a careful server writes is understood."""

from __future__ import annotations

import pickle
from dataclasses import fields

from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpdeskd.mail import report
from helpdeskd.model.mail import Delivery, Fate, Part, Report

ordinary = settings(max_examples=200, deadline=None)
STATUS = "message/delivery-status"

LINE = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda name, value: name + b": " + value,
        st.sampled_from(
            [
                b"Final-Recipient",
                b"Original-Recipient",
                b"Action",
                b"Status",
                b"Diagnostic-Code",
                b"Remote-MTA",
                b"Message-ID",
            ]
        ),
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [b"rfc822; a@x", b"failed", b"5.1.1", b"smtp; 550 no", b"=?utf-8?b?////?=", b"<a@b>", b"\\x{ffffff}"]
            ),
        ),
    ),
)


def read(status: bytes) -> list[Fate]:
    return report.read([Part("part", STATUS, status, "0" * 64)])


@ordinary
@given(st.lists(LINE, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]))
@example([b"Final-Recipient:" + b"a" * 70000, b"Action: failed"], b"\n")
@example([b"\xff: \xff"], b"\n")
def test_any_bytes_are_read(status, end):
    found = read(end.join(status))
    for fate in found:
        assert isinstance(fate.delivery, Delivery)
        for field in fields(fate):
            value = getattr(fate, field.name)
            assert isinstance(value, str)
            assert value.isprintable()
            value.encode("utf-8")
        assert len(fate.words) <= 500
    for recipient in ("a@x", "nobody@nowhere.example"):
        for certain in (False, True):
            assert report.fate_of(Report(tuple(found), ()), recipient, certain=certain) in (None, *found)
    assert pickle.loads(pickle.dumps(found)) == found  # our own bytes: it goes from one process to another


WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
ADDRESS = st.builds("{}@{}.example".format, WORD, WORD)
FATE = st.builds(
    Fate,
    delivery=st.sampled_from(Delivery),
    recipient=ADDRESS,
    original=ADDRESS,
    status=st.builds("{}.{}.{}".format, st.sampled_from("245"), st.integers(0, 999), st.integers(0, 999)),
    words=st.builds("550 {}".format, WORD),
    mta=st.builds("{}.example".format, WORD),
)


@ordinary
@given(st.lists(FATE, min_size=1, max_size=5))
def test_what_is_written_by_the_rules_is_understood(fates):
    groups = [
        f"Final-Recipient: rfc822; {one.recipient}\r\nOriginal-Recipient: rfc822;{one.original}\r\n"
        f"Action: {one.delivery}\r\nStatus: {one.status}\r\nRemote-MTA: dns; {one.mta}\r\n"
        f"Diagnostic-Code: smtp;\r\n {one.words}\r\n"
        for one in fates
    ]
    status = "\r\n".join(["Reporting-MTA: dns; us.example\r\n", *groups]).encode()
    assert read(status) == fates
