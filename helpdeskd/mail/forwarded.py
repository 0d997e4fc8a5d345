"""A mail that somebody passed on in the text of their own: what they say above it, who wrote it, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from helpdeskd.mail import heads
from helpdeskd.mail.headers import Headers
from helpdeskd.mail.page import Page
from helpdeskd.model.mail import Address

_MARK = ">"
_NEAR = 6  # lines from where a quote begins to its block of headers


@dataclass(frozen=True, slots=True)
class Forwarded:
    comment: str  # of who forwards
    author: Address | None  # None: the block names somebody without an address
    author_words: str  # what stands behind From
    date_words: str
    subject: str
    text: str


def read(text: str) -> Forwarded | None:
    """The first mail with a block of headers in `text`, in any of the languages of mail.quotewords; None where there is none.
    Whether the mail is a forward at all is for its subject, and its sender, to say."""
    page = Page(text)
    quoted = False  # has a quote been looked into? One is enough.
    for number, line in enumerate(page.lines):
        if page.quoted[number] and not quoted:
            quoted = heads.says_forwarded(line) or heads.label(line.lstrip("> \t\xa0")) == "from"
            if quoted:
                inner = Page("\n".join(_unquoted(one) for one in page.lines[number:]))
                found = next((one for at in range(_NEAR) if at < len(inner.lines) and (one := _at(inner, at))), None)
                if found is not None:
                    return replace(found, comment=_joined(page.lines[:number]))
        if found := _at(page, number):
            return found
    return None


def _at(page: Page, number: int) -> Forwarded | None:
    """The mail whose headers begin in line `number`."""
    found = heads.block(page, number)
    if found is None:
        return None
    end, values = found
    words = values.get("from", "")
    addresses = Headers([("From", _one_address(words))]).addresses("from")
    return Forwarded(
        comment=_joined(page.lines[: _above(page, number)]),
        author=addresses[0] if addresses else None,
        author_words=words,
        date_words=values.get("date") or values.get("sent", ""),
        subject=values.get("subject", ""),
        text=_joined(page.lines[end:]),
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
