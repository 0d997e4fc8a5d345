"""Jitbit's answers as its documentation and its clients know them: names, types, and what may be null (`?`).

Written down a second time, apart from the shapes that are answered with: what clients read must not change by a slip. Names may be added.
"""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {"int": int, "str": str, "bool": bool, "list": list, "dict": dict}

SHAPES = {
    "TicketSummary": """
        IssueID:int TicketID:int Priority:int StatusID:int IssueDate:date Subject:str Status:str UpdatedByUser:bool
        UpdatedByPerformer:bool UpdatedForTechView:bool CategoryID:int Category:str UserID:int UserName:str FirstName:str
        LastName:str Email:str AssignedToUserID:int? Technician:str? TechFirstName:str? TechLastName:str? DueDate:date?
        LastUpdated:date ResolvedDate:date? CompanyID:int? CompanyName:str? SectionID:int? Origin:str HasChildren:bool
        LastUpdatedByUserID:int? LastUpdatedUsername:str? StartDate:date? TimeSpentInSeconds:int StatusColor:str?""",
    "TicketDetail": """
        TicketID:int IssueID:int UserID:int AssignedToUserID:int? IssueDate:date LastUpdated:date Subject:str Body:str
        Priority:int StatusID:int Status:str StatusStopTimeSpent:bool CategoryID:int CategoryName:str DueDate:date?
        StartDate:date? ResolvedDate:date? TimeSpentInSeconds:int UpdatedByUser:bool UpdatedByPerformer:bool
        UpdatedForTechView:bool IsCurrentUserTechInThisCategory:bool SubmittedByCurrentUser:bool OnBehalfUserName:str?
        Origin:str Url:str Tags:[Tag] Attachments:[Attachment] SubmitterUserInfo:User AssigneeUserInfo:User?
        ViewingTechNames:list Integrations:dict""",
    "Tag": "TagID:int Name:str TagCount:int",
    "Attachment": """
        FileName:str FileID:int CommentID:int CommentDate:date FileHash:str? FileSize:int IssueID:int UserID:int?
        GoogleDriveUrl:str? ForTechsOnly:bool Url:str""",
    "Comment": """
        CommentID:int IssueID:int UserID:int? UserName:str Email:str FirstName:str LastName:str IsSystem:bool
        CommentDate:date ForTechsOnly:bool Body:str TicketSubject:str? Recipients:str""",
    "Subscriber": """
        UserID:int Username:str Email:str IsAdmin:bool Disabled:bool FirstName:str LastName:str SendEmail:bool IsTech:bool
        IsManager:bool TwoFactorAuthEnabled:bool OutOfOffice:bool FullNameAndLogin:str FullName:str""",
    "User": """
        UserID:int Username:str Email:str FirstName:str LastName:str Notes:str? Location:str Phone:str CompanyName:str?
        CompanyId:int? CompanyNotes:str? DepartmentID:int? DepartmentName:str? IPAddress:str? HostName:str? Lang:str?
        UserAgent:str? AvatarURL:str? Signature:str? Greeting:str? IsAdmin:bool Disabled:bool SendEmail:bool IsTech:bool
        IsManager:bool LastSeen:date? RecentTickets:list? TwoFactorAuthEnabled:bool OutOfOffice:bool FullNameAndLogin:str
        FullName:str""",
    "Category": """
        CategoryID:int Name:str SectionID:int? Section:str? NameWithSection:str ForTechsOnly:bool FromAddress:str?""",
    "CustomField": """
        FieldID:int FieldName:str Type:int UsageType:int Value:str? ValueWithOption:str? OptionID:int? Mandatory:bool
        OrderByNumber:int ShowInGrid:bool ForTechsOnly:bool AccessType:int SelectionComboOptions:list?""",
    "Asset": """
        ItemID:int ModelName:str Manufacturer:str ManufacturerID:int? Type:str TypeID:int? Supplier:str SupplierID:int?
        SerialNumber:str Location:str Comments:str Quantity:int TicketCount:int Company:str CompanyID:int? Disabled:bool?
        AssignedUsers:[User] Fields:[CustomField]""",
    "Stats": "TotalTickets:int NewTickets:int InProcess:int Closed:int Unclosed:int Unanswered:int Unassigned:int",
    "Company": "CompanyID:int Name:str Notes:str? EmailDomain:str?",
    "Department": "DepartmentID:int Name:str",
    "Made": "id:int",
    "TimeSpent": """
        TimeSpentID:int IssueID:int UserID:int? UserName:str? FirstName:str? LastName:str? TimeSpentInSeconds:int Date:date""",
    "Template": "TemplateID:int Name:str Body:str UserID:int?",
    "Rule": "RuleID:int Name:str Description:str Enabled:bool",
    "Articles": "Articles:[ArticleSummary] Categories:[Category]",
    "ArticleSummary": """
        ArticleId:int Subject:str ForTechsOnly:bool CategoryID:int CategoryName:str TagString:str? Tags:list UrlId:str?
        DateCreated:date LastUpdated:date Url:str Attachments:list""",
    "ArticleDetail": """
        ArticleId:int Subject:str Body:str ForTechsOnly:bool CategoryID:int CategoryName:str TagString:str? Tags:list
        DateCreated:date LastUpdated:date Url:str Attachments:[Attachment]""",
}


def unlike(found: Any, kind: str, where: str = "") -> list[str]:
    """Where `found` differs from a shape, a type or (in brackets) a list of them that is not empty."""
    if kind.endswith("?"):
        return [] if found is None else unlike(found, kind[:-1], where)
    if kind.startswith("["):
        if not isinstance(found, list):
            return [f"{where} is no list"]
        return [each for at, one in enumerate(found) for each in unlike(one, kind[1:-1], f"{where}[{at}]")]
    if kind in _TYPES:
        right = isinstance(found, _TYPES[kind]) and (kind == "bool" or not isinstance(found, bool))
        return [] if right else [f"{where} is {found!r}, no {kind}"]
    if kind == "date":
        return (
            [] if isinstance(found, str) and found[10:11] == "T" and found.endswith("Z") else [f"{where} is {found!r}"]
        )
    if not isinstance(found, dict):
        return [f"{where} is no {kind}"]
    wanted = dict(each.rsplit(":", 1) for each in SHAPES[kind].split())
    missing = [f"{where}.{name} is missing" for name in wanted if name not in found]
    wrong = [unlike(found[name], of, f"{where}.{name}") for name, of in wanted.items() if name in found]
    return missing + [each for some in wrong for each in some]
