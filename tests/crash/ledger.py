"""What was accepted, against what became of it: the store, the spool, the blobs and the relay are asked."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from helpdeskd import tray
from helpdeskd.model.clock import now
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.sqlite import driver
from tests.live.house import STAFF, House
from tests.sink import Sink

LATER = timedelta(days=2)  # when the sweeps come: all that a crash left is old enough then


@dataclass
class Mail:
    """One mail of the play. `answers`: (notice, recipient) of every mail that it must bring about."""

    sender: str
    recipient: str
    raw: bytes
    opens: bool  # a ticket of its own
    answers: frozenset[tuple[str, str]]
    offers: int = 0  # how often the peer came with it
    mail_id: str = ""

    def __post_init__(self) -> None:
        self.mail_id = _message_id(self.raw)


@dataclass
class Findings:
    """Sentences, each about one mail or file. All but `uncertain` are faults."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)  # nobody can know whether it went out, and it says so
    left: list[str] = field(default_factory=list)  # what the sweeps should have taken; and blobs that are missing

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.duplicated, *self.left]


class Look:
    """Reads the store as a stranger does: with a connection of its own, which on SQLite is gone again after each look."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        if self.url.startswith("sqlite"):
            connection = driver().connect(f"file:{self.url.removeprefix('sqlite:///')}?mode=ro", uri=True)
            try:
                return [tuple(row) for row in connection.execute(sql)]
            finally:
                connection.close()
        with psycopg.connect(self.url, autocommit=True) as postgres:
            return postgres.execute(sql.encode()).fetchall()

    def waiting(self) -> bool:
        """Whether an answer is still on its way."""
        return bool(self("SELECT 1 FROM outbox WHERE state IN ('queued', 'sending', 'deferred') LIMIT 1"))

    def arrived(self) -> set[str]:
        return {mail_id for (mail_id,) in self("SELECT mail_id FROM arrival")}

    def last_answer(self) -> int:
        return int(self("SELECT coalesce(max(id), 0) FROM outbox")[0][0])


def compare(house: House, look: Look, sink: Sink, mails: Iterable[Mail], since: int) -> Findings:
    """All mails of this house so far. Uncertain are only the answers after the outbox' row `since`."""
    found = Findings()
    mails = list(mails)
    outcomes: dict[str, list[str]] = {mail.mail_id: [] for mail in mails}
    for mail_id, outcome in look("SELECT mail_id, outcome FROM arrival"):
        if mail_id not in outcomes:
            found.duplicated.append(f"{mail_id} has an outcome and was never sent")
        else:
            outcomes[mail_id].append(outcome)
    messages = Counter(mail_id for (mail_id,) in look("SELECT mail_id FROM message WHERE mail_id IS NOT NULL"))
    caused = Counter(
        look("SELECT m.mail_id, o.notice, o.recipient FROM outbox o JOIN message m ON m.id = o.message_id")
    )
    for mail in mails:
        mine = outcomes[mail.mail_id]
        firm = [outcome for outcome in mine if outcome != "duplicate"]
        _once(found, len(firm), f"{mail.mail_id}: outcomes {mine}")
        _once(found, messages[mail.mail_id], f"{mail.mail_id}: {messages[mail.mail_id]} messages")
        if len(mine) > mail.offers:
            found.duplicated.append(f"{mail.mail_id}: {mine} of {mail.offers} offers")
        for notice, recipient in mail.answers:
            count = caused.pop((mail.mail_id, notice, recipient), 0)
            _once(found, count, f"{mail.mail_id}: {count} times {notice} to {recipient}")
    found.duplicated += [f"an answer nobody is due: {answer}" for answer in caused]
    tickets, wanted = look("SELECT count(*) FROM ticket")[0][0], sum(mail.opens for mail in mails)
    if tickets > wanted:
        found.duplicated.append(f"{tickets} tickets of {wanted} mails that open one")
    found.lost += [f"parked: {each.id} {each.reason}" for each in tray.parked(str(house.spool))]
    _answers(found, look, sink, since)
    return found


def _message_id(raw: bytes) -> str:
    found = re.search(rb"(?im)^message-id:\s*<([^>]+)>", raw)
    assert found is not None, raw[:2000]
    return found[1].decode()


def _once(found: Findings, count: int, said: str) -> None:
    if count == 0:
        found.lost.append(said)
    elif count > 1:
        found.duplicated.append(said)


def _answers(found: Findings, look: Look, sink: Sink, since: int) -> None:
    """Every row of the outbox against what the relay has taken."""
    went = Counter(_message_id(each.data) for each in sink.mails)
    for row, mail_id, notice, state, automatic, twice in look(
        "SELECT id, mail_id, notice, state, automatic, possibly_twice FROM outbox"
    ):
        times = went.pop(mail_id, 0)
        said = f"{notice} {mail_id}: {state}, {times} times at the relay"
        unsure = twice or state == "unknown"
        if state not in {"sent", "unknown"} or (times == 0 and state != "unknown"):
            found.lost.append(said)
        elif not automatic and state == "unknown":
            found.lost.append(f"{said}, and it was a person's own words")
        elif times > 1 and (automatic or not twice):
            found.duplicated.append(said)
        elif unsure and row > since:
            found.uncertain.append(said)
    found.duplicated += [f"nobody queued {mail_id}, which the relay has" for mail_id in went]


def sweep(house: House, look: Look) -> list[str]:
    """Both sweeps, in two days' time; then everything that is there and that nobody refers to. The house must be quiet."""
    kept = set()
    for table, column in (
        ("message", "raw_sha256"),
        ("arrival", "raw_sha256"),
        ("attachment", "sha256"),
        ("outbox", "raw_sha256"),
    ):
        kept |= {sha256 for (sha256,) in look(f"SELECT DISTINCT {column} FROM {table}")}
    blobs = house.data / "blobs"
    tray.sweep(str(house.spool), time.time() + LATER.total_seconds())
    FolderBlobs(blobs).sweep(kept.__contains__, now() + LATER)
    files = {path.name: path for path in blobs.rglob("*") if path.is_file()}
    left = [f"{path} belongs to nobody" for name, path in files.items() if name not in kept]
    left += [f"the blob {sha256} is missing" for sha256 in kept - {None} - set(files)]
    return left + [f"{path} was left" for path in _spooled(house.spool)]


def _spooled(spool: Path) -> list[Path]:
    return [path for folder in ("tmp", "new", "cur") for path in (spool / folder).iterdir()]


def of_customer(sender: str, recipient: str, raw: bytes) -> Mail:
    """It opens a ticket: the customer is told, and the staff."""
    return Mail(sender, recipient, raw, True, frozenset({("acknowledgement", sender), ("new_ticket", STAFF)}))


def of_staff(recipient: str, raw: bytes, customer: str) -> Mail:
    """An answer that Ada gives from her own mail program."""
    return Mail(STAFF, recipient, raw, False, frozenset({("staff_reply", customer)}))
