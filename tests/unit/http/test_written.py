"""What a program wrote: is it text or HTML, and what is left of it."""

from __future__ import annotations

import pytest

from helpdeskd.desk import bodies
from helpdeskd.desk.bodies import text_and_html
from helpdeskd.http.given import Upload
from helpdeskd.http.written import words_of

# fmt: off
TEXTS = [
    "Pull the plug.", "Pull it\n<now>.", "Ask <carol@client.example>.", "a < b > c", "AT&T; fine & well", "", "x <y and p> z", "<3", "<x onclick=y>",
]
HTMLS = [
    ("<b>Off!</b>",                   "Off!",       "<b>Off!</b>"),
    ("<!--html-->Off",                "Off",        "Off"),
    ("<P class=x>a</P>",              "a",          "<p>a</p>"),
    ("a<br/>b",                       "a\nb",       "a<br>b"),
    ("a &amp; b",                     "a & b",      "a &amp; b"),
    ("&#233;",                        "é",          "é"),
    ("a<script>alert(1)</script>",    "a",          "a"),
    ("<img src=x onerror=alert(1)>a", "a",          "<img>a"),
]
# fmt: on


@pytest.mark.parametrize("body", TEXTS)
def test_text(body):
    assert text_and_html(body) == (body, "")


@pytest.mark.parametrize(("body", "text", "html"), HTMLS)
def test_html(body, text, html):
    found = text_and_html(body)
    assert (found[0].strip(), found[1]) == (text, html)


@pytest.mark.parametrize("body", [each for each in TEXTS if each])
def test_an_article_or_answer_of_the_same_is_the_same_text(body):
    assert bodies.of(body).text == body


def test_words_of_what_cannot_be_cleaned_are_not_lost():
    text, html = text_and_html("<div>" * 5_000 + "words")
    assert (text.strip(), html) == ("words", "")


def test_files_are_parts_that_name_one():
    uploads = (
        Upload("x", "a.txt", "text/plain", 1, "ab" * 32),
        Upload("y", "", "application/octet-stream", 0, "cd" * 32),
    )
    words = words_of("<p>a</p>", "b", uploads)
    assert (words.subject, words.reason, [part.name for part in words.parts]) == ("b", "api", ["a.txt"])
