"""Whatever stands in a draft: the mail has our headers alone, one recipient, seven bits in short lines, and its signatures hold."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.mail.compose import _OURS, compose
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.mail.sign import sign
from helpdeskd.model.mail import Address, Part
from tests.dkim import key, verified

WHEN = datetime(2025, 3, 2, tzinfo=UTC)
KEYS = (key(), key(ed25519=True))
BREAKS = st.sampled_from(
    ["\r\n", "\n", "\r", "\0", "\x85", "\u2028", "\r\nBcc: evil@example.org\r\n", "\r\n\r\n", "=?utf-8?q?=0D=0A?="]
)
WORDS = st.lists(st.one_of(st.text(max_size=40), BREAKS), max_size=5).map("".join)
PARTS = st.builds(
    Part,
    name=WORDS,
    content_type=st.one_of(WORDS, st.sampled_from(["image/png", "message/rfc822", "multipart/mixed", "text/html"])),
    data=st.binary(max_size=200),
    sha256=st.just("0" * 64),
    content_id=st.one_of(st.just(""), st.just("pic@x"), WORDS),
    inline=st.booleans(),
)
DRAFTS = st.builds(
    Draft,
    from_name=WORDS,
    from_address=st.just("support@desk.test"),
    to=st.builds(lambda name: (Address(name, "ann@example.net"),), WORDS),
    subject=WORDS,
    mail_id=st.just("abc@desk.test"),
    date=st.just(WHEN),
    text=WORDS,
    instance=WORDS,
    html=st.one_of(st.just(""), WORDS, st.just('<img src="cid:pic@x">')),
    reply_to=st.sampled_from(["", "support+token@desk.test"]),
    references=st.lists(st.one_of(WORDS, st.just("a@b")), max_size=4).map(tuple),
    parts=st.lists(PARTS, max_size=2).map(tuple),
    auto_submitted=st.sampled_from(AutoSubmitted),
)


@settings(max_examples=100, deadline=None)
@given(DRAFTS)
def test_only_what_is_ours(draft: Draft) -> None:
    raw = compose(draft)
    assert raw.isascii() and b"\0" not in raw
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert set(mail.keys()) <= _OURS and len(mail.keys()) == len(set(mail.keys()))
    assert [each.addr_spec for each in mail["To"].addresses] == ["ann@example.net"]
    assert [each.addr_spec for each in mail["From"].addresses] == ["support@desk.test"]
    signed = sign(raw, KEYS, WHEN)
    assert signed.endswith(raw)
    assert verified(signed, KEYS) == [True, True]
