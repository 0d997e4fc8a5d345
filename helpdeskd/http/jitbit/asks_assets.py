"""What the methods of assets are asked with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from helpdeskd.http.jitbit.asks import BLANK, NATURAL, WHOLE, WHOLE_ID, Number
from helpdeskd.http.jitbit.asks_users import Page, UserId
from helpdeskd.http.params import Doc, Named, Required

AssetId = Annotated[Number, Named("assetId")]
Filter = Annotated[int | None, BLANK, NATURAL]


@dataclass(frozen=True, slots=True)
class Assets:
    page: Page = 1
    holder_id: Annotated[Filter, Named("assignedToUserId")] = None
    company_id: Annotated[Filter, Named("assignedToCompanyId"), Doc("Theirs, or somebody's of them.")] = None
    division_id: Annotated[Filter, Named("assignedToDepartmentId")] = None
    ticket_id: Annotated[Filter, Named("assignedToTicketId")] = None
    prefix: Annotated[str, Named("nameprefix"), Doc("What the model begins with.")] = ""
    disabled: Annotated[bool, Named("includeDisabled"), Doc("Those too.")] = False


@dataclass(frozen=True, slots=True)
class NewAsset:
    model: Annotated[str, Named("modelName"), Required()]
    manufacturer: Annotated[str, Required()]
    type: Annotated[str, Required()]
    supplier: Annotated[str, Required()]
    serial_number: Annotated[str, Named("serialNumber")] = ""
    location: str = ""
    comments: str = ""
    quantity: Annotated[int, WHOLE] = 1
    company_id: Annotated[int | None, Named("companyId"), BLANK, WHOLE_ID, Doc("Whose it is; 0: nobody's.")] = None


@dataclass(frozen=True, slots=True)
class ChangedAsset:
    """What is not given stays."""

    id: Number
    model: Annotated[str | None, Named("modelName"), BLANK] = None
    manufacturer: str | None = None
    type: str | None = None
    supplier: str | None = None
    serial_number: Annotated[str | None, Named("serialNumber")] = None
    location: str | None = None
    comments: str | None = None
    quantity: Annotated[int | None, BLANK, WHOLE] = None


@dataclass(frozen=True, slots=True)
class OneAsset:
    id: AssetId


@dataclass(frozen=True, slots=True)
class Held:
    id: AssetId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class InTicket:
    id: AssetId
    ticket_id: Annotated[Number, Named("ticketId")]
