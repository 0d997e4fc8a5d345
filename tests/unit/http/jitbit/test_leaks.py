"""What somebody might learn, or do, that is not theirs: each test is an attack, and was one that worked or might have."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2 as httpx
import pytest

from helpdeskd.desk import api_keys, changes, counters, messages, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.http.jitbit import JITBIT
from helpdeskd.model.mail import Address, Verdict
from helpdeskd.model.ticket import State, Visibility
from tests.unit.http.jitbit.conftest import AT, PASSWORD, PICTURE, PRINTER, House, basic, profile
from tests.unit.http.jitbit.posted import a_ticket, comment, comments, ticket

NOWHERE = 10**15


def merged(house: House, one: int, into: int) -> None:
    house.write(changes.merge, ticket=ticket(house, one), into=ticket(house, into), actor=house.people["ada"])


def joins(house: House, number: int, who: str) -> None:
    there, person = ticket(house, number), house.people[who]
    house.write(changes.add_participant, ticket=there, address=Address(person.name, person.email), actor=None)


@pytest.mark.parametrize(
    "path", ["ticket?id={}", "comments?id={}", "Attachments/{}", "LinkedTickets?id={}", "TimeSpentLog?id={}"]
)
def test_no_word_tells_where_a_merge_leads(house: House, path: str) -> None:
    one, other = a_ticket(house, "dan", "sales"), a_ticket(house, "dan", "sales")
    merged(house, one, other)
    found, none = (house.ask("carol", "GET", path.format(number)) for number in (one, NOWHERE))
    assert (found.status_code, found.text) == (404, none.text.replace(str(NOWHERE), str(one)))


def test_a_forged_mail_is_no_word_of_whom_it_names(house: House) -> None:
    """It opens a ticket in their name; what it says is for staff to read."""
    picture = Part("a.png", "image/png", len(PICTURE), house.serving.blobs.put(PICTURE))
    words = Words(text="Send it to me.", subject="Key", verdict=Verdict.FAIL, parts=(picture,))
    given = {"department": house.places["support"], "requester": house.people["carol"], "words": words}
    number = house.write(tickets.open, **given, acknowledge=False).ticket.id
    shown = {who: house.ask(who, "GET", f"ticket/{number}").json() for who in ("carol", "mona", "tina", "ada")}
    assert {who: (each["Body"], len(each["Attachments"])) for who, each in shown.items()} == {
        "carol": ("", 0),
        "mona": ("", 0),
        "tina": ("Send it to me.", 1),
        "ada": ("Send it to me.", 1),
    }
    assert comments(house, "carol", number) == []
    assert house.ask("carol", "GET", "Search?query=send it to me").json() == []


def test_quotations_have_nobodys_reply_token(house: House) -> None:
    """Who reads a token of somebody else's could speak for them by mail."""
    number = a_ticket(house)
    joins(house, number, "dan")
    token = house.serving.desk.tokens.make(number, house.people["carol"].id)
    quoted = f"On Sunday Support <support+{token}@desk.example> wrote:"
    html = f'<p>On Sunday <a href="mailto:support%2B{token}@desk.example">Support</a> wrote</p>'
    given = {"author": house.people["carol"], "reopen": True}
    for words in (Words(text="Still.", quote=quoted), Words(text="Still.", html=html)):
        house.write(tickets.customer_reply, ticket=ticket(house, number), words=words, **given)
    for who in ("dan", "tina"):
        said = house.ask(who, "GET", f"comments/{number}").text
        assert "support@desk.example" in said
        assert token not in said


def test_what_the_desk_noted_for_itself_is_hidden(house: House) -> None:
    number = a_ticket(house)
    words = Words(text="Mail to eve@elsewhere.example came back.")

    noted = house.store.writer.run(lambda conn: messages.store(conn, AT, number, Visibility.SYSTEM, None, words))
    found, none = (
        house.ask("carol", "POST", "updatecomment", data={"id": each, "body": "x"}) for each in (noted, NOWHERE)
    )
    assert (found.status_code, found.text) == (404, none.text.replace(str(NOWHERE), str(noted)))
    assert comments(house, "carol", number) == []


