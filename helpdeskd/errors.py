"""Every error of ours, as a tree. The standard library only: pipe.py pays for each import.

HelpdeskdError
├── ConfigError          settings are wrong; carries every problem at once
├── Temporary            the same act may succeed later; a door answers 4xx, pipe.py exits 75
│   ├── NoRoom           the disk is at its reserve
│   ├── Busy             too many wait for the same thing already
│   ├── StoreDown        the database cannot be reached, is locked or is read-only
│   └── DnsTrouble       DNS does not answer, or not in time
├── PutOff               this one mail is better looked at again later; nothing else waits for it
├── Conflict             another writer was faster (a unique key); decide again on fresh facts
├── Refused              the caller asked for something that cannot be; `reason` is a name, the text is for people
│   └── NotFound         there is no such ticket, person, department, mail
└── BadMail              the mail itself cannot be processed; a strike against it
"""

from __future__ import annotations


class HelpdeskdError(Exception):
    """Base of all. The message is for people; nothing secret may stand in it."""


class ConfigError(HelpdeskdError):
    """Settings are wrong. `problems` holds one line each: file, key, what was expected."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Temporary(HelpdeskdError):
    """The same act may succeed later."""


class NoRoom(Temporary):
    """The disk is at its reserve."""


class Busy(Temporary):
    """Too many wait for the same thing already. `seconds` until it is worth another try."""

    def __init__(self, text: str, seconds: int) -> None:
        super().__init__(text)
        self.seconds = seconds


class StoreDown(Temporary):
    """The database cannot be reached, is locked or is read-only."""


class DnsTrouble(Temporary):
    """What DNS knows is not known now. `silent`: nobody has answered in time. `ours`: our own DNS server answers nothing at all.
    `late`: nobody was asked, for others had used up the time."""

    def __init__(self, text: str, *, silent: bool = False, ours: bool = False, late: bool = False) -> None:
        super().__init__(text)
        self.silent = silent
        self.ours = ours
        self.late = late


class PutOff(HelpdeskdError):
    """One mail is better looked at again later. Not Temporary: what comes behind it does not wait."""


class Conflict(HelpdeskdError):
    """A unique key was taken by another writer: read the facts again and decide again."""


class Refused(HelpdeskdError):
    """The caller asked for something that cannot be. `reason` is a name for logs and tests."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class NotFound(Refused):
    """There is no such thing. `what` is a noun of ours, `key` what was asked for."""

    def __init__(self, what: str, key: object) -> None:
        super().__init__(f"no-such-{what}", f"there is no {what} {key}")


class BadMail(HelpdeskdError):
    """The mail itself cannot be processed: a strike against it."""
