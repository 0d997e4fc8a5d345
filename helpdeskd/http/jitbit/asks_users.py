"""What the methods of people are asked with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from helpdeskd.desk.people_list import Which
from helpdeskd.http.jitbit.asks import BLANK, NATURAL, WHOLE, Number
from helpdeskd.http.jitbit.asks_fields import FieldId, Value
from helpdeskd.http.params import Doc, Named, Required, Rule

MODES: Mapping[str, Which] = {
    "all": Which.ALL,
    "techs": Which.TECHS,
    "admins": Which.ADMINS,
    "regular": Which.CUSTOMERS,
    "disabled": Which.DISABLED,
}
PAGE = 500  # people, or companies

UserId = Annotated[Number, Named("userId")]
Page = Annotated[int, NATURAL, Doc("From 1.")]
Count = Annotated[int, WHOLE, Doc(f"How many on a page, at most {PAGE}.")]


@dataclass(frozen=True, slots=True)
class OneUser:
    id: UserId


@dataclass(frozen=True, slots=True)
class ByEmail:
    email: Annotated[str, Required()]


@dataclass(frozen=True, slots=True)
class ByUsername:
    username: Annotated[str, Required()]


@dataclass(frozen=True, slots=True)
class Users:
    mode: Annotated[
        str,
        Named("listMode"),
        BLANK,
        Rule(f"expected {', '.join(MODES)}", lambda text: text.strip().lower() in MODES),
        Doc(f"{', '.join(MODES)}."),
    ] = "all"
    division_id: Annotated[int | None, Named("departmentId"), BLANK, NATURAL, Doc("Of this department.")] = None
    company_id: Annotated[int | None, Named("companyId"), BLANK, NATURAL, Doc("Of this company.")] = None
    count: Count = PAGE
    page: Page = 1


@dataclass(frozen=True, slots=True)
class NewUser:
    username: Annotated[str, Required()]
    password: Annotated[str, Required()]
    email: Annotated[str, Required()]
    given_name: Annotated[str, Named("firstName")] = ""
    family_name: Annotated[str, Named("lastName")] = ""
    phone: str = ""
    location: str = ""
    company: Annotated[str, Doc("Its name; it is made where there is none.")] = ""
    division: Annotated[str, Named("department"), Doc("Its name; it is made where there is none.")] = ""
    welcome: Annotated[
        bool, Named("sendWelcomeEmail"), Doc("They get a mail with a link to choose a password of their own.")
    ] = False


@dataclass(frozen=True, slots=True)
class ChangedUser:
    """What is not given stays. What cannot be empty counts as not given where it is."""

    id: UserId
    username: Annotated[str | None, BLANK] = None
    password: Annotated[str | None, BLANK, Doc("Their tokens end.")] = None
    email: Annotated[str | None, BLANK] = None
    given_name: Annotated[str | None, Named("firstName")] = None
    family_name: Annotated[str | None, Named("lastName")] = None
    phone: str | None = None
    location: str | None = None
    company: Annotated[str | None, Doc("Its name; it is made where there is none. Empty: none.")] = None
    division: Annotated[str | None, Named("department"), Doc("As the company.")] = None
    notes: str | None = None
    disabled: bool | None = None
    wants_mail: Annotated[bool | None, Named("enableEmailNotifications")] = None
    greeting: str | None = None
    signature: str | None = None
    out_of_office: Annotated[bool | None, Named("outOfOffice")] = None


@dataclass(frozen=True, slots=True)
class MergedUsers:
    into_id: Annotated[Number, Named("id"), Doc("Who stays.")]
    gone_id: Annotated[Number, Named("id2"), Doc("Who becomes them.")]


@dataclass(frozen=True, slots=True)
class SetField:
    id: UserId
    field_id: FieldId
    value: Value = ""
