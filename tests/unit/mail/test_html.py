"""HTML of strangers: what stays, what goes, what it says as text."""

from __future__ import annotations

import pytest

from helpdeskd.mail import html


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("   \n", ""),
        ("<p>hello</p>", "<p>hello</p>"),
        ("<p onclick='x()'>a</p>", "<p>a</p>"),
        ("<script>x</script><p>a</p>", "<p>a</p>"),
        ("<style>p{}</style><p>a</p>", "<p>a</p>"),
        ("<p style='color:red;position:fixed'>a</p>", '<p style="color:red">a</p>'),
        ("<p style='background:url(https://x)'>a</p>", "<p>a</p>"),
        (
            "<img src='https://tracker.example/a.gif' alt='x'>",
            '<img data-remote-src="https://tracker.example/a.gif" alt="x">',
        ),
        ("<img src='cid:pic@example'>", '<img src="cid:pic@example">'),
        ("<img src='data:image/png;base64,AAAA'>", '<img src="data:image/png;base64,AAAA">'),
        ("<img src='data:text/html;base64,AAAA'>", "<img>"),
        ("<img src='data:image/svg+xml;base64,AAAA'>", "<img>"),
        ("<a href='javascript:x()'>a</a>", '<a rel="noopener noreferrer nofollow">a</a>'),
        ("<a href='data:text/html,x'>a</a>", '<a rel="noopener noreferrer nofollow">a</a>'),
        ("<a href='https://x.example'>a</a>", '<a href="https://x.example" rel="noopener noreferrer nofollow">a</a>'),
        ("<a href='/relative'>a</a>", '<a rel="noopener noreferrer nofollow">a</a>'),
        ("<form action='x'><input name=a><button>b</button></form>", "b"),
        ("<iframe src='https://x'></iframe>a", "a"),
        ("<svg><script>x</script></svg>a", "a"),
        ("<!-- secret -->a", "a"),
        ("<base href='https://x'><p>a", "<p>a</p>"),
        ("<meta http-equiv=refresh content='0;url=x'>a", "a"),
        ("<link rel=stylesheet href=x>a", "a"),
        ("<table background='https://x'><tr><td>a", "<table><tbody><tr><td>a</td></tr></tbody></table>"),
    ],
)
def test_clean(given, expected):
    assert html.clean(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two", "one\ntwo"),
        ("<ul><li>a</li><li>b</li></ul>", "  * a\n  * b"),
        ("<a href='https://x.example/a'>there</a>", "there <https://x.example/a>"),
        ("<a href='https://x.example/'>https://x.example</a>", "https://x.example"),
        (
            "<a href='https://evil.example/login'>https://bank.example</a>",
            "https://bank.example <https://evil.example/login>",
        ),
        ("<a href='https://x.example/where'>here</a>", "here <https://x.example/where>"),
        ("<a href='mailto:a@b.org'>a@b.org</a>", "a@b.org"),
        ("<a href='https://x.example'><img src=x></a>", ""),
        ("<title>t</title><style>s</style><script>x</script>a", "a"),
        ("<div style='display:none'>hidden</div>shown", "shown"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n> > b\n\nc"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a  b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("no tags at all", "no tags at all"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("a\ue000b\ue002c", "abc"),
    ],
)
def test_to_text(given, expected):
    assert html.to_text(given) == expected


BOMBS = {
    "deep": "<div>" * 30000 + "x",
    "deep formatting": "".join(f"<font size={n}>" for n in range(5000)) + "<p>x" * 5000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(100000)) + ">x",
    "attributes without blanks": "<p " + "".join(f"a{n}='1'" for n in range(100000)) + ">x",
    "attributes by slashes": "<p/" + "/".join(f"a{n}" for n in range(100000)) + ">x",
    "attributes behind a quoted end": '<p x=">" ' + " ".join(f"a{n}" for n in range(100000)) + ">x",
    "attributes inside an odd quote": '<p a" ' + " ".join(f"a{n}" for n in range(100000)) + '">x',
    "padding": "<p style='padding-left: 99999999em'>a<br>b",
    "margin": "<p style='margin-top: 99999999em'>a",
    "wide cell": "<table><tr><td>" + "w" * 100000 + "</td></tr>" + "<tr><td>x" * 9000,
    "column span": "<table><tr><td colspan=100000000>x",
    "links": "<a href=http://x>y</a>" * 50000,
    "opened only": "<a " * 300000,
    "less-than": "<" * 500000,
    "comments": "<!--" * 200000,
    "scripts": "<script>" * 100000,
    "quotes": "<blockquote>" * 1000 + "<p>x</p>" * 10000,
    "lists": "<ul><li>" * 10000,
    "entities": "&nbsp;" * 50000,
    "too large": "<p>x</p>" * 400000,
    "ampersands": "&" * 2_000_000,
    "ampersands in a paragraph": "<p>" + "a&b " * 500_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_survived_in_proportion(name):
    """The timeout of the suite is the bound for time; what comes out is bounded by what went in."""
    given = BOMBS[name]
    assert len(html.clean(given)) <= 10 * len(given) + 100
    assert len(html.to_text(given)) <= 100 * len(given) + 100


def test_what_cannot_be_cleaned_is_not_shown_but_its_words_are():
    given = "<div>" * 30000 + "words"
    assert not html.is_bearable(given)
    assert html.clean(given) == ""
    assert "words" in html.to_text(given)


def test_one_stretch_of_ampersands_is_not_shown():
    """Cleaning it takes the square of its length: a minute for two megabytes."""
    assert not html.is_bearable("&" * 1_000_000)
    assert not html.is_bearable("<p>" + "a&b " * 250_000)
    assert html.is_bearable("<p>a &amp; b &nbsp;</p>\n" * 20_000)


def test_a_large_but_ordinary_mail_is_shown():
    given = "<table>" + "<tr><td style='color:red'><b>cell</b> <i>text</i></td></tr>" * 3000 + "</table>"
    assert html.is_bearable(given)
    assert html.clean(given).count("cell") == 3000
