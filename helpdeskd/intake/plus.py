"""A mail of `check mail` to ourselves that came back: plus-addresses reach us."""

from __future__ import annotations

from sqlalchemy import Connection

from helpdeskd.mail import ids
from helpdeskd.model.mail import Inbound, Kind
from helpdeskd.spool import Envelope
from helpdeskd.store import settings
from helpdeskd.store.engine import Store

CHECK_DETAIL = "check-"  # the +detail of mails that `check mail` sends to ourselves begins so
PLUS_SEEN = "plus_seen"  # setting: the +detail of the last such mail that came in


def notice(store: Store, envelope: Envelope, inbound: Inbound) -> None:
    """Does this mail prove that plus-addresses reach us? `check mail` waits for the answer."""
    for recipient in envelope.recipients or tuple(address.email for address in (*inbound.to, *inbound.cc)):
        detail = ids.split_detail(recipient)[1]
        if detail.startswith(CHECK_DETAIL) and inbound.kind is Kind.OWN:

            def seen(conn: Connection, detail: str = detail) -> None:
                settings.put(conn, PLUS_SEEN, detail)

            store.writer.run(seen)
