"""Assets: decode, call the desk, encode."""

from __future__ import annotations

from dataclasses import asdict

from helpdeskd.desk import asset_sheets, assets, people_list
from helpdeskd.desk.assets import Wanted
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_assets
from helpdeskd.http.jitbit.reach import actor, seeing, work


def list_assets(call: Call) -> list[shapes_assets.Asset]:
    """A page of 50 assets."""
    given = asdict(call.params)
    skip = (given.pop("page") - 1) * assets.PAGE
    found = call.read(asset_sheets.page, Wanted(**given), offset=skip)
    return [shapes_assets.asset(each, seeing(call)) for each in found]


def show_asset(call: Call) -> shapes_assets.Asset:
    """One asset, with its tickets and what was done with it."""
    return _shown(call, call.params.id)


def create_asset(call: Call) -> shapes_assets.Made:
    """A new asset."""
    given = asdict(call.params)
    made = call.write(assets.create, **given | {"company_id": given["company_id"] or None}, actor=actor(call))
    return shapes_assets.Made(made.id)


def update_asset(call: Call) -> shapes_assets.Asset:
    """Change an asset. It as it is then."""
    given = {name: value for name, value in asdict(call.params).items() if value is not None}
    asset = call.read(assets.get, given.pop("id"))
    call.write(assets.change, asset=asset, **given, actor=actor(call))
    return _shown(call, asset.id)


def disable_asset(call: Call) -> None:
    """It is in use no more."""
    call.write(assets.disable, asset=call.read(assets.get, call.params.id), actor=actor(call))


def assign_asset(call: Call) -> None:
    """Somebody has it, beside those who have it already."""
    asset, person = call.read(assets.get, call.params.id), call.read(people_list.one, call.params.user_id).person
    call.write(assets.assign, asset=asset, person=person, actor=actor(call))


def unassign_asset(call: Call) -> None:
    """Somebody has it no more."""
    asset, person = call.read(assets.get, call.params.id), call.read(people_list.one, call.params.user_id).person
    call.write(assets.unassign, asset=asset, person=person, actor=actor(call))


def add_to_ticket(call: Call) -> None:
    """A ticket is about it."""
    asset = call.read(assets.get, call.params.id)
    work(call, assets.add_ticket, {"ticket": call.params.ticket_id}, asset=asset)


def _shown(call: Call, asset_id: int) -> shapes_assets.Asset:
    who = seeing(call)
    return shapes_assets.asset(call.read(asset_sheets.one, who, asset_id), who)
