"""Whatever comes in, what goes out by itself stays under its ceilings, and every mail is a ticket or kept in one."""

from __future__ import annotations

from collections import Counter

import pytest

from helpdeskd.config import Ceilings
from helpdeskd.model.outgoing import OutboxRow
from tests.faults.flood import SUPPORT, Figures, answered, bound, forged, run

# Far below the defaults, so that a small flood reaches them.
LOW = Ceilings(total="60/hour", unknown="10/hour", staff="80/hour", staff_address="70/hour", people="30/hour")


def kept(found: Figures) -> int:
    """Of so many mails there is a ticket, or a message in one."""
    return sum(found.outcomes[each] for each in ("opened", "appended", "internal", "automatic"))


def test_forged_froms(tmp_path):
    """`python -m tests.faults.flood` does it with 10,000 and the defaults."""
    found = run(tmp_path, LOW, lambda here: forged(here, 120))
    assert (found.mails, found.outcomes, found.tickets) == (120, Counter(opened=120), 120)
    assert (found.outside, found.staff, found.own_words) == (10, 40, 0)  # ceilings.unknown, half of ceilings.staff
    assert found.drawn_in == 15


def another_from(row: OutboxRow, number: int) -> tuple[str, str, str]:
    """Strips every header, and is somebody else each time."""
    author = f"m{number}@machine{number}.example"
    return author, author, SUPPORT


def one_from(row: OutboxRow, number: int) -> tuple[str, str, str]:
    return "machine@machine.example", "machine@machine.example", SUPPORT


def by_token(row: OutboxRow, number: int) -> tuple[str, str, str]:
    """Answers as whoever was written to, staff too, at the address for answers, with no header that says what it is."""
    to = f"{SUPPORT.replace('@', f'+{row.reply_token}@')}" if row.reply_token else SUPPORT
    return row.recipient, row.recipient, to


def null_path(row: OutboxRow, number: int) -> tuple[str, str, str]:
    author, _, to = another_from(row, number)
    return author, "", to


@pytest.mark.parametrize(
    ("machine", "outside", "staff"),
    [
        (another_from, 10, 40),  # ceilings.unknown
        (one_from, 1 + 3, 40),  # the first, and unknown_address
        (by_token, 1, 2 + 2 + 28),  # one ticket's events: two are told until it is somebody's
        (null_path, 1, 2),
    ],
)
def test_a_machine_that_answers_everything(tmp_path, machine, outside, staff):
    found = run(tmp_path, LOW, lambda here: answered(here, machine))
    most_outside, most_staff = bound(LOW)
    assert found.outside <= most_outside
    assert found.staff <= most_staff
    held = found.outcomes["held"]  # what has no return path and belongs to no ticket
    assert kept(found) + held == found.mails
    assert held == (found.mails - 1 if machine is null_path else 0)
    assert (found.outside, found.staff) == (outside, staff)
    # A machine in the place of staff speaks as often as it was told, and so ends with the notices.
    assert found.own_words == (staff if machine is by_token else 0)
