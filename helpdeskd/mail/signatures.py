"""What ends a letter and is no part of what it says: `-- ` and what follows, "Sent from my iPhone", the footer of a list.

Each question looks at a bounded number of lines and characters.
"""

from __future__ import annotations

import re

from helpdeskd.mail.page import Page
from helpdeskd.mail.signwords import (
    ALONE,
    ARTICLES,
    DEVICES,
    DISCLAIMERS,
    ENDING_STARTS,
    ENDINGS,
    FOOTERS,
    GETS,
    GETS_LAST,
    GETS_WITHIN,
    JOINERS,
    LINES,
    NO_NAMES,
    OPENERS,
    OPENERS_BARE,
    OPENERS_MY,
    PLAIN_DEVICES,
    POSTSCRIPTS,
    PROGRAMS,
    SYSTEMS,
)

_SPACES = " \t\xa0"
_NUMBERED = re.compile(r"\d{1,2}[.)] ")
_LINES = 30  # of a signature behind `-- `; RFC 3676 asks for four, people have logos
_BARE_LINES = 15  # of one behind `--`, which may be a dash in a text too
_FOOTER = 8  # lines of a footer below a line of underscores
_LAWYERS = 40  # lines of a disclaimer
_SHORT = 120  # characters of the line of a program
_FEW = 4  # words from "sent with" to the name of the program, and of a device behind "sent from my"
_RULE = 10  # characters of a line of dashes that needs no blank line above it
_FULL = 200  # characters of a footer's line that are looked at
_NAME = 3  # words of a signature like "-Ann Example"
_BRACKETS = str.maketrans('[](){}<>*_\u00ab\u00bb"', " " * 13)
_STOPS = ".,;:!-\u2013\u2014\u3002"


def start(page: Page, *, sure: bool = False) -> int:
    """The line in which the signature begins, with which nothing follows that is said; the number of lines where there is
    none, or where nothing is written above it. `sure`: only a signature behind `-- `, which nobody writes by chance."""
    first = ending(page, sure=sure)
    if sure:
        return len(page.lines) if page.is_blank(0, first) else first
    if first == len(page.lines):
        first = _amid(page)
    return len(page.lines) if page.is_blank(0, first) else first


def ending(page: Page, *, sure: bool = False) -> int:
    """The line in which the signature begins that ends the text; the number of lines where there is none. `sure`: only one
    behind `-- `."""
    first = len(page.lines)
    while True:
        last = page.last_written(first)
        found = None if last < 0 else _delimited(page, last, sure=True) if sure else _ending_in(page, last)
        if found is None:
            break
        first = found
    return first


def is_sure(line: str) -> bool:
    """RFC 3676 section 4.3: `-- `, with its space. Without it, and with longer dashes, it may be a dash in a text."""
    return line == "-- "


def is_delimiter(line: str) -> bool:
    """`-- `, and what it becomes where programs strip the space or make the dashes pretty."""
    return len(line) < 8 and line.rstrip(_SPACES) in {"--", "\u2014", "\u2013", "\u2014\u2014", "\u2013\u2013"}


def is_program(line: str) -> bool:
    """Of "Sent from my iPhone", "Get Outlook for Android": the line of a telephone or a mail program, and nothing else."""
    if not 3 < len(line) <= _SHORT or line[:1] == ">":
        return False
    words = _without_links(line).translate(_BRACKETS).lower().split()
    if not words or len(words) > 16:
        return False
    text = " ".join(words)
    for opener in OPENERS_MY if text.startswith(OPENERS_MY) else ():
        if text.startswith(opener):
            rest = text[len(opener) :].split()
            if len(rest) > 1 and rest[0].endswith(","):  # "Sent from my Carrier, Maker smartphone"
                rest[0] = rest[0][:-1]
            if _names(rest) or (0 < len(rest) <= _NAME and all(one.replace("-", "").isalnum() for one in rest)):
                return True
    if text in LINES or (len(words) <= _ADVERT and text.endswith(_ADVERTS)):
        return True
    for opener in OPENERS if text.startswith(OPENERS) else ():
        if text.startswith(opener) and _sent_with(text[len(opener) :].split()):
            return True
    if text.startswith(OPENERS_BARE) and "," not in text:
        rest = text[len(next(one for one in OPENERS_BARE if text.startswith(one))) :].split()
        if _names(rest):
            return True
    if len(words) <= _GET_WORDS and _gets(text, words):
        return True
    bare = text.rstrip(_STOPS)
    if bare.endswith(ENDINGS) and any(_device(one) for one in _parts(words)):
        return bare.startswith(ENDING_STARTS) or _device(words[0]) or len(words) <= _NAME
    if bare.endswith(ENDINGS) and not bare.isascii() and any(one in bare for one in _EVERYWHERE):
        return len(words) <= _NAME
    return len(words) <= _NAME and text.endswith(("from mobile", "via mobile"))


