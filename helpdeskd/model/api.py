"""API keys, and what the permissions of each dialect are called. Known to the command line, which loads no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

SUBMISSION = (
    "submission"  # no dialect of HTTP: keys that stand in the place of a password at the door where staff hand in mail
)

# By dialect: permission -> what it lets one do, in that dialect's own words. A dialect without permissions gives keys to
# persons, whose own rights they carry.
PERMISSIONS: Mapping[str, Mapping[str, str]] = {
    "helpdeskz": {
        "users/create": "Create users.",
        "users/read": "Get list/details of users.",
        "users/update": "Update users.",
        "users/delete": "Delete users.",
        "departments/create": "Create departments.",
        "departments/read": "Get list/details of departments.",
        "departments/update": "Update departments.",
        "departments/delete": "Delete departments.",
        "tickets/create": "Create tickets.",
        "tickets/read": "Get list/details of tickets.",
        "tickets/update": "Update ticket status or department.",
        "tickets/delete": "Delete tickets.",
        "messages/create": "Add a message to ticket.",
        "messages/read": "Get messages from a ticket.",
        "attachments/read": "Get list/details of attachments.",
        "attachments/download": "Get file content from an attachment.",
        "attachments/delete": "Delete attachments.",
        "staff/read": "Get information/details of staff users.",
        "staff/auth": "Validate staff authentication.",
    },
    "jitbit": {},
    SUBMISSION: {},
}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`allow_ip`: addresses, networks and a.b.c.* from where it may be used; none: from everywhere."""

    id: int
    name: str
    dialect: str
    permissions: frozenset[str]
    allow_ip: tuple[str, ...]
    person_id: int | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
