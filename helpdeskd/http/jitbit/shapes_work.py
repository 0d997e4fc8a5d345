"""Its JSON for the time spent on tickets. What the original's has in it is not known; these names are those it uses elsewhere."""

from __future__ import annotations

import msgspec

from helpdeskd.desk.directory import Entry
from helpdeskd.desk.timekeeping import Spent
from helpdeskd.http.jitbit.words import moment


class TimeSpent(msgspec.Struct):
    TimeSpentID: int
    IssueID: int
    UserID: int | None
    UserName: str | None
    FirstName: str | None
    LastName: str | None
    TimeSpentInSeconds: int
    Date: str


def time_spent(spent: Spent, ticket_id: int, by: Entry | None) -> TimeSpent:
    return TimeSpent(
        TimeSpentID=spent.id,
        IssueID=ticket_id,
        UserID=spent.person_id,
        UserName=None if by is None else by.username,
        FirstName=None if by is None else by.given_name,
        LastName=None if by is None else by.family_name,
        TimeSpentInSeconds=spent.seconds,
        Date=moment(spent.at),
    )
