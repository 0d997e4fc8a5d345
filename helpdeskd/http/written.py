"""What a program wrote, as words of the desk."""

from __future__ import annotations

import re

from helpdeskd.desk import tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.http.given import Upload
from helpdeskd.mail import html

# Not every `<`: people write <now>, and addresses so, in plain text.
_ELEMENTS = (
    "a abbr address article b big blockquote body br center cite code col dd del details div dl dt em embed figure font footer form h[1-6]"
    " head header hr html i iframe img input ins kbd li link main mark meta nav object ol p pre q s samp script section small"
    " span strike strong style sub sup svg table tbody td tfoot th thead title tr tt u ul var video"
)
_MARKUP = re.compile(
    rf"</?(?:{_ELEMENTS.replace(' ', '|')})(?:[\s/][^<>]*)?>|<!(?:--|doctype)|&(?:[a-z]{{2,31}}|#\d{{1,7}}|#x[0-9a-f]{{1,6}});",
    re.ASCII | re.IGNORECASE,
)


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
