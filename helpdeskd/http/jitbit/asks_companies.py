"""What the methods of companies are asked with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from helpdeskd.http.jitbit.asks import BLANK, Number
from helpdeskd.http.jitbit.asks_users import PAGE, Count, Page
from helpdeskd.http.params import Doc, Named, Required

_BETWEEN = re.compile(r"[;,\s]+")


def domains(text: str) -> tuple[str, ...]:
    """As people write several: with semicolons, commas or blanks between them."""
    return tuple(filter(None, _BETWEEN.split(text)))


@dataclass(frozen=True, slots=True)
class Companies:
    count: Count = PAGE
    page: Page = 1


@dataclass(frozen=True, slots=True)
class NewCompany:
    name: Annotated[str, Required()]
    domains: Annotated[str, Named("emailDomains"), Doc("Mail domains that are theirs, divided by semicolons.")] = ""


@dataclass(frozen=True, slots=True)
class ChangedCompany:
    id: Number
    name: Annotated[str | None, BLANK] = None
    notes: str | None = None
