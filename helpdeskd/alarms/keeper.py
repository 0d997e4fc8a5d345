"""Looks, decides, and tells: a notice through the outbox, the log, systemd's status line, the hook. A restart repeats nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection

from helpdeskd import log
from helpdeskd.alarms import hook
from helpdeskd.alarms.conditions import Answers, judge
from helpdeskd.alarms.course import Alarm, News, Phase, from_json, step, to_json
from helpdeskd.alarms.facts import Facts
from helpdeskd.config import Alarms as Settings
from helpdeskd.desk import operators
from helpdeskd.desk.context import Desk, Told
from helpdeskd.errors import Temporary
from helpdeskd.log import Event
from helpdeskd.store import settings
from helpdeskd.store.engine import Store
from helpdeskd.store.lock import one_at_a_time

KEY = "alarms"  # setting: those that stand, of all nodes
WELL = "all is well"

_log = log.get("alarms")


class Keeper:
    """Call `tick` each half minute, from one thread at a time. `tell` speaks to systemd; `desk` is asked at each notice."""

    def __init__(
        self,
        wishes: Settings,
        store: Store,
        desk: Callable[[], Desk],
        facts: Callable[[], Facts],
        host: str,
        tell: Callable[[str], None],
    ) -> None:
        self._wishes = wishes
        self._store = store
        self._desk = desk
        self._facts = facts
        self._host = host
        self._tell = tell
        self._told = WELL
        self._known: tuple[Alarm, ...] = ()
        self._away: list[News] | None = None  # while the store is down: what it has not been told of
        self.hooking: threading.Thread | None = None  # the last call of the hook

    def tick(self) -> None:
        """Look once, and tell what is new."""
        facts = self._facts()
        answers = judge(facts)
        news = self._settle(answers, facts)
        for each in news:
            self._note(each)
        self._speak([alarm for alarm in self._known if alarm.well is None])
        if news and self._wishes.hook:
            words = (self._wishes.hook, self._host, news, self._known)
            self.hooking = threading.Thread(target=hook.call, args=words, name="alarms-hook", daemon=True)
            self.hooking.start()

    def _settle(self, answers: Answers, facts: Facts) -> Sequence[News]:
        """Take the step, in the store where that is possible: state and notice in one transaction."""

        def stepped(conn: Connection) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...], tuple[News, ...]]:
            before = self._before(conn, answers)
            return before, *step(before, answers, facts.now)

        def write(conn: Connection) -> tuple[tuple[Alarm, ...], tuple[News, ...], Told]:
            one_at_a_time(conn, [KEY])  # two nodes see the same outbox
            _, after, news = stepped(conn)
            settings.put(conn, KEY, to_json(after))
            return after, news, self._mail(conn, [*(self._away or ()), *news], facts)

        news: Sequence[News]
        try:
            before, after, news = self._store.read(stepped)
            if after != before or self._away is not None:
                after, news, told = self._store.writer.run(write)
                for skipped in told.skipped:
                    _log.warning(Event.SKIPPED, recipient=skipped.recipient, reason=skipped.why.value)
            self._away = None
        except Temporary:
            after, news = step(self._known, answers, facts.now)
            self._away = [*(self._away or ()), *news]
        self._known = after
        return news

    def _before(self, conn: Connection, answers: Answers) -> tuple[Alarm, ...]:
        """What stood until now: as the store has it; after it was away, what we look at ourselves is as we know it."""
        stored = from_json(settings.get(conn, KEY, []))
        if self._away is None:
            return stored
        ours = (alarm for alarm in self._known if alarm.key in answers)
        others = (alarm for alarm in stored if alarm.key not in answers)
        return tuple(sorted((*ours, *others), key=lambda alarm: alarm.key))

    def _mail(self, conn: Connection, news: Iterable[News], facts: Facts) -> Told:
        told = [{"phase": each.phase.value, **hook.shown(each.alarm)} for each in news]
        if not (told and self._wishes.to):
            return Told()
        return operators.alarm(conn, self._desk(), facts.now, to=self._wishes.to, host=self._host, alarms=told)

    def _note(self, each: News) -> None:
        alarm = each.alarm
        facts = {"kind": alarm.key.kind.value, "subject": alarm.key.subject, "words": alarm.words}
        if each.phase is Phase.OVER:
            _log.info(Event.ALARM_OVER, **facts)
        else:
            _log.error(Event.ALARM, phase=each.phase.value, **facts)

    def _speak(self, alarms: Sequence[Alarm]) -> None:
        """The status line of systemd (sd_notify(3), STATUS=), when it changes."""
        words = "ALARM: " + "; ".join(hook.line(alarm) for alarm in alarms) if alarms else WELL
        if words != self._told:
            self._told = words
            self._tell(f"STATUS={words[:1000]}")
