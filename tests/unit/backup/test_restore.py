"""Put back where nothing is: the same answers, the same threads, nothing sent twice unseen; and nothing that is not whole."""

from __future__ import annotations

import os
import shutil
from collections import Counter

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from helpdeskd import daemon, monitoring, spool, tray
from helpdeskd.audit import last
from helpdeskd.audit.run import audit
from helpdeskd.backup import manifest, restore
from helpdeskd.config import Config
from helpdeskd.desk import people, queries, tickets
from helpdeskd.desk.context import Words
from helpdeskd.errors import Refused
from helpdeskd.installation import ROLES, held, open_installation
from helpdeskd.model.clock import now
from helpdeskd.model.outgoing import Ended, NoticeName, OutboxState
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import History
from helpdeskd.store import arrivals, migrations, outbox, schema
from tests.unit.backup.conftest import ADA, GRACE, letter

PICTURE = (
    b"--x\nContent-Type: text/plain\n\nIt burns.\n--x\nContent-Type: image/png\n"
    b'Content-Disposition: attachment; filename="fire.png"\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--x--\n'
)


def lived_in(place):
    """Some of everything: a ticket with a file, an answer, a duplicate, a bounce without a ticket, one parked, one waiting."""
    raw = letter("Printer", Content_Type="multipart/mixed; boundary=x", MIME_Version="1.0").partition(b"\n\n")[0]
    ids = [place.mail(raw + b"\n\n" + PICTURE), place.mail(letter("Another")), place.mail(letter("Another"))]
    ids.append(place.mail(letter("Undelivered"), ""))
    place.intake()
    with place.opened() as made:

        def answer(conn):
            (line,) = queries.search(conn, "Printer")
            ada = people.find(conn, ADA)
            assert ada is not None
            words = Words("Pull the plug.", reason="cli")
            tickets.staff_reply(conn, made.desk, now(), ticket=line.ticket, author=ada, words=words)

        made.store.writer.run(answer)
    poison = place.mail(b"poison")
    entry = tray.claim(place.root, poison)
    assert entry is not None
    tray.park(place.root, entry, "killed", "a trace")
    return [*ids, poison, place.mail(letter("Waiting"))]


def answers(place, ids):
    """What an operator can ask."""
    with place.opened() as made:

        def ask(conn):
            lines = queries.list_tickets(conn, queries.Filters())
            return {
                "list": lines,
                "search": queries.search(conn, "burns grace"),
                "show": [queries.show(conn, line.ticket.number) for line in lines],
                "ledger": [arrivals.all_by_spool(conn, spool_id) for spool_id in ids],
                "attempts": [outbox.attempts(conn, row.id) for row in outbox.list_rows(conn)],
                "instance": made.desk.instance,
            }

        found = made.store.read(ask)
        shown = [file for ticket in found["show"] for message in ticket.messages for file in message.attachments]
        rows = [row for each in found["ledger"] for row in each]
        found["raw"] = [made.blobs.get(row.raw_sha256) for row in rows]
        found["files"] = [made.blobs.get(file.sha256) for file in shown]
    found["parked"] = [(one.id, one.reason, one.trace, one.at, one.size) for one in tray.parked(place.root)]
    found["waiting"] = tray.scan(place.root)
    return found


def test_an_empty_machine_gives_the_same_answers(here, there):
    ids = lived_in(here)
    here.everything_went_out()
    before = answers(here, ids)
    made = here.backup()
    assert (len(before["raw"]), len(before["files"]), len(before["list"])) == (4, 1, 2)
    done = there.restore()
    assert (done.tickets, done.spooled, done.blobs, done.held, done.queued) == (2, 2, made.blobs, (), 0)
    assert answers(there, ids) == before
    assert there.intake().received == 1
    assert tray.scan(there.root) == []


def test_a_store_that_is_risked_is_put_back(here, there):
    """A server that may forget is refused, unless the operator takes the risk: here as there."""
    if here.config.store.url:
        for place in (here, there):
            url = f"{place.config.store.url}?options=-c%20synchronous_commit%3Doff"
            place.config = replace(place.config, store=replace(place.config.store, url=url, risk_losing_mail=True))
    here.mail(letter("Printer"))
    here.intake()
    here.backup()
    assert there.restore().tickets == 1


