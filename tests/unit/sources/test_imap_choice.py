"""Which mails are ours, in what portions, and when to try again: tables, no server."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from helpdeskd.sources import imap_choice as choice
from helpdeskd.sources.imap_choice import DAY, Backfill
from helpdeskd.sources.imap_state import FolderState
from helpdeskd.sources.imap_uids import pack, unpack

NOW = 1_000 * DAY


def folder(**changed: Any) -> FolderState:
    fields: dict[str, Any] = {"uidvalidity": 1, "uidnext": 100, "floor": 50, "contacted": NOW - 30 * DAY, **changed}
    return FolderState(**fields)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("none", Backfill.NONE),
        ("all", Backfill.ALL),
        ("unseen", Backfill.UNSEEN),
        ("2026-01-31", date(2026, 1, 31)),
    ],
)
def test_backfill_is_read(text, meant):
    assert choice.backfill(text) == meant


def test_backfill_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="some"):
        choice.backfill("some")


@pytest.mark.parametrize(
    ("wish", "search"),
    [
        (Backfill.NONE, None),
        (Backfill.ALL, None),
        (Backfill.UNSEEN, ("UNDELETED", "UNSEEN")),
        (date(2026, 1, 31), ("SINCE", date(2026, 1, 31))),
    ],
)
def test_what_is_searched_at_first_contact(wish, search):
    assert choice.backfill_search(wish) == search


@pytest.mark.parametrize(
    ("wish", "found", "ledger", "floor", "extra", "why"),
    [
        (Backfill.NONE, (), (), 10, "", "now: nothing old"),
        (Backfill.ALL, (), (), 1, "", "everything"),
        (Backfill.UNSEEN, (2, 5, 6, 7), (), 10, "2,5:7", "the unread ones by name, and what comes"),
        (Backfill.UNSEEN, (2, 10, 11), (), 10, "2", "what came during the search is above the floor anyway"),
        (date(2026, 1, 1), (8, 9), (), 10, "8:9", "from the date on"),
        (Backfill.NONE, (), (4, 7), 4, "", "state lost, ledger says we began at 4: 5 and 6 are ours too"),
        (Backfill.ALL, (), (4, 7), 1, "", "state lost: everything, minus the ledger"),
        (Backfill.UNSEEN, (2,), (4, 7), 8, "2", "state lost: between 4 and 7 there may be mails that were read then"),
        (date(2026, 1, 1), (), (4, 7), 8, "", "state lost"),
    ],
)
def test_first_contact(wish, found, ledger, floor, extra, why):
    met = choice.first_contact(wish, uidvalidity=3, uidnext=10, found=found, ledger=ledger, now=NOW)
    assert (met.floor, met.extra) == (floor, extra), why
    assert (met.uidvalidity, met.uidnext, met.contacted, met.good, met.owed) == (3, 10, NOW, 0, "")


@pytest.mark.parametrize(
    ("old", "wish", "since", "why"),
    [
        (folder(good=NOW - 5), Backfill.NONE, NOW - 5 - DAY, "a day before the last good poll"),
        (folder(good=NOW - 40 * DAY), Backfill.ALL, NOW - 41 * DAY, "we were away for forty days: all of them are new"),
        (folder(good=0), Backfill.NONE, NOW - 31 * DAY, "no good poll yet: from first contact"),
        (folder(good=0), Backfill.ALL, None, "the backfill was never finished: begin again"),
        (folder(good=0), Backfill.UNSEEN, None, "the same"),
        (folder(good=NOW + 9 * DAY), Backfill.NONE, NOW - DAY, "the clock was wrong then"),
        (
            folder(good=NOW, unread_since=NOW - 3 * DAY),
            Backfill.NONE,
            NOW - 3 * DAY,
            "a mail could not be read for days",
        ),
        (
            folder(good=NOW, unread_since=NOW - 99 * DAY),
            Backfill.NONE,
            NOW - 7 * DAY,
            "further back intake would not know again what it has",
        ),
    ],
)
def test_how_far_a_reset_looks_back(old, wish, since, why):
    assert choice.overlap_since(old, wish, NOW) == since, why


def test_a_reset_does_not_make_old_mail_new():
    old = folder(good=NOW, owed="70", extra="3")
    dates = {1: NOW - 400 * DAY, 2: NOW - DAY - 1, 3: NOW - DAY, 4: NOW, 5: 0, 9: NOW}
    new = choice.after_reset(old, uidvalidity=2, uidnext=9, dates=dates, since=NOW - DAY, now=NOW + 5)
    assert (new.uidvalidity, new.uidnext, new.floor) == (2, 9, 9)
    assert new.extra == "3:4"  # not the older, not the undated; 9 came after SELECT and is above the floor
    assert new.owed == ""  # those UIDs mean other mails now
    assert (new.good, new.contacted) == (NOW, NOW + 5)


def test_after_a_reset_lower_uids_are_ours():
    """The folder stood at 100; now its UIDs begin at 1 again and stay far below that."""
    new = choice.after_reset(folder(good=NOW), uidvalidity=2, uidnext=4, dates={1: 0, 2: 0, 3: 0}, since=NOW, now=NOW)
    assert choice.ours({1, 2, 3, 4, 5}, new) == {4, 5}


@pytest.mark.parametrize(
    ("state", "here", "ours"),
    [
        (folder(floor=1), {1, 2, 3}, {1, 2, 3}),
        (folder(floor=50), {1, 49, 50, 51}, {50, 51}),
        (folder(floor=50, extra="2:3,49"), {1, 2, 3, 49, 50}, {2, 3, 49, 50}),
        (folder(floor=50, extra="2:3"), {1}, set()),
        (folder(floor=50), set(), set()),
    ],
)
def test_ours(state, here, ours):
    assert choice.ours(here, state) == ours


@pytest.mark.parametrize(
    ("state", "settled", "low"),
    [
        (folder(), 0, 50),
        (folder(), 80, 80),
        (folder(extra="7"), 0, 7),
        (folder(extra="7"), 80, 7),
        (folder(owed="60"), 80, 60),
    ],
)
def test_from_where_a_folder_is_listed(state, settled, low):
    assert choice.lowest(state, settled) == low


@pytest.mark.parametrize(
    ("owed", "here", "known", "now"),
    [
        ("5:7", {5, 6, 7}, {5, 7}, {5, 7}),  # 6 never reached the spool: it is fetched, not flagged
        ("5:7", {6}, {5, 6, 7}, {6}),  # 5 and 7 are gone from the folder
        ("", {5}, {5}, set()),  # known and acted upon: somebody may have marked it unread since
    ],
)
def test_what_is_still_to_be_flagged(owed, here, known, now):
    assert choice.owed_now(here, folder(owed=owed), known) == now


def test_portions_are_bounded_by_count_and_bytes():
    sizes = {1: 10, 2: 10, 3: 10, 4: 95, 5: 5, 6: 500, 7: 1}
    assert list(choice.portions(sizes, sizes, count=2, size=100)) == [(1, 2), (3,), (4, 5), (6,), (7,)]


def test_suspects_come_last_and_alone():
    assert list(choice.portions({5, 3, 4, 1}, {}, alone={3, 5})) == [(1, 4), (3,), (5,)]


def test_no_portion_of_nothing():
    assert list(choice.portions((), {})) == []


@pytest.mark.parametrize(
    ("tries", "login", "served", "longest"),
    [
        (1, False, False, 2),
        (2, False, False, 4),
        (5, False, False, 32),
        (20, False, False, 900),
        (5000, False, False, 900),
        (1, True, False, 60),
        (2, True, False, 120),
        (20, True, False, 900),
        (1, False, True, 2),
        (20, False, True, 45),  # it serves passes and then drops: no worse than polling
    ],
)
def test_back_off(tries, login, served, longest):
    def seconds(chance: float) -> float:
        return choice.back_off(tries, chance, login=login, served=served, poll_seconds=45)

    assert seconds(1.0) == longest
    assert seconds(0.0) == longest / 2


@pytest.mark.parametrize(
    ("uids", "text"),
    [(set(), ""), ({4}, "4"), ({1, 2, 3}, "1:3"), ({1, 2, 4, 6, 7}, "1:2,4,6:7"), ({9, 4_294_967_295}, "9,4294967295")],
)
def test_sets_of_uids_as_text(uids, text):
    assert pack(uids) == text
    assert unpack(text) == uids


def test_damaged_sets_are_not_guessed():
    with pytest.raises(ValueError, match="x"):
        unpack("1,x")
