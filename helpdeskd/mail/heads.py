"""What introduces a quote: "On ... wrote:", a block of mail headers, "-----Original Message-----"; in any of the languages
of mail.quotewords, wrapped over several lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from helpdeskd.mail.page import ENDS, LONGEST, Page, is_groupwise
from helpdeskd.mail.quotewords import (
    FORWARDED,
    HEADER_LABELS,
    OPENERS,
    ORIGINAL_MESSAGE,
    QUOTERS,
    REPLY_ABOVE,
    VERBS,
)

_VERB_ENDS = tuple(one.rstrip(":") for one in VERBS)
WRAPPED = 4  # lines an attribution may be wrapped over
_ABBREVIATION = 6  # characters of one, with its full stop
_BLOCK = 14  # written lines of a block of headers
_SPACES = " \t\xa0"
_RULERS = "-=_*#~\u2010\u2011\u2012\u2013\u2014\u2500"
_BRACES = " \t\xa0*_.:()[]{}<>#=-\u2191\u25b2^"
_MARKS = " \t\xa0*_"
_TIME = re.compile(r"\d{1,2}[:h\u6642\u65f6\u70b9]\d{2}(?!\d)|(?<![\d.])\d{1,2}\.\d{2}(?!\.?\d)|\d ?[ap]\.?m\b")
_DATE = re.compile(r"(?<!\d)\d{4}(?!\d)|(?<![\d./\[-])\d{1,2}[./-]\d{1,2}[./-](?!\d(?!\d))|\d{1,2}[\u6708\uc6d4]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Head:
    """The lines that introduce a quote: [start, end). `forwards`: they say that it is forwarded. `sure`: what follows is quoted
    even without `>`; below others its lines may be answers, or what somebody pasted ends and their own words go on."""

    start: int
    end: int
    forwards: bool = False
    sure: bool = True


def find(page: Page, number: int) -> Head | None:
    """The head that ends in, or begins with, the written line `number`; for a quoted line, whatever stands above it."""
    if page.quoted[number]:
        return Head(_with_attribution(page, number), number, forwards=says_forwarded(page.lines[number]))
    line = page.lines[number]
    if len(line) > LONGEST:
        return None
    stripped = line.strip(_SPACES)
    words = _between_dashes(stripped)
    if words:
        if (
            words in ORIGINAL_MESSAGE
            or words in REPLY_ABOVE
            or (stripped.startswith("##-") and stripped.endswith("-##"))
        ):
            return Head(number, number + 1, sure=words not in ORIGINAL_MESSAGE)
        if words in FORWARDED:
            return Head(number, number + 1, forwards=True)
    if stripped.endswith(ENDS) and _plain(stripped) in FORWARDED:
        return Head(number, number + 1, forwards=True)
    if stripped.strip(_BRACES).lower() in REPLY_ABOVE:
        return Head(number, number + 1, sure=False)
    if is_groupwise(line):
        return Head(number, number + 1, sure=False)
    if stripped.endswith(ENDS) or words or _ends_in_verb(stripped):
        start, sure = _attribution(page, number)
        if start is not None:
            after = page.next_written(number + 1)
            if (sure and not _is_log(page, start, after)) or (after < len(page.lines) and page.quoted[after]):
                return Head(start, number + 1, sure=_names_sender(" ".join(page.lines[start : number + 1])))
    if ":" in stripped or "\uff1a" in stripped:
        end = _header_block(page, number)
        if end is None and _is_block_in_a_line(line):
            end = number + 1
        if end is not None:
            return Head(_with_rule(page, number), end, sure=False)
    return None


def says_forwarded(line: str) -> bool:
    """Of "---------- Forwarded message ---------", or "Begin forwarded message:", and nothing else."""
    stripped = line[:LONGEST].strip(_SPACES + ">")
    return (_between_dashes(stripped) or _plain(stripped)) in FORWARDED


def says_passed_on(line: str) -> bool:
    """The same, or "-----Original Message-----"."""
    return says_forwarded(line) or _between_dashes(line[:LONGEST].strip(_SPACES)) in ORIGINAL_MESSAGE


def label(line: str) -> str:
    """Which header a line claims to be: from, date, to, subject, cc, other; empty for none."""
    piece = line[:80].replace("\uff1a", ":")
    name, colon, _ = piece.partition(":")
    if not colon:
        return ""
    return HEADER_LABELS.get(" ".join(name.strip(_MARKS).lower().split()), "")


# --- On ... wrote: ----------------------------------------------------------------------------------------------


_SENDER = re.compile(r"[<(\[]\s*(?:mailto:\s*)?[^\s<>()\[\]@]{1,254}@[^\s<>()\[\]@]{1,254}\s*[>)\]<]")
_VERB_WORDS = 3  # behind the address: "het volgende geschreven:"
# Who says these speaks of the letter; a program does not.
_SPEAKERS = frozenset(
    (
        "we",
        "me",
        "us",
        "they",
        "who",
        "our",
        "this",
        "that",
        "ich",
        "wir",
        "uns",
        "unser",
        "nous",
        "yo",
        "nosotros",
        "noi",
    )
)
_NAME = 4  # words of a name
_LINE_OF_LOG = 10  # characters of a date, with which the next line of a log begins, too


def _names_sender(joined: str) -> bool:
    """One address in brackets, or all of it between dashes, figures beside it, and no sentence around it: people who write that
    somebody wrote put it otherwise."""
    pieces = _SENDER.split(joined)
    if not _DIGIT.search(" ".join(pieces)) or _speaks(joined.lower()):
        return False
    if len(pieces) != 2:
        return joined.lstrip().startswith("--") and joined.count("@") == 1
    return len(pieces[1].split()) <= _VERB_WORDS or bool(_DIGIT.search(pieces[1]))


def _speaks(words: str) -> bool:
    found = words.split()
    return not _SPEAKERS.isdisjoint(found) or ("i" in found and "wrote" in words)


def _is_log(page: Page, start: int, after: int) -> bool:
    """Do the lines before or behind begin with the same date?"""
    date = page.lines[start][:_LINE_OF_LOG]
    around = (start - 1, after) if start else (after,)
    return date[:1].isdigit() and any(n < len(page.lines) and page.lines[n].startswith(date) for n in around)


class _Rating(NamedTuple):
    """What lines that may introduce a quote hold."""

    opened: bool  # they begin as attributions do
    sure: bool  # they are one even where no `>` follows
    complete: bool  # who and when: nothing above belongs to them


def _attribution(page: Page, last: int) -> tuple[int | None, bool]:
    """(first line, is it sure without `>` below it) of an "On ... wrote:" that ends in line `last`."""
    joined = ""
    found: tuple[int | None, bool] = (None, False)
    first = last
    for _ in range(WRAPPED):
        line = page.lines[first]
        if page.quoted[first] or len(line) + len(joined) > LONGEST:
            break
        joined = f"{line.strip().lower()} {joined}" if joined else line.strip().lower()
        rating = _rate(joined)
        if rating is not None:
            if rating.complete or (rating.opened and rating.sure):
                return first, rating.sure
            if found[0] is None or (rating.sure and not found[1]):
                found = (first, rating.sure)
        above = first - 1
        while above >= 0 and page.blank[above] and joined.startswith(("<", "mailto:")) and first - above < 3:
            above -= 1
        if above < 0 or page.blank[above] or _ends_a_sentence(page.lines[above][-40:]):
            break
        first = above
    if found[0] and page.opens(found[0] - 1):
        return found[0] - 1, found[1]
    return found


def _ends_a_sentence(line: str) -> bool:
    """An attribution is not wrapped behind a full stop, unless it is an abbreviation's."""
    stripped = line.rstrip(_SPACES)
    if stripped.endswith(("!", "?", ":", ";", "\u3002", "\uff01", "\uff1f")):
        return True
    word = stripped.rpartition(" ")[2]
    return stripped.endswith(".") and len(word) > _ABBREVIATION


