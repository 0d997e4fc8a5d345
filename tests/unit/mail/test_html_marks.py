"""Where mail programs put the quote, and the signature, in HTML: in words of no language, so that only the marks can tell."""

from __future__ import annotations

import pytest

from helpdeskd.mail import reply
from helpdeskd.mail.html import read, to_text
from helpdeskd.mail.quoting import split

SMUGGLED = (
    *(
        "\ue006",
        "\ue00a",
        "&#xe006;",
        "&#xE00A;",
        "&#X0e00a",
        "&#57350;",
        "&#0057354",
        "&#57354\u0663",
        "&#xe0\ue00206;",
        "&#xe0\x000a;",
    ),
    *("&#x&#xe00a;e00a;", "&#57&#57354;354;"),
)
QUOTED = {
    "gmail": '<div>Yes</div><br><div class="gmail_quote gmail_quote_container"><div class="gmail_attr">Zgbvt Bob:<br></div>'
    '<blockquote class="gmail_quote">No?</blockquote></div>',
    "gmail-unmarked": '<div>Yes</div><div class="gmail_quote">Zgbvt Bob<div>No?</div></div>',
    "outlook-web": '<div>Yes</div><div id="appendonsend"></div><hr tabindex="-1"><div id="divRplyFwdMsg"><b>Zz:</b> Bob</div><p>No?</p>',
    "outlook": '<p class=MsoNormal>Yes</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
    "<p><b>Zz:</b> Bob</p></div></div><p>No?</p>",
    "outlook-named": '<p>Yes</p><p><a name="_MailOriginal"><b>Zz:</b> Bob</a></p><p>No?</p>',
    "outlook-mac": '<div>Yes</div><span id="OLK_SRC_BODY_SECTION"><div><b>Zz:</b> Bob</div><div>No?</div></span>',
    "outlook-mobile": '<div>Yes</div><div id="mail-editor-reference-message-container"><b>Zz:</b> Bob<br>No?</div>',
    "thunderbird": '<p>Yes</p><div class="moz-cite-prefix">Zgbvt Bob<br></div><blockquote type="cite">No?</blockquote>',
    "apple": 'Yes<br><div><blockquote type="cite"><div>Zgbvt Bob</div>No?</blockquote></div>',
    "yahoo": '<div>Yes</div><div id="ydp1yahoo_quoted_2" class="ydp1yahoo_quoted"><div>Zgbvt Bob</div><div>No?</div></div>',
    "proton": '<div>Yes</div><div class="protonmail_quote">Zgbvt Bob<br><blockquote type="cite">No?</blockquote></div>',
    "gmx": '<div>Yes</div><div name="quote" style="margin:10px"><b>Zz:</b> Bob<div name="quoted-content">No?</div></div>',
    "spark": '<div name="messageBodySection">Yes</div><div name="messageReplySection">Zgbvt Bob<blockquote>No?</blockquote></div>',
    "infomaniak": '<div>Yes</div><div class="ik_mail_quote"><div>Zgbvt Bob</div><blockquote>No?</blockquote></div>',
    "zimbra-new": '<div>Yes<br><hr data-marker="__DIVIDER__"><div data-marker="__HEADERS__">Zz: Bob</div><div data-marker="__QUOTED_TEXT__">No?</div>',
    "blackberry": '<div>Yes</div><div id="_originalContent"><div>Zz: Bob</div>No?</div>',
    "hotmail": '<div>Yes<hr id="stopSpelling">Zz: Bob<br>No?</div>',
    "zimbra": '<div>Yes<br><hr id="zwchr">Zz: Bob<br>No?</div>',
}


# Here people write below the headers, among what is quoted: cut is only what holds our words.
ANSWERED_BELOW = {
    "outlook-web",
    "outlook",
    "outlook-named",
    "outlook-mac",
    "outlook-mobile",
    "hotmail",
    "zimbra",
    "zimbra-new",
    "blackberry",
    "gmx",
}


@pytest.mark.parametrize("program", QUOTED)
def test_the_quote_is_marked(program):
    reading = read(QUOTED[program])
    found = split(reading.text, "", quote_at=reading.quote_at, boxed=reading.boxed)
    if program in ANSWERED_BELOW:
        assert "No?" in found.text
        found = split(reading.text, "No?", quote_at=reading.quote_at, boxed=reading.boxed)
    assert found.text.strip().startswith("Yes")
    assert "No?" in found.quote
    assert found.text + found.quote == reading.text == to_text(QUOTED[program])


@pytest.mark.parametrize(
    "html",
    [
        '<div class="gmail_quote"><div>Bob:</div><blockquote>a?</blockquote><div>yes</div><blockquote>b?</blockquote><div>no</div></div>',
        '<p>Hi</p><div class="moz-cite-prefix">Zgbvt Bob<br></div><blockquote type="cite">a?</blockquote><p>yes</p>',
        '<div>Hi</div><div class="gmail_quote"><div>Zgbvt Bob</div><div>No?</div></div><div>My answer</div>',
        '<div>Look</div><div class="gmail_quote">---------- Forwarded message ---------<br>Zz: Bob<div>It burns</div></div>',
        '<div>Look</div><blockquote type="cite"><div>Begin forwarded message:</div><div>It burns</div></blockquote>',
        '<div class="gmail_quote"><div>Zgbvt Bob</div><div>nothing above</div></div>',
        '<div>Hi</div><div class="gmail_quote"><div class="gmail_quote_container">Zgbvt Bob</div></div><div>My answer</div>',
        '<div>Hi</div><div id="divRplyFwdMsg">Zgbvt Bob</div><p>a?</p><p style="color:red">My answer</p>',
        *(f"<p>Hi</p><p>{mark}{mark}My answer</p>" for mark in SMUGGLED),
    ],
)
def test_answers_and_forwards_stay(html):
    reading = read(html)
    assert split(reading.text, "", quote_at=reading.quote_at, boxed=reading.boxed).text == reading.text


@pytest.mark.parametrize(
    "signature",
    [
        '<div class="gmail_signature">Ann<br>Example Ltd</div>',
        '<div class="moz-signature">-- <br>Ann</div>',
        '<div class="protonmail_signature_block"><div>Ann</div></div>',
        '<div id="Signature"><p>Ann</p><p>Example Ltd</p></div>',
        '<div id="composer_signature">Ann</div>',
        '<div name="messageSignatureSection"><div>Ann</div></div>',
        '<div id="_rc_sig">Ann<br>Example Ltd</div>',
        '<div class="ms-outlook-mobile-signature">Zgbvt <a href="https://example.org/o">iOS</a></div>',
    ],
)
@pytest.mark.parametrize("program", ["", "gmail", "outlook-web"])
def test_the_signature_is_marked(program, signature):
    quote = QUOTED[program].removeprefix("<div>Yes</div>") if program else ""
    text = read(f"<div>Yes</div>{signature}{quote}").text
    assert text.startswith("Yes\n\n-- \n")
    if not program:
        assert reply.said(text, reply.SURE) == "Yes"


def test_words_below_a_signature_stay():
    html = '<div>Yes</div><div class="gmail_signature">Ann</div><div>P.S. It burns.</div>'
    assert reply.said(to_text(html)) == "Yes\n\nAnn\nP.S. It burns."
