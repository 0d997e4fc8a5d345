"""Blobs against the rows that name them, one shelf of 256 after the other, so that memory holds a 256th of the names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial

from sqlalchemy import Connection, select

from helpdeskd.audit.differences import Difference, Kind, Report
from helpdeskd.errors import NotFound
from helpdeskd.store import schema
from helpdeskd.store.blobs import Blobs, is_referenced, referenced
from helpdeskd.store.engine import Store

_a, _m, _f, _o = schema.arrival.c, schema.message.c, schema.attachment.c, schema.outbox.c


def compare(store: Store, blobs: Blobs, report: Report) -> Iterator[Difference]:
    """Every SHA-256 a row names is there; with `report.deep` its bytes are read and hashed, too. Raises StoreDown."""
    for first in "0123456789abcdef":
        for second in "0123456789abcdef":
            shelf = first + second
            # Rows first: a blob is durable before the COMMIT that names it.
            named = store.read(partial(referenced, shelf=shelf))
            there = set(blobs.names(shelf))
            report.checked["blobs"] += len(named)
            report.unreferenced += len(there - named)
            for sha256 in sorted(named):
                if sha256 not in there and not blobs.exists(sha256):
                    # Again: its rows may have gone meanwhile, and the sweep after them.
                    if store.read(partial(is_referenced, sha256=sha256)):
                        yield _difference(store, Kind.BLOB_MISSING, sha256)
                elif report.deep and not _whole(blobs, sha256):
                    yield _difference(store, Kind.BLOB_DAMAGED, sha256)


def _whole(blobs: Blobs, sha256: str) -> bool:
    try:
        return hashlib.sha256(blobs.get(sha256)).hexdigest() == sha256
    except NotFound:  # swept between two looks, its rows before it
        return True


def _difference(store: Store, kind: Kind, sha256: str) -> Difference:
    return Difference(kind, sha256, store.read(lambda conn: _named_by(conn, sha256)), sha256=sha256)


def _named_by(conn: Connection, sha256: str) -> str:
    """What the bytes are, for people: mails by their spool ids, files by their names, mails that went out by their row."""
    mails = conn.execute(select(_a.spool_id).where(_a.raw_sha256 == sha256).distinct().limit(3))
    numbers = conn.execute(
        select(schema.ticket.c.number)
        .join(schema.message, schema.ticket.c.id == _m.ticket_id)
        .where(_m.raw_sha256 == sha256)
    )
    files = conn.execute(
        select(_f.name, schema.ticket.c.number)
        .join(schema.message, _m.id == _f.message_id)
        .join(schema.ticket, schema.ticket.c.id == _m.ticket_id)
        .where(_f.sha256 == sha256)
        .limit(3)
    )
    sent = conn.execute(select(_o.id).where(_o.raw_sha256 == sha256).limit(3))
    return "; ".join(
        dict.fromkeys(
            [
                *(f"the raw mail {row[0]}" for row in mails),
                *(f"a message of [#{row[0]}]" for row in numbers),
                *(f"the file {row[0]!r} in [#{row[1]}]" for row in files),
                *(f"the mail of outbox row {row[0]} as it was sent" for row in sent),
            ]
        )
    )