def _rate(joined: str) -> _Rating | None:
    """None where the lines introduce no quote."""
    words = joined.strip(_MARKS + "-\u2014>")
    verb = any(one in joined for one in VERBS)
    closed = joined.endswith(ENDS)
    address = "@" in words
    time = bool(_TIME.search(words))
    date = bool(_DATE.search(words))
    opened = words[:1].isdigit() or words.startswith(OPENERS)
    if "=<" in words or (not opened and _begins_within(words)):  # "to=<ann@example.org>" is a server's log
        return None
    if verb:
        # Who says "my colleague wrote on Monday at 9:12:" in a letter quotes by hand: a program puts the address in brackets.
        named = opened or ("<" in words and address)
        if closed:
            sure = named and ((time and date) or (address and (date or opened)))
        else:
            sure = date and ((named and address) or (opened and time))
        if closed and not sure:
            sure = _is_short(words, who=bool(_SENDER.search(words)), when=time and date)
        sure = sure and not _speaks(words)
        if sure or (opened and closed):
            return _Rating(opened and (sure or bool(_DIGIT.search(words))), sure, sure and address and date)
        return None
    # No verb, as in Gmail's Russian and Japanese: date, time and the address right before the colon.
    bare = words.rstrip(":\uff1a" + _MARKS)
    if closed and address and date and time and _is_bare(bare, opened=opened):
        return _Rating(opened, True, True)
    if closed and words.startswith(QUOTERS) and _SENDER.search(words) and bare.endswith(">"):
        return _Rating(True, True, False)
    return None


