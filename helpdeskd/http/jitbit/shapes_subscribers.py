"""Its JSON for subscribers: less of a person than elsewhere."""

from __future__ import annotations

import msgspec

from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.http.jitbit.shapes_users import user


class Subscriber(msgspec.Struct):
    UserID: int
    Username: str
    Email: str
    IsAdmin: bool
    Disabled: bool
    FirstName: str
    LastName: str
    SendEmail: bool
    IsTech: bool
    IsManager: bool
    TwoFactorAuthEnabled: bool
    OutOfOffice: bool
    FullNameAndLogin: str
    FullName: str


def subscriber(entry: Entry, seen_by: Sight) -> Subscriber:
    """As `user` says it."""
    return msgspec.convert(user(entry, seen_by), Subscriber, from_attributes=True)
