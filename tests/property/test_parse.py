"""Laws of mail/: over arbitrary bytes, over every fixture with parts of it changed, over arbitrary drafts."""

from __future__ import annotations

import email
import email.policy
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpdeskd.config import Desk, Intake
from helpdeskd.errors import Refused
from helpdeskd.mail import charset, encode, forwarded, headers, html, ids, quoting, reply
from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.mail.parse import identity, parse
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.mail import Address, Inbound, Part

FIXTURES = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "mails").glob("*.eml"))]
MARKER = Desk().marker
KEYS = TokenKeys((b"k" * 32, b"o" * 32))
ordinary = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(raw: bytes, limits: Intake | None = None) -> Inbound:
    return parse(
        raw, sender=None, instance="i", own_addresses=lambda _: False, marker=MARKER, limits=limits or Intake()
    )


def hold(mail: Inbound, raw: bytes) -> None:
    """What is true of every mail."""
    assert mail.size == len(raw)
    texts = [mail.text, mail.quote, mail.html, mail.subject, mail.kind_why, *mail.loose_ends]
    for address in (mail.author, *mail.to, *mail.cc, *mail.reply_to):
        if address:
            texts += [address.name, address.email]
            assert "@" in address.email
            assert not set("\r\n<> \t") & set(address.email) or address.email.startswith('"')
    lined = [mail.subject]
    if forward := mail.forward:
        texts += [forward.comment, forward.head, forward.text, forward.quote, forward.html, forward.kind_why]
        lined.append(forward.subject)
        assert forward.date is None or forward.date.tzinfo is UTC
        assert not forward.attached or forward.attached in {part.sha256 for part in mail.parts}
    for part in mail.files:
        texts += [part.name, part.content_type, part.content_id]
        assert part.name
        assert "/" not in part.name
    for text in texts:
        text.encode("utf-8")
        assert "\0" not in text
        assert "\r" not in text
    for line in (*lined, *(part.name for part in mail.files)):
        assert "\n" not in line
    for key in (mail.message_id, *mail.in_reply_to, *mail.references):
        assert key is None or (key == ids.key(key) and 0 < len(key) <= 255)
    assert mail.date is None or mail.date.tzinfo is UTC


@ordinary
@given(st.binary(max_size=2000))
@example(b"")
@example(b"\n")
@example(b"\r")
@example(b"From ")
@example(b":")
@example(b"Content-Type: multipart/mixed; boundary=\n\n--\n\n--")
@example(b"Content-Type: message/rfc822\n\nContent-Type: message/rfc822")
@example(b"Content-Transfer-Encoding: x-uuencode\n\nbegin 666 x\n\xff")
def test_any_bytes_become_a_mail(raw):
    hold(read(raw), raw)


HEADER = st.sampled_from(
    [
        *(b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"References", b"In-Reply-To", b"Content-Type"),
        *(
            b"Content-Transfer-Encoding",
            b"Content-Disposition",
            b"Content-ID",
            b"Reply-To",
            b"Auto-Submitted",
            b"Delivered-To",
        ),
    ]
)
VALUE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            *(b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=b", b"message/rfc822", b"text/html"),
            *(
                b"text/plain; charset=utf-16",
                b"text/plain; charset=utf-7; format=flowed; delsp=yes",
                b"multipart/related",
            ),
            *(
                b"base64",
                b"quoted-printable",
                b"x-uuencode",
                b"attachment; filename*=utf-16''%FF%FE",
                b"inline; filename*0*=a''b",
            ),
            *(
                b"=?utf-8?q?=00=0D=0A?= <a@b>",
                b"=?utf-7?b?////?=",
                b'"a\\',
                b"(((",
                b"<a@b> <c",
                b"Mon, 99 Foo 20266 25:61:61 +9999",
            ),
        ]
    ),
)


@ordinary
@given(
    st.lists(st.tuples(HEADER, VALUE), max_size=12),
    st.lists(
        st.sampled_from([b"--b\n", b"--b--\n", b"\n", b"x\n", b"> q\n", b"<div>"]) | st.binary(max_size=40), max_size=20
    ),
)
def test_mails_that_nearly_are_ones(lines, body):
    raw = b"".join(name + b": " + value + b"\n" for name, value in lines) + b"\n" + b"".join(body)
    hold(read(raw), raw)


@ordinary
@given(st.sampled_from(FIXTURES), st.integers(0, 2**32), st.integers(1, 8))
def test_damaged_fixtures(raw, seed, changes):
    chance = random.Random(seed)
    damaged = bytearray(raw)
    for _ in range(changes):
        place = chance.randrange(len(damaged)) if damaged else 0
        what = chance.randrange(5)
        if what == 0:
            damaged[place : place + chance.randrange(40)] = b""
        elif what == 1:
            damaged[place:place] = chance.randbytes(chance.randrange(1, 8))
        elif what == 2:
            other = chance.choice(FIXTURES)
            start = chance.randrange(len(other))
            damaged[place:place] = other[start : start + 200]
        elif what == 3:
            damaged[place:place] = damaged[place : place + 300]
        else:
            damaged[place : place + 1] = chance.choice([b"\r", b"\n", b"\0", b'"', b";", b"=?", b"--", b"\xff"])
    hold(read(bytes(damaged)), bytes(damaged))


