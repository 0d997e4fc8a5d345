"""Two machines: `here`, with a department and staff, and `there`, with nothing. Each test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select, update

from helpdeskd import spool
from helpdeskd.backup import manifest, restore
from helpdeskd.backup.make import Made, make
from helpdeskd.backup.restore import Restored
from helpdeskd.config import Config, Outgoing, Paths, Smtp, SpoolSettings, Store
from helpdeskd.desk import departments, people
from helpdeskd.installation import Installation, open_installation
from helpdeskd.intake import Counts
from helpdeskd.model.clock import now
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.store import schema
from tests.taken import take

SUPPORT = "support@desk.example"
ADA = "ada@staff.example"
GRACE = "grace@customer.example"


@dataclass
class Place:
    """One machine. `target` is where backups go, which both reach."""

    config: Config
    target: Path

    @property
    def root(self) -> str:
        return str(self.config.paths.spool_dir)

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        made = open_installation(self.config)
        try:
            yield made
        finally:
            made.close()

    def furnish(self) -> None:
        with self.opened() as made:

            def act(conn):
                given = (conn, made.desk, now())
                support = departments.add(*given, name="Support", addresses=(SUPPORT,))
                people.add_staff(*given, name="Ada", email=ADA, level=3, departments=(support.id,))

            made.store.writer.run(act)

    def mail(self, raw: bytes, sender: str = GRACE, recipient: str = SUPPORT) -> str:
        return spool.put(self.root, spool.Envelope(door="smtp", sender=sender, recipients=(recipient,)), [raw])

    def intake(self) -> Counts:
        with self.opened() as made:
            return take(made)

    def everything_went_out(self) -> None:
        with self.opened() as made:
            made.store.writer.run(lambda conn: conn.execute(update(schema.outbox).values(state=OutboxState.SENT)))

    def outcomes(self) -> dict[str, str]:
        """By spool id."""
        with self.opened() as made:
            found = select(schema.arrival.c.spool_id, schema.arrival.c.outcome)
            return {row[0]: row[1] for row in made.store.read(lambda conn: conn.execute(found).all())}

    def backup(self) -> Made:
        with self.opened() as made:
            return make(made, self.target, "1.2.3")

    def restore(self, *, send: bool = False) -> Restored:
        found = manifest.check(manifest.newest(self.target))
        assert not found.damaged
        return restore.restore(self.config, found, now(), send=send)


def letter(subject: str, text: str = "It burns.", **headers: str) -> bytes:
    named = {
        "From": f"Grace <{GRACE}>",
        "To": SUPPORT,
        "Subject": subject,
        "Date": "Mon, 02 Nov 2026 10:00:00 +0000",
        "Message-ID": f"<{hashlib.sha256(subject.encode()).hexdigest()[:12]}@customer.example>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return ("".join(f"{name}: {value}\n" for name, value in named.items()) + f"\n{text}\n").encode()


def _place(folder: Path, url: str, target: Path) -> Place:
    config = Config(
        paths=Paths(data=folder),
        store=Store(url=url),
        spool=SpoolSettings(reserve_percent=0.0, reserve_mb=0),
        smtp=Smtp(listen=()),
        outgoing=Outgoing(relay="relay.example", user="u", password="geheim-4711"),
    )
    return Place(config, target)


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        place: Place = request.getfixturevalue("sqlite_here")
        return place
    place = _place(tmp_path / "here", request.getfixturevalue("postgres_url"), tmp_path / "backups")
    place.furnish()
    return place


@pytest.fixture
def there(here: Place, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if not here.config.store.url:
        yield _place(tmp_path / "there", "", here.target)
        return
    server = request.getfixturevalue("postgres")
    name = server.create()
    yield _place(tmp_path / "there", server.url(name), here.target)
    server.drop(name)


@pytest.fixture
def sqlite_here(sqlite_template: Path, tmp_path: Path) -> Place:
    """For what does not depend on the database."""
    place = _place(tmp_path / "here", "", tmp_path / "backups")
    place.config.paths.data.mkdir()
    shutil.copy(sqlite_template, place.config.paths.data / "helpdeskd.sqlite3")
    place.furnish()
    return place


@pytest.fixture
def sqlite_there(sqlite_here: Place, tmp_path: Path) -> Place:
    return _place(tmp_path / "there", "", sqlite_here.target)
