"""What an audit found, repaired where that can be done from what is still there: `mail audit --refetch`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import groupby

from sqlalchemy import select

from helpdeskd import durable, spool, tray
from helpdeskd.audit import folders
from helpdeskd.audit.differences import Difference, Kind, Report
from helpdeskd.audit.run import Records
from helpdeskd.config import Mailbox
from helpdeskd.errors import BadMail, HelpdeskdError, NotFound, Temporary
from helpdeskd.model.mail import Door
from helpdeskd.model.routing import Outcome
from helpdeskd.parser.keys import configured
from helpdeskd.parser.wire import Mail
from helpdeskd.parser.worker import Crashed, Parser
from helpdeskd.sources.imap import LOCKED, fetch_once
from helpdeskd.sources.imap_pass import LARGE
from helpdeskd.sources.imap_state import ask_again, micros
from helpdeskd.store import arrivals, schema

_a, _m, _f = schema.arrival.c, schema.message.c, schema.attachment.c


def refetch(records: Records, report: Report) -> list[str]:
    """Repair what can be, take it out of the report, and say in a line each what was done. What is left needs a person."""
    did = [*_folders(records, report), *_blobs(records, report), *_parked(records, report)]
    for difference in _of(report, Kind.REASON_ALONE):
        durable.unlink(os.path.join(records.spool_root, "parked", f"{difference.subject}.why"))  # noqa: PTH118  # as tray does
        report.repaired(difference)
        did.append(f"{difference.subject}: the reason without a mail is removed")
    spool.ring(records.spool_root)
    return did


def _of(report: Report, *kinds: Kind) -> list[Difference]:
    return [each for each in report.differences if each.kind in kinds]


def _folders(records: Records, report: Report) -> Iterator[str]:
    """A pass that starts with an empty memory compares the whole folder and takes what is not known: just what is wanted."""
    for name, missing in groupby(_of(report, Kind.UID_MISSING), lambda each: each.mailbox):
        wanted = list(missing)
        box = next(box for box in records.config.mailbox if box.name == name)
        result = fetch_once(box, records.spool_root, records.ledger, records.clock)
        if result.error == LOCKED:
            ask_again(records.spool_root, name)
            yield f"mailbox {name}: its watcher compares everything at its next pass, within {box.poll_seconds} s"
            continue
        after = list(folders.compare(box, records.spool_root, records.ledger.known, Report(), records.connect))
        unseen = [each.words for each in after if each.kind is Kind.MAILBOX_UNSEEN]
        still = {each.subject for each in after}
        for difference in wanted if not unseen else ():
            if difference.subject not in still:
                report.repaired(difference)
                yield f"{difference.subject}: it is in the spool again"
        for words in dict.fromkeys([*unseen, result.error]):
            if words:
                yield f"mailbox {name}: {words}"


def _blobs(records: Records, report: Report) -> Iterator[str]:
    """Raw mails from the spool or their folder, then files from raw mails. Every byte is compared with its name first."""
    wanted = {each.sha256: each for each in _of(report, Kind.BLOB_MISSING, Kind.BLOB_DAMAGED)}
    for source in (_spooled, _on_servers, _attached):
        if not wanted:
            return
        for data, where in source(records, set(wanted)):
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 in wanted:
                records.blobs.put(data, anew=True)
                report.repaired(wanted.pop(sha256))
                yield f"{sha256}: put again from {where}"


def _spooled(records: Records, _wanted: set[str]) -> Iterator[tuple[bytes, str]]:
    root = records.spool_root
    for spool_id in tray.scan(root):
        with suppress(BadMail, NotFound, OSError):
            entry = tray.claim(root, spool_id)
            if entry is not None:
                yield entry.raw(), f"the spool ({spool_id})"
    for spool_id in tray.parked_ids(root):
        with suppress(BadMail, NotFound, OSError):
            yield tray.claim_parked(root, spool_id).raw(), f"the parked mail {spool_id}"


def _on_servers(records: Records, wanted: set[str]) -> Iterator[tuple[bytes, str]]:
    query = (
        select(_a.account, _a.folder, _a.uidvalidity, _a.uid)
        .where(_a.raw_sha256.in_(wanted), _a.account.is_not(None))
        .distinct()
        .order_by(_a.account, _a.folder, _a.uidvalidity, _a.uid)
    )
    places = [tuple(row) for row in records.store.read(lambda conn: conn.execute(query).all())]
    for account, found in groupby(places, lambda place: place[0]):
        box = next((box for box in records.config.mailbox if box.name == account), None)
        if box is not None:
            with suppress(Temporary):  # the audit has said that it cannot be reached
                yield from _of_mailbox(records, box, list(found))


def _of_mailbox(records: Records, box: Mailbox, places: list[tuple[str, str, int, int]]) -> Iterator[tuple[bytes, str]]:
    connection = records.connect(box)
    try:
        for (folder, uidvalidity), found in groupby(places, lambda place: (place[1], place[2])):
            if connection.select(folder, readonly=True).uidvalidity != uidvalidity:
                continue
            uids = [place[3] for place in found]
            for uid, meta in connection.meta(uids).items():
                body = b"".join(connection.pieces(uid)) if meta.size > LARGE else connection.bodies([uid]).get(uid, b"")
                yield body, f"{box.name}/{folder} UID {uid}"
    finally:
        connection.close()


def _attached(records: Records, wanted: set[str]) -> Iterator[tuple[bytes, str]]:
    """Files are derived from raw mails: parse those again whose files are wanted, where a parser may fail as at their intake."""
    query = select(_m.raw_sha256).join(schema.attachment, _f.message_id == _m.id)
    query = query.where(_f.sha256.in_(wanted), _m.raw_sha256.is_not(None)).distinct()
    raws = records.store.read(lambda conn: conn.execute(query).scalars().all())
    # In a process of its own, as intake does: some may be of those at which a parser dies.
    made = Parser(
        instance="",
        marker=records.config.desk.marker,
        limits=records.config.intake,
        keys=configured(records.config),
    )
    with closing(made) as parser:
        for raw_sha256 in raws:
            with suppress(NotFound, Crashed):
                for part in parser.one(Mail(records.blobs.get(raw_sha256), None)).parts:
                    yield part.data, f"its mail {raw_sha256[:12]}"


def _parked(records: Records, report: Report) -> Iterator[str]:
    """A parked mail whose file is gone: its bytes are a blob, and what the ledger knows of its envelope is enough to try again."""
    for difference in _of(report, Kind.PARKED_GONE):
        try:
            _respool(records, difference.subject)
        except (HelpdeskdError, OSError) as error:
            yield f"{difference.subject}: {error}"
            continue
        report.repaired(difference)
        yield f"{difference.subject}: it is in the spool again, from its blob"


def _respool(records: Records, spool_id: str) -> None:
    """NotFound without its blob; NoRoom, OSError of the spool."""
    found = records.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
    row = next((each for each in found if each.outcome is Outcome.PARKED), None)
    if row is None:
        raise NotFound("parked-mail", spool_id)  # it has its outcome by now
    envelope = spool.Envelope(
        id=spool_id,
        door=row.door.value,
        sender=row.sender,
        sender_known=row.door is not Door.IMAP,
        received=micros(row.received_at),
        account=row.account or "",
        folder=row.folder or "",
        uidvalidity=row.uidvalidity or 0,
        uid=row.uid or 0,
    )
    spool.put(records.spool_root, envelope, [records.blobs.get(row.raw_sha256)])
