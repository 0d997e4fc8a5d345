"""A mail: bytes to Inbound. Never raises, whatever the bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from helpdeskd.config import Intake
from helpdeskd.mail import automatic, dates, forwarded, html, ids, looking, prepare, quoting, split, structure
from helpdeskd.mail.bounce.read import find as find_bounce
from helpdeskd.mail.faults import FAULTS
from helpdeskd.mail.headers import Headers, clean
from helpdeskd.mail.split import Tree
from helpdeskd.model.files import Danger
from helpdeskd.model.mail import ORIGINAL, Address, Inbound, Kind, Part
from helpdeskd.model.seals import Keys

MAX_SUBJECT = 998  # characters: a line of RFC 5322
_IDENTIFYING = (b"message-id", b"date", b"from", b"subject")
_BLANKS = b" \t\r\n\v\f"
_PIECE = 1 << 20  # bytes
_NO_KEYS = Keys()
_HEADERS_ONLY = ": only its headers were read"
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-forwarded-to")


def parse(
    raw: bytes,
    *,
    sender: str | None,
    instance: str,
    own_addresses: Callable[[str], bool],
    marker: str,
    limits: Intake,
    keys: Keys = _NO_KEYS,
    inner: bool = False,
) -> Inbound:
    """One mail as a record: a repeatable derivation of its bytes.

    `sender` is the envelope's ("" the null path, None unknown). `own_addresses` says whether an address is one of ours.
    What a limit cut or a defect changed is said in `loose_ends`; where something was left out, the whole mail is
    among the parts as original.eml. `inner`: it was attached to another, and what it passes on itself is not looked for. Never raises.
    """
    same = identity(raw)  # before anything else is held: it may take two copies of a mail
    prepared = prepare.prepare(raw, limits)
    try:
        made = split.split(prepared.data, prepared.body_at, limits)
        moment = _date(made.root)
        content = structure.read(made.root, limits, keys, moment)
    except FAULTS as fault:
        made = split.Split(split.flat(prepared.data, prepared.body_at, limits), cut=True)
        moment = _date(made.root)
        content = _as_it_stands(prepared, limits, f"the structure could not be read ({type(fault).__name__})")
    root = made.root
    headers = Headers((name, value) for name, value in root.raw_items())
    notes = [*prepared.notes, *made.notes, *content.notes]
    parts = content.parts
    safe_html = html.clean(content.html) if content.html else ""
    cut = prepared.cut or made.cut or content.cut or headers.cut
    if headers.cut:
        notes.append("a header is longer than what is read of one")
    if content.html.strip() and not safe_html and not html.is_bearable(content.html):
        notes.append("the HTML is too large or too deeply nested to be shown")
        cut = True
    parts = [replace(part, ours=True) if automatic.is_mail_of_ours(part.data, instance) else part for part in parts]
    parts = looking.looked_at(parts, limits)
    if cut:
        parts = [*parts, looking.whole(_original(raw), prepared, made, parts, limits)]

    subject = headers.text("subject")[:MAX_SUBJECT]
    author = next(iter(headers.addresses("from")), None)
    signs = automatic.Signs(
        headers=headers,
        sender=sender,
        author=author,
        instance=instance,
        is_own=own_addresses,
        content_type=root.get_content_type(),
        report_type=_report_type(headers),
        files=automatic.types_of(content.parts),
    )
    kind, why = automatic.classify(signs)
    by_machine = automatic.is_of_machine(signs, kind)
    kind, why, report = find_bounce(kind, why, headers, content.text, content.parts, by_machine=by_machine)
    forward, says_forward = None, ids.is_forward(subject)
    if kind is Kind.PERSONAL and not inner:
        forward = forwarded.find(
            subject,
            content.text,
            content.parts,
            says=says_forward,
            date=moment,
            date_header=headers.raw("date"),
            # Without our keys: who passes a mail on does not vouch for whoever may have put another's ciphertext into it.
            opened=lambda data: parse(
                data,
                sender=None,
                instance=instance,
                own_addresses=own_addresses,
                marker=marker,
                limits=limits,
                inner=True,
            ),
            marker=marker,
        )
    said = quoting.split(
        content.text, marker, forward=says_forward, quote_at=content.quote_at, boxed=content.quote_boxed
    )
    return Inbound(
        raw_sha256=hashlib.sha256(raw).hexdigest(),
        identity_sha256=same,
        size=len(raw),
        message_id=_message_id(headers.raw("message-id")),
        in_reply_to=ids.parse_ids(headers.joined("in-reply-to")),
        references=ids.parse_ids(headers.joined("references")),
        author=author,
        reply_to=headers.addresses("reply-to"),
        to=headers.addresses("to"),
        cc=headers.addresses("cc"),
        delivered_to=_delivered_to(headers),
        subject=subject,
        date=moment,
        text=said.text,
        quote=said.quote,
        html=safe_html,
        parts=tuple(parts),
        kind=kind,
        kind_why=why,
        marker_cut=said.marker_cut,
        own_text_found=said.own_text_found,
        loose_ends=tuple(dict.fromkeys(notes)),
        report=report,
        seals=tuple(seal.by(author.email if author else "") for seal in content.seals),
        weak_bounce=kind is Kind.BOUNCE and not automatic.is_proven(signs),
        text_from=content.source,
        forward=forward,
    )


def _date(root: Tree) -> datetime | None:
    said = Headers((name, value) for name, value in root.raw_items() if name.lower() == "date")
    return dates.moment(said.text("date")) if "date" in said else None


def headers_only(raw: bytes, head: Inbound, limit: str) -> Inbound:
    """A mail that goes beyond a limit: what its headers say (`head`, parsed of prepare.head), and the whole mail as a file."""
    read, _ = prepare.split_head(prepare.strip_envelope_line(raw))
    return replace(
        head,
        raw_sha256=hashlib.sha256(raw).hexdigest(),
        identity_sha256=identity(raw) if read <= prepare.HEAD_BYTES else None,
        size=len(raw),
        text="",
        quote="",
        html="",
        parts=(_original(raw),),
        marker_cut=False,
        own_text_found=False,
        text_from="",
        forward=None,
        loose_ends=(f"{limit}{_HEADERS_ONLY}",),
    )


def not_read(inbound: Inbound) -> str:
    """The limit that kept a mail from being read beyond its headers; empty where it was read."""
    return next((end for end in inbound.loose_ends if end.endswith(_HEADERS_ONLY)), "")


def claimed(inbound: Inbound, own_addresses: Callable[[str], bool]) -> Inbound:
    """Parsed where nobody knew our addresses: is it by one of them? Its headers are looked at first, as classify does."""
    if inbound.kind is Kind.OWN or inbound.author is None or not own_addresses(inbound.author.email):
        return inbound
    return replace(inbound, kind=Kind.OWN, kind_why=automatic.OWN_ADDRESS)


def identity(raw: bytes) -> str | None:
    """What makes two arrivals the same mail: SHA-256 over Message-ID, Date, From, Subject and the
    body with LF line ends; None without Message-ID or Date. Trace and delivery headers, folding and a mbox `From ` line
    do not count, so a relay's second try is the same mail; nor do empty lines at the end, which mailboxes add."""
    data = prepare.with_line_ends(prepare.strip_envelope_line(raw))
    end, start = prepare.split_head(data)
    found: dict[bytes, bytes] = {}
    for name, value in prepare.raw_headers(data[:end]):
        if name in _IDENTIFYING:
            found.setdefault(name, _unfolded(value))
    if not found.get(b"message-id") or not found.get(b"date"):
        return None
    digest = hashlib.sha256()
    for key in _IDENTIFYING:
        digest.update(key + b":" + found.get(key, b"") + b"\n")
    digest.update(b"\n")
    for piece in _pieces(data, start):
        digest.update(piece)
    return digest.hexdigest()


