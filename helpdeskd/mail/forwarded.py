"""A mail that somebody passed on, in the text of their own or attached to it: what they say above it, who wrote it, and what
it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from helpdeskd.mail import automatic, datewords, heads, ids, quoting
from helpdeskd.mail.headers import Headers
from helpdeskd.mail.page import ENDS, Page
from helpdeskd.model.mail import Address, Forward, Inbound, Kind, Part

ATTACHED = frozenset({"message/rfc822", "message/global"})
MAX_ATTACHED = 8 << 20  # bytes of an attached mail that is opened: it costs as much memory again
_MARK = ">"
_NEAR = 6  # lines from where a quote begins to its block of headers
_AHEAD = timedelta(days=1)  # that a clock may be wrong by: a mail is not passed on before it is written
# What Norwegian and Danish programs put before a forward, and Finnish ones before an answer: the language of the block tells.
_VS = re.compile(r"\s*vs\s?[:\uff1a]", re.IGNORECASE)
_UNATTENDED = "nobody reads what is sent to its author"
_FIRST = tuple("> -_=*#~\u2013\u2014\u2500")  # how a line that says so may begin; others end in a colon
_ADDRESS = re.compile(
    r"[^\s<>\[\]()\"',;:]{1,64}@[^\s<>\[\]()\"',;:]{1,255}"
)  # a From that holds several names nobody for sure
_ADDRESSED = re.compile(
    r"(?m)^[^\s:\uff1a][^:\uff1a\n]{0,30}[:\uff1a][^\n]{0,200}@"
)  # a header of a language we do not know
_NORDIC = re.compile(r"^[\s>*]*fra\s*\**\s*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Forwarded:
    comment: str  # of who forwards
    author: Address | None  # None: the block names somebody without an address
    author_words: str  # what stands behind From
    date_words: str
    subject: str
    text: str
    head: str = ""  # the block itself


def find(
    subject: str,
    text: str,
    parts: Iterable[Part],
    *,
    says: bool,
    date: datetime | None,
    date_header: str,
    opened: Callable[[bytes], Inbound],
    marker: str,
) -> Forward | None:
    """The mail that one with this subject, text and these files passes on; None where it passes on none, or several.

    Its subject (`says`), or a line such as "Begin forwarded message:" before any quote, must say so; for an attached mail, the subject
    of that one or none does, too. `date` is the moment of its Date header. `opened` reads an attached mail; `marker` is that of our notices.
    """
    if says or _VS.match(subject) or (not ids.is_reply(subject) and _says_so(text)):
        found = read(text)
        if found is not None and (says or not _VS.match(subject) or _NORDIC.search(found.head)):
            return _of_text(found, subject, date, datewords.zone_of(date_header), marker)
    mails = [part for part in parts if part.content_type in ATTACHED and len(part.data) <= MAX_ATTACHED]
    if len(mails) != 1:
        return None
    original = opened(mails[0].data)
    named = ids.base_subject(subject)
    if says or not named or named.casefold() == ids.base_subject(original.subject).casefold():
        return _of_file(original, mails[0].sha256, text, subject)
    return None


def _says_so(text: str) -> bool:
    """Does a line say that what follows is forwarded, with no quote above it?"""
    if not any(heads.says_forwarded(line) for line in text.split("\n") if line[:1] in _FIRST or line.endswith(ENDS)):
        return False
    page = Page(text)
    found = (heads.find(page, number) for number in range(len(page.lines)) if not page.blank[number])
    first = next((head for head in found if head is not None), None)
    return first is not None and first.forwards


def _of_text(
    found: Forwarded,
    subject: str,
    date: datetime | None,
    zone: timedelta,
    marker: str,
) -> Forward:
    said = quoting.split(found.text, marker)
    written = datewords.moment(found.date_words, zone)
    if written is not None and date is not None and written > date + _AHEAD:
        written = None  # read wrongly, or wrong
    unattended = found.author is not None and automatic.is_unattended(found.author.email)
    return Forward(
        author=found.author,
        comment=found.comment,
        subject=found.subject or ids.base_subject(subject),
        date=written,
        text=said.text,
        quote=said.quote,
        head=found.head,
        kind=Kind.AUTO_GENERATED if unattended else Kind.PERSONAL,
        kind_why=_UNATTENDED if unattended else "",
    )


def _of_file(original: Inbound, sha256: str, comment: str, subject: str) -> Forward | None:
    """None for a mail of our own: nobody else wrote it."""
    if original.kind is Kind.OWN:
        return None
    unattended = original.author is not None and automatic.is_unattended(original.author.email)
    machine = unattended and original.kind is Kind.PERSONAL
    return Forward(
        author=original.author,
        comment=comment.strip("\n \t\xa0"),
        subject=original.subject or ids.base_subject(subject),
        date=original.date,
        text=original.text,
        quote=original.quote,
        attached=sha256,
        html=original.html,
        parts=tuple(part for part in original.parts if part.sha256 != sha256),
        message_id=original.message_id,
        references=tuple(dict.fromkeys((*original.references, *original.in_reply_to))),
        kind=Kind.AUTO_GENERATED if machine else original.kind,
        kind_why=_UNATTENDED if machine else original.kind_why,
    )


def read(text: str) -> Forwarded | None:
    """The mail whose block of headers, in any of the languages of mail.quotewords, is the first thing in `text` that introduces another's
    words; None where it is none. What stands further down is theirs: they may have written a block themselves, with another's name.
    Whether the mail is a forward at all is for its subject, and its sender, to say."""
    page = Page(text)
    for number in range(len(page.lines)):
        if page.blank[number]:
            continue
        found = _quoted_at(page, number) if page.quoted[number] else _at(page, number) or _below(page, number)
        if found is not None:
            return None if _ADDRESSED.search(found.comment) else found
        if page.quoted[number] or heads.find(page, number) is not None:
            return None
    return None


def _below(page: Page, number: int) -> Forwarded | None:
    """The mail whose headers follow the line `number`, which says that something follows, with nothing written between."""
    if not heads.says_passed_on(page.lines[number]):
        return None
    after = page.next_written(number + 1)
    if after == len(page.lines):
        return None
    found = _quoted_at(page, after) if page.quoted[after] else _at(page, after)
    return None if found is None else replace(found, comment=_joined(page.lines[:number]))


def _quoted_at(page: Page, number: int) -> Forwarded | None:
    """The same where the mail is quoted; what follows without `>` is whoever forwards it."""
    end = page.block_end(number)
    inner = Page("\n".join(_unquoted(one) for one in page.lines[number:end]))
    found = next((one for at in range(min(_NEAR, len(inner.lines))) if (one := _at(inner, at))), None)
    if found is None or found.comment:  # words of the quoted one stand above it
        return None
    around = (_joined(page.lines[:number]), _joined(page.lines[end:]))
    return replace(found, comment="\n\n".join(each for each in around if each))


def _at(page: Page, number: int) -> Forwarded | None:
    """The mail whose headers begin in line `number`."""
    found = heads.block(page, number)
    if found is None:
        return None
    end, values = found
    words = values.get("from", "")
    named = {each.lower().strip(".") for each in _ADDRESS.findall(words)}
    addresses = Headers([("From", _one_address(words))]).addresses("from") if len(named) == 1 else ()
    return Forwarded(
        comment=_joined(page.lines[: _above(page, number)]),
        author=addresses[0] if addresses else None,
        author_words=words,
        date_words=values.get("date") or values.get("sent", ""),
        subject=values.get("subject", ""),
        text=_joined(page.lines[end:]),
        head=_joined(page.lines[number:end]),
    )


def _above(page: Page, number: int) -> int:
    """Without the line that says that something is forwarded, or draws a rule."""
    above = page.last_written(number)
    if above >= 0 and (heads.says_forwarded(page.lines[above]) or heads.is_rule(page.lines[above])):
        return above
    return number


def _unquoted(line: str) -> str:
    bare = line.lstrip(" \t\xa0")
    return bare[1:].removeprefix(" ") if bare.startswith(_MARK) else line


def _one_address(words: str) -> str:
    """`Ann <ann@example.org<mailto:ann@example.org>>`, `Ann [mailto:ann@example.org]`: as a header would have it."""
    words = words.replace("[mailto:", "<").replace("]", ">") if "[mailto:" in words else words
    head, opened, tail = words.partition("<")
    if not opened:
        return words
    address = tail.split("<", 1)[0].split(">", 1)[0].removeprefix("mailto:").strip()
    if head.strip(" \"'").count("@") == 1 and "@" not in address:
        return head
    return f"{head.strip() or ''} <{address}>".strip()


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n \t\xa0")
