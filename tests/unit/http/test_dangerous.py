"""Files that one should not open: what the routes give out, to whom, and what goes on by mail."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from helpdeskd.desk import accounts, departments, files, people, queries
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.model.clock import now
from helpdeskd.model.files import Danger, FilePolicy
from helpdeskd.model.ticket import Attachment
from tests.live.house import mail, parsed, text_of
from tests.unit.http.jitbit.conftest import UNHURRIED
from tests.unit.http.mailed import CAROL, PASSWORD, SUPPORT, TOKEN, Mailed, mailed
from tests.unit.mail.filebytes import EXE, PAGE, PNG, docx

DOCM = docx("word/vbaProject.bin")
ADA = "ada@staff.example"


@dataclass
class Town:
    post: Mailed
    client: httpx.Client

    def write(self, act: Any, **more: Any) -> Any:
        here = self.post.here
        return here.store.writer.run(lambda conn: act(conn, here.desk, now(), **more))

    def read(self, act: Any, *args: Any) -> Any:
        return self.post.here.store.read(lambda conn: act(conn, *args))

    def policy(self, policy: FilePolicy, max_files: int | None = None, max_file_mb: int | None = None) -> None:
        support = self.read(departments.by_name, "Support")
        more = {"max_files": max_files, "max_file_mb": max_file_mb}
        self.write(departments.set_files, department=support, policy=policy, **more)

    def mailed(self, *sent: tuple[str, str, bytes]) -> bytes:
        """Carol writes, with files: (name, what she calls it, bytes)."""
        message = parsed(mail(CAROL, SUPPORT, "Look", "See the files."))
        for name, claimed, data in sent:
            maintype, _, subtype = claimed.partition("/")
            message.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
        raw = message.as_bytes()
        self.post.written(raw)
        return raw

    def files(self) -> list[Attachment]:
        (line,) = self.read(queries.list_tickets)
        shown = self.read(queries.show, line.ticket.number)
        return [file for message in shown.messages for file in message.attachments]

    def jitbit(self, who: str, file: int) -> httpx.Response:
        return self.client.request("GET", f"/jitbit/api/attachment?id={file}", auth=(who, PASSWORD))

    def helpdeskz(self, path: str) -> Any:
        return self.client.request("GET", f"/helpdeskz/api/{path}", headers={"Token": TOKEN}).json()


@pytest.fixture
def town(tmp_path: Path, store_url: str) -> Iterator[Town]:
    with mailed(tmp_path, store_url) as post:
        made = Town(post, post.serve(HELPDESKZ, UNHURRIED))
        carol = made.read(people.find, CAROL)
        made.write(accounts.set_username, person=carol, username="carol")
        made.write(accounts.set_password, person=carol, password_hash=post.serving.passwords.hash(PASSWORD))
        yield made


def named(message: EmailMessage) -> list[str | None]:
    return [each.get_filename() for each in message.iter_attachments()]


def three(town: Town) -> bytes:
    return town.mailed(
        ("bill.pdf.exe", "application/pdf", EXE),
        ("plan.doc", "application/msword", DOCM),
        ("note.txt", "text/plain", b"Hello."),
    )


def test_refused_files_are_kept_and_flagged_and_go_to_nobody_but_staff(town: Town):
    raw = three(town)
    (notice,) = town.post.sent(ADA)
    assert named(notice) == ["note.txt"]
    lines = text_of(notice).splitlines()
    flagged = "flagged: may run a program, the name hides what it is, not what it says"
    assert f"- bill.pdf.exe (128 B), not passed on; {flagged}" in lines
    assert any(
        line.startswith("- plan.doc (") and line.endswith("), not passed on; flagged: has macros") for line in lines
    )
    assert "- note.txt (6 B)" in lines
    exe, plan, note = (file.id for file in town.files())
    for file, data, kind in (
        (exe, EXE, "application/vnd.microsoft.portable-executable"),
        (plan, DOCM, "application/vnd.ms-word.document.macroenabled.12"),
        (note, b"Hello.", "text/plain"),
    ):
        given = town.jitbit("tina", file)
        assert (given.status_code, given.content, given.headers["content-type"].lower()) == (200, data, kind)
        assert given.headers["content-disposition"].startswith("attachment; ")
    refused = town.jitbit("carol", exe)
    assert (refused.status_code, refused.text) == (403, f"File {exe} is not given to anybody but staff.")
    assert town.jitbit("carol", note).content == b"Hello."
    assert base64.b64decode(town.helpdeskz(f"attachments/show/{exe}")["content"]) == EXE  # a key of the team's own
    assert town.post.here.blobs.get(town.files()[0].sha256) == EXE
    shown = town.read(queries.show, town.read(queries.list_tickets)[0].ticket.number)
    assert town.post.here.blobs.get(shown.messages[0].message.raw_sha256) == raw


def test_held_files_wait_for_staff(town: Town):
    town.policy(FilePolicy.HOLD)
    three(town)
    (notice,) = town.post.sent(ADA)
    assert named(notice) == ["note.txt"]
    assert "held until staff release it; flagged: has macros" in text_of(notice)
    exe = town.files()[0].id
    assert (town.jitbit("carol", exe).status_code, town.jitbit("tina", exe).content) == (403, EXE)
    assert (
        town.helpdeskz(f"attachments/show/{exe}")["message"]
        == f"file {exe} is held until a member of staff releases it"
    )
    town.write(files.release, file_id=exe, actor=town.read(people.find, ADA))
    assert town.jitbit("carol", exe).content == EXE
    assert base64.b64decode(town.helpdeskz(f"attachments/show/{exe}")["content"]) == EXE


def test_kept_files_go_on_with_their_flags(town: Town):
    town.policy(FilePolicy.KEEP)
    three(town)
    (notice,) = town.post.sent(ADA)
    assert named(notice) == ["bill.pdf.exe", "plan.doc", "note.txt"]
    assert "- bill.pdf.exe (128 B); flagged: may run a program" in text_of(notice)
    assert town.jitbit("carol", town.files()[0].id).content == EXE


def test_an_answer_goes_out_without_what_is_refused_and_says_so(town: Town):
    town.mailed()
    town.post.sent(CAROL)  # the acknowledgement is out
    number = town.read(queries.list_tickets)[0].ticket.id
    sent = {"file": ("fix.exe", EXE, "application/pdf"), "other": ("how.txt", b"Run it.", "text/plain")}
    told = town.client.request(
        "POST",
        "/jitbit/api/comment",
        auth=("tina", PASSWORD),
        data={"id": str(number), "body": "Run this."},
        files=sent,
    )
    assert told.status_code == 200
    answer = town.post.sent(CAROL)[-1]
    assert named(answer) == ["how.txt"]
    assert "These files were not passed on, for safety:\r\n- fix.exe (128 B)\r\n" in text_of(answer)
    assert "flagged" not in text_of(answer)


# fmt: off
BYTES = [
    # what it says        its bytes             what it is given out as
    ("image/png",         PAGE,                 "application/octet-stream"),
    ("text/plain",        b"<script>a</script>", "application/octet-stream"),
    ("text/html",         PAGE,                 "application/octet-stream"),
    ("image/svg+xml",     b"<svg onload='a'>",  "application/octet-stream"),
    ("text/html",         PNG,                  "image/png"),
    ("image/png",         PNG,                  "image/png"),
]
# fmt: on


def test_nothing_is_shown_in_place_and_types_are_by_bytes(town: Town):
    """By mail and as an upload, by both APIs' downloads and lists."""
    town.mailed(*(("picture.png", claimed, data) for claimed, data, _ in BYTES))
    number = str(town.read(queries.list_tickets)[0].ticket.id)
    uploads = [(f"f{n}", ("picture.png", data, claimed)) for n, (claimed, data, _) in enumerate(BYTES)]
    sent = town.client.request(
        "POST", "/jitbit/api/AttachFile", auth=("tina", PASSWORD), data={"id": number}, files=uploads
    )
    assert sent.status_code == 200
    stored = town.files()
    listed = town.helpdeskz(f"attachments?ticket_id={number}")["files"]
    assert [each["filetype"] for each in listed] == [
        given for _, _, given in BYTES
    ]  # entries of the desk are not in it
    for file, (_, data, given) in zip(stored, BYTES * 2, strict=True):
        found = town.jitbit("tina", file.id)
        assert (found.content, found.headers["content-type"]) == (data, given)
        assert found.headers["content-disposition"] == 'attachment; filename="picture.png"'
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in found.headers["content-security-policy"]
    for file, (_, data, given) in zip(stored, BYTES, strict=False):
        shown = town.helpdeskz(f"attachments/show/{file.id}")
        assert (shown["filetype"], base64.b64decode(shown["content"])) == (given, data)


