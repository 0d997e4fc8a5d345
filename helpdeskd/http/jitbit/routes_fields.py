"""Custom fields: which there are, what they hold, and how they are set."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, asks_fields, asks_users, views_fields
from helpdeskd.http.jitbit.access import ADMINISTRATOR, TECHNICIAN
from helpdeskd.http.jitbit.shapes_fields import CustomField

_LIST = (list[CustomField],)

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/CustomFieldsForCategory /CustomFieldsForCategory/{id}", views_fields.list_category_fields, params=asks_fields.OfCategory, result=_LIST, inline=True),
    Route("GET POST", "/TicketCustomFields /TicketCustomFields/{id}", views_fields.list_ticket_fields, params=asks_fields.OfTicket, result=_LIST, inline=True),
    Route("POST", "/SetCustomField",           views_fields.set_ticket_field, params=asks_fields.SetOne),
    Route("POST", "/SetCustomFields",          views_fields.set_ticket_fields, params=asks_fields.SetSeveral, decode=asks_fields.several),
    Route("GET POST", "/UserCustomFields",     views_fields.list_user_fields, params=asks_users.OneUser, result=_LIST, inline=True),
    Route("POST", "/SetCustomFieldForUser",    views_fields.set_user_field, ADMINISTRATOR, asks_users.SetField),
    Route("GET POST", "/CompanyCustomFields /CompanyCustomFields/{id}", views_fields.list_company_fields, TECHNICIAN, asks.OneById, _LIST, inline=True),
    Route("POST", "/SetCustomFieldForCompany /SetCustomFieldForCompany/{id}", views_fields.set_company_field, ADMINISTRATOR, asks_fields.SetById),
    Route("POST", "/SetCustomFieldForAsset /SetCustomFieldForAsset/{id}", views_fields.set_asset_field, ADMINISTRATOR, asks_fields.SetById),
)
# fmt: on