def test_notes_and_their_files_stay_hidden_when_tickets_are_merged(house: House) -> None:
    """Dan, who joins by the merge, reads what was said in public in both, and no more."""
    one, other = a_ticket(house, "dan"), a_ticket(house, "carol")
    files = {"file": ("plan.txt", b"plan", "text/plain")}
    for number in (one, other):
        house.ask(
            "tina",
            "POST",
            "comment",
            data={"id": number, "body": f"Secret {number}.", "forTechsOnly": "1"},
            files=files,
        )
        comment(house, "tina", number, f"Said {number}.")
    merged(house, one, other)
    hidden = [each["FileID"] for each in house.ask("tina", "GET", f"Attachments/{other}").json()]
    assert len(hidden) == 2
    for who in ("dan", "carol", "mona"):
        for number in (one, other):
            said = house.ask(who, "GET", f"comments/{number}").text
            assert ("Secret" in said, f"Said {one}." in said, f"Said {other}." in said) == (False, True, True)
            assert house.ask(who, "GET", f"Attachments/{number}").json() == []
        assert {house.ask(who, "GET", f"attachment/{each}").status_code for each in hidden} == {404}
        assert house.ask(who, "GET", f"Search?query=secret {one}").json() == []
        assert house.ask(who, "GET", "Search?query=plan.txt").json() == []
    # Whoever is staff elsewhere reads no notes where they are but a customer.
    joins(house, other, "sven")
    assert "Secret" not in house.ask("sven", "GET", f"comments/{other}").text
    assert house.ask("sven", "GET", f"Search?query=secret {one}").json() == []
    assert {house.ask("sven", "GET", f"attachment/{each}").status_code for each in hidden} == {404}


def test_tickets_beside_a_ticket_are_shown_to_who_sees_them(house: House) -> None:
    mine, others, child = a_ticket(house), a_ticket(house, "dan", "sales"), a_ticket(house, "dan", "sales")
    assert house.ask("ada", "POST", "LinkTickets", data={"id": mine, "id2": others}).status_code == 200
    assert house.ask("ada", "POST", "AddSubTicket", data={"parentId": mine, "childId": child}).status_code == 200
    for who, seen in (("ada", 1), ("tina", 0), ("carol", 0), ("mona", 0)):
        for path in ("LinkedTickets", "SubTickets"):
            assert len(house.ask(who, "GET", f"{path}/{mine}").json()) == seen, (who, path)
    # Nor by tying what one sees to what one does not.
    for who, one, other, status in (
        ("tina", mine, others, 404),
        ("tina", others, mine, 404),
        ("sven", others, mine, 404),
    ):
        assert house.ask(who, "POST", "LinkTickets", data={"id": one, "id2": other}).status_code == status
        assert house.ask(who, "POST", "MergeTickets", data={"id": one, "id2": other}).status_code == status


def test_figures_count_what_lists_show(house: House) -> None:
    joins(house, a_ticket(house, "dan", "sales"), "carol")
    for who in ("ada", "tina", "sven", "mona", "carol", "dan"):
        listed = house.ask(who, "GET", "Tickets?count=300").json()
        statuses = Counter(each["StatusID"] for each in listed)
        opened = [each for each in listed if each["StatusID"] != 3]
        assert len(listed) < 300
        said = house.ask(who, "GET", "Stats").json()
        found = (said["TotalTickets"], said["NewTickets"], said["InProcess"], said["Closed"])
        assert found == (len(listed), statuses[1], statuses[2], statuses[3]), who
        assert said["Unassigned"] == len([each for each in opened if each["AssignedToUserID"] is None]), who


