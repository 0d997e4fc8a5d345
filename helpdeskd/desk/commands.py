"""Staff commands in the first lines of a mail: reading them. Pure; receive.py carries them out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from helpdeskd.errors import Refused
from helpdeskd.mail import signatures


class Name(StrEnum):
    NOTE = "note"
    CLOSE = "close"
    OPEN = "open"
    PENDING = "pending"
    ASSIGN = "assign"
    PRIORITY = "priority"
    TAG = "tag"
    DEPARTMENT = "department"


# One line each, as it is shown to somebody who wrote one we do not know.
HELP: dict[Name, str] = {
    Name.NOTE: "#note: the text is an internal note",
    Name.CLOSE: "#close: close the ticket",
    Name.OPEN: "#open: open it again",
    Name.PENDING: "#pending 3d: wait (12h, 3d, 2w, or a date such as 2026-12-01)",
    Name.ASSIGN: "#assign name: give it to somebody (me: to yourself, nobody: to nobody)",
    Name.PRIORITY: "#priority high: low, normal, high or urgent",
    Name.TAG: "#tag a b: add tags",
    Name.DEPARTMENT: "#department name: move it",
}

_WITHOUT_ARGUMENT = frozenset({Name.CLOSE, Name.OPEN})
_BY_WORD = {name.value: name for name in Name}
_LINE = re.compile(r"#([^\W\d_]+)[:.!]?(?:\s+(.*))?")  # letters alone, in any script
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,4}) ?([hdw])[a-z]{0,6}", re.IGNORECASE)
_LONGEST = timedelta(days=3660)

_INVISIBLE = str.maketrans({"\u00a0": " ", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": ""})


@dataclass(frozen=True, slots=True)
class Command:
    name: Name
    args: str  # the rest of its line, blanks around it removed


@dataclass(frozen=True, slots=True)
class Commands:
    """`unknown` are whole lines; `rest` is the text below (with what stood on the line of #note)."""

    list: tuple[Command, ...] = ()
    unknown: tuple[str, ...] = ()
    rest: str = ""

    def __bool__(self) -> bool:
        return bool(self.list or self.unknown)

    @property
    def is_note(self) -> bool:
        return any(command.name is Name.NOTE for command in self.list)


def parse(text: str) -> Commands:
    """The commands at the head of a text. Blank lines before and between them are passed over (mail programs add them).

    A line is one when it starts with `#` and a word of letters alone: `#1 problem`, `# heading` and `#step-2` are prose. At the
    head of a mail any other such word is an unknown command, `#asign bob` and `#hashtag and prose` alike: a slip of the pen that
    is kept inside costs its author one more mail, one that goes out cannot be taken back.
    """
    found: list[Command] = []
    unknown: list[str] = []
    note: list[str] = []
    lines = text.split("\n")
    at = 0
    for at, line in enumerate(lines):  # noqa: B007 -- `at` is where prose begins
        shown = line.translate(_INVISIBLE).strip()
        if not shown:
            continue
        word, args = _split(shown)
        if not word:
            break
        name = _BY_WORD.get(word)
        if name is not None and not (args and name in _WITHOUT_ARGUMENT):
            found.append(Command(name, args))
            if name is Name.NOTE and args:
                note.append(args)
        else:
            unknown.append(shown)
    else:
        at = len(lines)
    if not found and not unknown:
        return Commands(rest=text)
    return Commands(tuple(found), tuple(unknown), "\n".join([*note, *lines[at:]]).strip("\n"))


def _split(line: str) -> tuple[str, str]:
    """(command word in lower case, arguments); ("", "") for prose."""
    match = _LINE.fullmatch(line)
    return (match[1].lower(), match[2] or "") if match else ("", "")


def kept_as_note(unknown: tuple[str, ...]) -> str:
    """What stands above a text whose commands are not known."""
    return f"[Kept as a note: {', '.join(unknown)} is not a command.]\n\n"


def is_signature(text: str) -> bool:
    """Is there nothing that its author wrote just now: nothing at all, or only a signature?"""
    for line in text.translate(_INVISIBLE).split("\n"):
        if signatures.is_sure(line):
            return True
        words = line.strip()
        if words not in {"", "--"} and not signatures.is_program(words):
            return False
    return True


def until(args: str, now: datetime) -> datetime:
    """When `#pending ARGS` ends: a span from now, or the start of a day in UTC. Raises Refused."""
    wanted = args.strip()
    span = _SPAN.fullmatch(wanted)
    if span:
        end = now + timedelta(**{_UNITS[span[2].lower()]: int(span[1])})
    else:
        try:
            end = datetime.strptime(wanted, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise Refused("bad-time", "say until when: #pending 3d (12h, 2w) or #pending 2026-12-01") from None
    if not now < end < now + _LONGEST:
        raise Refused("bad-time", f"{wanted} is not a time to wait for: it must lie ahead, within ten years")
    return end


def tags(args: str) -> tuple[str, ...]:
    """The tags of `#tag a b, #c`: each once, in order. Raises Refused where there is none."""
    found = tuple(dict.fromkeys(tag.lstrip("#").lower() for tag in re.split(r"[\s,;]+", args) if tag.strip("#")))
    if not found:
        raise Refused("no-tag", "say which: #tag a b")
    return found