@ordinary
@given(st.sampled_from(FIXTURES), st.integers(1, 6), st.integers(1, 12), st.integers(1, 4))
def test_the_smallest_limits(raw, parts, lines, kilobytes):
    limits = Intake(max_parts=parts, max_headers=lines, max_header_kb=kilobytes, max_depth=parts, max_text_kb=kilobytes)
    mail = read(raw, limits)
    hold(mail, raw)
    assert len(mail.text) + len(mail.quote) <= kilobytes * 1024 * 3 + 64
    assert (
        not mail.loose_ends
        or any(part.name == "original.eml" for part in mail.parts)
        or "charset" in mail.loose_ends[0]
        or "base64" in mail.loose_ends[0]
    )


@ordinary
@given(st.sampled_from(FIXTURES))
def test_line_ends_and_trace_headers_do_not_change_who_a_mail_is(raw):
    other = b"Received: from x by y\r\n" + raw.replace(b"\r\n", b"\n")
    if raw[:1].isspace() or raw.startswith(b"From ") or b":" not in raw[:200] or b"\n" not in raw:
        return
    assert identity(other) == identity(raw)


# --- text and quote

LINES = st.sampled_from(
    [
        *(
            "",
            " ",
            "hello",
            "> quoted",
            ">> deeper",
            "On Mon, Feb 2, 2026 at 9:12 AM A <a@b.org> wrote:",
            "wrote:",
            "On 2 Feb 2026",
        ),
        *(
            "Am 2.2.2026 um 9:12 schrieb A:",
            "From: a@b.org",
            "Sent: today",
            "To: b",
            "Subject: c",
            "-----Original Message-----",
        ),
        *(
            "-- ",
            "________________",
            MARKER,
            f"> {MARKER}",
            "## Please write your reply above",
            "this line ##",
            "> this line ##",
            "Sent from my iPhone",
            "-Ann",
            "Disclaimer",
            "---------- Forwarded message ---------",
            "| a",
            "AB> a",
            "<",
            "On Mon, 2 Feb 2026 at 9:12 Ann <a@b.org> wrote:",
            "\x85\u2028x",
        ),
    ]
)


BOXES = (
    '<div class="gmail_quote">',
    '<div class="gmail_signature">',
    '<div class="moz-cite-prefix">',
    '<div id="divRplyFwdMsg">',
    '<hr id="zwchr">',
    "<blockquote>",
    "</blockquote>",
    "<div>",
    "</div>",
    "<p>words</p>",
    "<br>",
    "-- <br>",
)


@ordinary
@given(st.lists(LINES | st.text(max_size=30), max_size=30), st.booleans(), st.booleans())
def test_nothing_of_a_text_is_lost(lines, end, forward):
    text = "\n".join(lines) + ("\n" if end else "")
    found = quoting.split(text, MARKER, forward=forward)
    assert found.text + found.quote == text
    assert not (found.marker_cut and not found.quote)
    if found.marker_cut:
        assert MARKER not in found.text
    if found.quote and not found.marker_cut:
        assert found.text.strip()
        assert not forward
    forwarded.read(text)
    for part in (text, found.text):
        place = 0
        for fold in reply.folds(part):
            assert place <= fold.start < fold.end <= len(part)
            place = fold.end
        if part.strip():
            assert reply.said(part).strip()
        assert reply.said(part, ()).split() == part.split()


@ordinary
@given(st.text(max_size=300), st.integers(0, 400))
def test_nothing_is_lost_where_html_marks_a_quote(text, place):
    found = quoting.split(text, MARKER, quote_at=place)
    assert found.text + found.quote == text
    assert found.text.strip() or not text.strip() or found.marker_cut


@ordinary
@given(st.lists(st.sampled_from(BOXES) | st.text(max_size=20), max_size=20))
def test_a_mark_in_html_is_a_place_in_its_text(pieces):
    reading = html.read("".join(pieces))
    assert reading.text == html.to_text("".join(pieces))
    assert reading.quote_at is None or 0 <= reading.quote_at <= len(reading.text) + 1


@ordinary
@given(st.text(max_size=300), st.text(max_size=300))
def test_what_stands_below_an_unquoted_marker_never_stays(above, below):
    found = quoting.split(f"x{above}\n{MARKER}\n{below}", MARKER)
    assert found.own_text_found or found.marker_cut
    if found.marker_cut:
        assert MARKER not in found.text


# --- tokens


@ordinary
@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_tokens_come_back(ticket, person):
    token = KEYS.make(ticket, person)
    assert KEYS.read(token.swapcase()) == (ticket, person)
    assert KEYS.scrub(f"<support+{token}@x.org>") == "<support@x.org>"


@ordinary
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.data())
def test_tampered_tokens_are_refused(ticket, person, data):
    token = KEYS.make(ticket, person)
    place = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
    changed = token[:place] + char + token[place + 1 :]
    assert KEYS.read(changed) == ((ticket, person) if changed == token else None)
    assert KEYS.read(token + char) is None
    assert KEYS.read(token[1:]) is None


