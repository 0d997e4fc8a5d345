"""Which mails of ours a delivery report speaks of, and whether it proves that it has had them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, or_, select

from helpdeskd.desk import people
from helpdeskd.mail import ids
from helpdeskd.mail.report import fate_of
from helpdeskd.model.mail import Fate, Inbound
from helpdeskd.store import schema

MAX_NAMED = 50  # recipients that are looked for

_ENVELOPE_TOKEN = re.compile(r"b-([0-9a-f]{32})")  # as outgoing.letter writes it
_o = schema.outbox.c
_REPORTED = (
    select(_o.id, _o.recipient, _o.envelope_token)
    .where(
        or_(
            _o.mail_id.in_(bindparam("ids", expanding=True)),
            _o.envelope_token.in_(bindparam("tokens", expanding=True)),
        )
    )
    .order_by(_o.id)
)


@dataclass(frozen=True, slots=True)
class Reported:
    """By outbox id. `proven` are those whose own token it brings back."""

    fates: tuple[tuple[int, Fate], ...] = ()
    proven: frozenset[int] = frozenset()


def find(conn: Connection, inbound: Inbound, recipients: tuple[str, ...]) -> Reported:
    """The mails of ours that a report names, by Message-ID or by the envelope's token, and what it says of each.

    Anybody can write a report. To be believed it must know the token, or the Message-ID together with the address it went to: all
    that it can do then is to mark that one mail; and routing lets none count whose From is refuted. But a Message-ID is no secret:
    an answer names it (References) to whoever gets a copy. What counts against the *address* takes the token, which stands in the
    envelope's sender and in a header of the mail alone, so that it is known to those who have had the mail; and it takes what every
    server sends that keeps to the standards.
    """
    report, tokens = inbound.report, envelope_tokens(recipients)
    if report is None:
        return Reported()
    found = conn.execute(_REPORTED, {"ids": report.about, "tokens": tokens}).all()
    told = ((row.id, fate_of(report, row.recipient, certain=row.envelope_token in tokens)) for row in found)
    proof = () if inbound.weak_bounce else (*tokens, *report.tokens)
    return Reported(
        tuple((outbox_id, fate) for outbox_id, fate in told if fate is not None),
        frozenset(row.id for row in found if row.envelope_token in proof),
    )


def envelope_tokens(recipients: Iterable[str]) -> list[str]:
    details = (_ENVELOPE_TOKEN.fullmatch(ids.split_detail(recipient)[1].lower()) for recipient in recipients)
    return sorted({match[1] for match in details if match is not None})


def names_staff(conn: Connection, inbound: Inbound) -> bool:
    """Does a report speak of a mail to one of us? A ticket that it opened would be told to the same address."""
    told = inbound.report.fates if inbound.report else ()
    named = dict.fromkeys(each for fate in told for each in (fate.original, fate.recipient))
    found = (people.find(conn, each) for each in list(named)[:MAX_NAMED] if each)
    return any(person is not None and person.is_staff for person in found)