def test_an_audit_of_the_new_machine_is_alone(here, there):
    """The old machine audited, and is no other node now: what is parked is looked for here."""
    here.mail(letter("Printer"))
    here.intake()

    def audited(place, keep):
        with place.opened() as made:
            records = monitoring.records_of(made, daemon.StoreLedger(made.store))
            report = audit(records)
            if keep:
                made.store.writer.run(lambda conn: last.keep(conn, records.node, report, now()))
            return report.left_out, made.store.read(lambda conn: last.last(conn, records.node))

    assert audited(here, keep=True)[1] is not None
    here.backup()
    there.restore()
    assert audited(there, keep=False) == ([], None)


def test_threads_go_on(here, there):
    """By the reply token, which the keys in the store still read, and by our Message-ID."""
    here.mail(letter("Printer"))
    here.intake()
    with here.opened() as made:
        (row,) = [r for r in made.store.read(outbox.list_rows) if r.notice is NoticeName.ACKNOWLEDGEMENT]
    here.backup()
    there.restore()
    by_token = there.mail(letter("Re: Printer", "By token."), GRACE, f"support+{row.reply_token}@desk.example")
    by_id = there.mail(letter("Something", "By id.", In_Reply_To=f"<{row.mail_id}>", References=f"<{row.mail_id}>"))
    there.intake()
    with there.opened() as made:
        ((one,), (two,)) = made.store.read(
            lambda conn: (arrivals.all_by_spool(conn, by_token), arrivals.all_by_spool(conn, by_id))
        )
    assert [(each.outcome, each.reason, each.ticket_id) for each in (one, two)] == [
        (Outcome.APPENDED, "reply-token", row.ticket_id),
        (Outcome.INTERNAL, "no-proof", row.ticket_id),  # no token: kept, and where it belongs
    ]


def test_a_token_of_a_ticket_that_was_lost_leads_to_nobody_elses(here, there):
    """Opened after the backup, and gone: its id is given to no other, nor is its author's."""
    here.backup()
    here.mail(letter("Lost"))
    here.intake()
    with here.opened() as made:
        (row,) = [r for r in made.store.read(outbox.list_rows) if r.notice is NoticeName.ACKNOWLEDGEMENT]
        assert made.desk.tokens.read(row.reply_token) == (1, 2)
    there.restore()
    eve = "eve@customer.example"
    there.mail(letter("Hers", From=eve), eve)
    there.intake()
    answer = there.mail(letter("Re: Lost", "Mine."), GRACE, f"support+{row.reply_token}@desk.example")
    there.intake()
    with there.opened() as made:
        (arrived,) = made.store.read(lambda conn: arrivals.all_by_spool(conn, answer))
        opened = made.store.read(lambda conn: conn.execute(select(schema.ticket.c.id).order_by("id")).scalars().all())
    assert arrived.outcome is Outcome.OPENED
    assert opened[0] > restore.SKIPPED_IDS
    assert arrived.ticket_id == opened[1]


# -- what waited to go out

WAITING = (OutboxState.QUEUED, OutboxState.DEFERRED, OutboxState.SENDING)
DONE = (OutboxState.SENT, OutboxState.FAILED, OutboxState.CANCELLED, OutboxState.UNKNOWN)


@pytest.mark.parametrize("send", [False, True], ids=["hold", "send"])
def test_what_waited_to_go_out(here, there, send):
    """For each state a notice and a person's words."""
    with here.opened() as made:

        def fill(conn):
            ticket = None
            for n, state in enumerate((*WAITING, *DONE)):
                for automatic in (True, False):
                    mail = outbox.NewMail(
                        notice=NoticeName.ACKNOWLEDGEMENT if automatic else NoticeName.STAFF_REPLY,
                        automatic=automatic,
                        department_id=1,
                        recipient=GRACE,
                        language="en",
                        context={},
                        mail_id=f"{n}-{automatic}@desk.example",
                        envelope_token=f"{n}-{automatic}",
                        created_at=now(),
                        next_at=now(),
                        ticket_id=ticket,
                    )
                    outbox.put(conn, [mail])
                    values = {"state": state, "owner": "the lost node", "lease_until": now()}
                    conn.execute(update(schema.outbox).where(schema.outbox.c.mail_id == mail.mail_id).values(values))

        made.store.writer.run(lambda conn: conn.execute(schema.outbox.delete()))
        made.store.writer.run(fill)
    here.backup()
    done = there.restore(send=send)
    with there.opened() as made:
        rows = {(row.mail_id.partition("-")[0], row.automatic): row for row in made.store.read(outbox.list_rows)}
        tried = {key: made.store.read(lambda conn, row=row: outbox.attempts(conn, row.id)) for key, row in rows.items()}
    for n, state in enumerate((*WAITING, *DONE)):
        for automatic in (True, False):
            row, attempts = rows[str(n), automatic], tried[str(n), automatic]
            if state in DONE:
                assert (row.state, row.possibly_twice, attempts) == (state, False, [])
                continue
            again = send and not (automatic and state is OutboxState.SENDING)
            assert row.state is (OutboxState.QUEUED if again else OutboxState.UNKNOWN)
            assert row.possibly_twice is again
            assert row.owner == ""
            assert row.last_reply.startswith("restored from the backup of ")
            assert [each.ended for each in attempts] == [Ended.UNCERTAIN]
    assert len(done.held) == (1 if send else 6)
    assert done.queued == 6 - len(done.held)


