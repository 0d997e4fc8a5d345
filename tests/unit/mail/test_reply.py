"""What of a text folds, and what is said without it."""

from __future__ import annotations

import pytest

from helpdeskd.mail.reply import SURE, Fold, Kind, folds, said

WROTE = "On Mon, 2 Feb 2026 at 9:12 Support <support@desk.example> wrote:\n"
BLOCK = "From: Support <support@desk.example>\nSent: Monday, 2 February 2026\nTo: Ann\nSubject: Printer\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It burns.\n", "It burns."),
        ("\n\n    indented\n\n", "    indented"),
        ("It burns.\n\n-- \nAnn\n", "It burns."),
        (f"{WROTE}\n> Does it burn?\n>\n> Support\n\nYes.\n\nAnn\n", "Yes.\n\nAnn"),
        (f"{WROTE}\n> Does it burn?\n\nYes.\n\n-- \nAnn\n", "Yes."),
        (f"{WROTE}\nIt burns.\n", "It burns."),
        (f"{BLOCK}\nIt burns.\n", "It burns."),
        (f"---------- Forwarded message ---------\n{BLOCK}\nIt burns.\n", "It burns."),
        # Answers between the lines, with what they answer; nothing but a quote; a quote of nobody's.
        (f"{WROTE}> a?\nyes\n> b?\nno\n", f"{WROTE}> a?\nyes\n> b?\nno"),
        (f"Hi,\n{WROTE}> a?\nyes\n", f"Hi,\n{WROTE}> a?\nyes"),
        (f"{WROTE}> a?\n", f"{WROTE}> a?"),
        ("> a?\n\nYes.\n", "> a?\n\nYes."),
        (f"Look:\n\n{BLOCK}\nIt burns.\n", "Look:"),
        (f"Look.\n\n-- \nAnn\n\n{BLOCK}\nIt burns.\n", "Look."),
        ("1. stop it\n--\nThen start it again\n", "1. stop it"),
        ("-- \nAnn\n", "-- \nAnn"),
        ("", ""),
    ],
)
def test_what_is_said(text, left):
    assert said(text) == left


def test_the_places_of_folds():
    text = f"{WROTE}> a?\n\nYes.\n-- \nAnn\n"
    head, quote = len(WROTE), len(f"{WROTE}> a?\n")
    assert folds(text) == (
        Fold(0, head, Kind.HEAD),
        Fold(head, quote, Kind.QUOTE),
        Fold(text.index("-- "), len(text), Kind.SIGNATURE),
    )


def test_words_below_the_line_of_a_telephone_are_no_signature():
    text = "Yes.\n\nSent from my iPhone\n\nOr is it?\n"
    assert said(text) == "Yes."
    assert [fold.kind for fold in folds(text)] == [Kind.BELOW]
    assert said(text, (Kind.SIGNATURE, Kind.QUOTE)) == text.strip()


def test_some_kinds_may_stay():
    text = f"{BLOCK}\nIt burns.\n-- \nAnn\n"
    assert said(text, (Kind.SIGNATURE,)) == f"{BLOCK}\nIt burns."


@pytest.mark.parametrize(
    "text",
    [
        "1. stop it\n--\nThen start it again and call me.",
        "1. stop it\n\u2014\nThen start it again.",
        "1. stop it\n\u2013\nThen start it again.",
        "1. stop it\n--\u00a0\nThen start it again.",
        "1. stop it\n\n__\nThen start it again.",
        "1. stop it\n\nDisclaimer\n\nThen start it again.",
        "1. stop it\n\n-Then Start",
        "It came.\n\nSent with DHL",
        f"{WROTE}> a?\nyes\n> b?\n\n--\nno",
        "It came.\n\nSent from my iPhone",
        f"Please ask:\n\n{BLOCK}\nIt burns.\n\nWhat do I answer?",
        "Hello,\nOn 12.05.2026 at 10:30 your colleague wrote:\nIt will come.\nIt has not.",
    ],
)
def test_what_only_may_be_a_signature_or_a_quote_is_passed_on(text):
    assert said(text, SURE) == text


def test_of_two_signatures_the_sure_one_is_left_out():
    text = "Yes.\n--\nThen start it again.\n-- \nAnn"
    assert said(text, SURE) == "Yes.\n--\nThen start it again."
    assert [fold.kind for fold in folds(text)] == [Kind.ENDING, Kind.SIGNATURE]


def test_of_a_forward_nothing_is_folded_but_its_signature():
    text = f"Look:\n\n{BLOCK}\nIt burns.\n\n-- \nAnn\n"
    assert [fold.kind for fold in folds(text, forward=True)] == [Kind.SIGNATURE]