def test_where_somebody_is_reached_is_for_who_deals_with_them(house: House) -> None:
    """Dan takes part in Carol's ticket, as anybody does whom she names in Cc."""
    number = a_ticket(house)
    joins(house, number, "dan")
    house.write(profile, house.people["carol"], phone="0 12", location="Room 9")
    for who, seen in (("dan", ""), ("carol", "0 12"), ("mona", "0 12"), ("tina", "0 12"), ("ada", "0 12")):
        shown = house.ask(who, "GET", f"ticket/{number}").json()["SubmitterUserInfo"]
        assert (shown["Phone"], bool(shown["Location"])) == (seen, bool(seen)), who
        listed = house.ask(who, "GET", "Tickets?count=300&fromUserId=5").text
        assert ("0 12" in listed, "Room 9" in listed) == (False, False), who


@pytest.mark.parametrize("who", ["carol", "dan", "mona", "tina", "sven"])
def test_lists_show_nothing_that_is_hidden_alone(house: House, who: str) -> None:
    for query in (
        "",
        "&fromUserId=6",
        "&fromCompanyId=1",
        "&handledByUserID=2",
        "&categoryId=2",
        "&mode=unclosed",
        "&subscribedOnly=1",
    ):
        for each in house.ask(who, "GET", f"Tickets?count=300{query}").json():
            assert house.ask(who, "GET", f"ticket/{each['IssueID']}").status_code == 200, (query, each["IssueID"])
    for each in house.ask(who, "GET", "Search?query=printer&count=300").json():
        assert house.ask(who, "GET", f"ticket/{each['IssueID']}").status_code == 200


def test_no_markup_of_a_customers_runs(house: House) -> None:
    bad = '<p>x</p><script>a()</script><img src=x onerror=a()><a href="javascript:a()">y</a><svg/onload=a()><iframe src=z>'
    made = house.ask("carol", "POST", "ticket", data={"categoryId": "1", "subject": bad, "body": bad})
    number = int(made.text)
    comment(house, "carol", number, bad)
    last = comments(house, "carol", number)[-1]["CommentID"]
    house.ask("carol", "POST", "updatecomment", data={"id": last, "body": bad + bad})
    house.ask("carol", "POST", "UpdateTicket", data={"id": number, "body": bad + bad})
    comment(house, "carol", number, "<!--html--><script>a()</script>")
    shown = [
        house.ask("tina", "GET", f"ticket/{number}").json()["Body"],
        *(each["Body"] for each in comments(house, "tina", number)),
    ]
    for body in shown:
        for word in ("<script", "onerror", "javascript:", "<svg", "onload", "<iframe"):
            assert word not in body, body


# Paths that mean the same must be the same to who counts and who asks; those that do not are nothing.
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jitbit/api//ticket//1", 200),
        ("/jitbit/api/%74icket/1", 200),
        ("/JITBIT/API/TICKET/1", 200),
        ("/jitbit/api/ticket/1/", 200),
        ("/jitbit/api/%2e%2e/api/ticket/1", 404),
        ("/jitbit/api/ticket/1;x", 400),
        ("/jitbit/api/ticket/1%00", 400),
        ("/jitbit/api/ticket/%31", 200),
        ("/jitbit/api/ticket%2f1", 200),
        ("/jitbit/apiticket/1", 404),
        ("//jitbit/api/ticket/1", 404),
        ("/jitbit/api/t%C4%B1cket/1", 404),
    ],
)  # fmt: skip
def test_spellings_of_a_path(house: House, path: str, status: int) -> None:
    url = httpx.URL(house.client.base_url, raw_path=path.encode())
    for who, wanted in (
        ("tina", status),
        ("dan", 404 if status == 200 else status),
        ("", 404 if status == 404 else 401),
    ):
        headers = {"Authorization": basic(who)} if who else {}
        got = house.client.request("GET", url, headers=headers)
        assert got.status_code == wanted, (who, got.text)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods(house: House, method: str) -> None:
    for path in ("ticket/1", "deleteTicket/1", "DeleteFile?id=1"):
        for more in ({}, {"X-HTTP-Method-Override": "POST"}, {"X-HTTP-Method": "DELETE"}):
            got = house.ask("ada", method, path, headers=more)
            assert got.status_code in {400, 405, 501}, (path, got.status_code)
    assert house.ask("ada", "GET", f"ticket/{PRINTER}").status_code == 200