def _unfolded(value: bytes) -> bytes:
    """Blanks as one space; of what nobody writes by hand without any: a word is an object, and a header may be the whole mail."""
    return b" ".join(value.split()) if len(value) <= prepare.HEAD_BYTES else value.translate(None, _BLANKS)


def _pieces(data: bytes, start: int) -> Iterator[bytes]:
    """The body from `start` on with LF line ends and no empty lines at its end, a piece at a time: mails are large."""
    end = len(data)
    while end > start:
        tail = data[max(start, end - _PIECE) : end]
        kept = len(tail.rstrip(b"\r\n"))
        end -= len(tail) - kept
        if kept:
            break
    while start < end:
        stop = min(end, start + _PIECE)
        if data[stop - 1 : stop + 1] == b"\r\n":  # not through a line end
            stop += 1
        piece = data[start:stop]
        yield piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in piece else piece
        start = stop


def _message_id(value: str) -> str | None:
    """The id, or what a program that knows none wrote in its place: it may still be answered to."""
    found = ids.parse_ids(value)
    return found[0] if found else ids.key(value) or None


def _as_it_stands(prepared: prepare.Prepared, limits: Intake, note: str) -> structure.Content:
    """The last resort: the body as one text, undecoded."""
    body = prepared.data[prepared.body_at :][: limits.max_text_kb * 1024]
    text = structure.tidy(body.decode("utf-8", "replace"))
    return structure.Content(text=text, notes=[f"{note}; shown as one text"], cut=True)


def _original(raw: bytes) -> Part:
    return Part(
        name=ORIGINAL,
        content_type="message/rfc822",
        data=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        inline=False,
        ours=True,
        found_type="message/rfc822",
        danger=Danger.EXECUTABLE,  # until somebody has looked into it
    )


def _report_type(headers: Headers) -> str:
    """report-type of a multipart/report (RFC 6522), without a parser that hostile parameters slow down."""
    value = headers.text("content-type").lower()
    _, found, rest = value.partition("report-type")
    return rest.lstrip(" =\"'").partition(";")[0].strip(" \"'")[:60] if found else ""


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    found: list[Address] = [one for name in _DELIVERED if name in headers for one in headers.addresses(name)]
    if "original-recipient" in headers:  # RFC 3798 section 2.3: type; address
        value = clean(headers.text("original-recipient").rpartition(";")[2])
        found += [Address("", value)] if "@" in value and " " not in value else []
    return ids.unique(one.email for one in found)
