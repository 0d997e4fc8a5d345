"""Assets: what customers have, who has it, and which tickets are about it."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, asks_assets, shapes_assets, views_assets
from helpdeskd.http.jitbit.access import ADMINISTRATOR, TECHNICIAN

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Assets",         views_assets.list_assets, TECHNICIAN, asks_assets.Assets, (list[shapes_assets.Asset],)),
    Route("GET",  "/Asset /Asset/{id}",  views_assets.show_asset, TECHNICIAN, asks.OneById, (shapes_assets.Asset,)),
    Route("POST", "/Asset",              views_assets.create_asset, ADMINISTRATOR, asks_assets.NewAsset, (shapes_assets.Made,)),
    Route("POST", "/UpdateAsset /UpdateAsset/{id}", views_assets.update_asset, ADMINISTRATOR, asks_assets.ChangedAsset, (shapes_assets.Asset,)),
    Route("POST", "/DisableAsset",       views_assets.disable_asset, ADMINISTRATOR, asks_assets.OneAsset),
    Route("POST", "/AssignAssetToUser",  views_assets.assign_asset, ADMINISTRATOR, asks_assets.Held),
    Route("POST", "/UnAssignAssetToUser", views_assets.unassign_asset, ADMINISTRATOR, asks_assets.Held),
    Route("POST", "/AddAssetToTicket",   views_assets.add_to_ticket, TECHNICIAN, asks_assets.InTicket),
)
# fmt: on
