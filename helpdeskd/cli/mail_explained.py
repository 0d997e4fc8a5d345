"""What `mail explain` says of a mail, for people and as JSON (docs/cli.md lists the keys): how it is built, what is read of it,
and what would become of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from helpdeskd import spool
from helpdeskd.cli.file import file_line
from helpdeskd.cli.output import folded, moment, size
from helpdeskd.config import Intake
from helpdeskd.desk import receive
from helpdeskd.desk.arrived import arrived_from, parts_of
from helpdeskd.installation import Installation
from helpdeskd.intake.checking import Checker, files_of
from helpdeskd.mail import ids, invitation, quoting, reply
from helpdeskd.mail.outline import Node, outline
from helpdeskd.mail.parse import claimed, not_read
from helpdeskd.model.mail import Address, Fate, Forward, Inbound, Part
from helpdeskd.model.routing import Reason
from helpdeskd.model.trust import Checked
from helpdeskd.parser.wire import Mail
from helpdeskd.parser.worker import Crashed, Parser

Plain = dict[str, object]


@dataclass(frozen=True, slots=True)
class Explained:
    """One mail. Where the parser fails at it, `fault` is all that can be said: it would be parked."""

    raw: bytes
    limits: Intake
    inbound: Inbound | None = None
    checked: Checked | None = None
    decisions: tuple[receive.Explained, ...] = ()
    refused: tuple[str, ...] = ()  # recipients that the SMTP and LMTP doors refuse
    fault: Crashed | None = None

    def plain(self) -> Plain:
        """As JSON. The keys are always there."""
        inbound = self.inbound
        return {
            "mail": self._mail(),
            "text": None if inbound is None else _text(inbound),
            "quote": None if inbound is None else _quote(inbound),
            "attachments": [] if inbound is None else [_part(part) for part in inbound.parts],
            "kind": None if inbound is None else {"kind": inbound.kind, "why": inbound.kind_why, "weak": inbound.weak_bounce},
            "report": None if inbound is None or inbound.report is None else {"about": inbound.report.about, "fates": inbound.report.fates},
            "invitations": [] if inbound is None else list(_invitations(inbound)),
            "forward": None if inbound is None or inbound.forward is None else _forward(inbound.forward),
            "seals": [] if inbound is None else inbound.seals,
            "checked": self.checked,
            "refused": self.refused,
            "decisions": self.decisions,
            "fault": None if self.fault is None else {"reason": self.fault.reason, "trace": self.fault.trace},
        }  # fmt: skip

    def _mail(self) -> Plain:
        facts: Plain = {"sha256": hashlib.sha256(self.raw).hexdigest(), "size": len(self.raw)}
        inbound = self.inbound
        if inbound is None:
            return facts
        return facts | {
            "identity": inbound.identity_sha256,
            "message_id": inbound.message_id,
            "in_reply_to": inbound.in_reply_to,
            "references": inbound.references,
            "author": inbound.author,
            "reply_to": inbound.reply_to,
            "to": inbound.to,
            "cc": inbound.cc,
            "delivered_to": inbound.delivered_to,
            "subject": inbound.subject,
            "date": inbound.date,
            "loose_ends": inbound.loose_ends,
            "structure": None if (tree := self._tree()) is None else tree.plain(),
        }

    def _tree(self) -> Node | None:
        return None if self.inbound is None or not_read(self.inbound) else outline(self.raw, self.limits)

    def lines(self) -> Iterator[str]:
        """For people: first the facts, then its words, then what would be done."""
        if self.fault is not None or self.inbound is None:
            reason = "" if self.fault is None else self.fault.reason
            yield f"It cannot be read, and would be parked after three attempts: {reason}"
            return
        inbound = self.inbound
        for name, value in _facts(inbound):
            if value:
                yield f"{name:<13}{value}"
        if (tree := self._tree()) is not None:
            yield "structure"
            yield from tree.lines("  ")
        yield ""
        yield from folded(inbound.text, inbound.quote, forward=ids.is_forward(inbound.subject))
        if self.checked is not None:
            yield f"\nfrom: {self.checked.verdict}, because {self.checked.why}"
            for seal in inbound.seals:
                yield f"  {seal.line}"
            for check in self.checked.checks:
                yield f"  evidence: {check.line}"
            for line in self.checked.spam.lines:
                yield line if line.startswith("spam ") else f"  evidence: {line}"
        for address in self.refused:
            yield (
                f"\n{address} is none of our addresses: the SMTP and LMTP doors refuse it (550); a pipe's mail goes on as follows."
            )
        for each in self.decisions:
            yield from _decision(each)


def explain(here: Installation, parser: Parser, checker: Checker, raw: bytes, envelope: spool.Envelope) -> Explained:
    """As the daemon would read and judge it: what would crash or hang its parser is seen here, and does no harm here either."""
    limits = here.config.intake
    try:
        read = parser.one(Mail(raw, envelope.sender if envelope.sender_known else None))
    except Crashed as fault:
        return Explained(raw, limits, fault=fault)
    inbound = claimed(read, here.book.is_ours)
    checked = checker.begin(envelope, raw, inbound, files_of(inbound)).result()
    arrived = arrived_from(envelope, inbound, here.config).judged(checked, patient=True)
    told = here.store.read(lambda conn: receive.explain(conn, here.desk, here.clock(), arrived))
    refused = tuple(address for address in envelope.recipients if not here.book.accepts(address))
    return Explained(raw, limits, inbound, checked, told.decisions, refused)


# -- as JSON


def _text(inbound: Inbound) -> Plain:
    folds = reply.folds(inbound.text, forward=ids.is_forward(inbound.subject))
    return {
        "source": inbound.text_from,
        "words": inbound.text,
        "folds": [_folded(fold.kind, inbound.text[fold.start : fold.end]) for fold in folds],
    }


def _quote(inbound: Inbound) -> Plain | None:
    why = quoting.why(inbound.quote, marker_cut=inbound.marker_cut)
    return None if why is None else _folded(why, inbound.quote)


def _folded(why: str, words: str) -> Plain:
    return {"why": why, "lines": len(words.strip().splitlines()), "words": words}


def _part(part: Part) -> Plain:
    return {
        "name": part.name,
        "type": part.content_type,
        "size": len(part.data),
        "sha256": part.sha256,
        "inline": part.inline,
        "content_id": part.content_id,
        "ours": part.ours,
        "found_type": part.found_type,
        "danger": part.danger,
    }


def _invitations(inbound: Inbound) -> Iterator[dict[str, str]]:
    """What, when, where, by whom and who, of each event in the calendars among the files."""
    for part in inbound.parts:
        block = invitation.block(part.data) if part.content_type in invitation.TYPES else ""
        for event in block.split("\n\n") if block else ():
            first, *others = event.split("\n")
            kind, _, what = first.partition(": ")
            said = (line.partition(": ") for line in others)
            yield {"kind": kind, "what": what, **{name.lower(): words for name, _, words in said}}


def _forward(forward: Forward) -> Plain:
    return {
        "shape": "attached" if forward.attached else "text",
        "author": forward.author,
        "subject": forward.subject,
        "date": forward.date,
        "message_id": forward.message_id,
        "references": forward.references,
        "kind": forward.kind,
        "kind_why": forward.kind_why,
        "comment": forward.comment,
        "words": forward.text,
        "quote": forward.quote,
        "attachments": [_part(part) for part in forward.parts],
    }


# -- for people


def _facts(inbound: Inbound) -> Iterator[tuple[str, str]]:
    yield "sha256", inbound.raw_sha256
    yield "identity", inbound.identity_sha256 or "none: Message-ID or Date is missing"
    yield "size", size(inbound.size)
    yield "message-id", inbound.message_id or ""
    yield "in-reply-to", "; ".join(inbound.in_reply_to)
    yield "references", "; ".join(inbound.references)
    yield "from", _address(inbound.author)
    yield "reply-to", "; ".join(_address(each) for each in inbound.reply_to)
    yield "to", "; ".join(address.email for address in (*inbound.to, *inbound.cc))
    yield "subject", inbound.subject
    yield "date", moment(inbound.date) if inbound.date else ""
    weak = "; by weak signs" if inbound.weak_bounce else ""
    yield "kind", inbound.kind.value + (f" ({inbound.kind_why}{weak})" if inbound.kind_why else "")
    for fate in inbound.report.fates if inbound.report else ():
        yield "report", _fate(fate)
    if inbound.report and inbound.report.about:
        yield "report", f"about {'; '.join(inbound.report.about)}"
    for event in _invitations(inbound):
        yield "invitation", "; ".join(f"{name} {words}" for name, words in event.items() if words)
    if inbound.forward is not None:
        yield "forward", _passed_on(inbound.forward)
    yield "cut", "; ".join(inbound.loose_ends)
    yield "text", f"{inbound.text_from or 'none'}, {len(inbound.text.splitlines())} lines"
    quote = _quote(inbound)
    if quote is not None:
        yield "quote", f"{quote['lines']} lines, because {_WHY[quoting.Why(str(quote['why']))]}"
    for part in inbound.parts:
        yield "file", _file(part)


_WHY = {
    quoting.Why.MARKER: "the marker line of our notices stands there",
    quoting.Why.QUOTED: "lines with > end the text",
    quoting.Why.ATTRIBUTION: "a line says who wrote what follows",
    quoting.Why.HEADERS: "a block of mail headers stands above it",
    quoting.Why.RULE: "a line says that the original follows",
    quoting.Why.MARKUP: "its HTML says so",
}


def _fate(fate: Fate) -> str:
    said = (
        f"{fate.delivery} for {fate.recipient or fate.original or 'nobody named'}: {fate.status} {fate.words}".rstrip()
    )
    judged = ", ".join(each for each in (fate.severity.value, fate.reason.value, fate.code) if each)
    return f"{said} ({judged})"


def _file(part: Part) -> str:
    marks = "; inline" * part.inline + "; may hold a mail of ours" * part.ours
    return file_line(parts_of([part])[0]) + marks


def _passed_on(forward: Forward) -> str:
    shape = "an attached mail" if forward.attached else "in the text"
    author = _address(forward.author) or "somebody without an address"
    when = f" of {moment(forward.date)}" if forward.date else ""
    machine = f"; a machine's: {forward.kind_why}" if forward.kind_why else ""
    said = len(forward.comment.splitlines())
    return f"{shape} by {author}{when}: {forward.subject}; {said} lines above it{machine}"


def _address(address: Address | None) -> str:
    return "" if address is None else f"{address.name} <{address.email}>".lstrip()


def _decision(explained: receive.Explained) -> Iterator[str]:
    yield f"\n{explained.department}: {explained.outcome}, because {explained.reason}"
    whose = f", of {explained.requester}" if explained.requester else ""
    who = "who wrote it" if explained.reason is Reason.FORWARDED else "its author"
    answer = f"; {who} gets an automatic answer" if explained.answered else ""
    if explained.waits:
        yield "  first: it waits in the spool, for an hour at most, since DNS may soon say more"
    yield f"  to do: {explained.action}{explained.target}{whose}{answer}"
    if explained.standing:
        yield f"  may: {explained.standing}"
    for line in explained.evidence:
        yield f"  evidence: {line}"
    if not explained.evidence:
        yield "  evidence: none that ties it to a ticket"
