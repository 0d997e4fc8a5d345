"""The numbers of tickets, as people say them."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

from helpdeskd.desk.context import Desk
from helpdeskd.errors import Conflict
from helpdeskd.store import schema

# Numbers of six digits until half of them are given: up to there a fresh one is found in two tries on average.
SIX_DIGITS = (100_000, 900_000)
SEVEN_DIGITS = (1_000_000, 9_000_000)
HALF_OF_SIX = 450_000

_t = schema.ticket.c
_NUMBER = select(
    select(func.coalesce(func.max(_t.id), 0)).scalar_subquery(),
    select(_t.id).where(_t.number == bindparam("number")).scalar_subquery(),
)


def draw(conn: Connection, desk: Desk) -> int:
    """A number nobody has, by chance: a neighbour's says nothing about it. Two nodes with the same one: errors.Conflict."""
    lowest, space = SIX_DIGITS
    for _ in range(100):
        number = lowest + int.from_bytes(desk.rng(8), "big") % space
        opened, taken = conn.execute(_NUMBER, {"number": number}).one()
        if opened > HALF_OF_SIX and (lowest, space) != SEVEN_DIGITS:
            lowest, space = SEVEN_DIGITS
        elif taken is None:
            return number
    raise Conflict("no free ticket number was found")
