"""A mail as the desk is told of it: what its door knew, and what its parser read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from helpdeskd import spool
from helpdeskd.config import Config
from helpdeskd.desk.acts import Arrived
from helpdeskd.desk.context import Part
from helpdeskd.errors import BadMail
from helpdeskd.model import mail as model
from helpdeskd.model.mail import Door, Inbound
from helpdeskd.model.routing import Outcome
from helpdeskd.store import arrivals

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def arrived_from(envelope: spool.Envelope, inbound: Inbound, config: Config) -> Arrived:
    """What the desk is told of one mail. Blobs of its raw bytes and parts must be durable already."""
    received = moment(envelope.received)
    box = next((box for box in config.mailbox if box.name == envelope.account), None)
    return Arrived(
        spool_id=envelope.id,
        door=Door(envelope.door),
        sender=envelope.sender,
        recipients=envelope.recipients,
        original=envelope.original,
        inbound=inbound,
        parts=parts_of(inbound.parts),
        passed_on=() if inbound.forward is None else parts_of(inbound.forward.parts),
        raw_sha256=inbound.raw_sha256,
        received_at=received,
        account=envelope.account,
        folder=envelope.folder,
        uidvalidity=envelope.uidvalidity,
        uid=envelope.uid,
        old_mail=_is_old(envelope, config.intake.backlog_hours),
        default_department=box.department if box else "",
        envelope=envelope,
    )


def parts_of(parts: Iterable[model.Part]) -> tuple[Part, ...]:
    """The files of a mail as the desk is told of them."""
    return tuple(
        Part(
            name=part.name,
            content_type=part.content_type,
            size=len(part.data),
            sha256=part.sha256,
            content_id=part.content_id,
            inline=part.inline,
            ours=part.ours,
            found_type=part.found_type,
            danger=part.danger,
        )
        for part in parts
    )


def believe(inbound: Inbound, kept: list[str]) -> None:
    """`kept` names the blobs of the raw mail and its parts. Raises BadMail where a parser named others: it has read bytes of
    strangers, and its word alone lets no ticket show what is another's."""
    if kept != [inbound.raw_sha256, *(part.sha256 for part in inbound.files)]:
        raise BadMail("the parser names other bytes than it returned")


def record_parked(
    conn: Connection, now: datetime, envelope: spool.Envelope, reason: str, raw_sha256: str, size: int
) -> None:
    """The ledger's row of a mail that is set aside, where it has none yet."""
    if not arrivals.all_by_spool(conn, envelope.id):
        arrivals.record(
            conn,
            spool_id=envelope.id,
            door=Door(envelope.door),
            outcome=Outcome.PARKED,
            reason=reason,
            raw_sha256=raw_sha256,
            size=size,
            received_at=moment(envelope.received),
            decided_at=now,
            sender=envelope.sender,
            account=envelope.account,
            folder=envelope.folder,
            uidvalidity=envelope.uidvalidity,
            uid=envelope.uid,
        )


def _is_old(envelope: spool.Envelope, hours: int) -> bool:
    """Had it been in its mailbox for long when we saw it, though we were looking?"""
    if not envelope.internaldate or envelope.internaldate >= envelope.looked:
        return False
    return envelope.received - envelope.internaldate > hours * 3_600_000_000


def moment(microseconds: int) -> datetime:
    """Microseconds since 1970. A damaged head may hold any number, and a mail of no known time is still a mail."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return _EPOCH
