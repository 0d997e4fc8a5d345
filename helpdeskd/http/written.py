"""What a program wrote, as words of the desk."""

from __future__ import annotations

from helpdeskd.desk import bodies, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.http.given import Upload


def parts_of(uploads: tuple[Upload, ...]) -> tuple[Part, ...]:
    """Its files; a part without a file's name, as browsers send it for none, is no file."""
    return tuple(
        Part(
            each.name,
            each.content_type,
            each.size,
            each.sha256,
            found_type=each.found_type,
            danger=each.danger,
        )
        for each in uploads
        if each.name
    )


def words_of(body: str, subject: str, uploads: tuple[Upload, ...]) -> Words:
    """A message with its files."""
    text, cleaned = bodies.text_and_html(body)
    return Words(text=text, html=cleaned, subject=subject, reason=tickets.API, parts=parts_of(uploads))
