"""What is said in tickets: in whose voice, who reads it, who is mailed, who changes it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert, update

from helpdeskd.desk import changes, subscribers
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import NOON, House
from tests.unit.http.jitbit.posted import a_ticket, comment, comments, kinds, mails, ticket

STYLES: dict[str, dict[str, Any]] = {
    "query": {"params": {"ID": "{}", "Body": "<b>Off!</b>"}},
    "form": {"data": {"id": "{}", "body": "<b>Off!</b>"}},
    "multipart": {"files": {"id": (None, "{}"), "BODY": (None, "<b>Off!</b>")}},
    "json": {"json": {"Id": "{}", "body": "<b>Off!</b>"}},
}


def filled(number: int, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: filled(number, each) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(filled(number, each) for each in value)
    return value.format(number) if isinstance(value, str) else value


@pytest.mark.parametrize("style", STYLES)
def test_a_comment_by_any_way(house: House, style):
    number = a_ticket(house)
    found = house.ask("tina", "POST", "Comment", **filled(number, STYLES[style]))
    assert (found.status_code, found.json(), found.headers["content-type"]) == (
        200,
        number,
        "application/json; charset=UTF-8",
    )
    (said,) = comments(house, "carol", number)
    assert said["Body"] == "<!--html--><b>Off!</b>"


@pytest.mark.parametrize(
    "path", ["comment", "ForwardTicket", "AttachFile", "AddSubscriber", "RemoveSubscriber", "TicketIntegrationData"]
)
def test_the_ticket_may_stand_in_the_path(house: House, path: str) -> None:
    given = {"body": "Again.", "to": "eve@elsewhere.example", "userId": house.people["dan"].id}
    number = a_ticket(house)
    if path == "RemoveSubscriber":
        assert house.ask("tina", "POST", f"AddSubscriber/{number}", data=given).status_code == 200
    files = {"file": ("a.txt", b"one", "text/plain")} if path == "AttachFile" else None
    found = house.ask("tina", "POST", f"{path}/{number}", data=given, files=files)
    assert found.status_code == 200, found.text


def test_a_comment_or_a_file_may_stand_in_the_path(house: House) -> None:
    number = a_ticket(house)
    said = comment(house, "tina", number)
    assert house.ask("tina", "POST", f"updatecomment/{said}", data={"body": "Pull it."}).status_code == 200
    house.ask("tina", "POST", f"AttachFile/{number}", files={"file": ("a.txt", b"one", "text/plain")})
    (file,) = house.ask("tina", "GET", f"Attachments/{number}").json()
    assert house.ask("tina", "POST", f"DeleteFile/{file['FileID']}").status_code == 200
    assert house.ask("tina", "GET", f"Attachments/{number}").json() == []


def test_comments_to_the_letter(house: House):
    number, tina = a_ticket(house, "dan"), house.people["tina"]
    first = comment(house, "tina", number, "Pull the plug.\n<Now>")
    found = comments(house, "tina", number)
    assert found == [
        {
            "CommentID": first,
            "IssueID": number,
            "UserID": tina.id,
            "UserName": "tina",
            "Email": "tina@staff.example",
            "FirstName": "Tina",
            "LastName": "",
            "IsSystem": False,
            "CommentDate": NOON,
            "ForTechsOnly": False,
            "Body": "Pull the plug.<br/>\n&lt;Now&gt;",
            "TicketSubject": "Printer",
            "Recipients": "dan@client.example",
        }
    ]
    for method, path in (("GET", f"comments/{number}"), ("POST", f"Comments?ID={number}")):
        assert house.ask("tina", method, path).json() == found


def test_staff_answer_and_customers_reply(house: House):
    number = a_ticket(house, "dan")
    comment(house, "tina", number)
    assert (ticket(house, number).state.value, ticket(house, number).assignee_id) == (
        "awaiting_customer",
        house.people["tina"].id,
    )
    comment(house, "dan", number, "Done.")
    assert ticket(house, number).state.value == "awaiting_staff"
    assert mails(house, number) == [
        ("staff_reply", "dan@client.example", []),
        ("customer_replied", "tina@staff.example", []),
    ]
    assert [said["Recipients"] for said in comments(house, "dan", number)] == ["", ""]  # addresses of others


def test_staff_in_a_ticket_that_is_not_theirs_to_work_on_are_customers(house: House):
    number = a_ticket(house, "sven")
    comment(house, "sven", number, "Hello?")
    assert kinds(house, number) == ["opened", "customer-replied"]


def test_a_customer_s_word_opens_a_closed_ticket(house: House):
    number = a_ticket(house)
    closing = {"ticket": ticket(house, number), "state": State.CLOSED, "actor": house.people["tina"]}
    house.write(changes.set_state, **closing, tell=False)
    comment(house, "carol", number, "It is back.")
    assert ticket(house, number).state.value == "awaiting_staff"


# fmt: off
WHO_READS = [
    # forTechsOnly, isSystem -> customers read it, ForTechsOnly, IsSystem
    ("false", "false", True,  False, False),
    ("true",  "false", False, True,  False),
    ("false", "True",  True,  False, True),
    ("1",     "1",     False, True,  True),
]
# fmt: on


@pytest.mark.parametrize(("internal", "system", "read", "techs_only", "is_system"), WHO_READS)
def test_notes_and_entries(house: House, internal, system, read, techs_only, is_system):
    number = a_ticket(house, "dan")
    comment(house, "tina", number, "Old cable.", forTechsOnly=internal, isSystem=system)
    (said,) = comments(house, "tina", number)
    assert (said["ForTechsOnly"], said["IsSystem"]) == (techs_only, is_system)
    assert (len(comments(house, "dan", number)) == 1) is read
    quiet = internal != "false" or system != "false"
    assert (mails(house, number) == []) is quiet
    assert (ticket(house, number).state.value == "new") is quiet


def test_files_of_any_name_go_out_with_the_mail(house: House):
    number = a_ticket(house, "dan")
    files = [
        ("uploadFile", ("a.txt", b"a", "text/plain")),
        ("file", ("b.png", b"b", "image/png")),
        ("b.txt", ("c.txt", b"c", "text/plain")),
        ("empty", ("", b"", "application/octet-stream")),
    ]
    given = {"id": str(number), "body": "See these."}
    assert house.ask("tina", "POST", "comment", data=given, files=files).json() == number
    assert mails(house, number) == [("staff_reply", "dan@client.example", ["a.txt", "b.png", "c.txt"])]
    listed = house.ask("dan", "GET", f"Attachments?id={number}").json()
    assert [each["FileName"] for each in listed] == ["a.txt", "b.png", "c.txt"]
    (said,) = comments(house, "dan", number)
    assert {each["CommentID"] for each in listed} == {said["CommentID"]}


def test_only_some_are_mailed(house: House):
    number = a_ticket(house, "dan")
    ids = {who: house.people[who].id for who in ("tina", "sven", "dan", "mona")}
    for who in ("sven", "mona"):
        house.write(subscribers.add, ticket=ticket(house, number), person_id=ids[who], actor=house.people["tina"])
    comment(house, "tina", number, recipientIds=[str(ids["dan"]), str(ids["mona"])])
    assert sorted(who for _, who, _ in mails(house, number)) == ["dan@client.example", "mona@client.example"]
    comment(house, "tina", number, recipientIds=str(ids["tina"]))  # the assignee by now; nobody else
    assert len(mails(house, number)) == 2
    comment(house, "tina", number, recipientIds="")
    assert len(mails(house, number)) == 5
    found = comments(house, "tina", number)
    assert [said["Recipients"].count("@") for said in found] == [2, 0, 3]


def test_in_somebody_else_s_name(house: House):
    number = a_ticket(house)
    carol, tina = (house.people[who].id for who in ("carol", "tina"))
    comment(house, "ada", number, "She rang.", fromUserId=str(carol))
    comment(house, "ada", number, "He says so.", fromUserId=str(tina))
    assert [said["UserID"] for said in comments(house, "ada", number)] == [carol, tina]
    assert kinds(house, number)[1] == "customer-replied"
    comment(house, "tina", number, "Me.", fromUserId=str(tina))


def test_merged_tickets_read_as_one(house: House):
    one, other = a_ticket(house), a_ticket(house)
    comment(house, "tina", one, "In the first.")
    source, into = ticket(house, one), ticket(house, other)
    house.write(changes.merge, ticket=source, into=into, actor=house.people["ada"])
    comment(house, "tina", other, "In the second.")
    assert house.ask("tina", "POST", "comment", data={"id": one, "body": "In either."}).json() == other
    found = comments(house, "carol", one)
    assert [said["Body"] for said in found] == ["It burns.", "In the first.", "In the second.", "In either."]
    assert {said["IssueID"] for said in found} == {other}


# fmt: off
WRONG = [
    ("tina",  {"body": "x"},                                        400, "Parameter id is missing."),
    ("tina",  {"id": "{}"},                                         400, "Parameter body is missing."),
    ("tina",  {"id": "{}", "body": " "},                            400, "Parameter body is missing."),
    ("tina",  {"id": "x", "body": "x"},                             400, "Parameter id is wrong, expected a number from 1."),
    ("tina",  {"id": "{}", "body": "x", "isSystem": "maybe"},       400, "Parameter isSystem is wrong, expected true or false."),
    ("tina",  {"id": "{}", "body": "x", "recipientIds": ["a"]},     400, "Parameter recipientIds is wrong, expected a number from 1."),
    ("tina",  {"id": "{}", "body": "x", "recipientIds": ["3"]},     400, "Person 3 takes no part in ticket {}."),
    ("ada",   {"id": "{}", "body": "x", "fromUserId": "3"},         400, "Sven takes no part in ticket {}."),
    ("ada",   {"id": "{}", "body": "x", "fromUserId": "99"},        404, "There is no person 99."),
    ("tina",  {"id": "{}", "body": "x", "fromUserId": "1"},         403, "Only an administrator writes in somebody else's name."),
    ("carol", {"id": "{}", "body": "x", "forTechsOnly": "true"},    403, "You may not work ticket {}."),
    ("carol", {"id": "{}", "body": "x", "isSystem": "true"},        403, "You may not work ticket {}."),
    ("carol", {"id": "{}", "body": "x", "recipientIds": ["5"]},     403, "Only who works on a ticket chooses recipients."),
    ("dan",   {"id": "{}", "body": "x"},                            404, "There is no ticket {}."),
    ("ada",   {"id": "999999", "body": "x"},                        404, "There is no ticket 999999."),
]
# fmt: on


def test_what_is_wrong_changes_nothing(house: House):
    number = a_ticket(house)
    before = kinds(house, number)
    for who, given, status, said in WRONG:
        found = house.ask(who, "POST", "comment", data=filled(number, given))
        assert (found.status_code, found.text) == (status, said.format(number)), given
    for method in ("GET", "PUT"):
        assert house.ask("tina", method, "comment").status_code == 405
    assert house.ask("", "POST", "comment", data={"id": number, "body": "x"}).status_code == 401
    assert (kinds(house, number), comments(house, "ada", number)) == (before, [])


def test_comments_of_what_one_does_not_see(house: House):
    number = a_ticket(house)
    for who, path in (("dan", f"comments?id={number}"), ("ada", "comments?id=999999")):
        found = house.ask(who, "GET", path)
        assert (found.status_code, found.text) == (404, f"There is no ticket {path.partition('=')[2]}.")
    assert house.ask("ada", "GET", "comments").status_code == 400


def test_many_comments_cost_no_more_statements_than_one(house: House):
    number = a_ticket(house)
    counts = []
    for more in (1, 9):
        for _ in range(more):
            comment(house, "tina", number)
        counts.append(statements(house, lambda: house.ask("tina", "GET", f"comments?id={number}")))
    assert counts[0] == counts[1]


def statements(house: House, act: Any) -> int:
    seen: list[str] = []

    def note(_conn, _cursor, statement, *_) -> None:
        seen.append(statement)

    event.listen(house.store.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(house.store.engine, "before_cursor_execute", note)
    return len(seen)


# Changing one


def change(house: House, who: str, number: Any, body: str | None = "Now better.") -> tuple[int, str]:
    given = {"id": number, **({} if body is None else {"body": body})}
    found = house.ask(who, "POST", "updatecomment", data=given)
    return found.status_code, found.text


def test_a_comment_is_changed(house: House):
    number = a_ticket(house)
    first = comment(house, "tina", number)
    assert change(house, "tina", first, "<p onclick=x>Now <script>1</script>better.</p>") == (200, "")
    (said,) = comments(house, "carol", number)
    assert (said["CommentID"], said["Body"]) == (first, "<!--html--><p>Now better.</p>")
    assert kinds(house, number)[-1] == "edited"
    assert change(house, "tina", first, "Plain <") == (200, "")
    assert comments(house, "carol", number)[0]["Body"] == "Plain &lt;"


def test_who_changes_a_comment(house: House):
    number = a_ticket(house)
    tinas, note, carols = (
        comment(house, who, number, **more)
        for who, more in (("tina", {}), ("tina", {"forTechsOnly": "true"}), ("carol", {}))
    )
    assert [change(house, who, carols)[0] for who in ("carol", "tina", "ada")] == [200, 200, 200]
    assert change(house, "carol", tinas) == (403, f"Message {tinas} is not yours to change.")
    for who, which in (("carol", note), ("dan", tinas), ("sven", carols), ("ada", 999_999)):
        assert change(house, who, which) == (404, f"There is no message {which}.")


def test_what_is_wrong_with_a_change(house: House):
    assert change(house, "ada", "") == (400, "Parameter id is missing.")
    assert change(house, "ada", "x") == (400, "Parameter id is wrong, expected a number from 1.")
    assert change(house, "ada", 1, None) == (400, "Parameter body is missing.")
    assert house.ask("ada", "GET", "updatecomment?id=1&body=x").status_code == 405


def test_a_picture_in_a_comment_is_had_where_files_are(house: House) -> None:
    number = a_ticket(house)
    said = comment(house, "tina", number)

    def give(conn: Any) -> int:
        shown = '<p>So: <img src="cid:p@x"> <img data-remote-src="https://x.example/"></p>'
        conn.execute(update(schema.message).where(schema.message.c.id == said).values(html=shown))
        made = {"message_id": said, "position": 0, "name": "p.png", "content_type": "image/png", "size": 3}
        made |= {"sha256": "0" * 64, "content_id": "p@x", "inline": True}
        return int(
            conn.execute(insert(schema.attachment).values(**made).returning(schema.attachment.c.id)).scalar_one()
        )

    file_id = house.store.writer.run(give)
    (shown,) = comments(house, "carol", number)
    assert f'/attachment?id={file_id}">' in shown["Body"]
    assert 'data-remote-src="https://x.example/"' in shown["Body"]