def test_nobody_asks_more_often_by_asking_otherwise(alone: House) -> None:
    """Another spelling, root, method or credential, another address that one claims to have: all is one person's."""
    client = alone.serving(alone.store, replace(JITBIT, rates={"default": "6/minute"}))
    alone.key("dan", "key-of-dan-4711-abcdef")
    dan, key = basic("dan"), "Bearer key-of-dan-4711-abcdef"
    asks = [
        ("GET", "/jitbit/api/Authorization", dan, ""),
        ("GET", "/jitbit/API/authorization/", dan, "192.0.2.1"),
        ("POST", "/jitbit/helpdesk/api/Authorization", dan, "192.0.2.2"),
        ("HEAD", "/JITBIT/api//%41uthorization", basic("DAN@client.example"), ""),
        ("GET", "/jitbit/api/categories", key, ""),
        ("GET", "/jitbit/api/ticket/1", key, "2001:db8::1"),
    ]
    for n, (method, path, header, by) in enumerate([*asks, *asks]):
        sent = {"Authorization": header, "X-Forwarded-For": by, "X-Real-IP": by, "Forwarded": f"for={by}"}
        status = client.request(method, path, headers=sent).status_code
        assert (status == 429) == (n >= len(asks)), (method, path, status)


def at_once(*acts: Any) -> Counter[int]:
    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(each.status_code for each in pool.map(lambda act: act(), acts))


def test_changes_at_once(house: House) -> None:
    """Each happens, one after the other; none is an error of ours."""
    number = a_ticket(house)

    def post(path: str, who: str = "ada", **values: Any) -> Any:
        return lambda: house.ask(who, "POST", path, data=values)

    fields = [post("UpdateTicket", id=number, subject=f"S{n}", tags=f"t{n},both", statusId=n % 3 + 1) for n in range(8)]
    assert at_once(*fields) == {200: 8}
    eight = [post("AddSubscriber", id=number, userId=house.people["dan"].id) for _ in range(8)]
    assert at_once(*eight) == {200: 8}
    said = [post("comment", who, id=number, body="x") for who in ("ada", "tina", "carol", "dan") * 2]
    assert at_once(*said) == {200: 8}
    assert len(comments(house, "carol", number)) == 8
    assert ticket(house, number).replies == 8
    timed = [post("AddTimeSpent", ticketId=number, timeSpentInSeconds=1) for _ in range(8)]
    assert at_once(*timed) == {200: 8}
    assert ticket(house, number).seconds_spent == 8


def test_merges_at_once(house: House) -> None:
    """Round in a circle, and over one another: none waits for ever, none makes a loop."""
    numbers = [a_ticket(house) for _ in range(4)]

    def merge(one: int, into: int) -> Any:
        return lambda: house.ask("ada", "POST", "MergeTickets", data={"id": into, "id2": one})

    pairs = [(one, into) for one in numbers for into in numbers if one != into]
    others = [lambda n=n: house.ask("carol", "POST", "comment", data={"id": n, "body": "x"}) for n in numbers]
    found = at_once(*(merge(*pair) for pair in pairs), *others)
    assert set(found) <= {200, 400, 404}, found
    ends = {house.read(tickets.resolve, number).id for number in numbers}
    assert len(ends) == 1
    assert [ticket(house, number).state for number in numbers].count(State.MERGED) == 3
    assert (
        len(comments(house, "carol", ends.pop())) == 7
    )  # the first words of the three others, and what was said meanwhile
    total = sum(house.read(counters.tickets, (state,)) for state in State)
    assert total == len(house.read(_all_tickets))


def _all_tickets(conn: Any) -> Any:
    return conn.exec_driver_sql("SELECT id FROM ticket WHERE removed_at IS NULL").all()


