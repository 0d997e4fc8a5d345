"""What an audit finds, each kind by damage of its own, what it does not call a difference, and what --refetch repairs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text, update

from helpdeskd import spool, tray
from helpdeskd.audit import last
from helpdeskd.audit.differences import SHOWN, Difference, Kind, Report
from helpdeskd.audit.ledger import accepted_in
from helpdeskd.desk import removal, tickets
from helpdeskd.housekeeping import sweep_blobs
from helpdeskd.model.clock import now
from helpdeskd.model.mail import Door
from helpdeskd.model.routing import Outcome
from helpdeskd.parser import worker
from helpdeskd.store import arrivals, sqlite
from helpdeskd.store.schema import message
from tests import poison
from tests.unit.audit.site import FILE, Site, with_file

FILE_SHA256 = hashlib.sha256(FILE).hexdigest()


# What is no difference


def test_what_agrees(both: Site):
    """Opened, the same again, one with a file, one parked, one waiting, one put back: all is accounted for."""
    same = spool.new_id()
    both.taken()
    both.taken(raw=with_file())
    both.taken(raw=with_file(), id=same)
    both.parked()
    again = both.parked()
    tray.retry(both.root, again)
    both.put("waits")
    report = both.audit(deep=True, accepted=[same, again])
    assert report.differences == []
    assert report.checked["arrivals"] == 5
    assert report.checked["blobs"] >= 6  # raw mails, the file, and none twice
    assert report.unreferenced == 0


def test_blobs_that_nothing_names_are_the_sweeps(site: Site):
    site.here.blobs.put(b"its COMMIT is on its way")
    report = site.audit()
    assert (report.total, report.unreferenced) == (0, 1)


# What is one: damage -> (kind, subject)


def _lost(site: Site) -> str:
    spool_id = site.put()
    site.path("new", spool_id).unlink()
    return spool_id


def _parked_by_hand_gone(site: Site) -> str:
    """Parked without a row (the store was down), then removed by hand: its reason is the record that is left."""
    spool_id = site.put()
    tray.park(site.root, spool_id, "unreadable", "")
    site.path("parked", spool_id).unlink()
    return spool_id


def _two_outcomes(site: Site) -> str:
    spool_id = site.taken()

    def record(conn):
        arrivals.record(
            conn,
            spool_id=spool_id,
            door=Door.SMTP,
            outcome=Outcome.PARKED,
            reason="killed",
            raw_sha256=site.raw_of(spool_id),
            size=1,
            received_at=now(),
            decided_at=now(),
        )

    site.here.store.writer.run(record)
    return spool_id


def _message_gone(site: Site) -> str:
    spool_id = site.taken()
    site.here.store.writer.run(lambda conn: conn.execute(update(message).values(arrival_id=None)))
    return spool_id


def _parked_gone(site: Site) -> str:
    spool_id = site.parked()
    site.path("parked", spool_id).unlink()
    site.path("parked", f"{spool_id}.why").unlink()
    return spool_id


def _stuck(site: Site) -> str:
    spool_id = site.put()
    site.later(hours=2)
    return spool_id


def _settled(site: Site) -> str:
    """As a kill between COMMIT and unlink leaves it, and no daemon since."""
    spool_id = site.put()
    kept = site.path("new", spool_id).read_bytes()
    site.take()
    site.path("new", spool_id).write_bytes(kept)
    site.later(minutes=10)
    return spool_id


def _stray(folder: str, name: str) -> Callable[[Site], str]:
    def leave(site: Site) -> str:
        site.path(folder, name).write_bytes(b"?")
        return f"{folder}/{name}"

    return leave


def _reason_alone(site: Site) -> str:
    """As a kill in the middle of `mail retry` leaves it."""
    spool_id = site.parked()
    reason = site.path("parked", f"{spool_id}.why").read_bytes()
    tray.retry(site.root, spool_id)
    site.path("parked", f"{spool_id}.why").write_bytes(reason)
    site.take()
    return spool_id


def _old_tmp(site: Site) -> str:
    path = site.path("tmp", spool.new_id())
    path.write_bytes(b"half a mail")
    os.utime(path, (0, 0))
    return f"tmp/{path.name}"


def _raw_missing(site: Site) -> str:
    sha256 = site.raw_of(site.taken())
    site.blob(sha256).unlink()
    return sha256


def _file_missing(site: Site) -> str:
    site.taken(raw=with_file())
    site.blob(FILE_SHA256).unlink()
    return FILE_SHA256


def _damaged(site: Site) -> str:
    sha256 = site.raw_of(site.taken())
    raw = site.blob(sha256).read_bytes()
    site.blob(sha256).write_bytes(b"X" + raw[1:])
    return sha256


DAMAGE = {
    "an entry removed by hand": (_lost, Kind.LOST),
    "a parked mail removed by hand": (_parked_by_hand_gone, Kind.LOST),
    "two outcomes": (_two_outcomes, Kind.TWO_OUTCOMES),
    "a message gone": (_message_gone, Kind.MESSAGE_GONE),
    "a parked mail gone": (_parked_gone, Kind.PARKED_GONE),
    "waits for hours": (_stuck, Kind.STUCK),
    "settled": (_settled, Kind.SETTLED),
    "a name that is none": (_stray("new", "mail.eml"), Kind.STRAY),
    "an entry without strikes": (_stray("cur", "0001780000000000-aaaaaaaaaaaa"), Kind.STRAY),
    "an entry of nobody": (_stray("parked", "mail.why"), Kind.STRAY),
    "a reason alone": (_reason_alone, Kind.REASON_ALONE),
    "half a mail": (_old_tmp, Kind.OLD_TMP),
    "a raw mail": (_raw_missing, Kind.BLOB_MISSING),
    "a file": (_file_missing, Kind.BLOB_MISSING),
    "bad bytes": (_damaged, Kind.BLOB_DAMAGED),
}


@pytest.mark.parametrize(("damage", "kind"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_nothing_else(site: Site, damage, kind):
    subject = damage(site)
    assert site.found(deep=True, accepted=[subject] if damage is _lost else []) == [(kind, subject)]


def test_damage_is_found_on_either_database(both: Site):
    """Of each question that is asked of the database, one answer."""
    found = [(Kind.MESSAGE_GONE, _message_gone(both)), (Kind.PARKED_GONE, _parked_gone(both))]
    found += [(Kind.TWO_OUTCOMES, _two_outcomes(both)), (Kind.BLOB_MISSING, _file_missing(both))]
    found += [
        (Kind.LOST, lost := _lost(both)),
        (Kind.REASON_ALONE, _reason_alone(both)),
        (Kind.SETTLED, _settled(both)),
    ]
    assert sorted(both.found(accepted=[lost])) == sorted(found)


def test_a_ticket_gone(site: Site):
    spool_id = site.taken()
    with closing(
        sqlite.driver().connect(site.here.store.path)
    ) as conn:  # which knows no foreign keys, as a bad restore might
        conn.execute("UPDATE arrival SET ticket_id = 4711")
        conn.commit()
    assert site.found() == [(Kind.TICKET_GONE, spool_id)]


def test_a_removed_ticket_is_no_difference(both: Site):
    both.taken(raw=with_file())
    kept = both.taken()

    def remove(conn: Connection) -> None:
        gone = tickets.get(conn, 1)
        removal.ticket(conn, both.here.desk, both.here.clock(), ticket=gone, actor=None)

    both.here.store.writer.run(remove)
    report = both.audit(deep=True)
    assert report.differences == []
    both.later(hours=25)
    sweep_blobs(both.here)
    assert both.blob(both.raw_of(kept)).exists()
    assert both.audit(deep=True).unreferenced == 0
    assert len([path for path in both.blobs.rglob("*") if path.is_file()]) == 1


def test_every_kind_has_its_damage():
    elsewhere = {Kind.UID_MISSING, Kind.MAILBOX_UNSEEN, Kind.TICKET_GONE}  # with an IMAP server; above
    assert {kind for _, kind in DAMAGE.values()} | elsewhere == set(Kind)


def test_bad_bytes_need_a_deep_look(site: Site):
    _damaged(site)
    assert site.found() == []


def test_words_tell_people_what_is_missing(site: Site):
    _file_missing(site)
    (difference,) = site.audit().differences
    assert difference.words.startswith("the file 'a.pdf' in [#")
    sha256 = site.raw_of(spool_id := site.taken("Another"))
    site.blob(sha256).unlink()
    words = next(each.words for each in site.audit().differences if each.subject == sha256)
    assert words.startswith(f"the raw mail {spool_id}; a message of [#")


def test_many_are_counted_and_some_are_named():
    report = Report()
    report.add(Difference(Kind.STUCK, str(n)) for n in range(SHOWN + 5))
    assert (report.total, len(report.differences)) == (SHOWN + 5, SHOWN)


def test_mails_parked_on_other_nodes_are_theirs(site: Site):
    _parked_gone(site)
    site.here.store.writer.run(lambda conn: last.keep(conn, "another", Report(), now()))
    report = site.audit()
    assert report.total == 0
    assert report.left_out == ["mails parked on other nodes: each node audits its own spool"]


def test_a_node_that_has_audited_nothing_for_a_month_is_gone(site: Site):
    _parked_gone(site)
    then = now() - timedelta(days=31)
    site.here.store.writer.run(lambda conn: last.keep(conn, "retired", Report(), then))
    report = site.audit()
    assert report.total == 1
    assert report.left_out == []


def test_a_mail_on_its_way_is_no_difference(site: Site, monkeypatch):
    """Settled between the look at the spool and the look at the ledger; parked between the ledger and the spool."""
    spool_id = site.put()
    real = tray.scan

    def settled_meanwhile(root):
        seen = real(root)
        monkeypatch.setattr(tray, "scan", real)
        site.take()
        return seen

    monkeypatch.setattr(tray, "scan", settled_meanwhile)
    assert site.found(accepted=[spool_id]) == []


# The log as a second record


def test_the_logs_of_what_was_received():
    ids = ["0001780000000000-aaaaaaaaaaaa", "0001780000000001-bbbbbbbbbbbb"]
    lines = [
        f"timestamp=2026-11-25T10:00:00Z level=info event=received part=smtp spool={ids[0]} door=smtp sender=a@b.example",
        f'Nov 25 10:00:00 mail1 helpdeskd[7]: {{"part": "smtp", "spool": "{ids[1]}", "event": "received", "size": 5}}',
        # What a client calls itself is no record of ours.
        'level=info event=received part=smtp door=smtp sender="x spool=0001780000000003-dddddddddddd"',
        'level=info event=refused part=smtp sender="event=received part=smtp spool=" spool=0001780000000003-dddddddddddd',
        '{"event": "refused", "sender": "received", "spool": "0001780000000003-dddddddddddd"}',
        "{not json, received",
        "timestamp=2026-11-25T10:00:00Z level=info event=opened spool=0001780000000002-cccccccccccc",
        "event=received spool=short",
    ]
    assert list(accepted_in(lines)) == ids


# Repairs


def test_a_parked_mail_goes_through_again_from_its_blob(site: Site):
    spool_id = _parked_gone(site)
    report, did = site.repair()
    assert (report.total, did) == (0, [f"{spool_id}: it is in the spool again, from its blob"])
    site.take()
    assert site.found() == []
    (row,) = site.here.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
    assert row.outcome is Outcome.OPENED


def test_a_parked_mail_without_its_blob_is_left_to_people(site: Site):
    spool_id = _parked_gone(site)
    sha256 = site.raw_of(spool_id)
    site.blob(sha256).unlink()
    report, did = site.repair()
    assert {each.kind for each in report.differences} == {Kind.PARKED_GONE, Kind.BLOB_MISSING}
    assert did == [f"{spool_id}: there is no blob {sha256}"]


@pytest.mark.parametrize("damage", [_file_missing, lambda site: _of_file(site, b"X")], ids=["missing", "damaged"])
def test_a_file_is_derived_again(site: Site, damage):
    sha256 = damage(site)
    report, did = site.repair(deep=True)
    assert (report.total, did) == (0, [f"{sha256}: put again from its mail {_raw_of_file(site)[:12]}"])
    assert site.here.blobs.get(sha256) == FILE
    assert site.found(deep=True) == []


def test_a_mail_at_which_the_parser_dies_does_no_harm_here_either(site: Site, monkeypatch):
    site.taken(raw=with_file().replace(b"Here.", b"Here. poison:exit"))
    site.blob(FILE_SHA256).unlink()
    monkeypatch.setattr(worker, "COMMAND", poison.COMMAND)
    report, did = site.repair()
    assert (report.total, did) == (1, [])


def _of_file(site: Site, first: bytes) -> str:
    site.taken(raw=with_file())
    site.blob(FILE_SHA256).write_bytes(first + FILE[1:])
    return FILE_SHA256


def _raw_of_file(site: Site) -> str:
    return str(site.here.store.read(lambda conn: conn.execute(text("SELECT raw_sha256 FROM message")).scalar_one()))


def test_a_raw_mail_that_lies_in_the_spool_too_is_put_again(site: Site):
    spool_id = _settled(site)
    sha256 = site.raw_of(spool_id)
    site.blob(sha256).unlink()
    report, did = site.repair()
    assert did == [f"{sha256}: put again from the spool ({spool_id})"]
    assert [each.kind for each in report.differences] == [Kind.SETTLED]
    parked = site.parked()
    site.blob(site.raw_of(parked)).unlink()
    _, did = site.repair()
    assert did == [f"{site.raw_of(parked)}: put again from the parked mail {parked}"]


def test_a_raw_mail_that_is_nowhere_is_left_to_people(site: Site):
    sha256 = _raw_missing(site)
    report, did = site.repair()
    assert ([each.subject for each in report.differences], did) == ([sha256], [])


def test_a_reason_without_a_mail_goes(site: Site):
    spool_id = _reason_alone(site)
    report, did = site.repair()
    assert (report.total, did) == (0, [f"{spool_id}: the reason without a mail is removed"])
    assert site.found() == []


# The last result


def test_the_last_result_is_kept_for_each_node(both: Site):
    assert both.here.store.read(lambda conn: last.last(conn, "n1")) is None
    subject = _stuck(both)
    report, at = both.audit(), now()
    both.here.store.writer.run(lambda conn: last.keep(conn, "n1", report, at))
    found = both.here.store.read(lambda conn: last.last(conn, "n1"))
    assert found is not None
    assert (found.at, found.total, found.counts) == (at, 1, {Kind.STUCK: 1})
    assert found.words[0].startswith(f"stuck: {subject}: since ")
    assert both.here.store.read(lambda conn: last.last(conn, "n2")) is None
