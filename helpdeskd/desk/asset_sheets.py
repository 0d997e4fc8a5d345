"""Assets with who has them, what their fields hold, which tickets are about them and what was done: few statements for a page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from helpdeskd.desk import assets, directory, field_values
from helpdeskd.desk.assets import Asset, LogLine, Wanted
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.model.fields import Owner, Value


@dataclass(frozen=True, slots=True)
class Sheet:
    """`tickets`, those that who asks sees, and `log` are known of one alone; None in a list."""

    asset: Asset
    holders: tuple[Entry, ...]
    values: tuple[Value, ...]
    tickets: tuple[int, ...] | None = None
    log: tuple[LogLine, ...] | None = None


def one(conn: Connection, sight: Sight, asset_id: int) -> Sheet:
    """With its empty fields. Raises NotFound."""
    asset = assets.get(conn, asset_id)
    return Sheet(
        asset,
        _holders(conn, (asset,)).get(asset.id, ()),
        field_values.of(conn, Owner.ASSET, asset.id, unset=True),
        assets.ticket_ids(conn, asset.id, sight),
        assets.log(conn, asset.id),
    )


def page(conn: Connection, wanted: Wanted, *, limit: int = assets.PAGE, offset: int = 0) -> tuple[Sheet, ...]:
    """In the order in which they were made."""
    found = assets.page(conn, wanted, limit=limit, offset=offset)
    holders = _holders(conn, found)
    values = field_values.several(conn, Owner.ASSET, [asset.id for asset in found])
    return tuple(Sheet(asset, holders.get(asset.id, ()), values.get(asset.id, ())) for asset in found)


def _holders(conn: Connection, found: tuple[Asset, ...]) -> dict[int, tuple[Entry, ...]]:
    held = assets.holders(conn, [asset.id for asset in found])
    known = directory.several(conn, [person.id for people in held.values() for person in people])
    return {asset_id: tuple(known[person.id] for person in people) for asset_id, people in held.items()}
