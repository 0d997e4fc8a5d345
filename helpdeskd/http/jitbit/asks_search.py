"""What a search is asked with: the words, and filters as lists have them, though not all under the same names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from helpdeskd.http.jitbit.asks import BLANK, NATURAL, WHOLE, WHOLE_ID
from helpdeskd.http.params import Doc, Named, Required


@dataclass(frozen=True, slots=True)
class Search:
    query: Annotated[str, Required(), Doc("All of these words; the last one may go on.")]
    requester_id: Annotated[int | None, Named("fromUserId"), BLANK, NATURAL] = None
    departments: Annotated[tuple[int, ...], Named("categoryId"), BLANK, WHOLE_ID, Doc("May be repeated.")] = ()
    numbers: Annotated[
        tuple[int, ...],
        Named("statusId"),
        BLANK,
        WHOLE_ID,
        Doc("1 new, 2 in progress, 3 closed. May be repeated."),
    ] = ()
    assignee_id: Annotated[int | None, Named("assignedToUserId"), BLANK, NATURAL] = None
    created_from: Annotated[datetime | None, Named("dateFrom"), BLANK, Doc("Created then or later.")] = None
    created_to: Annotated[datetime | None, Named("dateTo"), BLANK, Doc("Or earlier; a day is taken whole.")] = None
    count: Annotated[int, BLANK, WHOLE, Doc("At most 300.")] = 10
    offset: Annotated[int, BLANK, WHOLE, Doc("How many to pass over.")] = 0