def test_a_program_is_one_whatever_stands_around_its_name(town: Town):
    town.mailed()
    number = str(town.read(queries.list_tickets)[0].ticket.id)
    uploads = [
        (f"f{n}", (name, b"x", "text/plain")) for n, name in enumerate(("..\\a.exe'", "b.exe .", "c\u202etxt.exe"))
    ]
    told = town.client.request(
        "POST", "/jitbit/api/AttachFile", auth=("tina", PASSWORD), data={"id": number}, files=uploads
    )
    assert told.status_code == 200
    found = [(file.name, file.danger) for file in town.files()]
    assert found == [(name, Danger.EXECUTABLE) for name in ("a.exe", "b.exe", "ctxt.exe")]


def test_limits_of_a_department_in_each_apis_words(town: Town):
    town.mailed()
    town.policy(FilePolicy.REFUSE, max_files=1, max_file_mb=1)
    number = str(town.read(queries.list_tickets)[0].ticket.id)
    two = [("a", ("a.txt", b"a", "text/plain")), ("b", ("b.txt", b"b", "text/plain"))]
    large = [("a", ("a.bin", bytes(1_000_001), "text/plain"))]
    for uploads, status, words in ((two, 400, "A message may have 1 file here."), (large, 413, "A.bin is larger than 1 MB.")):  # fmt: skip
        for path, data in (("comment", {"id": number, "body": "x"}), ("AttachFile", {"id": number})):
            told = town.client.request("POST", f"/jitbit/api/{path}", auth=("tina", PASSWORD), data=data, files=uploads)
            assert (told.status_code, told.text) == (status, words)
        asked = {"ticket_id": number, "replier": "user", "message": "x"}
        given = [("attachment[]", file) for _, file in uploads]
        told = town.client.request("POST", "/helpdeskz/api/messages/create", headers={"Token": TOKEN}, data=asked, files=given)  # fmt: skip
        assert (told.status_code, told.json()["error"]) == (200, 1)
        assert told.json()["message"].lower() == words.lower().rstrip(".")
    assert town.files() == []
