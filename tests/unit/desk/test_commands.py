"""Reading staff commands: what is one, what is prose, and when they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.desk import commands
from helpdeskd.desk.commands import Command, Name
from helpdeskd.errors import Refused

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def read(text: str) -> tuple[list[str], list[str], str]:
    found = commands.parse(text)
    return [f"{each.name.value} {each.args}".strip() for each in found.list], list(found.unknown), found.rest


@pytest.mark.parametrize(
    ("text", "known", "rest"),
    [
        ("#close", ["close"], ""),
        ("#close\n", ["close"], ""),
        ("#CLOSE\nDone, goodbye.", ["close"], "Done, goodbye."),
        ("\n \n\t\n#close\nDone.", ["close"], "Done."),
        ("\u00a0\n\u200b#close\u00a0\nDone.", ["close"], "Done."),
        ("  #close  \nDone.", ["close"], "Done."),
        ("#close:\nDone.", ["close"], "Done."),
        ("#note\nHe is angry.\nCareful.", ["note"], "He is angry.\nCareful."),
        ("#note He is angry.\nCareful.", ["note He is angry."], "He is angry.\nCareful."),
        ("#note: He is angry.\n#close", ["note He is angry.", "close"], "He is angry."),
        ("#pending 3d\n#assign me\n\n#tag a b\nHello", ["pending 3d", "assign me", "tag a b"], "Hello"),
        ("#assign Ada Lovelace", ["assign Ada Lovelace"], ""),
        ("#Department  Sales and more ", ["department Sales and more"], ""),
        ("#tag\ta, b", ["tag a, b"], ""),
        ("#priority", ["priority"], ""),
        ("#close\nUse #open to open.\n#open", ["close"], "Use #open to open.\n#open"),
        ("#close\n#1 problem: paper", ["close"], "#1 problem: paper"),
        ("#close\n    indented", ["close"], "    indented"),
        ("#close\r\nDone.", ["close"], "Done."),
    ],
)
def test_commands_and_the_text_below(text, known, rest):
    assert read(text) == (known, [], rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Hello",
        "Hello\n#close",
        "#1 problem",
        "# heading",
        "#",
        "##",
        "#step-2 is wrong",
        "#c0ffee",
        "#close_it",
        "> #close",
        "#!/bin/sh",
        "see #close",
    ],
)
def test_prose_stays_as_it_is(text):
    found = commands.parse(text)
    assert not found
    assert found.rest == text


@pytest.mark.parametrize(
    ("text", "known", "unknown", "rest"),
    [
        ("#clsoe", [], ["#clsoe"], ""),
        ("#asign bob\nHello", [], ["#asign bob"], "Hello"),
        ("#close\n#asign bob\nHello", ["close"], ["#asign bob"], "Hello"),
        ("#hashtag and prose", [], ["#hashtag and prose"], ""),
        ("#schließen", [], ["#schließen"], ""),
        ("#close the window please", [], ["#close the window please"], ""),
    ],
)
def test_a_slip_of_the_pen_is_an_unknown_command(text, known, unknown, rest):
    assert read(text) == (known, unknown, rest)
    assert commands.parse(text)


def test_a_note_is_one_wherever_it_stands_among_the_commands():
    assert commands.parse("#close\n#note\nText").is_note
    assert not commands.parse("#close\nText").is_note


@given(st.text(alphabet=st.sampled_from("#nNote clsABß1-\n\r\t \u00a0\u200b>:."), max_size=60))
def test_reading_never_raises_and_invents_no_text(text):
    found = commands.parse(text)
    if not found:
        assert found.rest == text
    for line in found.rest.split("\n"):
        assert line.strip() in text
    assert all(isinstance(each, Command) for each in found.list)


@pytest.mark.parametrize(
    ("args", "span"),
    [
        ("3d", timedelta(days=3)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(weeks=2)),
        ("1 day", timedelta(days=1)),
        ("3D", timedelta(days=3)),
        ("2 weeks", timedelta(weeks=2)),
    ],
)
def test_until_a_span(args, span):
    assert commands.until(args, NOW) == NOW + span


def test_until_a_date_is_its_start_in_utc():
    assert commands.until(" 2026-12-01 ", NOW) == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "args", ["", "soon", "3", "3x", "-3d", "0d", "2026-03-04", "2020-01-01", "2026-13-01", "9999w", "99999d", "3d 4h"]
)
def test_no_time_to_wait_for(args):
    with pytest.raises(Refused) as refused:
        commands.until(args, NOW)
    assert refused.value.reason == "bad-time"


def test_tags():
    assert commands.tags("a #b, C;a") == ("a", "b", "c")
    for nothing in ("", " , ", "#"):
        with pytest.raises(Refused) as refused:
            commands.tags(nothing)
        assert refused.value.reason == "no-tag"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\u00a0",
        "-- \nBob\nACME",
        "--",
        "\n\nSent from my iPhone",
        "Gesendet von Mail f\u00fcr Windows",
        "Get Outlook for iOS",
    ],
)
def test_nothing_was_written_but_a_signature(text):
    assert commands.is_signature(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks.\n-- \nBob",
        "--\nThen start it",
        "Sent with DHL on Monday, it is there tomorrow.",
        "---",
        "--force helps",
        "Sent it to you yesterday",
        "x",
    ],
)
def test_something_was_written(text):
    assert not commands.is_signature(text)


def test_every_command_is_explained():
    assert set(commands.HELP) == set(Name)
    for name, line in commands.HELP.items():
        assert line.startswith(f"#{name.value}")
