"""Assets: made, changed, given to people, put into tickets; and who sees them."""

from __future__ import annotations

from typing import Any

import pytest

from helpdeskd.desk import changes, fields, tickets
from helpdeskd.model.fields import FieldKind, Owner
from tests.unit.http.jitbit.conftest import NOON, OFFER, PRINTER, House
from tests.unit.http.jitbit.test_users import NOT_PERMITTED, said

LAPTOP = {"modelName": "Laptop 3", "manufacturer": "Maker", "type": "Laptop", "supplier": "Shop"}
WRITES = (
    "Asset",
    "UpdateAsset",
    "DisableAsset",
    "AssignAssetToUser",
    "UnAssignAssetToUser",
    "SetCustomFieldForAsset",
)


def made(house: House, **more: Any) -> int:
    answer = house.ask("ada", "POST", "Asset", data=LAPTOP | more)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["id"]
    return int(answer.json()["id"])


def shown(house: House, number: int, who: str = "sven") -> dict[str, Any]:
    found = house.ask(who, "GET", f"Asset?id={number}")
    assert found.status_code == 200, found.text
    return dict(found.json())


def listed(house: House, query: str) -> list[int]:
    found = house.ask("tina", "GET", f"Assets?{query}")
    assert found.status_code == 200, found.text
    return [each["ItemID"] for each in found.json()]


def done(house: House, path: str, who: str = "ada", **values: Any) -> None:
    assert said(house.ask(who, "POST", path, data=values)) == (200, "")


def test_an_asset_to_the_letter(house: House):
    weight = house.write(fields.add, owner=Owner.ASSET, name="Weight", kind=FieldKind.TEXT, actor=None)
    more = {"serialNumber": "S1", "location": "Attic", "comments": "Old.", "quantity": 2, "companyId": house.acme}
    number = made(house, **more)
    done(house, "AssignAssetToUser", assetId=number, userId=house.people["carol"].id)
    done(house, "AddAssetToTicket", "tina", assetId=number, ticketId=PRINTER)
    done(house, "SetCustomFieldForAsset", id=number, fieldId=weight.id, value="2 kg")
    found = shown(house, number, "tina")
    (carol,), (value,), log = (found.pop(name) for name in ("AssignedUsers", "Fields", "LogEntries"))
    named = {f"{name}ID": found.pop(f"{name}ID") for name in ("Manufacturer", "Type", "Supplier")}
    assert found == {
        "ItemID": number,
        "ModelName": "Laptop 3",
        "Manufacturer": "Maker",
        "Type": "Laptop",
        "Supplier": "Shop",
        "SerialNumber": "S1",
        "Location": "Attic",
        "Comments": "Old.",
        "Quantity": 2,
        "TicketCount": 1,
        "Company": "Acme",
        "CompanyID": house.acme,
        "Disabled": False,
        "Tickets": [PRINTER],
        "Attachments": None,
    }
    assert all(isinstance(each, int) for each in named.values())
    assert (carol["Username"], value["FieldName"], value["Value"], value["UsageType"]) == (
        "carol",
        "Weight",
        "2 kg",
        2,
    )
    printer = house.read(tickets.get, PRINTER)
    ada, tina = house.people["ada"].id, house.people["tina"].id
    assert log == [
        {"Date": NOON, "UserID": ada, "Text": "created"},
        {"Date": NOON, "UserID": ada, "Text": "assigned to Carol Ann Jones"},
        {"Date": NOON, "UserID": tina, "Text": f"added to ticket {printer.number}"},
    ]
    assert shown(house, number, "sven")["Tickets"] == []  # he does not see that ticket
    (one,) = [each for each in house.ask("sven", "GET", "Assets").json() if each["ItemID"] == number]
    assert (one["Tickets"], one["LogEntries"], one["TicketCount"]) == (None, None, 1)
    assert ([each["Username"] for each in one["AssignedUsers"]], one["Fields"]) == (["carol"], [value])


def test_pages_of_assets(fresh: House):
    carol, dan = fresh.people["carol"].id, fresh.people["dan"].id
    fresh.ask("ada", "POST", "UpdateUser", data={"userId": dan, "department": "Yard"})
    yard = fresh.ask("ada", "GET", "Departments").json()[0]["DepartmentID"]
    one, two, three = made(fresh), made(fresh, modelName="Mouse"), made(fresh, modelName="laptop 4")
    done(fresh, "AssignAssetToUser", assetId=one, userId=carol)
    done(fresh, "AssignAssetToUser", assetId=two, userId=dan)
    done(fresh, "AddAssetToTicket", "sven", assetId=two, ticketId=OFFER)
    done(fresh, "DisableAsset", assetId=three)
    assert listed(fresh, "") == [one, two]
    assert listed(fresh, "includeDisabled=true") == [one, two, three]
    assert listed(fresh, f"assignedToUserId={carol}") == [one]
    assert listed(fresh, f"assignedToCompanyId={fresh.acme}") == [one]
    assert listed(fresh, f"assignedToDepartmentId={yard}") == [two]
    assert listed(fresh, f"assignedToTicketId={OFFER}") == [two]
    assert listed(fresh, "nameprefix=LAP") == [one]
    assert listed(fresh, "nameprefix=LAP&includeDisabled=1") == [one, three]
    assert listed(fresh, "page=2") == []
    assert shown(fresh, three)["Disabled"] is True


