"""What is said in invented mails of all programs and languages we know of; and what only looks like a quote. In replies.txt a line
`~~~` stands where what folds begins, a line `^^^` where what folds above the answer ends; a text without them is all its author's."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdeskd.config import Desk
from helpdeskd.mail.quoting import split
from helpdeskd.mail.reply import SURE, said
from tests.unit.mail.attributions import ATTRIBUTIONS, BLOCKS

MARKER = Desk().marker
OWN = "It works.\nThanks, Eve"
QUOTE = "Does it\nwork now?\n\nAnn"
CITED = "".join(f"> {line}\n" for line in QUOTE.split("\n"))
TEXTS = (Path(__file__).parent / "replies.txt").read_text().removesuffix("\n").split("\n%%\n")
CUT, BELOW = "~~~\n", "^^^\n"


def shown(text: str) -> str:
    return said(split(text, MARKER).text)


def passed_on(text: str) -> str:
    return said(split(text, MARKER).text, SURE)


@pytest.mark.parametrize("head", ATTRIBUTIONS)
@pytest.mark.parametrize(
    "shape", ["{own}\n\n{head}\n\n{cited}", "{own}\n\n{head}\n\n{quote}\n", "{own}\n{head}\n{cited}"]
)
def test_who_is_quoted(head, shape):
    assert shown(shape.format(own=OWN, head=head, cited=CITED, quote=QUOTE)) == OWN


@pytest.mark.parametrize("head", BLOCKS)
def test_blocks_of_headers(head):
    assert shown(f"{OWN}\n\n{head}\n\n{QUOTE}\n") == OWN
    cited = "".join(f"> {line}\n" for line in f"{head}\n\n{QUOTE}".split("\n"))
    assert shown(f"{OWN}\n\n{cited}") == OWN


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_said(text):
    above, cut, _ = text.partition(CUT)
    _, below, answer = text.partition(BELOW)
    whole = text.replace(CUT, "").replace(BELOW, "")
    expected = above if cut else answer if below else text
    assert shown(whole).strip() == expected.strip()


@pytest.mark.parametrize("text", [text for text in TEXTS if CUT not in text and BELOW not in text])
def test_what_only_looks_like_a_quote_is_passed_on(text):
    assert passed_on(text).strip() == text.strip()


@pytest.mark.parametrize(
    "pasted",
    [
        "To Bob <bob@example.org> I wrote:",
        "Bob <bob@example.org> wrote:",
        "On 30/11/2026 at 10:00 the customer bob@example.org came in and wrote:",
        "On 30/11/2026 at 10:00 the customer (bob@example.org) came in and wrote:",
        "On 30.11.2026 we met with Ann <ann@example.org> and Bob <bob@example.org> and they wrote:",
        "Last time on 30.11.2026 at 10:00 I got this from Bob Example <bob@example.org>:",
        "Please add to the list of 30.11.2026, 10:00, Bob Example <bob@example.org>:",
        "12345 of 30.11.2026, by Bob Example <bob@example.org>:",
        "Am 30.11.2026 um 10:00 hat uns Herr Beispiel <bob@example.org> geschrieben:",
    ],
)
def test_what_somebody_tells_of_others_is_passed_on(pasted):
    text = f"Hello,\n\n{pasted}\n\nhis words\n\nWhat do I answer?"
    assert passed_on(text) == text


def test_own_words_in_the_line_of_who_is_quoted_stay():
    head = "On Mon, Nov 30, 2026 at 10:00 AM Ann Example <ann@example.org> wrote:"
    for own in ("Thanks!", "It works.", "OK", "Yes (really)"):
        for between in ("", "\n", "\n\n"):
            text = f"Hi Ann,\n{own} {head}{between}\n> Does it?\n"
            assert shown(text) == passed_on(text) == f"Hi Ann,\n{own} {head}"