def test_the_ticket_says_what_is_held_and_it_can_be_sent_again(sqlite_here, sqlite_there):
    here, there = sqlite_here, sqlite_there
    here.mail(letter("Printer"))
    here.intake()
    here.backup()
    done = there.restore()
    assert {row.notice for row in done.held} == {
        NoticeName.WELCOME,
        NoticeName.ACKNOWLEDGEMENT,
        NoticeName.NEW_TICKET,
    }
    with there.opened() as made:
        (line,) = made.store.read(queries.list_tickets)
        shown = made.store.read(lambda conn: queries.show(conn, line.ticket.number))
        told = [entry for entry in shown.history if entry.kind is History.MAIL_UNKNOWN]
        assert {entry.detail["notice"] for entry in told} == {"acknowledgement", "new_ticket"}
        assert all("it may have gone out since" in str(entry.detail["words"]) for entry in told)
        again = made.store.writer.run(lambda conn: outbox.again(conn, shown.outbox[0].id, now()))
    assert (again.state, again.possibly_twice) == (OutboxState.QUEUED, True)


# -- what is not whole, or not empty


def damaged(here, name, how):
    path = next(path for path in here.target.rglob(name) if path.is_file())
    how(path)
    return path


def longer(path):
    path.write_bytes(path.read_bytes() + b"\n#")


