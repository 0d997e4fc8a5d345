"""Whom a full door lets go: a table."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from helpdeskd.sources.smtp_crowd import MOST_SLOW, SLOW_SECONDS, STALE_SECONDS, KnownSlow, Stage, whom
from helpdeskd.sources.smtp_rules import one_client

NOW = 1000.0


@dataclass
class Guest:
    name: str
    stage: Stage
    quiet: float  # seconds since its last step
    stays: bool = False
    unix: bool = False
    known_slow: bool = False

    @property
    def moved_at(self) -> float:
        return NOW - self.quiet


SILENT = Guest("silent", Stage.MET, 0.5)
GREETED = Guest("greeted", Stage.GREETED, 0.3)
KNOWN = Guest("known", Stage.KNOWN, 0.4)
BUSY = Guest("busy", Stage.RECIPIENT, 2.9)
STUCK = Guest("stuck", Stage.DATA, 3.0)
STUCK_LONGER = Guest("stuck longer", Stage.MAIL, 60.0)
KEEPING = Guest("keeping", Stage.DATA, 90.0, stays=True)
BACK = Guest("back again", Stage.GREETED, 0.1, known_slow=True)
BACK_IN_MAIL = Guest("back again in a mail", Stage.DATA, 0.2, known_slow=True)
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
        ([SILENT, STUCK, BACK], "back again"),  # who is known for it goes first, whatever it is in
        ([SILENT, STUCK, BACK, BACK_IN_MAIL], "back again in a mail"),
    ],
)
def test_who_goes_for_somebody_new(guests, gone):
    found = whom(guests, NOW, known_slow=False)
    assert (None if found is None else found.name) == gone


@pytest.mark.parametrize(
    ("guests", "gone"),
    [
        ([SILENT, GREETED, BUSY, KEEPING, NEIGHBOUR], None),
        ([SILENT, BACK_IN_MAIL], None),
        ([SILENT, BACK, BACK_IN_MAIL], "back again"),
        ([SILENT, BACK, STUCK], "stuck"),
    ],
)
def test_who_goes_for_one_that_was_let_go_before(guests, gone):
    found = whom(guests, NOW, known_slow=True)
    assert (None if found is None else found.name) == gone


def test_order_does_not_matter_and_nobody_is_changed():
    guests = [SILENT, GREETED, BUSY, STUCK, STUCK_LONGER, KEEPING, NEIGHBOUR]
    assert (
        whom(guests, NOW, known_slow=False)
        is whom(guests[::-1], NOW, known_slow=False)
        is whom(guests, NOW, known_slow=True)
        is STUCK_LONGER
    )
    assert STUCK.quiet == STALE_SECONDS


def test_who_is_known_for_a_while_unless_a_mail_comes():
    known = KnownSlow()
    known.note("192.0.2.1", NOW)
    known.note("192.0.2.2", NOW)
    assert known.has("192.0.2.1", NOW + SLOW_SECONDS - 1)
    assert not known.has("192.0.2.1", NOW + SLOW_SECONDS)
    known.forget("192.0.2.2")
    assert not known.has("192.0.2.2", NOW)
    for number in range(MOST_SLOW):
        known.note(str(number), NOW)
    assert not known.has("192.0.2.1", NOW)
    assert known.has("0", NOW)


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_client(peer, client):
    assert one_client(peer) == client
