"""The tables, by noun. Import from here: `from helpdeskd.store.schema import ticket`."""

from helpdeskd.store.schema.base import metadata
from helpdeskd.store.schema.mail import arrival
from helpdeskd.store.schema.outbox import attempt, outbox
from helpdeskd.store.schema.people import address, department, person, person_token, setting, staff_department
from helpdeskd.store.schema.tickets import (
    attachment,
    history,
    message,
    message_ref,
    participant,
    ticket,
    ticket_link,
    ticket_tag,
)

__all__ = [
    "address",
    "arrival",
    "attachment",
    "attempt",
    "department",
    "history",
    "message",
    "message_ref",
    "metadata",
    "outbox",
    "participant",
    "person",
    "person_token",
    "setting",
    "staff_department",
    "ticket",
    "ticket_link",
    "ticket_tag",
]