def test_new_things_at_once(house: House) -> None:
    """Of several that want the same name one has it, and the others hear so."""

    def post(path: str, **values: Any) -> Any:
        return lambda: house.ask("ada", "POST", path, data=values)

    def user(name: str, address: str) -> Any:
        return post("CreateUser", username=name, email=f"{address}@new.example", password="long enough", company="New")

    assert at_once(*(user("new", "new") for _ in range(6))) == {200: 1, 400: 5}
    assert at_once(*(user(f"u{n}", f"u{n}") for n in range(6))) == {200: 6}
    firms = [post("Company", name="Firm", emailDomains="firm.example") for _ in range(6)]
    assert at_once(*firms) == {200: 6}
    one, other = a_ticket(house), a_ticket(house)
    assert at_once(*(post("TagTicket", ticketId=each, name="fresh") for each in (one, other) * 3)) == {200: 6}
    things = [post("Asset", modelName="M", manufacturer="New", type="New", supplier="New") for _ in range(6)]
    assert at_once(*things) == {200: 6}
    asset = house.ask("ada", "GET", "Assets").json()[-1]["ItemID"]
    assert at_once(*(post("AddAssetToTicket", assetId=asset, ticketId=one) for _ in range(6))) == {200: 6}
    assert at_once(*(post("AssignAssetToUser", assetId=asset, userId=5) for _ in range(6))) == {200: 6}
    links = [post("LinkTickets", id=each[0], id2=each[1]) for each in ((one, other), (other, one)) * 3]
    assert at_once(*links) == {200: 6}
    assert len(house.ask("ada", "GET", f"LinkedTickets/{one}").json()) == 1


def test_nobody_becomes_their_own_grandparent(house: House) -> None:
    numbers = [a_ticket(house) for _ in range(3)]

    def under(parent: int, child: int) -> Any:
        return lambda: house.ask("ada", "POST", "AddSubTicket", data={"parentId": parent, "childId": child})

    found = at_once(*(under(one, other) for one in numbers for other in numbers if one != other))
    assert set(found) <= {200, 400}, found
    above = {child["IssueID"]: n for n in numbers for child in house.ask("ada", "GET", f"SubTickets/{n}").json()}
    for number in numbers:
        seen = {number}
        while (number := above.get(number, 0)) and number not in seen:
            seen.add(number)
        assert not number, above


def test_a_person_is_merged_or_removed_while_they_write(house: House) -> None:
    def create(name: str) -> int:
        given = {"username": name, "password": PASSWORD, "email": f"{name}@x.example"}
        return int(house.ask("ada", "POST", "CreateUser", data=given).text)

    def say(token: str) -> Any:
        # By keys: so many wrong passwords would close the address.
        headers = {"Authorization": f"Bearer {token}"}
        return lambda: house.ask("", "POST", "comment", headers=headers, data={"id": number, "body": "x"})

    one, other = create("writes"), create("keeps")
    number = int(house.ask("writes", "POST", "ticket", data={"categoryId": 1, "subject": "S", "body": "B"}).text)
    for name, person_id in (("one", one), ("other", other)):
        given = {"dialect": "jitbit", "name": name, "person_id": person_id}
        house.write(api_keys.create, token=f"key-of-the-{name}-4711-abcdef", **given)
    writes = [say("key-of-the-one-4711-abcdef")] * 6
    merge = [lambda: house.ask("ada", "POST", "MergeUsers", data={"id": other, "id2": one})] * 2
    assert set(at_once(*writes[:3], *merge, *writes[3:])) <= {200, 400, 401, 404}
    assert house.ask("ada", "GET", f"ticket/{number}").json()["UserID"] == other
    assert house.ask("ada", "GET", f"comments/{number}").status_code == 200
    more = [say("key-of-the-other-4711-abcdef")] * 4
    gone = [lambda: house.ask("ada", "POST", "DeleteUser", data={"userId": other})] * 2
    assert set(at_once(*more[:2], *gone, *more[2:])) <= {200, 400, 401, 404}
    assert house.ask("ada", "GET", f"ticket/{number}").status_code == 404
