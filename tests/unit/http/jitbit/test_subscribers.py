"""Who hears of a ticket, and what else is tied to it."""

from __future__ import annotations

from helpdeskd.desk import changes
from tests.unit.http.jitbit.conftest import PRINTER, House
from tests.unit.http.jitbit.posted import a_ticket, comment, kinds, mails, ticket


def heard(house: House, number: int, who: str = "tina") -> list[str]:
    return [each["Username"] for each in house.ask(who, "GET", f"Subscribers?id={number}").json()]


def act(house: House, who: str, verb: str, number: int, **given: int) -> tuple[int, str]:
    found = house.ask(who, "POST", f"{verb}Subscriber", data={"id": number, **given})
    return found.status_code, found.text


def test_a_subscriber_to_the_letter(house: House):
    carol = house.people["carol"]
    found = house.ask("tina", "GET", f"subscribers/{PRINTER}").json()
    assert [each["Username"] for each in found] == ["carol", "tina"]
    assert found[0] == {
        "UserID": carol.id,
        "Username": "carol",
        "Email": "carol@client.example",
        "IsAdmin": False,
        "Disabled": False,
        "FirstName": "Carol Ann",
        "LastName": "Jones",
        "SendEmail": False,
        "IsTech": False,
        "IsManager": False,
        "TwoFactorAuthEnabled": False,
        "OutOfOffice": False,
        "FullNameAndLogin": "Carol Ann Jones (carol)",
        "FullName": "Carol Ann Jones",
    }
    assert house.ask("tina", "POST", "Subscribers", json={"id": PRINTER}).json() == found


def test_staff_add_and_remove(house: House):
    number, mona = a_ticket(house, "dan"), house.people["mona"].id
    assert act(house, "tina", "Add", number, userId=mona) == (200, "")
    assert act(house, "tina", "Add", number, userId=mona) == (200, "")  # as it is already
    assert heard(house, number) == ["dan", "mona"]
    comment(house, "tina", number)
    assert [who for _, who, _ in mails(house, number)] == ["dan@client.example", "mona@client.example"]
    assert act(house, "tina", "Remove", number, userId=mona) == (200, "")
    assert heard(house, number) == ["dan", "tina"]
    assert [kind for kind in kinds(house, number) if kind.startswith("participant")] == [
        "participant-added",
        "participant-removed",
    ]


def test_who_sees_a_ticket_comes_and_goes(house: House):
    number = a_ticket(house)
    assert act(house, "mona", "Add", number) == (200, "")
    assert heard(house, number) == ["carol", "mona"]
    assert act(house, "mona", "Remove", number, userId=house.people["mona"].id) == (200, "")
    assert heard(house, number) == ["carol"]


def test_the_assignee_is_one_and_each_is_named_once(house: House):
    number, tina = a_ticket(house), house.people["tina"]
    assert act(house, "tina", "Add", number) == (200, "")
    house.write(changes.assign, ticket=ticket(house, number), assignee=tina, actor=None, tell=False)
    assert heard(house, number) == ["carol", "tina"]


def test_what_is_wrong(house: House):
    number, dan, carol = a_ticket(house), house.people["dan"].id, house.people["carol"].id
    for verb in ("Add", "Remove"):
        assert act(house, "carol", verb, number, userId=dan) == (403, f"You may not work ticket {number}.")
        assert act(house, "tina", verb, number, userId=999) == (404, "There is no person 999.")
        assert act(house, "tina", verb, 99_999) == (404, "There is no ticket 99999.")
        assert act(house, "dan", verb, number) == (404, f"There is no ticket {number}.")
        assert house.ask("tina", "POST", f"{verb}Subscriber").status_code == 400
        assert house.ask("tina", "GET", f"{verb}Subscriber?id={number}").status_code == 405
    assert act(house, "tina", "Remove", number, userId=dan) == (404, f"There is no subscriber {dan}.")
    assert act(house, "tina", "Remove", number, userId=carol) == (
        400,
        f"Carol Ann Jones is told of ticket {number}, which is theirs.",
    )
    assert heard(house, number) == ["carol"]


def test_who_reads_them(house: House):
    assert [house.ask(who, "GET", f"Subscribers?id={PRINTER}").status_code for who in ("ada", "carol", "dan")] == [
        200,
        403,
        404,
    ]


def test_nothing_else_is_tied_to_a_ticket(house: House):
    found = house.ask("carol", "GET", f"TicketIntegrationData?id={PRINTER}")
    assert (found.status_code, found.json()) == (200, {})
    assert house.ask("dan", "GET", f"TicketIntegrationData?id={PRINTER}").status_code == 404
    assert house.ask("dan", "GET", "TicketIntegrationData").status_code == 400
