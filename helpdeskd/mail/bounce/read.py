"""A report of whatever program: its recipients, and the mails it is about. Never raises, whatever the bytes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from helpdeskd.mail import headers as headers_of
from helpdeskd.mail import ids, prepare
from helpdeskd.mail import report as standard_report
from helpdeskd.mail.automatic import MAIL_HEADER
from helpdeskd.mail.bounce import entries, returned, signs, sns
from helpdeskd.mail.bounce.entries import Entry
from helpdeskd.mail.bounce.judge import Said, judge
from helpdeskd.mail.headers import Headers
from helpdeskd.model.mail import Delivery, Fate, Kind, Part, Report

_TOKEN = MAIL_HEADER.lower()
_MAX_TEXT = 256 * 1024  # characters of the text that are read
_MAX_WORDS = 500
_MAX_TO = 20  # recipients of a returned mail that are taken for those it did not reach
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
# Headers in which a relay names those whom it could not reach.
_FAILED_TO = ("x-failed-recipients", "x-failed-recipient")
# Headers of a returned mail that name whom it was for, the surest first; and who sent it.
_WAS_FOR = ("x-failed-recipients", "envelope-to", "x-envelope-to", "x-rcpt-to", "delivered-to", "to", "cc")
_WAS_FROM = ("return-path", "from", "sender", "reply-to", "errors-to", "x-envelope-from", "x-sender")
_CATEGORY = re.compile(rb"(?im)^X-PowerMTA-BounceCategory:[ \t]*([a-z-]{1,40})")
_DELAYED = re.compile(
    r"\bdelay(?:ed)?\b|warning message only|only a (?:temporary )?warning|not yet been delivered|temporary failure report|"
    r"(?:will|attempts will) (?:be retried|continue|keep|be made)|no need to (?:resend|retry)|do not (?:need to )?resend your|"
    r"still being retried|verzögert|retard[ée]|retrasad|atrasad",
    re.IGNORECASE,
)
_FINAL = re.compile(r"fail(?:ed|ure)|giving up|given up|permanent|undeliver(?:able|ed)|returned mail", re.IGNORECASE)


def find(
    kind: Kind, why: str, head: Headers, text: str, parts: Sequence[Part], *, by_machine: bool
) -> tuple[Kind, str, Report | None]:
    """The kind of a mail as its headers tell it, corrected where its text shows that it is a report; and the report.

    Of a machine only (`by_machine`: a header shows that): a person who passes a bounce on attaches a report, and makes none;
    and customers write about full mailboxes and undelivered parcels.
    """
    if kind is Kind.OWN or not by_machine:
        return kind, why, None
    notice = sns.read(text) if text.lstrip()[:1] == "{" else None
    if notice is not None:
        return _of_notice(kind, why, *notice)
    if kind is Kind.BOUNCE:
        return kind, why, read(head, text, parts)
    subject, nameless = head.text("subject"), kind is Kind.NULL_PATH
    if not (nameless or signs.named(subject)):
        return kind, why, None
    said, _ = returned.split(text[:_MAX_TEXT])
    looks = signs.looks(subject, said, nameless=nameless)
    report = read(head, text, parts, sure=False) if looks else None
    if report is None:
        return kind, why, None
    return Kind.BOUNCE, looks or why, report


def read(head: Headers, text: str, parts: Sequence[Part], *, sure: bool = True) -> Report | None:
    """The report that a mail of a machine is; None where it says nothing of a recipient.

    `head`, `text` and `parts` are those of the mail, its text whole. First what is written to be read by programs, then the text,
    then the recipients of the mail that it returns. Not `sure`: its headers do not say that it is one.
    """
    said, rest = returned.split(text[:_MAX_TEXT])
    mails = [*_returned(parts), returned.fields(rest)] if rest else _returned(parts)
    own = _own(head, mails)
    named = entries.find(said, own)
    if not sure and not named:  # a person may attach a report; only a machine writes of recipients too
        return None
    fates = _fates(head, said, rest, parts, mails, named, own)
    if not fates:
        return None
    about = [
        one for mail in mails for one in ids.parse_ids(headers_of.repair(" ".join(mail.get("message-id", ())[:1])))[:1]
    ]
    if not about and sure:  # many that return nothing answer at least; so do people
        about = list(ids.parse_ids(head.joined("in-reply-to"))[:1])
    tokens = [one.strip() for mail in mails for one in mail.get(_TOKEN, ())[:1]]
    return Report(tuple(fates), tuple(dict.fromkeys(about)), tuple(dict.fromkeys(tokens)))


def _of_notice(
    before: Kind, why: str, kind: Kind, fates: Sequence[Fate], about: Sequence[str]
) -> tuple[Kind, str, Report | None]:
    if not fates:  # what a list or a daemon passes on stays theirs
        news = before is Kind.PERSONAL and kind is not Kind.BOUNCE
        return (kind, "a notice of SES", None) if news else (before, why, None)
    found = tuple(dict.fromkeys(one for value in about for one in ids.parse_ids(headers_of.repair(value))[:1]))
    return Kind.BOUNCE, "a notice of SES", Report(tuple(judge(fate) for fate in fates), found)


def _returned(parts: Iterable[Part]) -> list[dict[str, list[str]]]:
    """The headers of the mails that come back as files."""
    found: list[dict[str, list[str]]] = []
    for part in parts:
        if part.content_type in _RETURNED and len(found) < _MAX_TO:
            data = prepare.strip_envelope_line(part.data[:_MAX_TEXT])
            end, _ = prepare.split_head(data)
            mail: dict[str, list[str]] = {}
            for name, value in prepare.raw_headers(data[:end]):
                mail.setdefault(name.decode("ascii", "replace"), []).append(value.decode("ascii", "surrogateescape"))
            found.append(mail)
    return found


def _fates(
    head: Headers,
    said: str,
    rest: str,
    parts: Sequence[Part],
    mails: Sequence[dict[str, list[str]]],
    named: list[Entry],
    own: Collection[str],
) -> list[Fate]:
    standard = standard_report.read(parts)
    # A report that a machine wrapped into another one is read where it stands.
    fates = standard or standard_report.in_text(said) or standard_report.in_text(rest)
    failed = [one.email for name in _FAILED_TO for one in head.addresses(name)][: standard_report.MAX_FATES]
    if fates:
        return _standard(fates, named, failed, said, mails, own, _categories(parts))
    if not failed and not signs.tells(head.text("subject"), said):
        return []
    delivery = _delivery(head.text("subject"), said)
    if failed:
        mine = {entry.address.lower(): entry for entry in named}
        named = [mine.get(address.lower()) or Entry(address) for address in failed]
    if not named:
        named = [Entry(address) for address in _was_for(mails, own)]
    if not named and signs.looks(head.text("subject"), said):
        named = [Entry("")]  # of whom, it does not say
    # What is said of many is looked at once.
    whole, heard = Said(said), dict[str, Said]()
    return [_of_entry(entry, delivery, whole, heard, only=len(named) == 1) for entry in named]


def _standard(
    fates: Sequence[Fate],
    named: Sequence[Entry],
    failed: Sequence[str],
    said: str,
    mails: Sequence[dict[str, list[str]]],
    own: Collection[str],
    categories: Sequence[str],
) -> list[Fate]:
    """Fates of RFC 3464, with what the text beside them adds: the address or the words where a field is empty."""
    beside = {entry.address.lower(): Said("\n".join(entry.words)) for entry in named}
    whole = [Said(said)] if len(fates) == 1 else []
    if len(fates) == 1 and not (fates[0].recipient or fates[0].original):
        guess = [*failed, *(entry.address for entry in named), *_was_for(mails, own)]
        fates = [replace(fates[0], recipient=guess[0])] if guess else fates
    found = []
    if len(categories) != len(fates):  # whose is whose cannot be told
        categories = [""] * len(fates)
    for fate, category in zip(fates, categories, strict=True):
        near = beside.get(fate.recipient.lower()) or beside.get(fate.original.lower())
        found.append(judge(fate, *([near] if near else []), *whole, category=category))
    return found


def _categories(parts: Iterable[Part]) -> list[str]:
    return [
        match[1].decode().lower()
        for part in parts
        if part.content_type == "message/delivery-status"
        for match in _CATEGORY.finditer(part.data[:_MAX_TEXT])
    ]


def _of_entry(entry: Entry, delivery: Delivery, whole: Said, heard: dict[str, Said], *, only: bool) -> Fate:
    """`heard` are words that were said of others too."""
    first, words = "\n".join(entry.first), "\n".join(entry.words)
    shown = headers_of.clean(first or words or (whole.text[:_MAX_WORDS] if only else ""))
    fate = Fate(delivery, entry.address, "", "", shown[:_MAX_WORDS], "")
    near = [heard.setdefault(each, Said(each)) for each in (first, words)]
    return judge(fate, *near, *([whole] if only or not words else []))


def _delivery(subject: str, said: str) -> Delivery:
    if _DELAYED.search(subject) or (_DELAYED.search(said) and not _FINAL.search(subject)):
        return Delivery.DELAYED
    return Delivery.FAILED


def _own(head: Headers, mails: Iterable[dict[str, list[str]]]) -> frozenset[str]:
    """Addresses that a report mentions without meaning them: whom it is to and from, and who wrote what it returns."""
    found = [one for name in ("to", "from", "delivered-to") for one in head.addresses(name)]
    for mail in mails:
        found += [
            one
            for name in _WAS_FROM
            for value in mail.get(name, ())[:2]
            for one in headers_of.addresses(headers_of.repair(value))
        ]
    return frozenset(one.key for one in found)


def _was_for(mails: Iterable[dict[str, list[str]]], own: Collection[str]) -> list[str]:
    """Whom the returned mails were for: all of the surest header."""
    for mail in mails:
        for name in _WAS_FOR:
            found = [
                one.email for value in mail.get(name, ()) for one in headers_of.addresses(headers_of.repair(value))
            ]
            found = [one for one in found if one.lower() not in own]
            if found:
                return list(dict.fromkeys(found))[:_MAX_TO]
    return []