_NEW_SENTENCE = re.compile(r"[.!?)\u2026] +|(?<=\S) (?=on (?:mon|tue|wed|thu|fri|sat|sun), )")
_SENTENCE = re.compile(r"[^\W\d_]{5,}[.!?]\s+[^\W\d_]")  # of a word, not of "Prof. Dr."
_SENTENCES = 8  # places in a line that are looked at
_WEEKDAY = 2  # words before the date
_FEW = 7  # words around an address or a date that say nothing but who wrote, and when


def _begins_within(words: str) -> bool:
    """Of "Thanks! On Mon, 30 Nov 2026 at 10:00 Ann <ann@example.org> wrote:": the words before are somebody's own."""
    if _SENTENCE.search(words[:200]):
        return True
    places = list(_NEW_SENTENCE.finditer(words[:200]))[:_SENTENCES]
    return any(
        words.startswith(OPENERS, one.end()) and _SENDER.search(words, one.end()) and _DATE.search(words, one.end())
        for one in places
    )


def _is_short(words: str, *, who: bool, when: bool) -> bool:
    """Of "Ann Example <ann@example.org> wrote:" and "Ann Example wrote on 30/11/2026 10:00:": nothing but who, and when."""
    rest = _SENDER.sub(" ", words)
    if who and not _DIGIT.search(rest):
        return len(rest.split()) <= _FEW and _SENDER.search(words[:120]) is not None
    if not when or not rest.rstrip(":\uff1a" + _MARKS)[-1:].isdigit():
        return False
    names = _DIGIT.search(rest)
    return names is not None and len(rest[: names.start()].split()) <= _FEW - 2


def _is_bare(bare: str, *, opened: bool) -> bool:
    """Of "30.11.2026, 10:00 by ann@example.org" and "Monday, 30 November 2026, 10:00 Ann <ann@example.org>": no sentence around it."""
    if bare.endswith(">"):
        figure = _DIGIT.search(bare)
        return figure is not None and len(bare[: figure.start()].split()) <= _WEEKDAY + opened
    return (bare.endswith(")") or "@" in bare.rpartition(" ")[2]) and bare[:1].isdigit() and len(bare.split()) <= _FEW


