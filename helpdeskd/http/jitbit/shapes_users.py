"""Its JSON for people."""

from __future__ import annotations

import msgspec

from helpdeskd.desk.case import ADMINISTRATOR
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.http.jitbit.words import moment_or_none


class User(msgspec.Struct):
    """Names are the original's, its casing too."""

    UserID: int
    Username: str
    Email: str
    FirstName: str
    LastName: str
    Notes: str | None
    Location: str
    Phone: str
    CompanyName: str | None
    CompanyId: int | None
    CompanyNotes: str | None
    DepartmentID: int | None
    DepartmentName: str | None
    IPAddress: str | None
    HostName: str | None
    Lang: str | None
    UserAgent: str | None
    AvatarURL: str | None
    Signature: str | None
    Greeting: str | None
    IsAdmin: bool
    Disabled: bool
    SendEmail: bool
    IsTech: bool
    IsManager: bool
    LastSeen: str | None
    RecentTickets: list[int] | None
    TwoFactorAuthEnabled: bool
    OutOfOffice: bool
    FullNameAndLogin: str
    FullName: str


def user(entry: Entry, seen_by: Sight) -> User:
    """What staff write about people, and from where these log in, others do not see; of themselves they see whence and when. Where one is
    reached is for staff, themselves, and who manages their company."""
    person = entry.person
    full = person.name or entry.username
    near = seen_by.staff or seen_by.person_id == person.id or entry.company_id in seen_by.companies
    close = seen_by.staff or seen_by.person_id == person.id
    return User(
        UserID=person.id,
        Username=entry.username,
        Email=person.email,
        FirstName=entry.given_name,
        LastName=entry.family_name,
        Notes=(entry.notes or None) if seen_by.staff else None,
        Location=entry.location if near else "",
        Phone=entry.phone if near else "",
        CompanyName=entry.company or None,
        CompanyId=entry.company_id,
        CompanyNotes=(entry.company_notes or None) if seen_by.staff else None,
        DepartmentID=entry.division_id,
        DepartmentName=entry.division or None,
        IPAddress=(entry.last_address or None) if close else None,
        HostName=None,
        Lang=person.language or None,
        UserAgent=None,
        AvatarURL=None,
        Signature=entry.signature or None,
        Greeting=entry.greeting or None,
        IsAdmin=person.is_staff and person.level >= ADMINISTRATOR,
        Disabled=person.disabled_at is not None,
        SendEmail=entry.wants_mail,
        IsTech=person.is_staff,
        IsManager=entry.manages,
        LastSeen=moment_or_none(entry.last_at) if close else None,
        RecentTickets=None,
        TwoFactorAuthEnabled=entry.has_totp and close,
        OutOfOffice=entry.out_of_office,
        FullNameAndLogin=f"{full} ({entry.username})",
        FullName=full,
    )
