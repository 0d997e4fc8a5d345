"""Bounces: recognised, hard or soft, class of the status, and which addresses."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from helpdeskd.config import Desk, Intake
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import Delivery, Fate, Inbound, Severity
from tests.corpora import MAILS

SISIMAI = MAILS / "sisimai"
FLUFL = MAILS / "flufl.bounce"
# Rows of the table that tell of no loss.
NO_BOUNCE = frozenset({"feedback", "delivered", "vacation"})
# Where we do otherwise on purpose: not among the figures.
OTHERWISE: dict[str, str] = {
    "microsoft_03.txt": "From is a person's, and Precedence: bulk is what lists write on the mails of people; it stays a list's mail",
    "lhost-kddi-01.eml": "nothing but its words says that a machine wrote it; an ordinary mail, since a customer's may read so too",
}
LOST = (Delivery.FAILED, Delivery.DELAYED)


@dataclass(slots=True)
class Measure:
    name: str
    target: float
    right: int = 0
    of: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, good: bool, what: str) -> None:
        self.of += 1
        self.right += good
        if not good:
            self.wrong.append(what)

    def __str__(self) -> str:
        share = 100 * self.right / max(self.of, 1)
        return f"{self.name}: {self.right}/{self.of} = {share:.1f} % (at least {self.target:g} %)"


def read(path: Path) -> Inbound:
    return parse(
        path.read_bytes(),
        sender=None,
        instance="corpora",
        own_addresses=lambda _: False,
        marker=Desk().marker,
        limits=Intake(),
    )


def lost(mail: Inbound) -> list[Fate]:
    return [fate for fate in mail.report.fates if fate.delivery in LOST] if mail.report is not None else []


def halves(names: list[str]) -> set[str]:
    """The half from which the rules were written first. The other one was measured before anybody looked into it."""
    names = sorted(names)
    random.Random(2026).shuffle(names)
    return set(names[::2])


def table(path: Path) -> Iterator[list[str]]:
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def sisimai(only: str) -> list[Measure]:
    rows: dict[str, list[list[str]]] = {}
    for name, _, *row in table(SISIMAI / "EXPECTED-from-p5-sisimai-tests.tsv"):
        rows.setdefault(name, []).append(row)
    seen = halves(list(rows))
    found = Measure("sisimai: bounce or not", 99)
    hard = Measure("sisimai: hard or soft", 97)
    status = Measure("sisimai: class of the status", 97)
    for path in sorted((SISIMAI / "maildir" / "not").iterdir()):
        if only != "seen":
            found.count(not lost(read(path)), f"{path.name}: taken for a bounce")
    for name, expected in sorted(rows.items()):
        if only and (name in seen) != (only == "seen"):
            continue
        fates = lost(read(SISIMAI / name))
        if Path(name).name in OTHERWISE:
            continue
        bounced = expected[0][2] not in NO_BOUNCE
        found.count(bool(fates) == bounced, f"{name}: {expected[0][2]}, {len(fates)} recipients found")
        for number, (code, _, reason, is_hard) in enumerate(expected if bounced else []):
            fate = fates[number] if number < len(fates) else None
            said = "no such recipient found" if fate is None else f"{fate.severity}, {fate.reason}, {fate.code}"
            what = f"{name} [{number}]: {reason} {code}; {said}: {fate.words[:150] if fate else ''}"
            hard.count(fate is not None and (fate.severity is Severity.HARD) == (is_hard == "1"), what)
            status.count(fate is not None and fate.code[:1] == code[:1], what)
    return [found, hard, status]


def flufl(only: str) -> list[Measure]:
    rows = {
        name: set(addresses.lower().split()) for name, _, _, addresses in table(FLUFL / "EXPECTED-from-flufl-tests.tsv")
    }
    seen = halves(list(rows))
    files = {path.name: path for path in FLUFL.rglob("*.txt")}
    measure = Measure("flufl.bounce: bouncing addresses", 98)
    for name, expected in sorted(rows.items()):
        if name in OTHERWISE or (only and (name in seen) != (only == "seen")):
            continue
        found = {(fate.original or fate.recipient).lower() for fate in lost(read(files[name]))}
        measure.count(
            found == expected, f"{name}: {' '.join(sorted(found)) or 'none'} instead of {' '.join(sorted(expected))}"
        )
    return [measure]


def main() -> None:
    quiet = "--seen" in sys.argv
    for only, title in (
        ("seen", "the half of the first rules"),
        *(() if quiet else (("unseen", "the other half"), ("", "both"))),
    ):
        print(f"== {title}")
        for measure in [*sisimai(only), *flufl(only)]:
            print(measure)
            for what in measure.wrong if only == ("seen" if quiet else "") else ():
                print(f"    {what}")
    for name, why in OTHERWISE.items():
        print(f"otherwise, on purpose: {name}: {why}")


if __name__ == "__main__":
    main()