@ordinary
@given(st.text(max_size=60))
def test_no_text_is_a_token(text):
    assert KEYS.read(text) is None
    assert KEYS.scrub(text) == text


# --- out and back in

NAMES = st.text(max_size=60) | st.sampled_from(
    ["a\r\nBcc: x@y", "=?utf-8?q?=0D=0ABcc=3A_x?=", 'a"b\\', "ü" * 50, "\ud800", "\u2028"]
)


@ordinary
@given(
    name=NAMES,
    subject=NAMES,
    text=st.text(max_size=500),
    file=NAMES,
    data=st.binary(max_size=200),
    auto=st.sampled_from(AutoSubmitted),
)
def test_a_draft_comes_back(name, subject, text, file, data, auto):
    draft = Draft(
        from_name=name,
        from_address="support@desk.test",
        to=(Address(name, "ann@example.org"),),
        subject=subject,
        mail_id="abc@desk.test",
        date=datetime(2026, 2, 2, 9, tzinfo=UTC),
        text=text,
        html=f"<p>{file}</p>",
        instance="other",
        parts=(Part(file, "application/pdf", data, "", "", inline=False),),
        auto_submitted=auto,
    )
    raw = compose(draft)
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    standard = email.message_from_bytes(raw, policy=email.policy.default)
    assert set(standard.keys()) <= {
        *("Date", "From", "To", "Subject", "Message-ID", "X-Helpdeskd-Loop", "MIME-Version", "Content-Type"),
        *("Auto-Submitted", "X-Auto-Response-Suppress", "Content-Transfer-Encoding"),
    }
    mail = read(raw)
    hold(mail, raw)
    assert mail.subject == headers.clean(headers.clean(subject))
    assert [one.email for one in mail.to] == ["ann@example.org"]
    assert mail.author is not None
    assert mail.author.email == "support@desk.test"
    assert mail.parts[0].data == data
    assert len(mail.parts) == 1


@ordinary
@given(st.text(max_size=40))
def test_an_address_is_sent_as_it_is_or_refused(text):
    try:
        found = encode.address(text)
    except Refused:
        return
    assert found == "" or (found.isascii() and found.isprintable() and found.count("@") >= 1 and "\n" not in found)


# --- single rooms never raise


@ordinary
@given(
    st.binary(max_size=300),
    st.sampled_from([None, "utf-8", "utf-7", "utf-16", "iso-2022-jp", "gb2312", "hz", "ascii", "x"]),
)
def test_any_bytes_become_a_text(data, declared):
    charset.decode(data, declared).encode("utf-8")


@ordinary
@given(st.text(max_size=300))
def test_any_text_is_cleaned_and_read_as_html(text):
    cleaned = html.clean(text)
    assert "<script" not in cleaned.lower()
    html.to_text(text)
    ids.parse_ids(text)
    assert ids.base_subject(ids.base_subject(text)) == ids.base_subject(text)
    headers.addresses(text)


# --- time grows as the input does

HOSTILE = {
    "on": "On ",
    "on lines": "On \n",
    "wrote": "On 2.2.2026 9:12 x wrote:\n",
    "wrote with blanks": "On Monday x wrote:\n\n\n\n",
    "from": "From: a\n",
    "from to": "From: a\nTo: b\n",
    "quotes": "> \n",
    "deep quotes": ">" * 200 + "\n",
    "quote and answer": "> a\nb\n",
    "dashes": "-----Original ",
    "rules": "________\n",
    "blanks": " " * 50 + "\n",
    "marker start": "## Please\n",
    "marker": MARKER + "\n",
    "quoted marker starts": "> ## Please write your\n",
    "plus": "a+" + "b" * 46,
    "spaces": " ",
    "colons": ":",
    "attributions": "On Mon, 2 Feb 2026 at 9:12 Ann <a@b.org> wrote:\n",
    "their beginnings": "On Mon, 2 Feb 2026 at 9:12 Ann <\n",
    "answers": "> a\nb\n",
    "bars": "| a\n",
    "programs": "Sent from my iPhone\n\n",
    "nearly programs": "Sent from my iPhone is a thing\n\n",
    "delimiters": "-- \n",
    "underscores": "__\na\n",
    "names": "-Ann\n\n",
    "labels": "From: a\nSent: b\n",
    "links": "Sent from http",
    "forwards": "---------- Forwarded message ---------\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_quotes_are_found_in_linear_time(name):
    """CPU of eight times the text over CPU of the text: 8 where linear, 64 where quadratic. The best of several runs
    each, and a bound between the two that a busy machine does not reach."""
    unit = HOSTILE[name]
    small = unit * max(1, 20_000 // len(unit))
    large = small * 8

    def cost(text: str) -> float:
        best = float("inf")
        for _ in range(4):
            start = time.process_time()
            reply.folds(quoting.split(text, MARKER).text)
            forwarded.read(text)
            best = min(best, time.process_time() - start)
        return best

    assert cost(large) <= 24 * max(cost(small), 0.0005)
