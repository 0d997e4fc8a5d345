"""Which mails go to the writer, and who waits for whom."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from helpdeskd.intake import turns as room
from helpdeskd.intake.turns import in_turn


def parsed(
    name: str, *, done: bool = True, author: str = "", message_id: str = "", refers: tuple[str, ...] = ()
) -> Any:
    future: Future[None] = Future()
    if done:
        future.set_result(None)
    inbound = SimpleNamespace(
        raw_sha256=name,
        message_id=message_id or None,
        in_reply_to=refers[:1],
        references=refers,
        author=SimpleNamespace(email=author) if author else None,
    )
    return SimpleNamespace(
        name=name, arrived=SimpleNamespace(inbound=inbound), checking=SimpleNamespace(futures=[future])
    )


def names(mails):
    return "".join(each.name for each in mails)


@pytest.mark.parametrize(
    ("mails", "now", "late"),
    [
        ([], "", ""),
        ([parsed("a"), parsed("b"), parsed("c")], "abc", ""),
        ([parsed("a"), parsed("b", done=False), parsed("c")], "ac", "b"),
        ([parsed("a", done=False, author="A@x.example"), parsed("b", author="a@x.example"), parsed("c")], "c", "ab"),
        ([parsed("a", done=False, message_id="1"), parsed("b", refers=("0", "1")), parsed("c", refers=("2",))], "c", "ab"),
        ([parsed("a", done=False, refers=("1",)), parsed("b", message_id="1")], "", "ab"),
        (
            [parsed("a", done=False, message_id="1"), parsed("b", refers=("1",), author="b@x.example"), parsed("c", author="b@x.example")],
            "",
            "abc",
        ),  # one behind the other
        ([parsed("a", done=False), parsed("a"), parsed("b")], "b", "aa"),  # the same mail twice
        ([parsed("a", done=False), parsed("b"), *[parsed("a")] * 38], "b", "a" * 39),
        ([parsed("a", done=False), parsed("b"), *[parsed("a")] * 39], "ab" + "a" * 39, ""),
        ([parsed("a", done=False), parsed("b", done=False), parsed("c", done=False), parsed("d"), parsed("e", done=False)], "abcde", ""),
    ],
)  # fmt: skip
def test_turns(monkeypatch, mails, now, late):
    monkeypatch.setattr(room, "PATIENCE", 0.0)
    assert tuple(map(names, in_turn(mails, len(mails), 4))) == (now, late)


def test_new_ones_are_waited_for_a_moment(monkeypatch):
    asked = []
    monkeypatch.setattr(room, "wait_for", lambda futures, seconds: asked.append((len(futures), seconds)))
    in_turn([parsed("a", done=False), parsed("b"), parsed("c")], 2, 4)
    in_turn([parsed("a", done=False)], 0, 4)
    assert asked == [(2, room.PATIENCE), (0, room.PATIENCE)]
