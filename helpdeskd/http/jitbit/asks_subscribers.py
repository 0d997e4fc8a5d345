"""What is asked of subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from helpdeskd.http.jitbit.asks import NATURAL, Number
from helpdeskd.http.params import Doc, Ignored, Named


@dataclass(frozen=True, slots=True)
class OneSubscriber:
    id: Number
    person_id: Annotated[
        int, Named("userId"), Ignored(lambda text: not text.strip()), NATURAL, Doc("The caller, where none is named.")
    ] = 0
