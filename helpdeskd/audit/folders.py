r"""Each watched IMAP folder's UIDs against ledger and spool. Never against \Seen, which belongs to whoever reads the mailbox.

A connection of its own, EXAMINE only: it changes nothing on the server and needs no lock. What is ours is what the watcher
says in its state file: from the floor on, backfilled ones below it, up to where a pass that ended has come (`through`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from helpdeskd.audit.differences import Difference, Kind, Report
from helpdeskd.config import Mailbox
from helpdeskd.errors import Temporary
from helpdeskd.sources import imap_choice as choice
from helpdeskd.sources.imap_client import Connection, Lost
from helpdeskd.sources.imap_pass import Memory
from helpdeskd.sources.imap_state import Book, WatchState

Known = Callable[[str, str, int], set[int]]  # account, folder, UIDVALIDITY -> UIDs with an arrival
Connect = Callable[[Mailbox], Connection]


def compare(box: Mailbox, spool_root: str, known: Known, report: Report, connect: Connect) -> Iterator[Difference]:
    """One mailbox. What stops the comparison is a difference of its own; Temporary of the ledger is raised."""
    try:
        state = Book(spool_root, box.name).load().state
    except Temporary as error:
        yield Difference(Kind.MAILBOX_UNSEEN, box.name, str(error), box.name)
        return
    if state.state is WatchState.LOCKED:
        report.left_out.append(f"mailbox {box.name}: another node watches it")
        return
    if not any(folder.through for folder in state.folders.values()):
        report.left_out.append(f"mailbox {box.name}: no pass has ended yet")
        return
    try:
        connection = connect(box)
    except Temporary as error:
        yield Difference(Kind.MAILBOX_UNSEEN, box.name, str(error), box.name)
        return
    try:
        for name in box.folders:
            folder = state.folders.get(name)
            if folder is None or not folder.through:
                report.left_out.append(f"mailbox {box.name}, folder {name}: no pass has ended yet")
                continue
            try:
                selected = connection.select(name, readonly=True)
                if selected.uidvalidity != folder.uidvalidity:
                    report.left_out.append(
                        f"mailbox {box.name}, folder {name}: UIDVALIDITY is new; the watcher sees to it"
                    )
                    continue
                here = connection.search((), choice.lowest(folder), selected)
            except Temporary as error:
                yield Difference(Kind.MAILBOX_UNSEEN, box.name, str(error), box.name)
                if isinstance(error, Lost):
                    return
                continue
            ours = {uid for uid in choice.ours(here, folder) if uid < folder.through}
            report.checked["IMAP mails"] += len(ours)
            # The spool before the ledger: a mail moves from the one to the other, never back.
            ours -= Memory().waiting(spool_root, box.name, name, folder.uidvalidity)
            ours -= known(box.name, name, folder.uidvalidity)
            for uid in sorted(ours):
                yield Difference(
                    Kind.UID_MISSING,
                    f"{box.name}/{name} UID {uid}",
                    f"UIDVALIDITY {folder.uidvalidity}",
                    box.name,
                )
    finally:
        connection.close()
