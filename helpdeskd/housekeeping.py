"""What a house needs now and then: tickets whose time has come; once a day, what is over is let go and swept."""

from __future__ import annotations

from sqlalchemy import Connection

from helpdeskd import log, tray
from helpdeskd.desk import accounts, automation, ceilings, counters, keeping, removal
from helpdeskd.installation import BACKUP, Installation, is_held
from helpdeskd.log import Event
from helpdeskd.store.blobs import is_referenced

_log = log.get("housekeeping")


def automate(installation: Installation) -> None:
    """What rules do, in pages. Raises Temporary."""
    store, desk, now = installation.store, installation.desk, installation.clock()
    while store.read(lambda conn: automation.is_due(conn, desk.settings, now)):
        done = store.writer.run(lambda conn: automation.run(conn, desk, now))
        for each in done:
            _log.info(Event.AUTOMATED, ticket=each.ticket.number, rule=each.rule.name, state=each.ticket.state.value)
        if not done:  # another node is at it
            break


def once_a_day(installation: Installation) -> None:
    """By the store's clock, so that one of several nodes does it, and a daemon that is often restarted, too. Raises Temporary."""
    if installation.store.writer.run(lambda conn: keeping.is_due(conn, installation.clock())):
        removal.unfinished(installation.store, installation.clock)
        installation.store.writer.run(counters.fold)
        installation.store.writer.run(lambda conn: accounts.purge(conn, installation.clock()))
        installation.store.writer.run(lambda conn: ceilings.purge(conn, installation.clock()))
        let_go(installation)
        sweep_blobs(installation)


def let_go(installation: Installation) -> None:
    """What [keep] says is kept no longer. Raises Temporary."""
    store, root, now = installation.store, installation.spool_root, installation.clock()
    busy = {*tray.scan(root), *(parked.id for parked in tray.parked(root))}
    gone = keeping.let_go(store, installation.config.keep, now, busy)
    if gone:
        _log.info(Event.LET_GO, raw=gone.raw, automatic=gone.automatic, outbox=gone.outbox, spam=gone.spam)


def sweep_blobs(installation: Installation) -> None:
    """What a crash between blob and COMMIT left behind, once it is a day old, and what was let go. Raises Temporary.

    Not while a backup is made: it copies the store first, and then the blobs that the store named then.
    """
    store, config = installation.store, installation.config

    def referenced(sha256: str) -> bool:
        def asked(conn: Connection) -> bool:
            return is_referenced(conn, sha256)

        # The second time under the write lock, and rarely.
        return store.read(asked) or store.writer.run(asked) or is_held(config, BACKUP)

    swept = installation.blobs.sweep(referenced, installation.clock())
    if swept:
        _log.info(Event.SWEPT, blobs=swept)
