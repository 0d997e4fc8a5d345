"""Which tickets are to know of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from helpdeskd.http.jitbit.asks import NATURAL, Number
from helpdeskd.http.params import Named, Required


@dataclass(frozen=True, slots=True)
class TwoTickets:
    id: Number
    other_id: Annotated[int, Named("id2"), Required(), NATURAL]


@dataclass(frozen=True, slots=True)
class ParentAndChild:
    parent_id: Annotated[int, Named("parentId"), Required(), NATURAL]
    child_id: Annotated[int, Named("childId"), Required(), NATURAL]


@dataclass(frozen=True, slots=True)
class Child:
    child_id: Annotated[int, Named("childId"), Required(), NATURAL]