def test_an_asset_is_changed(house: House):
    number = made(house, quantity=5, location="Attic")
    answer = house.ask("ada", "POST", "UpdateAsset", json={"id": number, "modelName": "Laptop 9", "supplier": ""})
    found = answer.json()
    assert (answer.status_code, found["ModelName"], found["Supplier"], found["SupplierID"]) == (
        200,
        "Laptop 9",
        "",
        None,
    )
    assert (found["Quantity"], found["Location"]) == (5, "Attic")
    assert found == shown(house, number, "ada")


def test_who_has_an_asset(house: House):
    number, mona = made(house), house.people["mona"].id
    done(house, "AssignAssetToUser", assetId=number, userId=mona)
    done(house, "AssignAssetToUser", assetId=number, userId=house.people["dan"].id)
    assert [each["Username"] for each in shown(house, number)["AssignedUsers"]] == ["mona", "dan"]
    done(house, "UnAssignAssetToUser", assetId=number, userId=mona)
    assert [each["Username"] for each in shown(house, number)["AssignedUsers"]] == ["dan"]
    again = house.ask("ada", "POST", "UnAssignAssetToUser", data={"assetId": number, "userId": mona})
    assert said(again) == (400, f"Mona does not have the asset {number}.")


@pytest.mark.parametrize(
    ("path", "values", "status", "words"),
    [
        ("Asset", {"modelName": "X"}, 400, "Parameter manufacturer is missing; parameter type is missing; parameter supplier is missing."),
        ("Asset", LAPTOP | {"quantity": "-1"}, 400, "Parameter quantity is wrong, expected a number from 0."),
        ("Asset", LAPTOP | {"quantity": "1000001"}, 400, "A quantity is a number from 0 to 1000000."),
        ("Asset", LAPTOP | {"companyId": "99"}, 404, "There is no company 99."),
        ("UpdateAsset", {"id": 9999}, 404, "There is no asset 9999."),
        ("UpdateAsset", {}, 400, "Parameter id is missing."),
        ("DisableAsset", {"assetId": 9999}, 404, "There is no asset 9999."),
        ("AssignAssetToUser", {"assetId": 9999, "userId": 1}, 404, "There is no asset 9999."),
        ("AssignAssetToUser", {"assetId": 1, "userId": 9999}, 404, "There is no person 9999."),
        ("AddAssetToTicket", {"assetId": 1, "ticketId": 9999}, 404, "There is no ticket 9999."),
        ("SetCustomFieldForAsset", {"id": 1, "fieldId": 9999, "value": "1"}, 404, "There is no field 9999."),
    ],
)  # fmt: skip
def test_what_cannot_be(house: House, path, values, status, words):
    if not listed(house, ""):
        assert made(house) == 1
    assert said(house.ask("ada", "POST", path, data=values)) == (status, words)


def test_who_may(house: House):
    number = made(house)
    for who in ("tina", "mona", "carol"):
        for path in WRITES:
            assert said(house.ask(who, "POST", path, data=LAPTOP | {"id": number})) == NOT_PERMITTED
    for who in ("mona", "carol"):
        for path in ("Assets", f"Asset?id={number}"):
            assert said(house.ask(who, "GET", path)) == NOT_PERMITTED
    elsewhere = house.ask("sven", "POST", "AddAssetToTicket", data={"assetId": number, "ticketId": PRINTER})
    assert said(elsewhere) == (404, f"There is no ticket {PRINTER}.")


def test_a_merged_tickets_assets_go_with_it(house: House):
    source, target = (house.opened("support", "carol", "Lamp", "It is out.") for _ in range(2))
    both, only = made(house), made(house)
    for number, ticket in ((both, source), (both, target), (only, source)):
        done(house, "AddAssetToTicket", "tina", assetId=number, ticketId=ticket)
    into = house.read(tickets.get, target)
    house.write(changes.merge, ticket=house.read(tickets.get, source), into=into, actor=house.people["tina"])
    for number in (both, only):
        found = shown(house, number, "tina")
        assert (found["Tickets"], found["TicketCount"]) == ([target], 1)