def shorter(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("how", [longer, shorter, os.unlink])
@pytest.mark.parametrize("name", ["store.sqlite3", "SHA256SUMS", "helpdeskd.toml", "spool/new/*"])
def test_a_backup_that_is_not_what_it_was_is_refused(sqlite_here, name, how):
    sqlite_here.mail(letter("Waiting"))
    made = sqlite_here.backup()
    damaged(sqlite_here, name, how)
    with pytest.raises((Refused, FileNotFoundError)) as refused:
        manifest.check(made.folder)
    assert not isinstance(refused.value, Refused) or refused.value.reason == "bad-backup"


def test_without_its_manifest_it_is_none(sqlite_here):
    made = sqlite_here.backup()
    damaged(sqlite_here, "manifest.json", os.unlink)
    for folder in (made.folder, sqlite_here.target):
        with pytest.raises(Refused, match="there is no backup here"):
            manifest.newest(folder)
    (made.folder / "manifest.json").write_text("{}")
    with pytest.raises(Refused, match="missing required field"):
        manifest.check(made.folder)


def test_a_list_that_leads_elsewhere_is_refused(sqlite_here):
    made = sqlite_here.backup()
    sums = made.folder / "SHA256SUMS"
    for name in ("../../etc/passwd", "spool/new/../../x", "blobs/0/0/x", "spool/tmp/1", "/etc/passwd"):
        text = f"{'0' * 64}  {name}\n"
        sums.write_text(text)
        text = (made.folder / "manifest.json").read_text()
        changed = text.replace(made.manifest.sums_sha256, manifest._sha256(sums))
        (made.folder / "manifest.json").write_text(changed)
        with pytest.raises(Refused, match="is no file of a backup"):
            manifest.check(made.folder)
        (made.folder / "manifest.json").write_text(text)


def test_tables_that_there_are_not_are_named(sqlite_here, sqlite_there):
    made = sqlite_here.backup()
    place = made.folder / "manifest.json"
    place.write_text(place.read_text().replace('"ticket":', '"tycket":'))
    with pytest.raises(Refused, match="tables that there are not: tycket"):
        sqlite_there.restore()


@pytest.mark.parametrize("how", [longer, os.unlink])
def test_damaged_blobs_are_named_and_the_rest_can_be_restored(sqlite_here, sqlite_there, monkeypatch, how):
    here, there = sqlite_here, sqlite_there
    monkeypatch.setattr("helpdeskd.backup.make._linked", lambda *_: False)
    kept, lost = here.mail(letter("Printer")), here.mail(letter("Another"))
    here.intake()
    made = here.backup()
    with here.opened() as open_:
        (row,) = open_.store.read(lambda conn: arrivals.all_by_spool(conn, lost))
    damaged(here, f"blobs/*/*/{row.raw_sha256}", how)
    found = manifest.check(made.folder)
    assert [name.rpartition("/")[2] for name in found.damaged] == [row.raw_sha256]
    assert restore.restore(there.config, found, now(), send=False).blobs == made.blobs - 1
    with there.opened() as open_:
        assert not open_.blobs.exists(row.raw_sha256)
        (row,) = open_.store.read(lambda conn: arrivals.all_by_spool(conn, kept))
        assert open_.blobs.get(row.raw_sha256) == letter("Printer")


def a_store(there):
    there.furnish()
    shutil.rmtree(there.config.paths.spool_dir)


def a_mail(there):
    there.config.paths.data.mkdir()
    spool.make(there.root)
    there.mail(letter("Already here"))


def a_blob(there):
    place = there.config.paths.blob_dir / "0" / "0"
    place.mkdir(parents=True)
    (place / ("0" * 64)).touch()


@pytest.mark.parametrize("something", [a_mail, a_blob])
def test_it_is_restored_where_no_mail_is(sqlite_here, sqlite_there, something):
    refused_where(sqlite_here, sqlite_there, something)


def test_it_is_restored_where_no_store_is(here, there):
    refused_where(here, there, a_store)


def refused_where(here, there, something):
    here.backup()
    something(there)
    before = Counter(str(path) for path in there.config.paths.data.rglob("*") if path.suffix != ".lock")
    with pytest.raises(Refused) as refused:
        there.restore()
    assert refused.value.reason == "not-empty"
    assert Counter(str(path) for path in there.config.paths.data.rglob("*") if path.suffix != ".lock") == before


def test_a_folder_in_which_a_daemon_only_was_is_empty(sqlite_here, sqlite_there):
    sqlite_here.backup()
    with held(sqlite_there.config, ROLES):
        spool.make(sqlite_there.root)
        with pytest.raises(Refused, match="runs already"):
            sqlite_there.restore()
    sqlite_there.restore()


def test_another_database_or_a_newer_schema_is_refused(sqlite_here, sqlite_there, postgres_url, monkeypatch):
    sqlite_here.backup()
    other = Config(paths=sqlite_there.config.paths, store=type(sqlite_there.config.store)(url=postgres_url))
    found = manifest.check(manifest.newest(sqlite_here.target))
    with pytest.raises(Refused, match="holds a store of sqlite"):
        restore.restore(other, found, now(), send=False)
    monkeypatch.setattr(migrations, "HEAD", "0000")
    with pytest.raises(Refused, match="made by a newer helpdeskd"):
        sqlite_there.restore()
    assert not sqlite_there.config.paths.data.exists()


@pytest.mark.parametrize("step", ["_blobs", "_spool", "_settle"])
def test_half_a_restore_is_no_installation(sqlite_here, sqlite_there, monkeypatch, step):
    """Neither for the daemon nor for another restore."""
    here, there = sqlite_here, sqlite_there
    here.mail(letter("Printer"))
    here.backup()

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(restore, step, killed)
        there.restore()
    for attempt in (lambda: open_installation(there.config), there.restore):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.reason == "half-restored"


def test_a_restore_that_fails_at_the_store_can_be_tried_again(sqlite_here, sqlite_there, monkeypatch):
    here, there = sqlite_here, sqlite_there
    here.backup()

    def fails(*_):
        raise Refused("no-program", "pg_restore is needed")

    with monkeypatch.context() as patch, pytest.raises(Refused, match="pg_restore"):
        patch.setattr("helpdeskd.store.snapshot.put_back", fails)
        there.restore()
    there.restore()
