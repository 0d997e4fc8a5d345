"""Putting a backup back where nothing is: everything is checked before anything is written.

Nobody can know what happened between the backup and the loss of the original. So:

- mails that waited to go out at that moment may have gone out since. Unless told otherwise they are held: `unknown`, with the reason,
  until somebody sends them again (`outbox retry`), which marks them as possibly sent twice
- ids of tickets and people that the original gave since, and the reply tokens in its mails, must lead to nobody else's ticket:
  so the next ids are skipped
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from helpdeskd import durable
from helpdeskd.audit import last as last_audit
from helpdeskd.backup.manifest import Found
from helpdeskd.config import Config
from helpdeskd.desk import history
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.installation import HALF_RESTORED, RESTORING, ROLES, held, open_blobs, prepare_folders
from helpdeskd.model.outgoing import Ended, OutboxRow, OutboxState, Sent
from helpdeskd.model.ticket import History
from helpdeskd.store import migrations, outbox, schema, snapshot
from helpdeskd.store.engine import Store, open_store

SKIPPED_IDS = 100_000  # more than a team opens between two backups
_SPOOL = ("new", "cur", "parked")
_EVERYTHING = 1 << 31


@dataclass(frozen=True, slots=True)
class Restored:
    tickets: int
    spooled: int
    blobs: int
    held: tuple[OutboxRow, ...]  # mails that are not sent by themselves
    queued: int  # mails that will be


def restore(config: Config, found: Found, now: datetime, *, send: bool) -> Restored:
    """Put a checked backup (without its damaged blobs) where `config` says. `send`: what waited to go out goes out after all.

    Raises Refused where anything is there already, a daemon runs or the store is another kind, StoreDown, OSError. What a
    failure half way leaves is refused by the daemon and by another restore alike: it is to be emptied first.
    """
    manifest = found.manifest
    if manifest.schema > migrations.HEAD:
        raise Refused(
            "newer", f"{found.folder} was made by a newer helpdeskd ({manifest.made_by}): install that one first"
        )
    if config.store_url.startswith("postgresql") != (manifest.dialect == "postgresql"):
        raise Refused("other-store", f"{found.folder} holds a store of {manifest.dialect}; store.url says another")
    with held(config, ROLES):
        _check_empty(config)
        _mark(config.paths.data)
        try:
            prepare_folders(config)
            snapshot.put_back(config.store_url, found.folder / manifest.store)
        except BaseException:  # all of the store or nothing
            _unmark(config.paths.data)
            raise
        blobs, spooled = _blobs(config, found), _spool(config, found)
        store = open_store(config.store_url, snapshots=0, risk_losing_mail=config.store.risk_losing_mail)
        try:
            if manifest.schema == migrations.HEAD:
                _check_rows(store, manifest.rows)
            rows = store.writer.run(lambda conn: _settle(conn, now, manifest.made_at, send=send))
        finally:
            store.close()
        _unmark(config.paths.data)
    held_back = tuple(row for row in rows if row.state is OutboxState.UNKNOWN)
    return Restored(manifest.rows.get("ticket", 0), spooled, blobs, held_back, len(rows) - len(held_back))


def _check_empty(config: Config) -> None:
    """Lock files are ours; a folder lost+found is the file system's."""
    data = config.paths.data
    if (data / RESTORING).exists():
        raise Refused("half-restored", f"{data}: {HALF_RESTORED}")
    if not snapshot.is_empty(config.store_url):
        raise Refused(
            "not-empty", "there is a store already where store.url says: a backup is restored where nothing is"
        )
    places = {data, config.paths.spool_dir, config.paths.blob_dir}
    for place in sorted(places):
        for path in _mails_and_blobs(place):
            raise Refused("not-empty", f"{path} is there already: a backup is restored where nothing is")


def _mails_and_blobs(place: Path) -> Iterator[Path]:
    own = {"bell", "reserve", "node", "lost+found"}
    for path in sorted(place.rglob("*")) if place.is_dir() else ():
        if not (path.is_dir() or path.suffix == ".lock" or own & set(path.relative_to(place).parts)):
            yield path


def _mark(data: Path) -> None:
    """While it stands, no daemon takes this for an installation; it goes when all is there."""
    mark = str(data / RESTORING)
    durable.replace(mark, b"", f"{mark}.new")


def _unmark(data: Path) -> None:
    durable.unlink(str(data / RESTORING))
    durable.sync_dir(str(data))


def _blobs(config: Config, found: Found) -> int:
    blobs, count = open_blobs(config), 0
    for name in found.below("blobs"):
        if blobs.put((found.folder / name).read_bytes()) != name.rpartition("/")[2]:
            raise Refused("bad-backup", f"{found.folder / name} has changed since it was checked")
        count += 1
    return count


def _spool(config: Config, found: Found) -> int:
    root, count = config.paths.spool_dir, 0
    for name in found.below("spool"):
        path = root / name.removeprefix("spool/")
        # A file of the spool is there when it is whole, also for a door that is open already.
        durable.place(str(path), ((found.folder / name).read_bytes(),), str(root / "tmp" / path.name))
        count += path.parent.name in _SPOOL and path.suffix != ".why"
    for folder in (*_SPOOL, "mailboxes"):
        durable.sync_dir(str(root / folder))
    return count


def _check_rows(store: Store, expected: dict[str, int]) -> None:
    def count(conn: Connection) -> dict[str, int]:
        tables = schema.metadata.tables
        return {name: conn.execute(select(func.count()).select_from(tables[name])).scalar_one() for name in expected}

    unknown = sorted(expected.keys() - schema.metadata.tables.keys())
    if unknown:
        raise Refused("bad-backup", f"the backup speaks of tables that there are not: {', '.join(unknown)}")
    found = store.read(count)
    wrong = sorted(name for name in expected if found[name] != expected[name])
    if wrong:
        raise Refused("bad-backup", f"the restored store has other rows than the backup says: {', '.join(wrong)}")


def _settle(conn: Connection, now: datetime, made_at: datetime, *, send: bool) -> list[OutboxRow]:
    """Decide about every mail that waited when the backup was made; those rows as they are now. And skip ids, and forget the
    nodes of then: none of them is one of now.

    One found in `sending` is uncertain as after any crash: a notice is not sent again, whatever was said.
    """
    for table in ("ticket", "person"):
        snapshot.skip_ids(conn, table, SKIPPED_IDS)
    last_audit.forget(conn)
    words = f"restored from the backup of {made_at:%Y-%m-%d %H:%M} UTC: it may have gone out since"
    waiting = (OutboxState.QUEUED, OutboxState.DEFERRED, OutboxState.SENDING)
    found = outbox.list_rows(conn, states=waiting, limit=_EVERYTHING)
    for row in found:
        again = send and not (row.automatic and row.state is OutboxState.SENDING)
        state = OutboxState.QUEUED if again else OutboxState.UNKNOWN
        outbox.ended(conn, row.id, Sent(Ended.UNCERTAIN, 0, words), now, None, state)
        if not again and row.ticket_id is not None:
            detail = {
                "notice": row.notice.value,
                "recipient": row.recipient,
                "words": words,
                "mail_id": row.mail_id,
                "outbox": row.id,
            }
            history.write(conn, now, Entry(row.ticket_id, History.MAIL_UNKNOWN, None, row.message_id, detail))
    return [outbox.get(conn, row.id) for row in found]
