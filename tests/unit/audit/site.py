"""An installation to audit: a door, intake, and hands that damage what they left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from helpdeskd import config, spool, tray
from helpdeskd.audit import run
from helpdeskd.audit.differences import Kind, Report
from helpdeskd.audit.repair import refetch
from helpdeskd.config import Config, Mailbox, Paths, SpoolSettings
from helpdeskd.daemon import StoreLedger
from helpdeskd.desk import departments
from helpdeskd.installation import Installation, open_installation
from helpdeskd.intake import STRIKES
from helpdeskd.model.clock import now
from helpdeskd.monitoring import records_of
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.schema import arrival
from tests.live.house import CUSTOMER, SUPPORT, mail
from tests.taken import take

FILE = b"%PDF a file of its own"


class Site:
    """`put` is a door, `take` is intake, `audit` and `repair` are what is tested."""

    def __init__(self, here: Installation) -> None:
        self.here = here
        self.root = here.spool_root
        self.blobs = here.config.paths.blob_dir

    def put(self, subject: str = "Printer", raw: bytes = b"", **envelope: Any) -> str:
        given: dict[str, Any] = {"door": "smtp", "sender": CUSTOMER, "recipients": (SUPPORT,), **envelope}
        return spool.put(self.root, spool.Envelope(**given), [raw or mail(CUSTOMER, SUPPORT, subject, "It burns.")])

    def take(self) -> None:
        passed = take(self.here)
        assert not passed.waiting

    def taken(self, subject: str = "Printer", raw: bytes = b"", **envelope: Any) -> str:
        spool_id = self.put(subject, raw, **envelope)
        self.take()
        return spool_id

    def parked(self) -> str:
        """A mail that was given up, as three kills in a row leave it."""
        spool_id = self.put("poison")
        path = self.path("new", spool_id)
        path.rename(self.path("cur", f"{spool_id}.{STRIKES}"))
        self.take()
        assert spool_id in tray.parked_ids(self.root)
        return spool_id

    def path(self, *names: str) -> Path:
        return Path(self.root, *names)

    def raw_of(self, spool_id: str) -> str:
        """The SHA-256 of its raw mail."""
        query = select(arrival.c.raw_sha256).where(arrival.c.spool_id == spool_id)
        found: str = self.here.store.read(lambda conn: conn.execute(query).scalar_one())
        return found

    def blob(self, sha256: str) -> Path:
        assert isinstance(self.here.blobs, FolderBlobs)
        return self.here.blobs.path(sha256)

    def later(self, **time: float) -> None:
        self.here.clock = lambda: now() + timedelta(**time)

    @property
    def records(self) -> run.Records:
        return records_of(self.here, StoreLedger(self.here.store))

    def audit(self, **wishes: Any) -> Report:
        return run.audit(self.records, **wishes)

    def found(self, **wishes: Any) -> list[tuple[Kind, str]]:
        return [(each.kind, each.subject) for each in self.audit(**wishes).differences]

    def repair(self, **wishes: Any) -> tuple[Report, list[str]]:
        report = self.audit(**wishes)
        return report, refetch(self.records, report)


@contextmanager
def opened_site(folder: Path, store_url: str, *boxes: Mailbox) -> Iterator[Site]:
    settings = Config(
        paths=Paths(data=folder / "data"),
        store=config.Store(url=store_url),
        spool=SpoolSettings(reserve_percent=0.0, reserve_mb=0),
        mailbox=boxes,
    )
    here = open_installation(settings)
    try:
        given = (here.desk, here.clock())
        here.store.writer.run(lambda conn: departments.add(conn, *given, name="Support", addresses=(SUPPORT,)))
        here.refresh()
        yield Site(here)
    finally:
        here.close()


def with_file() -> bytes:
    """A mail with an attachment."""
    head, _, _ = mail(CUSTOMER, SUPPORT, "Papers", "x").partition(b"\r\nContent-Type:")
    body = (
        b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        b'Here.\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\n'
    )
    return head.replace(b"MIME-Version: 1.0\r\n", b"") + body + FILE + b"\r\n--b--\r\n"
