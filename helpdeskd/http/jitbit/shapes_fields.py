"""Its JSON for custom fields and what they hold."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from helpdeskd.model.fields import Access, Field, FieldKind, Owner, Value

TYPES: Mapping[FieldKind, int] = {
    FieldKind.TEXT: 1,
    FieldKind.DATE: 2,
    FieldKind.CHOICE: 3,
    FieldKind.CHECKBOX: 4,
    FieldKind.MULTILINE: 5,
}
# Ours: nobody has told what the original's numbers mean.
USAGES: Mapping[Owner, int] = {Owner.TICKET: 0, Owner.PERSON: 1, Owner.ASSET: 2, Owner.COMPANY: 3}
ACCESSES: Mapping[Access, int] = {Access.EVERYONE: 0, Access.READ_ONLY: 1, Access.STAFF: 2}


class Choice(msgspec.Struct):
    OptionID: int
    Value: str


class CustomField(msgspec.Struct):
    """`Value` is what people read; of a choice `OptionID` is which."""

    FieldID: int
    FieldName: str
    Type: int
    UsageType: int
    Value: str | None
    ValueWithOption: str | None
    OptionID: int | None
    Mandatory: bool
    OrderByNumber: int
    ShowInGrid: bool
    ForTechsOnly: bool
    AccessType: int
    SelectionComboOptions: list[Choice] | None


def empty(field: Field) -> CustomField:
    """A field that is asked, without a value."""
    return held(Value(field))


def held(value: Value) -> CustomField:
    field = value.field
    words = value.words or None
    choice = field.kind is FieldKind.CHOICE
    return CustomField(
        FieldID=field.id,
        FieldName=field.name,
        Type=TYPES[field.kind],
        UsageType=USAGES[field.owner],
        Value=words,
        ValueWithOption=words,
        OptionID=value.option_id,
        Mandatory=field.mandatory,
        OrderByNumber=field.position,
        ShowInGrid=field.in_grid,
        ForTechsOnly=field.access is Access.STAFF,
        AccessType=ACCESSES[field.access],
        SelectionComboOptions=[Choice(each.id, each.words) for each in field.options] if choice else None,
    )