def _ends_in_verb(line: str) -> bool:
    """Of "On ... Ann <ann@example.org> wrote": some programs forget the colon."""
    tail = line[-24:].lower().rstrip(_MARKS + "-")
    return ("@" in line or len(line) < 24) and tail.endswith(_VERB_ENDS)


def _with_attribution(page: Page, number: int) -> int:
    """A quote begins with who said it, if the lines above say so in a way the tables do not know: `Bob, 1/2/2026:`."""
    above = page.last_written(number)
    if above < 0 or number - above > 3 or page.quoted[above]:
        return number
    line = page.lines[above].strip()
    if len(line) > 200 or _begins_within(line.lower()):
        return number
    if line.endswith(ENDS):
        start, _ = _attribution(page, above)
        if start is not None:
            return start
        if _is_name_and_verb(line, alone=above + 1 == number and (not above or page.blank[above - 1])):
            return above
        if _DIGIT.search(line) or "@" in line:
            return above - 1 if above and page.opens(above - 1) else above
        # An attribution whose verb was broken by its wrapping: nothing else has an address, a date and a time.
        if above and not page.blank[above - 1] and not page.quoted[above - 1]:
            before = page.lines[above - 1].strip().lower()
            if len(before) <= LONGEST and "@" in before and _TIME.search(before) and _DATE.search(before):
                return above - 1
    elif (
        line.endswith(">")
        and "@" in line
        and _DATE.search(line)
        and (line[:1].isdigit() or line.lower().startswith(OPENERS))
    ):
        return above
    return number


def _is_name_and_verb(line: str, *, alone: bool) -> bool:
    """Of "Ann Example wrote:": a name and nothing else, right above what is quoted."""
    names = line.rstrip(":\uff1a" + _MARKS).split()[:-1]
    tail = f" {line.lower()}"
    return (
        alone
        and 0 < len(names) <= _NAME
        and all(one[0] in "\"'(" or (one[0].isalpha() and one[0] == one[0].upper()) for one in names)
        and not _speaks(line.lower())
        and any(tail.endswith((f"{verb}:", f"{verb} :")) for verb in _VERB_ENDS)
    )


# --- blocks of headers ------------------------------------------------------------------------------------------


_DATED = frozenset({"date", "sent"})


def _header_block(page: Page, number: int) -> int | None:
    """The end of the block of mail headers that begins here, as Outlook puts it above a quote; None where none does.

    From, and two of date, to, subject, within a few written lines; labels in any of the languages of the table. A block that
    begins with another header needs all of them. A date must stand in it, and an address, or when it was sent, or all of them:
    "From: Berlin, To: Hamburg, Date: Monday" is somebody who travels.
    """
    first = label(page.lines[number])
    if not first or first == "other":
        return None
    kinds = {first}
    dated = _is_dated(first, page.lines[number])
    written = 0
    place = number + 1
    end = place
    addressed = "@" in page.lines[number][:LONGEST]
    while place < len(page.lines) and written < _BLOCK and place - number < 2 * _BLOCK:
        line = page.lines[place][:LONGEST]
        if page.quoted[place]:
            break
        if not page.blank[place]:
            written += 1
            kind = label(line)
            if kind in kinds and kind in {"from", "subject"}:
                break
            addressed = addressed or "@" in line
            if kind:
                kinds.add(kind)
                dated = dated or _is_dated(kind, line)
                end = place + 1
            elif label(page.lines[place - 1]) and page.lines[place - 1].rstrip(_MARKS).endswith((":", "\uff1a")):
                end = place + 1  # its label has a line of its own
                dated = dated or _is_dated(label(page.lines[place - 1]), line)
            elif page.blank[place - 1] or not (line.startswith((" ", "\t", "<")) or "@" in line or written == 1):
                if not _goes_on(page, place):
                    break
            else:
                end = place + 1
        place += 1
    named = {"date" if one == "sent" else one for one in kinds} & {"date", "to", "subject"}
    sure = dated and (addressed or "sent" in kinds or len(named) == 3)
    if "from" not in kinds or len(named) < 2 or not sure:
        return None
    return end if first == "from" or len(named) == 3 else None


