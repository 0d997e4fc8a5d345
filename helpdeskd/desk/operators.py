"""A mail to whoever runs helpdeskd: of no ticket, to nobody whom the store knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from helpdeskd.desk import departments
from helpdeskd.desk.context import Desk, Told
from helpdeskd.desk.notices import Event, Scene, enqueue_for
from helpdeskd.model.people import Person, PersonKind


def alarm(conn: Connection, desk: Desk, now: datetime, *, to: str, host: str, alarms: Sequence[dict[str, Any]]) -> Told:
    """Queue ALARM to the address `to`, which must be none of ours (then it is skipped, as for any notice).

    Each mail needs a department to come from. This one comes from the first, where mail goes that names none; before there is one,
    nobody is told this way. `alarms`: phase, kind, title, words, since.
    """
    nobody = Person(id=0, kind=PersonKind.STAFF, name="", email=to, level=0, language="")
    scene = Scene(Event.ALARM, departments.first(conn), tell=nobody, extra={"alarms": list(alarms), "host": host})
    return enqueue_for(conn, desk, now, scene)
