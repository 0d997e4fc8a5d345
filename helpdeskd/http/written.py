"""What a program wrote, as words of the desk."""

from __future__ import annotations

import re

from helpdeskd.desk import tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.http.given import Upload
from helpdeskd.mail import html

_MARKUP = re.compile(r"<[a-zA-Z/!]|&[a-zA-Z#]\w*;", re.ASCII)


def text_and_html(body: str) -> tuple[str, str]:
    """HTML where it looks like it, cleaned, and as text; else text as it is. In the view's thread: cleaning takes its time."""
    if not _MARKUP.search(body):
        return body, ""
    cleaned = html.clean(body)
    return (html.to_text(cleaned) if cleaned else _words_left(body)), cleaned


def _words_left(body: str) -> str:
    """Of HTML that could not be cleaned, or of which nothing was left: words are never lost."""
    return body if len(body) > html.MAX_BYTES else html.to_text(body) or body


def parts_of(uploads: tuple[Upload, ...]) -> tuple[Part, ...]:
    """Its files; a part without a file's name, as browsers send it for none, is no file."""
    return tuple(
        Part(each.name or each.part, each.content_type, each.size, each.sha256) for each in uploads if each.name
    )


def words_of(body: str, subject: str, uploads: tuple[Upload, ...]) -> Words:
    """A message with its files."""
    text, cleaned = text_and_html(body)
    return Words(text=text, html=cleaned, subject=subject, reason=tickets.API, parts=parts_of(uploads))
