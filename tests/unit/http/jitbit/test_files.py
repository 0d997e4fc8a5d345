"""Files of tickets: listed, fetched, attached, taken away."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from helpdeskd.http.download import disposition
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import NOON, OFFER, PICTURE, PRINTER, House
from tests.unit.http.jitbit.posted import a_ticket, comments, kinds, mails

# fmt: off
NAMES = [
    ("a.txt",            'attachment; filename="a.txt"'),
    ("Übersicht 1.pdf",  "attachment; filename=\"_bersicht 1.pdf\"; filename*=UTF-8''%C3%9Cbersicht%201.pdf"),
    ('../a"b\\c\r\n.sh', 'attachment; filename="c .sh"'),
    ("a;b=c.txt",        'attachment; filename="a;b=c.txt"'),
    ("naïve\u202etxt.exe", "attachment; filename=\"na_vetxt.exe\"; filename*=UTF-8''na%C3%AFvetxt.exe"),
    ("",                 'attachment; filename="file"'),
    (" .. ",             'attachment; filename="file"'),
    ("x" * 300 + ".png", f'attachment; filename="{"x" * 196}.png"'),
]
# fmt: on


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_what_a_file_is_called(name, expected):
    assert disposition(name) == expected


def listed(house: House, who: str, number: int) -> list[str]:
    return [each["FileName"] for each in house.ask(who, "GET", f"Attachments?id={number}").json()]


def attach(house: House, who: str, number: int, *files: tuple[str, bytes, str]) -> list[int]:
    """Their numbers."""
    given = [(f"part{nth}", file) for nth, file in enumerate(files)]
    found = house.ask(who, "POST", "AttachFile", data={"id": str(number)}, files=given)
    assert (found.status_code, found.content) == (200, b"")
    return [each["FileID"] for each in house.ask("ada", "GET", f"attachments/{number}").json()][-len(files) :]


def test_a_list_to_the_letter(house: House):
    (found,) = house.ask("dan", "GET", f"Attachments?id={OFFER}").json()
    ada, base = house.people["ada"].id, str(house.client.base_url).rstrip("/")
    assert (len(found.pop("FileHash")), found) == (
        64,
        {
            "FileName": "a.png",
            "FileID": 1,
            "CommentID": found["CommentID"],
            "CommentDate": NOON,
            "FileSize": len(PICTURE),
            "IssueID": OFFER,
            "UserID": ada,
            "GoogleDriveUrl": None,
            "ForTechsOnly": False,
            "Url": f"{base}/attachment?id=1",
        },
    )
    assert house.client.get(f"{base}/attachment?id=1").status_code == 401
    assert house.ask("dan", "GET", found["Url"]).content == PICTURE


def test_files_of_notes_are_for_those_who_work_on_the_ticket(house: House):
    assert (listed(house, "tina", PRINTER), listed(house, "carol", PRINTER)) == (["a.png"], [])
    assert house.ask("tina", "GET", "attachment?id=2").content == PICTURE
    found = house.ask("carol", "GET", "attachment?id=2")
    assert (found.status_code, found.text) == (404, "There is no file 2.")


@pytest.mark.parametrize("path", ["attachment?id=1", "Attachment/1"])
def test_a_download(house: House, path):
    found = house.ask("dan", "GET", path)
    names = ("content-type", "content-disposition", "x-content-type-options", "content-length")
    assert (found.content, [found.headers[name] for name in names]) == (
        PICTURE,
        ["image/png", 'attachment; filename="a.png"', "nosniff", str(len(PICTURE))],
    )


def turn_into(house: House, file: int, **values: str | None) -> None:
    changed = update(schema.attachment).where(schema.attachment.c.id == file).values(values)
    house.store.writer.run(lambda conn: conn.execute(changed))


# fmt: off
KINDS = [
    ("text/html; charset=utf-8", "application/octet-stream"),
    ("TEXT/Plain",               "text/plain"),
    ("nonsense",                 "application/octet-stream"),
    ("",                         "application/octet-stream"),
    ("text/x\r\nSet-Cookie: a",  "text/x"),
]
# fmt: on


def test_what_a_file_says_it_is(house: House):
    (file,) = attach(house, "carol", a_ticket(house), ("Größe.html", b"<script>", "text/plain"))
    for stored, sent in KINDS:
        turn_into(house, file, content_type=stored, found_type=None)  # it came before anybody looked
        found = house.ask("carol", "GET", f"attachment?id={file}")
        assert (found.headers["content-type"], found.content) == (sent, b"<script>")
        assert found.headers["content-disposition"].endswith("filename*=UTF-8''Gr%C3%B6%C3%9Fe.html")
        assert "set-cookie" not in found.headers


def test_bytes_that_are_gone(house: House):
    (file,) = attach(house, "carol", a_ticket(house), ("a.txt", b"gone", "text/plain"))
    turn_into(house, file, sha256="ab" * 32)
    assert house.ask("carol", "GET", f"attachment?id={file}").status_code == 404


def test_files_for_a_ticket(house: House):
    number = a_ticket(house)
    attach(house, "carol", number, ("a.txt", b"a", "text/plain"), ("b.png", b"b", "image/png"))
    attach(house, "tina", number, ("c.txt", b"c", "text/plain"))
    assert listed(house, "carol", number) == ["a.txt", "b.png", "c.txt"]
    found = comments(house, "carol", number)
    assert [(said["IsSystem"], said["ForTechsOnly"], said["Body"]) for said in found] == [
        (True, False, "a.txt, b.png"),
        (True, False, "c.txt"),
    ]
    assert mails(house, number) == []


def test_a_file_is_taken_away(house: House):
    number = a_ticket(house)
    first, second = attach(house, "carol", number, ("a.txt", b"a", "text/plain"), ("b.txt", b"b", "text/plain"))
    for who, status in (("dan", 404), ("sven", 404), ("carol", 403)):
        assert house.ask(who, "GET", f"DeleteFile?id={first}").status_code == status
    for method, file in (("GET", first), ("POST", second)):
        found = house.ask("tina", method, f"DeleteFile?id={file}")
        assert (found.status_code, found.content) == (200, b"")
        assert house.ask("tina", "GET", f"attachment?id={file}").status_code == 404
    assert (listed(house, "tina", number), kinds(house, number)[-2:]) == ([], ["file-removed", "file-removed"])


# fmt: off
WRONG = [
    ("ada",   "GET",  "Attachments",              400, "Parameter id is missing."),
    ("ada",   "GET",  "Attachments?ticketId=1",   400, "Parameter id is missing."),
    ("ada",   "GET",  "Attachments?id=99999",     404, "There is no ticket 99999."),
    ("dan",   "GET",  "Attachments?id=1",         404, "There is no ticket 1."),
    ("ada",   "GET",  "attachment",               400, "Parameter id is missing."),
    ("ada",   "GET",  "attachment?id=99999",      404, "There is no file 99999."),
    ("carol", "GET",  "attachment?id=1",          404, "There is no file 1."),
    ("ada",   "GET",  "DeleteFile",               400, "Parameter id is missing."),
    ("ada",   "GET",  "DeleteFile?id=99999",      404, "There is no file 99999."),
    ("dan",   "GET",  "DeleteFile?id=1",          403, "You may not work ticket 2."),
    ("ada",   "POST", "AttachFile",               400, "Parameter id is missing."),
    ("ada",   "POST", "AttachFile?id=1",          400, "Parameter file is missing."),
    ("dan",   "POST", "AttachFile?id=1",          404, "There is no ticket 1."),
    ("mona",  "POST", "AttachFile?id=1",          403, "You may not edit ticket 1."),
]
# fmt: on


def test_what_is_wrong(house: House):
    for who, method, path, status, said in WRONG:
        found = house.ask(who, method, path)
        assert (found.status_code, found.text) == (status, said), path
    assert house.ask("ada", "GET", "AttachFile?id=1").status_code == 405
