"""What was accepted against what became of it: every mail has one outcome in each department, every answer its end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from helpdeskd import tray
from helpdeskd.errors import NotFound, StoreDown
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.engine import Store
from tests.crash.soak.letters import Letter

_ARRIVALS = "SELECT a.raw_sha256, d.name, a.outcome FROM arrival a JOIN department d ON d.id = a.department_id"
_MESSAGES = (
    "SELECT a.raw_sha256, d.name, count(*) FROM message m JOIN arrival a ON a.id = m.arrival_id "
    "JOIN department d ON d.id = a.department_id GROUP BY 1, 2"
)
_ACKNOWLEDGED = (
    "SELECT a.raw_sha256, count(*) FROM outbox o JOIN message m ON m.id = o.message_id JOIN arrival a ON a.id = m.arrival_id "
    "WHERE o.notice = 'acknowledgement' GROUP BY 1"
)
_ANSWERS = "SELECT mail_id, notice, recipient, state, automatic, possibly_twice FROM outbox"
_CAUSED = (
    "SELECT message_id, notice, recipient, count(*) FROM outbox WHERE message_id IS NOT NULL GROUP BY 1, 2, 3 "
    "HAVING count(*) > 1"
)


@dataclass
class Reckoning:
    """Sentences, each about one mail. Uncertain is what nobody can know, and what says so (DESIGN: sending)."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)
    recognised: int = 0  # arrivals that were seen to be a second try
    answers: int = 0

    @property
    def good(self) -> bool:
        return not (self.lost or self.duplicated)

    def count(self, found: int, said: str) -> None:
        """There must be one."""
        if found < 1:
            self.lost.append(said)
        elif found > 1:
            self.duplicated.append(said)


def reckon(store: Store, data: Path, letters: Iterable[Letter], went: Counter[str]) -> Reckoning:
    """The house must be quiet. `data`: its folder; `went`: how often the relay took each Message-ID."""
    made = Reckoning()

    def read(sql: str) -> list[tuple[Any, ...]]:
        def ask(conn: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in conn.execute(text(sql))]

        return store.read(ask)

    outcomes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for sha256, department, outcome in read(_ARRIVALS):
        outcomes[sha256][department].append(outcome)
    messages: dict[tuple[str, str], int] = {(sha256, name): count for sha256, name, count in read(_MESSAGES)}
    acknowledged: dict[str, int] = dict(read(_ACKNOWLEDGED))
    blobs = FolderBlobs(data / "blobs")
    for letter in letters:
        _one_letter(made, letter, outcomes.pop(letter.sha256, {}), messages, acknowledged)
        _whole(made, letter, blobs)
    made.duplicated += [f"nobody brought {sha256}: {dict(departments)}" for sha256, departments in outcomes.items()]
    opened, tickets = read("SELECT count(*) FROM arrival WHERE outcome = 'opened'"), read("SELECT count(*) FROM ticket")
    if opened != tickets:
        made.duplicated.append(f"{tickets[0][0]} tickets of {opened[0][0]} mails that opened one")
    spool = str(data / "spool")
    made.lost += [f"parked: {each.id} ({each.reason})" for each in tray.parked(spool)]
    made.lost += [f"still in the spool: {spool_id}" for spool_id in tray.scan(spool)]
    made.duplicated += [f"queued {row[3]} times: {row[1]} to {row[2]}" for row in read(_CAUSED)]
    _answers(made, read(_ANSWERS), Counter(went))
    return made


def _one_letter(
    made: Reckoning,
    letter: Letter,
    outcomes: dict[str, list[str]],
    messages: dict[tuple[str, str], int],
    acknowledged: dict[str, int],
) -> None:
    if letter.bounced:
        made.lost.append(f"{letter}: its peer was told {letter.bounced}")
        return
    departments = len(letter.recipients)
    if len(outcomes) != departments:
        made.lost.append(f"{letter}: {len(outcomes)} of {departments} departments have it: {dict(outcomes)}")
    for name, each in outcomes.items():
        firm = [outcome for outcome in each if outcome != "duplicate"]
        made.recognised += len(each) - len(firm)
        made.count(len(firm), f"{letter}: {each} in {name}")
        made.count(messages.get((letter.sha256, name), 0), f"{letter}: messages in {name}, {each}")
        if len(each) > letter.offers:
            made.duplicated.append(f"{letter}: {each} in {name}")
    if all("opened" in each for each in outcomes.values()):
        made.count(acknowledged.get(letter.sha256, 0), f"{letter}: acknowledgements")


def _whole(made: Reckoning, letter: Letter, blobs: FolderBlobs) -> None:
    """Every byte was kept."""
    try:
        kept = blobs.get(letter.sha256)
    except (NotFound, StoreDown):
        kept = b""
    if kept != letter.raw:
        made.lost.append(f"{letter}: its bytes")


def _answers(made: Reckoning, rows: list[tuple[Any, ...]], went: Counter[str]) -> None:
    made.answers = len(rows)
    for mail_id, notice, recipient, state, automatic, twice in rows:
        times = went.pop(mail_id, 0)
        said = f"{notice} to {recipient}: {state}, {times} times at the relay ({mail_id})"
        if state not in {"sent", "unknown"} or (state == "sent" and times == 0):
            made.lost.append(said)
        elif state == "unknown" and not automatic:
            made.lost.append(f"{said}, and it was a person's own words")
        elif times > 1 and (automatic or not twice):
            made.duplicated.append(said)
        elif state == "unknown" or twice:
            made.uncertain.append(said)
    made.duplicated += [f"at the relay, but nobody queued it: {mail_id}" for mail_id in went]
