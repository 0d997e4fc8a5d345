"""A context for every notice, as the desk writes it into the outbox and the sender completes it."""

from __future__ import annotations

from typing import Any

from helpdeskd.desk.commands import HELP
from helpdeskd.model.outgoing import NoticeName

MARKER = "## Please write your reply above this line ##"

_SHARED: dict[str, Any] = {
    "desk": {"name": "Example Desk", "url": "https://desk.example.org"},
    "department": {"name": "Support", "address": "support@example.org", "sender_name": "Example Support"},
    "reason": "new",
    "ticket": {
        "number": 482915,
        "tag": "[#482915]",
        "subject": "Printer <on> fire & more",
        "state": "new",
        "priority": "normal",
        "url": "https://desk.example.org/tickets/482915",
    },
    "requester": {"name": "Jane Doe", "email": "jane@example.net"},
    "assignee": None,
    "marker": MARKER,
}
_CUSTOMER = {"person": {"name": "Jane Doe", "email": "jane@example.net"}}
_STAFF = {"person": {"name": "Ada", "email": "ada@example.org"}}
_MESSAGE: dict[str, Any] = {
    "text": "It burns.\n\n  1 < 2 & see https://example.net/a?b=1&c=2.",
    "html": "",
    "subject": "Printer on fire",
    "verdict": "none",
    "attachments": [
        {"name": "photo.jpg", "size": 123456, "attached": True, "withheld": "", "flags": ()},
        {"name": "film.mp4", "size": 99_000_000, "attached": False, "withheld": "", "flags": ()},
        {
            "name": "bill.pdf.exe",
            "size": 4_000,
            "attached": False,
            "withheld": "refused",
            "flags": ("executable", "hidden"),
        },
        {"name": "plan.docm", "size": 4_000, "attached": False, "withheld": "held", "flags": ("macros",)},
    ],
}
_N = NoticeName

EXAMPLES: dict[NoticeName, dict[str, Any]] = {
    _N.ACKNOWLEDGEMENT: {**_SHARED, **_CUSTOMER},
    _N.STAFF_REPLY: {
        **_SHARED,
        **_CUSTOMER,
        "author": {"name": "Ada", "email": "support@example.org"},
        "message": {**_MESSAGE, "text": "Please pull the plug.\n\nAda", "html": "<p>Please <b>pull</b> the plug.</p>"},
    },
    _N.FORWARD: {
        **_SHARED,
        "person": {"name": "", "email": "maker@example.com"},
        "author": {"name": "Ada", "email": "support@example.org"},
        "message": {**_MESSAGE, "text": "Can you help?\n\n---- Jane Doe, 2026-03-01 12:00 UTC ----\n\nIt burns."},
    },
    _N.NEW_TICKET: {
        **_SHARED,
        **_STAFF,
        "message": _MESSAGE,
        "forwarded": {"by": "Ada", "comment": "Be <nice>."},
    },
    _N.CUSTOMER_REPLIED: {
        **_SHARED,
        **_STAFF,
        "author": {"name": "Joe", "email": "joe@example.com"},
        "assignee": {"name": "Ada"},
        "message": _MESSAGE,
    },
    _N.ASSIGNED: {**_SHARED, **_STAFF, "author": {"name": "Bob", "email": "bob@example.org"}, "message": _MESSAGE},
    _N.TICKET_CLOSED: {**_SHARED, **_CUSTOMER},
    _N.FOLLOW_UP_REFUSED: {**_SHARED, **_CUSTOMER, "old_ticket": {"number": 111222, "subject": "Printer"}},
    _N.KEPT_INTERNAL: {**_SHARED, **_STAFF, "reason": "no-sure-cut", "internal": True, "message": _MESSAGE},
    _N.COMMANDS_DONE: {
        **_SHARED,
        **_STAFF,
        "changes": [
            {"command": "#close", "done": True, "text": "closed"},
            {"command": "#tag 100%", "done": False, "text": "say which: #tag a b"},
        ],
        "unknown": [],
        "commands": list(HELP.values()),
    },
    _N.DELIVERY_FAILED: {
        **_SHARED,
        **_STAFF,
        "lost": {
            "notice": "staff_reply",
            "recipient": "jane@example.net",
            "words": "550 5.1.1 <jane@example.net>: no such user & no other (at RCPT)",
            "uncertain": False,
        },
    },
    _N.WELCOME: {
        **{key: value for key, value in _SHARED.items() if key not in {"ticket", "requester", "assignee"}},
        **_STAFF,
        "link": "https://desk.example.org/set-password/abc123",
        "departments": ["Support", "Sales & Co"],
    },
    _N.CUSTOMER_WELCOME: {
        **{key: value for key, value in _SHARED.items() if key not in {"ticket", "requester", "assignee"}},
        "person": {"name": "Jane Doe", "email": "jane@example.net"},
        "link": "https://desk.example.org/set-password/abc123",
    },
    _N.PASSWORD_RESET: {
        **{key: value for key, value in _SHARED.items() if key not in {"ticket", "requester", "assignee"}},
        "person": {"name": "Jane Doe", "email": "jane@example.net"},
        "link": "https://desk.example.org/set-password/abc123",
    },
    _N.ALARM: {
        **{key: value for key, value in _SHARED.items() if key not in {"ticket", "requester", "assignee"}},
        "person": {"name": "", "email": "operator@example.com"},
        "host": "mail.example.org",
        "alarms": [
            {
                "phase": phase,
                "kind": kind,
                "title": title,
                "words": "support: no good poll ever; <login> refused & more",
                "since": "2026-11-25T10:00:00Z",
            }
            for phase, kind, title in (
                ("begun", "mailbox", "a mailbox had no good poll in three intervals"),
                ("standing", "parked", "mails are parked"),
                ("over", "store", "the store is down"),
            )
        ],
    },
}

UNKNOWN_COMMAND: dict[str, Any] = {
    **EXAMPLES[_N.COMMANDS_DONE],
    "unknown": ["#clsoe"],
    "changes": [{"command": "#clsoe", "done": False, "text": "unknown command"}],
}
