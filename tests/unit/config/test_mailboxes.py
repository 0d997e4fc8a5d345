"""Mailboxes that cannot work together, whatever each alone says."""

from __future__ import annotations

from typing import Any

import pytest

from helpdeskd.config import Config, Mailbox
from helpdeskd.config.check import contradictions


def box(name: str, **changed: Any) -> Mailbox:
    return Mailbox(**{"name": name, "host": "imap.example.org", "user": "desk", "password": "p", **changed})


@pytest.mark.parametrize(
    ("boxes", "found"),
    [
        ([box("a")], []),
        ([box("a", after="move", move_to="Done")], []),
        ([box("a", after="move", move_to="Done", folders=("INBOX", "Done"))], ["not itself watched; Done is"]),
        ([box("a", after="move", move_to="inbox")], ["not itself watched; inbox is"]),
        ([box("a", after="move", move_to="Done"), box("b", folders=("Done",))], ["not itself watched; Done is"]),
        ([box("a", after="move", move_to="Done"), box("b", folders=("Done",), user="other")], []),
        ([box("a", after="move")], ["expected move_to"]),
        ([box("a"), box("b", host="IMAP.example.org", folders=("Inbox",))], ["already watched by a"]),
        ([box("a", folders=("INBOX", "x\r\nA1 DELETE INBOX"))], ["expected no control characters"]),
        ([box("a", user="x\ny")], ["expected no control characters"]),
        ([box("a"), box("a", host="other.example")], ["a name of its own"]),
        ([box("../a")], ["it names files"]),
        ([box("a", password="")], ["exactly one of"]),
        ([box("a", oauth2_command=("x",))], ["exactly one of"]),
    ],
)
def test_settings_that_cannot_work(boxes, found):
    problems = list(contradictions(Config(mailbox=tuple(boxes))))
    assert len(problems) == len(found), problems
    for (_, expected), words in zip(problems, found, strict=True):
        assert words in expected