def _is_block_in_a_line(line: str) -> bool:
    """Of "From: Ann <ann@example.org> Sent: 30 November 2026 To: Eve Subject: Printer", where a program lost the line ends."""
    if "@" not in line or label(line) != "from" or not _DIGIT.search(line):
        return False
    words = line.replace("\uff1a", ":").lower().split()
    kinds = {HEADER_LABELS.get(one.strip(_MARKS + ":"), "") for one in words if one.endswith((":", ":*"))}
    return {"from", "to", "subject"} <= kinds and bool(kinds & _DATED)


def block(page: Page, number: int) -> tuple[int, dict[str, str]] | None:
    """(end, header to its words) of the block of headers that begins in line `number`; None where none does. A header that
    was wrapped is one line, and of a repeated one the first counts."""
    end = None if page.quoted[number] or page.blank[number] else _header_block(page, number)
    if end is None:
        return None
    found: dict[str, str] = {}
    last = ""
    for line in page.lines[number:end]:
        kind = label(line)
        if kind and kind not in found:
            last = kind
            found[kind] = line.replace("\uff1a", ":", 1).partition(":")[2][:LONGEST].strip(_MARKS)
        elif not kind and last and len(found[last]) < LONGEST:
            found[last] = f"{found[last]} {line[:LONGEST].strip(_SPACES)}".strip()
        elif kind:
            last = ""
    return end, found


def _is_dated(kind: str, line: str) -> bool:
    """When it was sent, in whatever words; a date that is one by its figures."""
    return kind == "sent" or (kind == "date" and bool(_DIGIT.search(line)))


def _goes_on(page: Page, place: int) -> bool:
    """A subject or a list of recipients may be wrapped: does a header follow this line at once?"""
    after = place + 1
    if page.blank[place - 1] or after >= len(page.lines) or page.blank[after]:
        return False
    return bool(label(page.lines[after]))


_NOTES = re.compile(
    r"^[^-]{1,80} ?---\d{1,4}[./-]\d.{6,20}---"
)  # Lotus Notes: who, when, and how what is quoted begins


def is_rule(line: str) -> bool:
    """A line of dashes, underscores or the like, with words between them or without."""
    stripped = line[:LONGEST].strip(_SPACES)
    return (
        stripped == "\u2026"
        or bool(_between_dashes(stripped))
        or _plain(stripped) in ORIGINAL_MESSAGE
        or _NOTES.search(stripped) is not None
        or (len(stripped) >= 5 and not stripped.strip("-_=*\u2500\u2014\u2013"))
    )


def _with_rule(page: Page, number: int) -> int:
    """A line of dashes or underscores above a quote belongs to it."""
    above = page.last_written(number)
    return above if above >= 0 and number - above <= 3 and is_rule(page.lines[above]) else number


def _between_dashes(line: str) -> str:
    """The words of "-----Original Message-----", in lower case; of "##- Reply above this line -##" and the like, too."""
    left = line.lstrip("> ")
    if len(line) > 120 or left[:1] not in _RULERS or left[1:2] not in _RULERS:
        return ""
    words = _small(left.strip(_RULERS + _SPACES))
    bare = left.rstrip(_SPACES)
    if words and bare[-1] in _RULERS and bare[-2] in _RULERS:
        return words
    return words if words in FORWARDED or words in ORIGINAL_MESSAGE or words in REPLY_ABOVE else ""  # on one side only


def _plain(line: str) -> str:
    return _small(line.strip(_MARKS + ":\uff1a"))


def _small(words: str) -> str:
    """In small letters, with single spaces; those of a Turkish capital I with its dot are an i and a dot."""
    return " ".join(words.lower().replace("i\u0307", "i").split())
