"""What somebody wrote to be shown to others, as HTML that is safe and as plain text: of messages, articles and canned responses.

Made before the writer is asked, in the caller's own thread, since cleaning takes its time and the writer is everybody's:

    body = bodies.of(words)
    store.writer.run(lambda conn: articles.create(conn, desk, now, draft=Draft("Printers", body), actor=ada))
"""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass

from helpdeskd.errors import Refused
from helpdeskd.mail import html

MAX_TITLE = 500  # characters
# What is taken for HTML. Not every `<`: people write <now>, and addresses so, in plain text.
_ELEMENTS = (
    "a abbr address article b big blockquote body br center cite code col dd del details div dl dt em embed figure font footer form h[1-6]"
    " head header hr html i iframe img input ins kbd li link main mark meta nav object ol p pre q s samp script section small"
    " span strike strong style sub sup svg table tbody td tfoot th thead title tr tt u ul var video"
)
_MARKUP = re.compile(
    rf"</?(?:{_ELEMENTS.replace(' ', '|')})(?:[\s/][^<>]*)?>|<!(?:--|doctype)|&(?:[a-z]{{2,31}}|#\d{{1,7}}|#x[0-9a-f]{{1,6}});",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Body:
    """Only `of` makes one from words of others: `html` is clean."""

    html: str
    text: str


def of(words: str) -> Body:
    """HTML where it looks like it, cleaned; else text, a paragraph for each. Raises Refused("bad-text") where nothing is left to show,
    or where it is over 2 MB."""
    if len(words.encode(errors="replace")) > html.MAX_BYTES:
        raise Refused("bad-text", "a text has at most 2 MB")
    if _MARKUP.search(words):
        cleaned = html.clean(words)
        body = Body(cleaned, html.to_text(cleaned))
        shown = bool(body.text.strip()) or "<img" in cleaned
    else:
        text = words.replace("\r\n", "\n").replace("\r", "\n").strip()
        paragraphs = (entities.escape(each).replace("\n", "<br>\n") for each in re.split(r"\n\s*\n", text))
        body = Body("\n".join(f"<p>{each}</p>" for each in paragraphs), text)
        shown = bool(text)
    if not shown:
        raise Refused("bad-text", "there is nothing to show: an empty text, or one of which nothing is safe to show")
    return body


def text_and_html(body: str) -> tuple[str, str]:
    """HTML where it looks like it, cleaned, and as text; else text as it is. In the view's thread: cleaning takes its time."""
    if not _MARKUP.search(body):
        return body, ""
    cleaned = html.clean(body)
    return (html.to_text(cleaned) if cleaned else _words_left(body)), cleaned


def _words_left(body: str) -> str:
    """Of HTML that could not be cleaned, or of which nothing was left: words are never lost."""
    return body if len(body) > html.MAX_BYTES else html.to_text(body) or body


def title(words: str) -> str:
    """On one line. Raises Refused("bad-title")."""
    words = " ".join(words.split())
    if not words or len(words) > MAX_TITLE:
        raise Refused("bad-title", f"a title has 1 to {MAX_TITLE} characters")
    return words
