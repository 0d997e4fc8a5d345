"""Is what an author wrote told from what they quote, as the authors of reply parsers expect it?

Where a corpus has no files of expected texts, the tables say in which line of a message the reply ends: written from the
messages, by the rules of their projects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpdeskd.config import Desk, Intake
from helpdeskd.mail import forwarded, reply
from helpdeskd.mail.parse import parse
from helpdeskd.mail.quoting import split
from helpdeskd.mail.structure import tidy
from tests.corpora import MAILS

MARKER = Desk().marker
ALL = 0  # the whole message is the reply

# File to the last line of its reply; a range where it begins later.
GITHUB: dict[str, int | tuple[int, int]] = {
    "correct_sig": 1,
    "email_1_1": 5,
    "email_1_2": 34,
    "email_1_4": 1,
    "email_1_5": ALL,
    "email_1_6": 3,
    "email_1_7": 1,
    "email_bullets": 9,
    "email_gmail": 1,
    "email_headers_no_delimiter": 1,
    "email_one_is_not_on": 5,
    "email_sent_from_my_not_signature": ALL,
    "email_sig_delimiter_in_middle_of_line": ALL,
}
CRISP: dict[str, int | tuple[int, int]] = {
    "email_1": 5,
    "email_2": 34,
    "email_5": ALL,
    "email_6": 3,
    "email_7": 5,
    "email_10": 5,
    "email_14": 5,
    "email_15": 5,
    "email_16": 5,
    "email_17": 5,
    "email_19": 3,
    "email_20": 1,
    "email_22": 5,
    "email_23": 5,
    "email_24": 5,
    "email_25": 5,
    "email_26": 5,
    "email_custom_quote_header": 1,
    "email_customer_quote_header_2": 1,
    "email_customer_quote_header_3": 3,
    "email_danish_dash_separator": 5,
    "email_en_multiline_2": 5,
    "email_finnish": 5,
    "email_fr_multiline": 5,
    "email_german_2": 5,
    "email_german_3": 5,
    "email_ios_outlook": 5,
    "email_italian": 5,
    "email_norwegian_gmail": 5,
    "email_not_a_signature": ALL,
    "email_one_is_not_on": 5,
    "email_outlook_split_line_from": 5,
    "email_portuguese": 5,
    "email_russian": 5,
    "email_sent_from_my_not_signature": ALL,
    "email_tricky_1_on_false_positive": ALL,
    "email_tricky_2_url_with_wrote": ALL,
    "email_tricky_7_multiple_dashes": ALL,
    "email_tricky_10_special_chars_in_name": 5,
    "email_tricky_13_timestamp_variations": ALL,
    "email_tricky_20_html_entities": 3,
    "email_with_regards": 5,
    "email_zoho": 2,
}
MAILPARSER: dict[str, int | tuple[int, int]] = {
    **GITHUB,
    "begins_with_signature": 8,
    "caution2": 5,
    "email_danish_1": 6,
    "email_danish_2": 6,
    "email_danish_4": 3,
    "email_ja_1_1": ALL,
    "email_pl_1_1": (5, 10),
    "email_pl_1_2": (6, 11),
    "email_pl_1_3": (5, 10),
    "multi_header": 1,
    "multiline_on_de": 1,
    "outlook": 8,
}
TABLES = {
    "email_reply_parser-github/test/emails": GITHUB,
    "email_reply_parser-zapier/test/emails": GITHUB,
    "email_reply_parser-crisp/test/fixtures": CRISP,
    "mail-parser-reply/test/emails": MAILPARSER,
}
# Talon keeps signatures, and expects one reply of all its messages in HTML, another of most of its mails.
TALON_HTML = "Hi. I am fine.\n\nThanks,\nAlex"
TALON_MAIL = "Hello"
OWN_WORDS = {
    "talon/tests/fixtures/OLK_SRC_BODY_SECTION.html": "Reply",
    "talon/tests/fixtures/reply-separated-by-hr.html": "Hi\nthere\nBob",
    "quotequail/tests/files/apple_reply.html": "Foo\n\nBar",
}

# Where we do otherwise on purpose.
_WHO = "between answers the line that says who is quoted stays: it belongs to what they answer (GitHub's parser keeps it, too)"
NOT_PASSED_ON = {
    "email_reply_trimmer/test/embedded/embedded_email_10.txt": "an answer; the headers stand in what it quotes, where their author may have made them up"
}
OTHERWISE: dict[str, str] = {
    "email_reply_trimmer/test/emails/embedded_email_7.txt": _WHO,
    "email_reply_trimmer/test/emails/embedded_email_17.txt": _WHO,
    "email_reply_trimmer/test/emails/embedded_email_4.txt": "lines that begin with `|` are a table as often as a quote, and words are kept",
    "email_reply_trimmer/test/emails/forwarded_gmail.txt": "a forward keeps its content, which is what it was sent for",
    "email_reply_trimmer/test/emails/spam_1.txt": "a mail of nothing but a quote is shown, not made empty",
    "email_reply_parser-crisp/test/fixtures/email_7.txt": "lines without `>` between quoted lines: here a program wrapped them, elsewhere "
    "they are answers, and an answer is never folded",
    "email_reply_parser-crisp/test/fixtures/email_with_regards.txt": "the closing words and the name are the author's own, and no "
    "signature (the other projects keep them, too)",
}


@dataclass(frozen=True, slots=True)
class Case:
    path: str
    expected: str
    found: str

    @property
    def right(self) -> bool:
        return _plain(self.expected) == _plain(self.found)

    @property
    def lost(self) -> list[str]:
        """Lines of the expected reply that are not in ours."""
        found = _plain(self.found)
        return [line for line in self.expected.split("\n") if line.strip() and _plain(line) not in found]

    @property
    def half(self) -> int:
        """Half 0 is developed on; half 1 tells what that is worth."""
        return hashlib.sha256(b"quotes" + self.path.encode()).digest()[0] & 1


def cases() -> Iterator[Case]:
    trimmer = MAILS / "email_reply_trimmer" / "test"
    for path in sorted((trimmer / "emails").glob("*.txt")):
        expected = trimmer / "trimmed" / path.name
        if expected.is_file():
            yield Case(_name(path), _read(expected), _said(_read(path)))
    for folder, table in TABLES.items():
        for path in sorted((MAILS / folder).glob("*.txt")):
            ends = table.get(path.stem)
            if ends is None:
                continue
            text = _read(path)
            first, last = ends if isinstance(ends, tuple) else (1, ends or text.count("\n") + 1)
            yield Case(_name(path), "\n".join(text.split("\n")[first - 1 : last]), _said(text))
    talon = MAILS / "talon" / "tests" / "fixtures"
    for path in sorted((talon / "standard_replies").glob("*.eml")):
        beside = path.with_name(f"{path.stem}_reply_text")
        yield Case(_name(path), _read(beside) if beside.is_file() else TALON_MAIL, _mail(path.read_bytes()))
    for path in sorted((talon / "html_replies").glob("*.html")):
        yield Case(_name(path), TALON_HTML, _html(path))
    for name, words in OWN_WORDS.items():
        if (MAILS / name).is_file():
            yield Case(name, words, _html(MAILS / name))


def main() -> None:
    print("quotes: reply text as expected")
    every: list[Case] = list(cases())
    corpora = sorted({case.path.split("/", 1)[0] for case in every})
    for corpus in corpora:
        _line(corpus, [case for case in every if case.path.startswith(f"{corpus}/")])
    _line("together", every)
    for half in (0, 1):
        _line(f"half {half}", [case for case in every if case.half == half])
    forwards = list(_forwards())
    print(f"  {'passed on: comment and text':<28} {sum(right for _, right in forwards)}/{len(forwards)}")
    for name, right in forwards:
        if not right:
            print(f"  {'otherwise' if name in NOT_PASSED_ON else 'FAILS'}: {name}")
            if name in NOT_PASSED_ON:
                print(f"      {NOT_PASSED_ON[name]}")
    lost = [case for case in every if case.lost]
    print(f"  {'own words lost in':<28} {len(lost)}")
    for case in every:
        if not case.right:
            print(f"  {'otherwise' if case.path in OTHERWISE else 'FAILS'}: {case.path} (half {case.half})")
            if case.path in OTHERWISE:
                print(f"      {OTHERWISE[case.path]}")
            for line in case.lost:
                print(f"      lost: {line[:100]}")
    for name in sorted(set(OTHERWISE) - {case.path for case in every if not case.right}):
        print(f"  as expected after all: {name}")


def _forwards() -> Iterator[tuple[str, bool]]:
    """What stands above a mail that was passed on, and the mail: name, are both as expected?"""
    trimmer = MAILS / "email_reply_trimmer" / "test"
    for path in sorted((trimmer / "embedded").glob("*.txt")):
        found = forwarded.read(_read(trimmer / "emails" / path.name))
        above, inner = _plain(_read(trimmer / "before" / path.name)), _plain(_read(path))
        yield _name(path), found is not None and _plain(found.comment) == above and inner.endswith(_plain(found.text))


def _line(name: str, some: list[Case]) -> None:
    right = sum(case.right for case in some)
    excused = sum(not case.right and case.path in OTHERWISE for case in some)
    share = 100 * right / len(some) if some else 0.0
    print(f"  {name:<28} {right}/{len(some)} = {share:.1f} %, {excused} otherwise on purpose")


def _said(text: str) -> str:
    return reply.said(split(text, MARKER).text)


def _mail(raw: bytes) -> str:
    """As it is shown, with its signature, which this corpus keeps."""
    text = parse(raw, sender=None, instance="i", own_addresses=lambda _: False, marker=MARKER, limits=Intake()).text
    return reply.said(text, (reply.Kind.PERHAPS,))


def _html(path: Path) -> str:
    head = b"From: ann@example.org\nSubject: Re: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
    return _mail(head + path.read_bytes())


def _read(path: Path) -> str:
    return tidy(path.read_bytes().decode("utf-8"))


def _name(path: Path) -> str:
    return path.relative_to(MAILS).as_posix()


def _plain(text: str) -> str:
    return " ".join(text.split())
