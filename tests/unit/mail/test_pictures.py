"""Pictures of cleaned HTML: off, on, and where they are."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.mail import html, pictures

REMOTE = '<p>a <img src="https://x.example/a.png?b=1&amp;c=2" alt="a>b"></p>'


def test_remote_pictures_are_off_until_asked_for() -> None:
    shown = html.clean(REMOTE)
    assert " src=" not in shown
    assert 'data-remote-src="https://x.example/a.png?b=1&amp;c=2"' in shown
    assert ' src="https://x.example/a.png?b=1&amp;c=2"' in pictures.on(shown)
    assert html.clean(shown) == shown
    assert html.clean(pictures.on(shown)) == shown


class Loaded(HTMLParser):
    """What a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "srcset", "poster", "background"}]
        assert not any("javascript" in (value or "") for _, value in attrs), tag


@pytest.mark.parametrize(
    "raw",
    [
        "<img src=//x.example/a>",
        "<img src=' HTTP://x.example/a'>",
        "<img srcset='https://x.example/a 2x'>",
        "<img data-remote-src='javascript:x()'>",
        "<img src='ftp://x.example/a'>",
        "<picture><source srcset='https://x.example/a'><img src='https://x.example/a'></picture>",
        "<a title='<img src=\"https://x.example/a\">' href='https://x.example'>a</a>",
        "<a title='<img src=' href='https://x.example/'>a</a><img alt='\"' src=\"https://x.example/\">",
        "<video poster='https://x.example/a'></video>",
        "<input type=image src='https://x.example/a'>",
    ],
)
def test_nothing_is_loaded(raw: str) -> None:
    loaded = Loaded()
    loaded.feed(html.clean(raw))
    assert loaded.addresses == []


def test_what_came_along_is_shown_where_it_is() -> None:
    shown = html.clean('<img src="cid:a%20b@x.example"><img src="CID:none@x.example"><img src=https://x.example/>')
    placed = pictures.placed(shown, {"a b@x.example": '/file?id=1&x="'}.get)
    assert placed.startswith('<img src="/file?id=1&amp;x=&quot;"><img src="')
    assert "none@x.example" in placed
    assert "data-remote-src" in placed


@given(
    st.lists(
        st.sampled_from(
            ["<img ", "src=", "'", '"', ">", "<a title=", "https://x.example", "cid:a", " ", "&quot;", "alt="]
        )
    )
)
def test_nothing_breaks_out(pieces: list[str]) -> None:
    """Whatever is written, changing the pictures of clean HTML leaves clean HTML."""
    shown = html.clean("".join(pieces))
    for changed in (pictures.on(shown), pictures.placed(shown, lambda _: "https://desk.example/1")):
        again = html.clean(changed)
        assert again.count("<img") == shown.count("<img")
        assert again.count("<a") == shown.count("<a")
