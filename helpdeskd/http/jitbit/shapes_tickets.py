"""Its JSON for one ticket, its tags and its files."""

from __future__ import annotations

import msgspec

from helpdeskd.desk.sheets import File, Sheet
from helpdeskd.desk.sight import Sight
from helpdeskd.http.jitbit import words
from helpdeskd.http.jitbit.shapes_users import User, user
from helpdeskd.http.jitbit.words import CLOSED, PRIORITY, STATUS, STATUS_NAMES, moment, moment_or_none
from helpdeskd.model.ticket import Side, Ticket


class Tag(msgspec.Struct):
    TagID: int
    Name: str
    TagCount: int


class Attachment(msgspec.Struct):
    FileName: str
    FileID: int
    CommentID: int
    CommentDate: str
    FileHash: str | None
    FileSize: int
    IssueID: int
    UserID: int | None
    GoogleDriveUrl: str | None
    ForTechsOnly: bool
    Url: str


class TicketDetail(msgspec.Struct):
    """`IssueID` and `TicketID` are one number: known clients read either."""

    TicketID: int
    IssueID: int
    UserID: int
    AssignedToUserID: int | None
    IssueDate: str
    LastUpdated: str
    Subject: str
    Body: str
    Priority: int
    StatusID: int
    Status: str
    StatusStopTimeSpent: bool
    CategoryID: int
    CategoryName: str
    DueDate: str | None
    StartDate: str | None
    ResolvedDate: str | None
    TimeSpentInSeconds: int
    UpdatedByUser: bool
    UpdatedByPerformer: bool
    UpdatedForTechView: bool
    IsCurrentUserTechInThisCategory: bool
    IsCurrentCategoryForTechsOnly: bool
    SubmittedByCurrentUser: bool
    OnBehalfUserName: str | None
    Origin: str
    Url: str
    Tags: list[Tag]
    Attachments: list[Attachment]
    SubmitterUserInfo: User
    AssigneeUserInfo: User | None
    ViewingTechNames: list[str]
    Integrations: dict[str, str]


def updated_by_user(ticket: Ticket) -> bool:
    """Did a customer write last, after the first message?"""
    return ticket.last_side is Side.CUSTOMER and ticket.replies > 0


def updated_by_performer(ticket: Ticket) -> bool:
    return ticket.last_side is Side.STAFF


def tags(found: dict[str, int | None]) -> list[Tag]:
    return [Tag(number or 0, name, 0) for name, number in found.items()]


def attachment(file: File, ticket_id: int, root: str) -> Attachment:
    found = file.attachment
    return Attachment(
        FileName=found.name,
        FileID=found.id,
        CommentID=found.message_id or 0,
        CommentDate=moment(file.at),
        FileHash=found.sha256,
        FileSize=found.size,
        IssueID=ticket_id,
        UserID=file.author_id,
        GoogleDriveUrl=None,
        ForTechsOnly=file.internal,
        Url=f"{root}/attachment?id={found.id}",
    )


def detail(sheet: Sheet, seen_by: Sight, root: str, url: str) -> TicketDetail:
    ticket, people = sheet.ticket, sheet.people
    status = STATUS[ticket.state]
    requester = people[ticket.requester_id]
    assignee = people.get(ticket.assignee_id or 0)
    opener = people.get(ticket.opened_by_id or 0)
    return TicketDetail(
        TicketID=ticket.id,
        IssueID=ticket.id,
        UserID=ticket.requester_id,
        AssignedToUserID=ticket.assignee_id,
        IssueDate=moment(ticket.created_at),
        LastUpdated=moment(ticket.updated_at),
        Subject=ticket.subject,
        Body="" if sheet.opening is None else words.body(sheet.opening),
        Priority=PRIORITY[ticket.priority],
        StatusID=status,
        Status=STATUS_NAMES[status],
        StatusStopTimeSpent=status == CLOSED,
        CategoryID=ticket.department_id,
        CategoryName=sheet.place.department.name,
        DueDate=moment_or_none(ticket.due_at),
        StartDate=moment_or_none(ticket.started_at),
        ResolvedDate=moment_or_none(ticket.closed_at),
        TimeSpentInSeconds=ticket.seconds_spent,
        UpdatedByUser=updated_by_user(ticket),
        UpdatedByPerformer=updated_by_performer(ticket),
        UpdatedForTechView=False,
        IsCurrentUserTechInThisCategory=seen_by.everything or ticket.department_id in seen_by.departments,
        IsCurrentCategoryForTechsOnly=sheet.place.staff_only or sheet.place.department.private,
        SubmittedByCurrentUser=ticket.requester_id == seen_by.person_id,
        OnBehalfUserName=None if opener is None or opener is requester else opener.person.shown,
        Origin=words.ORIGIN_NAMES[ticket.origin],
        Url=url,
        Tags=tags(dict(sheet.tags)),
        Attachments=[attachment(each, ticket.id, root) for each in sheet.files],
        SubmitterUserInfo=user(requester, seen_by),
        AssigneeUserInfo=None if assignee is None else user(assignee, seen_by),
        ViewingTechNames=[],
        Integrations={},
    )
