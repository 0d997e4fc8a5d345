"""Folding: what the parser sees is short, what it gives back is what it would have given."""

from __future__ import annotations

import base64
import random
from email import message_from_bytes
from email.message import Message

import pytest

from helpdeskd.mail import folds, tree

FILE = base64.encodebytes(bytes(range(256)) * 40)


def mail(before: bytes = b"", after: bytes = b"", end: bytes = b"\n", file: bytes = FILE) -> bytes:
    made = (
        b"From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=mark\n\npreamble\n--mark\n\nwords\n"
        b"--mark\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + before
        + file
        + after
        + b"--mark--\n"
    )
    return made.replace(b"\n", end)


def told(tree_read: Message[str, str]) -> list[object]:
    """All that a reader can see of a tree."""
    return [
        (
            list(part.raw_items()),
            part.preamble,
            part.epilogue,
            [type(defect) for defect in part.defects],
            None if part.is_multipart() else part.get_payload(),
        )
        for part in tree_read.walk()
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("before", "after"), [(b"", b""), (b"two words\n", b"=\n"), (b"A" * 61 + b"\n", b"\ntail\n"), (b"A: b\n", b"")]
)
def test_the_same_tree(end: bytes, before: bytes, after: bytes) -> None:
    raw = mail(before, after, end)
    folded, runs = folds.fold(raw)
    assert len(folded) < 600 < len(raw)
    assert len(runs) == 1
    read, trouble = tree.read(raw)
    assert not trouble
    assert told(read) == told(message_from_bytes(raw))


def test_outside_the_parts_too() -> None:
    for raw in (
        mail().replace(b"preamble\n", FILE),
        mail() + FILE,
        b"Subject: only text\n\n" + FILE,
        b"\n" + FILE,
        b"Subject: folded\n" + FILE + b"\n\nx",
    ):
        assert told(tree.read(raw)[0]) == told(message_from_bytes(raw))


def test_short_runs_and_our_own_mark_stay() -> None:
    raw = mail(file=FILE[:3000])
    assert folds.fold(raw) == (raw, [])
    raw = mail(before=b"x0fold0x\n")
    assert folds.fold(raw) == (raw, [])


def test_damaged_mails_read_alike() -> None:
    chance = random.Random(1)
    for _ in range(200):
        raw = bytearray(mail(end=chance.choice([b"\n", b"\r\n"])))
        for _ in range(chance.randrange(1, 8)):
            place = chance.randrange(len(raw))
            raw[place : place + chance.choice([0, 1, 40, 4000])] = chance.choice(
                [b"\n", b"\r", b"\n--mark\n", b":", b"\xff", b""]
            )
        assert told(tree.read(bytes(raw))[0]) == told(message_from_bytes(bytes(raw)))
