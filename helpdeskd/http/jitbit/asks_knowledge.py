"""What is asked of the knowledge base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from helpdeskd.http.jitbit.asks import NATURAL
from helpdeskd.http.params import Doc, Ignored, Named, Required

_BLANK = Ignored(lambda text: not text.strip())
CategoryId = Annotated[int, Named("categoryId"), _BLANK, NATURAL]


@dataclass(frozen=True, slots=True)
class Articles:
    department_id: Annotated[CategoryId, Doc("Only this category.")] = 0


@dataclass(frozen=True, slots=True)
class NewArticle:
    subject: Annotated[str, Required()]
    body: Annotated[str, Required(), Doc("Text, or HTML.")]
    department_id: Annotated[CategoryId, Doc("The category; for all of them where none is named.")] = 0
    tags: Annotated[tuple[str, ...], Doc("Divided by commas.")] = ()
    staff_only: Annotated[bool, Named("forTechsOnly"), _BLANK] = False
