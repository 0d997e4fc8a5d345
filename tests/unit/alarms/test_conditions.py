"""Facts -> alarms, as a table; and where the facts come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpdeskd.alarms.conditions import CONDITIONS, AlarmKind, Key, judge, standing
from helpdeskd.alarms.facts import Box, Facts, Kept, Tray, gather
from helpdeskd.audit.differences import Kind
from helpdeskd.audit.last import Last
from helpdeskd.audit.ledger import arrived_at
from helpdeskd.config import Config, Mailbox
from helpdeskd.desk.mutes import Standing
from helpdeskd.model.clock import now
from helpdeskd.model.outgoing import Ceiling, NoticeName, OutboxState
from helpdeskd.sources.imap_state import Book, micros
from helpdeskd.store import outbox
from helpdeskd.store.outbox import NewMail
from tests.unit.audit.site import Site

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NODE = "3f0c"


def ago(**time: float) -> datetime:
    return NOON - timedelta(**time)


BOX = Box("support", 60, ago(seconds=30), ago(seconds=30), "")
TRAY = Tray(waiting=1, oldest=ago(minutes=1), since=ago(minutes=1), parked=0, free=10_000, reserve=1_000)
KEPT = Kept(dict.fromkeys(OutboxState, 0), ago(minutes=59), 2, ago(minutes=59), Last(ago(hours=1), False, {}, ()))
WELL = Facts(
    now=NOON,
    node=NODE,
    sending=True,
    boxes=(BOX,),
    spool=TRAY,
    kept=KEPT,
    store_error="",
    spool_error="",
)


def late(**box: Any) -> Facts:
    return replace(WELL, boxes=(replace(BOX, last_good=ago(seconds=241), since=ago(seconds=241), **box),))


def kept(**changed: Any) -> Facts:
    return replace(WELL, kept=replace(KEPT, **changed))


def lying(**changed: Any) -> Facts:
    return replace(WELL, spool=replace(TRAY, **changed))


K = AlarmKind
CASES = {
    "all is well": (WELL, {}),
    "three intervals and a minute": (
        late(),
        {Key(K.MAILBOX, "support"): "support: no good poll since 2026-11-25 11:55 UTC"},
    ),
    "not yet": (replace(WELL, boxes=(replace(BOX, since=ago(seconds=240)),)), {}),
    "a slower interval": (late(poll_seconds=300), {}),
    "just started": (replace(WELL, boxes=(replace(BOX, last_good=ago(days=3), since=ago(seconds=5)),)), {}),
    "never, and its words": (
        replace(WELL, boxes=(replace(BOX, last_good=None, since=ago(hours=1), error="login failed"),)),
        {Key(K.MAILBOX, "support"): "support: no good poll ever; login failed"},
    ),
    "never, and nobody runs": (replace(WELL, boxes=(replace(BOX, last_good=None, since=None),)), {}),
    "the audit differs": (
        kept(audit=Last(ago(hours=1), False, {Kind.UID_MISSING: 2, Kind.BLOB_MISSING: 1}, ())),
        {Key(K.AUDIT, NODE): "on 2026-11-25 11:00 UTC: 1 blob-missing, 2 uid-missing"},
    ),
    "the audit could not see a mailbox": (kept(audit=Last(ago(hours=1), False, {Kind.MAILBOX_UNSEEN: 1}, ())), {}),
    "no audit yet": (kept(audit=None), {}),
    "parked": (lying(parked=3), {Key(K.PARKED, NODE): "3, see helpdeskd mail parked"}),
    "an hour": (
        kept(answers=2, answers_since=ago(minutes=61)),
        {Key(K.ANSWERS): "2, the oldest since 2026-11-25 10:59 UTC"},
    ),
    "an hour, and meant to wait": (replace(kept(answers_since=ago(hours=9)), sending=False), {}),
    "only an alarm's own mail waits": (kept(oldest=ago(hours=9), answers=0, answers_since=None), {}),
    "the spool does not drain": (
        lying(waiting=7, oldest=ago(minutes=16), since=ago(minutes=16)),
        {Key(K.SPOOL, NODE): "7, the oldest since 2026-11-25 11:44 UTC"},
    ),
    "old, and intake has just begun": (lying(waiting=7, oldest=ago(days=1), since=ago(minutes=15)), {}),
    "an empty spool": (lying(waiting=0, oldest=None, since=None), {}),
    "no spool": (replace(WELL, spool=None, spool_error="/spool: gone"), {Key(K.SPOOL, NODE): "/spool: gone"}),
    "at the reserve": (lying(free=1_000), {Key(K.DISK, NODE): "1000 bytes free, 1000 are kept back"}),
    "no store": (replace(WELL, kept=None, store_error="refused"), {Key(K.STORE, NODE): "refused"}),
    "staff are muted": (
        kept(muted=Standing(3, ("ada@staff.example", "bob@staff.example"))),
        {Key(K.MUTED): "ada@staff.example, bob@staff.example; see helpdeskd mute list"},
    ),
    "customers are": (kept(muted=Standing(3)), {}),
    "a ceiling of all": (
        kept(withheld={Ceiling.UNKNOWN: 7, Ceiling.TOTAL: 2, Ceiling.PER_TICKET: 9}),
        {Key(K.CEILING): "2 by ceilings.total, 7 by ceilings.unknown"},
    ),
    "one address, one ticket": (kept(withheld={Ceiling.PER_TICKET: 9, Ceiling.PER_ADDRESS: 1}), {}),
    "all at once": (
        replace(late(), spool=replace(TRAY, parked=1, free=0)),
        {
            Key(K.MAILBOX, "support"): "support: no good poll since 2026-11-25 11:55 UTC",
            Key(K.PARKED, NODE): "1, see helpdeskd mail parked",
            Key(K.DISK, NODE): "0 bytes free, 1000 are kept back",
        },
    ),
}


@pytest.mark.parametrize(("facts", "alarms"), CASES.values(), ids=CASES)
def test_conditions(facts, alarms):
    assert standing(judge(facts)) == alarms


def test_every_condition_is_asked_and_has_its_case():
    assert {key.kind for key in judge(WELL)} == {condition.kind for condition in CONDITIONS} == set(AlarmKind)
    assert {key.kind for _, alarms in CASES.values() for key in alarms} == set(AlarmKind)


def test_what_cannot_be_looked_at_has_no_answer():
    """An alarm that stands goes on standing, rather than being over because nothing is known."""
    blind = judge(replace(WELL, kept=None, spool=None, boxes=()))
    assert {key.kind for key in blind} == {K.SPOOL, K.STORE}


# The facts


def test_facts_of_an_installation(site: Site):
    site.put()
    site.parked()
    facts = gather(site.here.config, site.here.store, now(), NODE, {})
    assert facts.spool is not None
    assert (facts.spool.waiting, facts.spool.parked) == (0, 1)
    assert facts.kept is not None
    assert facts.kept.outbox[OutboxState.QUEUED] == 1  # the acknowledgement of the first
    assert facts.kept.answers == 1
    assert facts.kept.audit is None
    assert not facts.sending


def test_an_alarm_that_cannot_go_out_is_no_answer_that_waits(site: Site):
    def queue(conn):
        outbox.put(
            conn,
            [
                NewMail(
                    notice=NoticeName.ALARM,
                    automatic=True,
                    department_id=1,
                    recipient="operator@example.com",
                    language="en",
                    context={},
                    mail_id="1@desk.example",
                    envelope_token="1",
                    created_at=now(),
                    next_at=now(),
                )
            ],
        )

    site.here.store.writer.run(queue)
    facts = gather(site.here.config, site.here.store, now(), NODE, {})
    assert facts.kept is not None
    assert (facts.kept.answers, facts.kept.answers_since) == (0, None)
    assert facts.kept.oldest is not None


def test_what_is_down_is_a_fact(site: Site):
    site.here.store.close()
    for folder in ("new", "cur"):
        site.path(folder).rename(site.path(f"{folder}.away"))
    facts = gather(site.here.config, site.here.store, now(), NODE, {})
    assert (facts.kept, facts.spool) == (None, None)
    assert "the store is closed" in facts.store_error
    assert facts.spool_error.endswith("new: No such file or directory")
    assert gather(site.here.config, None, now(), NODE, {}, "why").store_error == "why"


def test_a_mail_in_the_spool_counts_from_its_arrival_or_intakes_start(site: Site):
    spool_id = site.put(id="1780000000000000-aaaaaaaaaaaa")
    arrived = arrived_at(spool_id)

    def since(started: datetime | None) -> datetime | None:
        lying = gather(site.here.config, None, NOON, NODE, {"intake": started}).spool
        assert lying is not None
        assert lying.oldest == arrived
        return lying.since

    assert since(None) == arrived
    assert since(NOON) == NOON


def test_a_mailbox_counts_from_its_last_good_poll_or_the_daemons_start(site: Site):
    box = Mailbox(name="support", host="h", user="u", password="p")
    config = Config(paths=site.here.config.paths, mailbox=(box,))
    start, good = ago(minutes=5), ago(minutes=9)

    def since(started: datetime | None) -> datetime | None:
        (found,) = gather(config, None, NOON, NODE, {"imap": started}).boxes
        return found.since

    assert since(None) is None
    assert since(start) == start
    book = Book(site.root, "support")
    book.state.last_good = micros(good)
    book.save()
    assert since(None) == good
    assert since(start) == start
    assert since(ago(days=1)) == good
