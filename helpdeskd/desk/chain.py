"""Which Message-IDs a mail of ours names in References, oldest first; the last one is its In-Reply-To (RFC 5322 section 3.6.4)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, or_, select

from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.ticket import History, Visibility
from helpdeskd.store import schema

# Mail programs find the thread by the first and by the last ones; what lies between is ballast.
LIMIT = 20

_m, _o, _t, _h = schema.message.c, schema.outbox.c, schema.ticket.c, schema.history.c

# A ticket and those merged into it (chains of merges are one step long: desk.changes.merge).
_FAMILY = (
    select(_t.id)
    .where(or_(_t.id == bindparam("ticket_id"), _t.merged_into == bindparam("ticket_id")))
    .scalar_subquery()
)
# A staff member's mail reaches the customer as ours, under our Message-ID: theirs is not for the customer's eyes.
_ANSWERS = select(_h.message_id).where(
    _h.ticket_id.in_(_FAMILY),
    _h.kind == History.STAFF_REPLIED.value,
    _h.message_id.is_not(None),
)
_MESSAGES = (
    select(_m.id, _m.mail_id)
    .where(
        _m.ticket_id.in_(_FAMILY),
        _m.visibility == Visibility.PUBLIC.value,
        _m.mail_id.is_not(None),
        _m.id.not_in(_ANSWERS),
    )
    .order_by(_m.id)
)
_OURS = (
    select(_o.message_id, _o.id, _o.mail_id, _o.person_id)
    .where(
        _o.ticket_id.in_(_FAMILY),
        _o.message_id.is_not(None),
        _o.notice.in_(
            [
                each.value
                for each in (
                    NoticeName.ACKNOWLEDGEMENT,
                    NoticeName.FOLLOW_UP_REFUSED,
                    NoticeName.STAFF_REPLY,
                )
            ]
        ),
    )
    .order_by(_o.id)
)


def capped(references: tuple[str, ...]) -> tuple[str, ...]:
    """At most LIMIT, each once (the last place counts): the first, which names the thread, and the last ones."""
    unique = tuple(dict.fromkeys(reversed(references)))[::-1]
    return unique if len(unique) <= LIMIT else (unique[0], *unique[1 - LIMIT :])


def after(references: tuple[str, ...], mail_id: str | None) -> tuple[str, ...]:
    """The chain of an answer to the mail `mail_id` that itself named `references`."""
    return capped((*references, mail_id) if mail_id else references)


def staff_root(number: int, instance: str, domain: str) -> str:
    """A Message-ID that no mail bears: every notice to staff about a ticket names it, so their mail programs thread them."""
    return f"ticket-{number}.{instance}@{domain}"


class Public:
    """What has been said in public in one ticket, read once for all the recipients of an act."""

    def __init__(self, conn: Connection, ticket_id: int) -> None:
        self._ours = [tuple(row) for row in conn.execute(_OURS, {"ticket_id": ticket_id})]
        # A message comes before the mails of ours that speak of it.
        self._theirs = [((row[0], -1), row[1]) for row in conn.execute(_MESSAGES, {"ticket_id": ticket_id})]

    def chain(self, person_id: int) -> tuple[str, ...]:
        """For a mail to this person: all up to the last mail that came in, which is the one answered. Where none ever came
        in by mail: what we wrote to them."""
        ours = [((row[0], row[1]), row[2]) for row in self._ours if row[3] == person_id]
        said = sorted(self._theirs + ours)
        if self._theirs:
            last = self._theirs[-1]
            said = said[: said.index(last) + 1]
        return capped(tuple(mail_id for _, mail_id in said))