_GET_WORDS = 7
_ADVERT = 6  # words of "Virus-free. www.avast.com"
_ADVERTS = ("www.avast.com", "www.avg.com")
_EVERYWHERE = ("iphone", "ipad", "android", "galaxy", "xperia", "windows", "outlook")


def _sent_with(rest: list[str]) -> bool:
    """Does only the name of a program follow, or of a thing that sends mail?"""
    if rest and (" ".join(rest).rstrip(_STOPS) in ALONE or (rest[0].endswith(";") and rest[0][:-1] in ALONE)):
        return True
    return _names(rest)


def _gets(text: str, words: list[str]) -> bool:
    """Of "Get Outlook for Android": a program, perhaps what it is for, and nothing else."""
    if text[-1] in "?!.:,":
        return False
    if any(one in text for one in GETS_WITHIN):
        return any(one in text for one in PROGRAMS) and any(one in text for one in SYSTEMS)
    for opener in GETS if text.startswith(GETS) else ():
        rest = text[len(opener) :].split() if text.startswith(opener) else []
        if rest and rest[0].startswith(PROGRAMS) and all(_of_get(one) for one in rest[1:]):
            return True
    return (
        any(one.startswith(PROGRAMS) for one in words)
        and any(one.startswith(SYSTEMS) for one in words)
        and any(one in GETS_LAST for one in words)
        and all(_of_get(one) or one in GETS_LAST for one in words)
    )


def _of_get(word: str) -> bool:
    return _device(word) or word in JOINERS or word.startswith(PROGRAMS)


def _device(word: str) -> bool:
    return word in DEVICES or any(word.startswith(one) for one in DEVICES if len(one) >= _FEW)


def _names(words: list[str]) -> bool:
    """Does a thing that sends mail stand at the beginning, and no sentence behind it?"""
    place = next((at for at, word in enumerate(words[:_FEW]) if _device(word.strip(_STOPS))), None)
    if place is None or any(one.endswith(tuple(_STOPS)) or one in NO_NAMES for one in words[:place]):
        return False
    others = 0
    before = ""
    sure = False
    for word in words[place:]:
        bare = word.strip(_STOPS)
        sure = sure or (_device(bare) and bare not in PLAIN_DEVICES)
        if bare in NO_NAMES or (bare in ARTICLES and others == 0 and before and before not in JOINERS):
            return False
        before = bare
        if not (_device(bare) or bare in JOINERS or any(map(str.isdigit, bare))):
            others += 1
        if others > 2:
            return False
        if word != bare or not bare:
            break  # "..., please excuse my typing"
    return sure


def _parts(words: list[str]) -> list[str]:
    """Words, and the halves of those with a hyphen or an apostrophe in them."""
    return [half for word in words for half in (word, *word.replace("'", "-").replace("\u2019", "-").split("-"))]


def _without_links(line: str) -> str:
    """A line without the addresses of web pages in it."""
    place = line.find("http")
    while place >= 0:
        end = place
        while end < len(line) and line[end] not in " \t)>]":
            end += 1
        line = f"{line[:place]} {line[end:]}"
        place = line.find("http", place)
    return line


