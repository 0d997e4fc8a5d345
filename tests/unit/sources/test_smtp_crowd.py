"""Whom a full door lets go: a table."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from helpdeskd.sources.smtp_crowd import STALE_SECONDS, Stage, whom

NOW = 1000.0


@dataclass
class Guest:
    name: str
    stage: Stage
    quiet: float  # seconds since its last step
    stays: bool = False
    unix: bool = False

    @property
    def moved_at(self) -> float:
        return NOW - self.quiet


SILENT = Guest("silent", Stage.MET, 0.5)
GREETED = Guest("greeted", Stage.GREETED, 0.3)
KNOWN = Guest("known", Stage.KNOWN, 0.4)
BUSY = Guest("busy", Stage.RECIPIENT, 4.9)
STUCK = Guest("stuck", Stage.DATA, 5.0)
STUCK_LONGER = Guest("stuck longer", Stage.MAIL, 60.0)
KEEPING = Guest("keeping", Stage.DATA, 90.0, stays=True)
NEIGHBOUR = Guest("a server of ours", Stage.MET, 90.0, unix=True)


@pytest.mark.parametrize(
    ("guests", "gone"),
    [
        ([], None),
        ([BUSY], None),
        ([KEEPING, NEIGHBOUR], None),
        ([BUSY, KEEPING, NEIGHBOUR, SILENT], "silent"),
        ([GREETED, SILENT], "silent"),
        ([GREETED, KNOWN], "known"),  # before MAIL all are alike: who was quiet for longest
        ([GREETED, BUSY], "greeted"),  # a mail under way is let finish
        ([BUSY, SILENT, STUCK], "stuck"),  # but not one that only claims to be
        ([STUCK, STUCK_LONGER, KEEPING], "stuck longer"),
    ],
)
def test_who_goes(guests, gone):
    found = whom(guests, NOW)
    assert (None if found is None else found.name) == gone


def test_order_does_not_matter_and_nobody_is_changed():
    guests = [SILENT, GREETED, BUSY, STUCK, STUCK_LONGER, KEEPING, NEIGHBOUR]
    assert whom(guests, NOW) is whom(guests[::-1], NOW) is STUCK_LONGER
    assert STUCK.quiet == STALE_SECONDS
