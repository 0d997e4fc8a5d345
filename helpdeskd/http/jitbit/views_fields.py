"""Custom fields of tickets, people, companies and assets: decode, call the desk, encode."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import assets, companies, field_access, field_values, fields, people_list
from helpdeskd.desk.context import Desk
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit.reach import actor, seeing
from helpdeskd.http.jitbit.shapes_fields import CustomField, empty, held
from helpdeskd.model.fields import Owner, Value
from helpdeskd.model.people import Person


def list_category_fields(call: Call) -> list[CustomField]:
    """What new tickets of a category are asked."""
    return [empty(each) for each in call.read(field_access.of_department, seeing(call), call.params.id)]


def list_ticket_fields(call: Call) -> list[CustomField]:
    """What a ticket's fields hold."""
    asked = call.params
    found = call.read(field_access.of_ticket, seeing(call), asked.id, unset=asked.unset)
    return [held(each) for each in found]


def set_ticket_field(call: Call) -> None:
    """Set one of a ticket's."""
    asked = call.params
    _set(call, asked.ticket_id, {asked.field_id: asked.value})


def set_ticket_fields(call: Call) -> None:
    """Set several of a ticket's: all of them, or none."""
    _set(call, call.params.ticket_id, call.params.values)


def _set(call: Call, ticket_id: int, values: dict[int, str]) -> None:
    given = {"sight": seeing(call), "actor": actor(call), "ticket_id": ticket_id, "values": values}
    call.write(field_access.set_of_ticket, **given)


def list_user_fields(call: Call) -> list[CustomField]:
    """What is asked of a person; of others than oneself, technicians see it."""
    return [held(each) for each in call.read(field_access.of_person, seeing(call), call.params.id)]


def list_company_fields(call: Call) -> list[CustomField]:
    """What is asked of a company."""
    return [held(each) for each in call.read(_of_company, call.params.id)]


def _of_company(conn: Connection, company_id: int) -> tuple[Value, ...]:
    return field_values.of(conn, Owner.COMPANY, companies.get(conn, company_id).id, unset=True)


def set_user_field(call: Call) -> None:
    """Set one of a person's."""
    _put(call, Owner.PERSON, call.read(people_list.one, call.params.id).person.id)


def set_company_field(call: Call) -> None:
    """Set one of a company's."""
    _put(call, Owner.COMPANY, call.read(companies.get, call.params.id).id)


def set_asset_field(call: Call) -> None:
    """Set one of an asset's."""
    _put(call, Owner.ASSET, call.read(assets.get, call.params.id).id)


def _put(call: Call, owner: Owner, owner_id: int) -> None:
    asked = call.params
    given = {"owner": owner, "owner_id": owner_id, "field_id": asked.field_id, "value": asked.value}
    call.write(_put_one, **given, actor=actor(call))


def _put_one(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    owner: Owner,
    owner_id: int,
    field_id: int,
    value: str,
    actor: Person,
) -> None:
    field = fields.get(conn, field_id, owner)
    field_values.put(conn, desk, now, field=field, owner_id=owner_id, value=value, actor=actor)
