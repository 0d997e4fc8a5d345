"""Its JSON for tickets, in lists and alone, their tags and their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from helpdeskd.desk.sheets import File, Sheet
from helpdeskd.desk.sight import Sight
from helpdeskd.desk.ticket_list import OPEN, UNANSWERED, Counts, Line
from helpdeskd.http.jitbit import words
from helpdeskd.http.jitbit.shapes_fields import CustomField, held
from helpdeskd.http.jitbit.shapes_users import User, user
from helpdeskd.http.jitbit.words import CLOSED, PRIORITY, STATUS, STATUS_NAMES, moment, moment_or_none
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.fields import Value
from helpdeskd.model.ticket import Side, State, Ticket


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


class TicketSummary(msgspec.Struct):
    """`CompanyID` is spelt so here, `CompanyId` of users. `CustomFields`: where they are asked for."""

    IssueID: int
    TicketID: int
    Priority: int
    StatusID: int
    IssueDate: str
    Subject: str
    Status: str
    UpdatedByUser: bool
    UpdatedByPerformer: bool
    UpdatedForTechView: bool
    CategoryID: int
    Category: str
    UserID: int
    UserName: str
    FirstName: str
    LastName: str
    Email: str
    AssignedToUserID: int | None
    Technician: str | None
    TechFirstName: str | None
    TechLastName: str | None
    DueDate: str | None
    LastUpdated: str
    ResolvedDate: str | None
    CompanyID: int | None
    CompanyName: str | None
    SectionID: int | None
    Origin: str
    HasChildren: bool
    LastUpdatedByUserID: int | None
    LastUpdatedUsername: str | None
    StartDate: str | None
    TimeSpentInSeconds: int
    StatusColor: str | None
    CustomFields: list[CustomField] | msgspec.UnsetType = msgspec.UNSET


class Stats(msgspec.Struct):
    TotalTickets: int
    NewTickets: int
    InProcess: int
    Closed: int
    Unclosed: int
    Unanswered: int
    Unassigned: int


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


def tags(found: Mapping[str, int]) -> list[Tag]:
    return [Tag(number, name, 0) for name, number in found.items()]


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
        Url=words.file_url(root, found.id),
    )


def summary(line: Line, values: Iterable[Value] | None = None) -> TicketSummary:
    """`values` of its fields, where they are asked for."""
    ticket, requester, assignee, last = line.ticket, line.requester, line.assignee, line.last
    status = STATUS[ticket.state]
    return TicketSummary(
        IssueID=ticket.id,
        TicketID=ticket.id,
        Priority=PRIORITY[ticket.priority],
        StatusID=status,
        IssueDate=moment(ticket.created_at),
        Subject=ticket.subject,
        Status=STATUS_NAMES[status],
        UpdatedByUser=updated_by_user(ticket),
        UpdatedByPerformer=updated_by_performer(ticket),
        UpdatedForTechView=False,
        CategoryID=ticket.department_id,
        Category=line.department,
        UserID=requester.person.id,
        UserName=requester.username,
        FirstName=requester.given_name,
        LastName=requester.family_name,
        Email=requester.person.email,
        AssignedToUserID=ticket.assignee_id,
        Technician=None if assignee is None else assignee.username,
        TechFirstName=None if assignee is None else assignee.given_name,
        TechLastName=None if assignee is None else assignee.family_name,
        DueDate=moment_or_none(ticket.due_at),
        LastUpdated=moment(ticket.updated_at),
        ResolvedDate=moment_or_none(ticket.closed_at),
        CompanyID=requester.company_id,
        CompanyName=requester.company or None,
        SectionID=line.section_id,
        Origin=words.ORIGIN_NAMES[ticket.origin],
        HasChildren=line.has_children,
        LastUpdatedByUserID=ticket.last_author_id,
        LastUpdatedUsername=None if last is None else last.username,
        StartDate=moment_or_none(ticket.started_at),
        TimeSpentInSeconds=ticket.seconds_spent,
        StatusColor=None,
        CustomFields=msgspec.UNSET if values is None else [held(each) for each in values],
    )


def stats(found: Counts) -> Stats:
    states = found.states
    unclosed = sum(states[each] for each in OPEN)
    return Stats(
        TotalTickets=unclosed + states[State.CLOSED],
        NewTickets=states[State.NEW],
        InProcess=unclosed - states[State.NEW],
        Closed=states[State.CLOSED],
        Unclosed=unclosed,
        Unanswered=sum(states[each] for each in UNANSWERED),
        Unassigned=found.unassigned,
    )


def detail(sheet: Sheet, seen_by: Sight, root: str, url: str, tokens: TokenKeys) -> TicketDetail:
    ticket, people = sheet.ticket, sheet.people
    status = STATUS[ticket.state]
    requester = people[ticket.requester_id]
    assignee = people.get(ticket.assignee_id or 0)
    opener = people.get(ticket.opened_by_id or 0)

    def where(content_id: str) -> str | None:
        own = (
            each.attachment for each in sheet.files if sheet.opening and each.attachment.message_id == sheet.opening.id
        )
        return next((words.file_url(root, each.id) for each in own if each.content_id == content_id), None)

    return TicketDetail(
        TicketID=ticket.id,
        IssueID=ticket.id,
        UserID=ticket.requester_id,
        AssignedToUserID=ticket.assignee_id,
        IssueDate=moment(ticket.created_at),
        LastUpdated=moment(ticket.updated_at),
        Subject=ticket.subject,
        Body="" if sheet.opening is None else words.body(sheet.opening, tokens, where),
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
        IsCurrentCategoryForTechsOnly=sheet.place.for_staff,
        SubmittedByCurrentUser=ticket.requester_id == seen_by.person_id,
        OnBehalfUserName=None if opener is None or opener is requester else opener.person.shown,
        Origin=words.ORIGIN_NAMES[ticket.origin],
        Url=url,
        Tags=tags(sheet.tags),
        Attachments=[attachment(each, ticket.id, root) for each in sheet.files],
        SubmitterUserInfo=user(requester, seen_by),
        AssigneeUserInfo=None if assignee is None else user(assignee, seen_by),
        ViewingTechNames=[],
        Integrations={},
    )
