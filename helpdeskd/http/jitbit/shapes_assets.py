"""Its JSON for assets."""

from __future__ import annotations

import msgspec

from helpdeskd.desk.asset_sheets import Sheet
from helpdeskd.desk.sight import Sight
from helpdeskd.http.jitbit.shapes_fields import CustomField, held
from helpdeskd.http.jitbit.shapes_users import User, user
from helpdeskd.http.jitbit.words import moment


class LogEntry(msgspec.Struct):
    Date: str
    UserID: int | None
    Text: str


class Asset(msgspec.Struct):
    """`Tickets`, those that the caller sees, and `LogEntries` stand in one asset alone: lists leave them null."""

    ItemID: int
    ModelName: str
    Manufacturer: str
    ManufacturerID: int | None
    Type: str
    TypeID: int | None
    Supplier: str
    SupplierID: int | None
    SerialNumber: str
    Location: str
    Comments: str
    Quantity: int
    TicketCount: int
    Company: str
    CompanyID: int | None
    Disabled: bool
    AssignedUsers: list[User]
    Fields: list[CustomField]
    Tickets: list[int] | None
    Attachments: list[str] | None
    LogEntries: list[LogEntry] | None


class Made(msgspec.Struct):
    """What is answered to a new one; in lower case, as clients know it."""

    id: int


def asset(sheet: Sheet, seen_by: Sight) -> Asset:
    found = sheet.asset
    return Asset(
        ItemID=found.id,
        ModelName=found.model,
        Manufacturer=found.manufacturer.name,
        ManufacturerID=found.manufacturer.id,
        Type=found.type.name,
        TypeID=found.type.id,
        Supplier=found.supplier.name,
        SupplierID=found.supplier.id,
        SerialNumber=found.serial_number,
        Location=found.location,
        Comments=found.comments,
        Quantity=found.quantity,
        TicketCount=found.tickets,
        Company=found.company,
        CompanyID=found.company_id,
        Disabled=found.disabled_at is not None,
        AssignedUsers=[user(each, seen_by) for each in sheet.holders],
        Fields=[held(each) for each in sheet.values],
        Tickets=None if sheet.tickets is None else list(sheet.tickets),
        Attachments=None,
        LogEntries=None
        if sheet.log is None
        else [LogEntry(moment(each.at), each.actor_id, each.words) for each in sheet.log],
    )
