"""Laws of bounces in plain text: any text is read, what is read is plain, and time grows as the text does."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpdeskd.mail import ids
from helpdeskd.mail.bounce import codes
from helpdeskd.mail.bounce.read import find
from helpdeskd.mail.headers import Headers
from helpdeskd.mail.report import MAX_FATES
from helpdeskd.model.mail import Kind, Report

ordinary = settings(max_examples=200, deadline=None)
WORDS = st.sampled_from([
    "<a@x.example>:", "a@x.example", "b@y.example...", "550 5.1.1", "User unknown", "mailbox full", "could not be delivered to",
    "<<<", ">>> DATA", "--- Below this line is a copy of the message.", "Message-ID: <m@x>", "Received: by x", "From: c@x.example",
    "Final-Recipient: rfc822; a@x", "Action: failed", "{", '{"notificationType": "Bounce"}', "$B", "送信できませんでした", "\u202e", "",
])  # fmt: skip
TEXT = st.lists(st.one_of(WORDS, st.text(max_size=30)), max_size=20)


def read(text: str, subject: str = "failure notice", kind: Kind = Kind.BOUNCE) -> Report | None:
    return find(kind, "why", Headers([("Subject", subject), ("To", "c@x.example")]), text, [], by_machine=True)[2]


@ordinary
@given(TEXT, st.sampled_from([" ", "\n"]), st.sampled_from(list(Kind)), st.sampled_from(["failure notice", "Hello"]))
@example(["a@x.example"] * 3000, "\n", Kind.BOUNCE, "failure notice")
@example(["[" * 3000], "\n", Kind.BOUNCE, "failure notice")
@example(["550 " + "x" * 5000 + "@y.example"], "\n", Kind.BOUNCE, "failure notice")
def test_any_text_is_read(words, between, kind, subject):
    found = read(between.join(words), subject, kind)
    if found is None:
        return
    assert found.fates
    assert found.about == tuple(map(ids.key, found.about))
    for fate in found.fates:
        assert len(fate.words) <= 500
        assert not set("\r\n\0\u202e") & set(fate.words + fate.recipient + fate.status)
        assert fate.code[:1] in {"2", "4", "5"}
        assert fate.recipient != "c@x.example"
    assert pickle.loads(pickle.dumps(found)) == found  # our own bytes: it goes from one process to another


HOSTILE = {
    "recipients": "<a@x.example>: 550 5.1.1 no\n",
    "addresses in a line": "a@x.example ",
    "one word": "a",
    "headers": "X-A: b\n",
    "colons": "X: ",
    "dashes": "-",
    "ruled words": "-- copy of the ",
    "negations": "not yet be been able to ",
    "errors": "error ",
    "codes": "550-5.1.1",
    "digits": "5",
    "at": "@",
    "fields": "Final-Recipient: rfc822; a@b.example\nAction: failed\n\n",
    "users": "user recipient mailbox ",
    "transcript": "<<< 550 x\n",
    "x400": "c=SMTP=",
    "spaces": " ",
    "recipients of whom nothing is said": "\n\n{number}@x.example\n\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bounces_are_read_in_linear_time(name):
    """As with quotes: CPU of eight times the text over CPU of the text is 8 where linear, 64 where quadratic."""
    unit = HOSTILE[name]

    def text(size: int) -> str:
        return "".join(unit.replace("{number}", str(number)) for number in range(max(1, size // len(unit))))

    small, large = text(20_000), text(160_000)

    def cost(text: str) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            read(text)
            best = min(best, time.process_time() - start)
        return best

    assert cost(large) <= 24 * max(cost(small), 0.0005)


@given(st.integers(2, MAX_FATES // 2), st.sampled_from(["\n\n<{}@x.example>\n\n", "- {}@x.example\n"]), st.booleans())
@settings(max_examples=10, deadline=None)
def test_a_text_is_judged_once_however_many_recipients_it_names(count, line, said):
    """The characters that are searched for codes: of twice as many recipients not twice as many, since nearly all of them
    are the text that speaks of all."""

    def judged(recipients: int) -> int:
        seen, ask = 0, codes.status_in

        def counted(words: str) -> str:
            nonlocal seen
            seen += len(words)
            return ask(words)

        names = "".join(line.format(number) for number in range(recipients))
        text = f"Could not be delivered. {'User unknown' * said}\n{'words ' * 8000}\n\nTo:\n{names}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(codes, "status_in", counted)
            found = read(text)
        assert found is not None
        assert len(found.fates) == recipients
        return seen

    assert judged(2 * count) <= 1.3 * judged(count)


def test_so_many_recipients_are_read():
    text = "".join(f"<{number}@x.example>: 550 5.1.1 User unknown\n" for number in range(5000))
    found = read(text)
    assert found is not None
    assert len(found.fates) == MAX_FATES
