"""Custom fields: what may have them, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """What a field is of. Values are kept by the owner's id."""

    TICKET = "ticket"
    PERSON = "person"
    COMPANY = "company"
    ASSET = "asset"


class FieldKind(StrEnum):
    TEXT = "text"  # one line
    DATE = "date"  # kept as YYYY-MM-DD
    CHOICE = "choice"  # one of its options
    CHECKBOX = "checkbox"  # kept as true or false
    MULTILINE = "multiline"


class Access(StrEnum):
    """Who sees a field, and who may set it."""

    EVERYONE = "everyone"
    READ_ONLY = "read-only"  # customers see it, staff set it
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Option:
    id: int
    words: str


@dataclass(frozen=True, slots=True)
class Field:
    """`options`: of a choice, in order. `departments`: whose tickets have it; empty: all."""

    id: int
    owner: Owner
    name: str
    kind: FieldKind
    mandatory: bool
    position: int
    in_grid: bool  # shown in lists
    access: Access
    options: tuple[Option, ...] = ()
    departments: frozenset[int] = frozenset()

    def shown_to(self, *, staff: bool) -> bool:
        return staff or self.access is not Access.STAFF

    def set_by(self, *, staff: bool) -> bool:
        return staff or self.access is Access.EVERYONE


@dataclass(frozen=True, slots=True)
class Value:
    """What a field of one owner holds; `words` is empty where it is not set. Of a choice, `option_id` is which."""

    field: Field
    words: str = ""
    option_id: int | None = None