# --- pieces of what ends a text -----------------------------------------------------------------------------------


def _ending_in(page: Page, last: int) -> int | None:
    """The first line of a piece of signature whose last line is `last`."""
    if page.quoted[last]:
        return None
    line = page.lines[last]
    if is_delimiter(line) or is_program(line):
        return last
    if _is_name(page, last):
        return last
    return _delimited(page, last)


def _delimited(page: Page, last: int, *, sure: bool = False) -> int | None:
    """Below `-- `; unless it is to be sure, below a line of underscores and below "Disclaimer", too."""
    near = True  # no blank line on the way up yet
    written = 0
    for number in range(last, max(-1, last - 2 * _LAWYERS), -1):
        line = page.lines[number]
        if page.blank[number]:
            near = False
            continue
        if page.quoted[number] or written > _LAWYERS:
            break
        if sure:
            if is_sure(line) and written <= _LINES:
                return number
            written += 1
            continue
        if is_delimiter(line) and (written <= _LINES if line.startswith("-- ") else _is_bare(page, number, written)):
            return number
        if near and 0 < written <= _FOOTER and _is_underscores(line) and (number == 0 or page.blank[number - 1]):
            return number
        if written and _is_footer(page, number):
            return number
        if line.strip(" \t\xa0*_:").lower() in DISCLAIMERS and (number == 0 or page.blank[number - 1]):
            return number
        written += 1
    return None


def _is_bare(page: Page, number: int, written: int) -> bool:
    """Is `--` without its space the start of a signature? Not within a list, and not far above the end."""
    below = page.next_written(number + 1)
    line = page.lines[below]
    return written <= _BARE_LINES and not line.startswith(("- ", "* ", "--")) and not _NUMBERED.match(line)


def _is_footer(page: Page, number: int) -> bool:
    """Is this a line of dashes or the like, above what a server says about the mail or the list?"""
    bare = page.lines[number].strip(_SPACES)
    if len(bare) < 2 or bare.strip("-_=*\u2014\u2013"):
        return False
    if number and not page.blank[number - 1]:  # a heading has a line below it that is as long as itself
        above = len(page.lines[number - 1].rstrip(_SPACES))
        if len(bare) < _RULE or abs(above - len(bare)) <= 2:
            return False
    place = page.next_written(number + 1)
    said = " ".join(one[:_FULL] for one in page.lines[place : place + 3]).lower()
    return any(one in said for one in FOOTERS)


def _is_underscores(line: str) -> bool:
    bare = line.strip(_SPACES)
    return len(bare) >= 2 and not bare.strip("_")


def _is_name(page: Page, last: int) -> bool:
    """Of "-Ann Example" below a blank line, where no list of such lines stands above it."""
    line = page.lines[last].rstrip(_SPACES)
    if not 3 <= len(line) <= 40 or line[0] not in "-\u2013\u2014" or not (last and page.blank[last - 1]):
        return False
    words = line[1:].split()
    if not 1 <= len(words) <= _NAME or not line[1].isupper():
        return False
    if not all(one[0].isupper() and one.replace(".", "").replace("-", "").isalpha() for one in words):
        return False
    above = page.last_written(last)
    return above >= 0 and not page.lines[above].lstrip().startswith(("-", "\u2013", "\u2014", "*", "\u2022"))


def _amid(page: Page) -> int:
    """The line of a program between blank ones: it stands below what is written and above what is quoted, even where nothing
    else says that it is a quote. Where lines with `>` follow, answers may stand between them."""
    last_quoted = max((number for number, quoted in enumerate(page.quoted) if quoted), default=0)
    for number in range(max(1, last_quoted + 1), len(page.lines)):
        if page.blank[number - 1] and not page.blank[number] and not page.quoted[number]:
            after = number + 1
            if (after == len(page.lines) or page.blank[after]) and is_program(page.lines[number]):
                below = page.next_written(after)
                if below == len(page.lines) or not page.lines[below].lstrip(_SPACES).lower().startswith(POSTSCRIPTS):
                    return number
    return len(page.lines)
