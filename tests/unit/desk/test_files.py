"""Files of tickets: to whom a department gives dangerous ones, and how many and how large it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpdeskd.desk import danger, departments, files, limits, queries, reparse, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.desk.danger import Flag
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.files import Danger, FilePolicy, Withheld, withheld
from helpdeskd.model.mail import Address, Inbound, Kind
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.street import Street

KEEP, HOLD, REFUSE = FilePolicy
HELD, REFUSED = Withheld
EXE = Part("a.exe", "application/octet-stream", 10, "e" * 64, found_type="application/x-elf", danger=Danger.EXECUTABLE)
DOCM = Part("a.docm", "application/msword", 10, "d" * 64, found_type="application/zip", danger=Danger.MACROS)
PAGE = Part("a.html", "text/html", 10, "b" * 64, found_type="text/html", danger=Danger.ACTIVE)
NOTE = Part("a.txt", "text/plain", 10, "c" * 64, found_type="text/plain", danger=Danger.NONE)
OLD = Part("old.exe", "application/octet-stream", 10, "f" * 64)  # nobody has looked at it

# fmt: off
POLICY = [
    # danger            policy   released  why it stays
    (Danger.EXECUTABLE, KEEP,    False,    None),
    (Danger.EXECUTABLE, HOLD,    False,    HELD),
    (Danger.EXECUTABLE, HOLD,    True,     None),
    (Danger.EXECUTABLE, REFUSE,  False,    REFUSED),
    (Danger.EXECUTABLE, REFUSE,  True,     REFUSED),
    (Danger.MACROS,     HOLD,    False,    HELD),
    (Danger.MACROS,     REFUSE,  False,    REFUSED),
    (Danger.ACTIVE,     HOLD,    False,    None),
    (Danger.ACTIVE,     REFUSE,  False,    None),
    (Danger.ENCRYPTED,  REFUSE,  False,    None),
    (Danger.NONE,       REFUSE,  False,    None),
]
FLAGS = [
    (NOTE,                                                       ()),
    (EXE,                                                        (Flag.EXECUTABLE,)),
    (OLD,                                                        (Flag.EXECUTABLE,)),
    (replace(EXE, name="bill.pdf.exe", content_type="application/pdf"), (Flag.EXECUTABLE, Flag.HIDDEN, Flag.OTHER)),
    (replace(PAGE, name="a.png", content_type="image/png"),      (Flag.ACTIVE, Flag.OTHER)),
    (replace(NOTE, found_type=None, content_type="image/png"),   ()),
]
# fmt: on


@pytest.mark.parametrize(("what", "policy", "released", "why"), POLICY)
def test_what_stays(what, policy, released, why):
    assert withheld(policy, what, released=released) is why


@pytest.mark.parametrize(("file", "found"), FLAGS, ids=range(len(FLAGS)))
def test_flags(file, found):
    assert danger.flags(file) == found


def test_every_flag_has_its_words():
    assert set(danger.WORDS) == set(Flag)
    assert {each.value for each in Flag} >= {each.value for each in Danger if each is not Danger.NONE}


def setting(house: House, policy: FilePolicy = REFUSE, max_files: int | None = None, max_file_mb: int | None = None):
    house.support = departments.set_files(
        house.conn,
        house.desk,
        NOW,
        department=house.support,
        policy=policy,
        max_files=max_files,
        max_file_mb=max_file_mb,
    )


def file_ids(house: House, number: int) -> list[tuple[int, str]]:
    shown = queries.show(house.conn, number)
    return [(file.id, file.name) for message in shown.messages for file in message.attachments]


def release(house: House, file_id: int, **more):
    return files.release(house.conn, house.desk, NOW, file_id=file_id, **{"actor": house.ada, **more})


def test_a_new_department_refuses(house):
    assert (house.support.files, house.support.max_files, house.support.max_file_mb) == (REFUSE, None, None)


def test_what_is_held_is_released_once(house):
    setting(house, HOLD)
    opened = house.open(words=Words("It burns.", parts=(EXE, NOTE))).ticket
    (exe, _), (note, _) = file_ids(house, opened.number)
    with pytest.raises(Refused, match=f"file {exe} is held") as caught:
        files.check_outside(house.conn, files.get(house.conn, exe), opened)
    assert caught.value.reason == "file-held"
    with pytest.raises(Refused, match="is held"):
        files.check_program(house.conn, files.get(house.conn, exe))
    files.check_outside(house.conn, files.get(house.conn, note), opened)
    released, ticket = release(house, exe)
    assert (released.name, ticket.number) == ("a.exe", opened.number)
    found = files.get(house.conn, exe)
    assert found.released_at == NOW
    files.check_outside(house.conn, found, opened)
    files.check_program(house.conn, found)
    assert house.history(opened)[-1] == ("file-released", {"name": "a.exe"})
    for again in (exe, note):
        with pytest.raises(Refused, match="is not held"):
            release(house, again)


def test_a_refused_file_is_not_to_be_released(house):
    opened = house.open(words=Words("It burns.", parts=(DOCM,))).ticket
    ((docm, _),) = file_ids(house, opened.number)
    with pytest.raises(Refused, match="refused, not held"):
        release(house, docm)
    with pytest.raises(Refused, match="not given to anybody but staff") as caught:
        files.check_outside(house.conn, files.get(house.conn, docm), opened)
    assert caught.value.reason == "file-refused"
    files.check_program(house.conn, files.get(house.conn, docm))  # a key of the team's own
    setting(house, KEEP)
    files.check_outside(house.conn, files.get(house.conn, docm), opened)


def test_who_releases(house):
    setting(house, HOLD)
    other = house.department("Sales", "sales@example.org")
    opened = house.open(words=Words("It burns.", parts=(EXE,))).ticket
    ((exe, _),) = file_ids(house, opened.number)
    with pytest.raises(NotFound):
        release(house, exe, actor=house.staff("Eve", "eve@staff.example", department=other))
    with pytest.raises(Refused, match="may not work"):
        release(house, exe, actor=house.carol)
    with pytest.raises(NotFound):
        release(house, 99)


def test_an_answer_tells_what_did_not_go_with_it(house):
    opened = house.open().ticket
    house.answer(opened, words=Words("Run this.", parts=(EXE, NOTE, DOCM)))
    assert ("files-withheld", {"files": ["a.exe", "a.docm"]}) in house.history(opened)
    setting(house, KEEP)
    house.answer(opened, words=Words("Run this.", parts=(EXE,)))
    assert house.kinds(opened).count("files-withheld") == 1


def test_uploads_beyond_a_limit_are_refused(house):
    setting(house, max_files=2, max_file_mb=1)
    opened = house.open().ticket
    large = replace(NOTE, name="large.bin", size=1_000_001)
    for parts, reason, words in (
        ((NOTE, PAGE, EXE), "too-many-files", "a message may have 2 files here"),
        ((large,), "file-too-large", "large.bin is larger than 1 MB"),
    ):
        with pytest.raises(Refused, match=words) as caught:
            house.answer(opened, words=Words("Here.", parts=parts))
        assert caught.value.reason == reason
    house.answer(opened, words=Words("Here.", parts=(NOTE, replace(PAGE, size=1_000_000))))


def read(*parts: Part, loose_ends: tuple[str, ...] = ()) -> Inbound:
    return Inbound(
        raw_sha256="r" * 64,
        identity_sha256=None,
        size=9_000,
        message_id=None,
        in_reply_to=(),
        references=(),
        author=Address("", "carol@customer.example"),
        reply_to=(),
        to=(),
        cc=(),
        delivered_to=(),
        subject="",
        date=None,
        text="Here.",
        quote="",
        html="",
        parts=(),
        kind=Kind.PERSONAL,
        kind_why="",
        loose_ends=loose_ends,
    )


def test_a_mail_within_the_limits_stays_as_it_is(house):
    setting(house, max_files=1, max_file_mb=1)
    picture = replace(NOTE, content_type="image/png", found_type="image/png", inline=True)
    inbound = read()
    assert limits.within(inbound, (picture, picture, NOTE), house.support) == (inbound, (picture, picture, NOTE))


def test_what_a_mail_has_beyond_a_limit_stays_in_it(house):
    setting(house, max_files=1, max_file_mb=1)
    large = replace(EXE, name="large.exe", size=2_000_000)
    fake = replace(NOTE, name="fake.png", content_type="image/png", inline=True)  # text that says it is a picture
    inbound, parts = limits.within(read(loose_ends=("read as utf-8",)), (large, NOTE, fake, PAGE), house.support)
    whole = Part("original.eml", "message/rfc822", 9_000, "r" * 64, ours=True, found_type="message/rfc822", danger=Danger.EXECUTABLE)  # fmt: skip
    assert parts == (NOTE, whole)
    assert inbound.loose_ends == (
        "read as utf-8",
        "large.exe is larger than the 1 MB that a file may have here",
        "2 files more than the 1 that a message may have here",
    )
    assert limits.within(inbound, parts, house.support) == (inbound, parts)


def test_a_file_that_holds_a_mail_of_ours_is_a_file_like_others(house):
    """Whoever writes our loop header into files has no more room than others."""
    setting(house, max_files=1, max_file_mb=1)
    marked = replace(NOTE, ours=True)
    inbound, parts = limits.within(read(), (replace(marked, size=2_000_000), marked, marked), house.support)
    assert [part.name for part in parts] == ["a.txt", "original.eml"]
    assert len(inbound.loose_ends) == 2
    assert limits.inner((marked, replace(marked, name="b.txt")), house.support) == (marked,)


def test_a_mail_beyond_the_limits_is_a_ticket_that_says_so(house):
    setting(house, max_files=1)
    street = Street(house)
    received = street.send(parts=(NOTE, EXE, PAGE))
    ticket = street.ticket(received)
    ((_, _, text),) = street.said(ticket)
    assert text.startswith("[Not all of this mail is shown: 2 files more than the 1 that a message may have here.")
    assert [name for _, name in file_ids(house, ticket.number)] == ["a.txt", "original.eml"]
    assert ("cut", {"cut": ["2 files more than the 1 that a message may have here"]}) in house.history(ticket)


def test_each_department_has_its_own_limits(house):
    setting(house, max_files=1)
    house.department("Sales", "sales@example.org")
    street = Street(house)
    received = street.take(street.mail(to=("support@example.org", "sales@example.org"), parts=(NOTE, PAGE)))
    found = [[name for _, name in file_ids(house, each.number or 0)] for each in received]
    assert found == [["a.txt", "original.eml"], ["a.txt", "a.html"]]


def test_reparsing_keeps_to_the_limits_of_the_department_that_it_came_to(house):
    setting(house, max_files=1)
    street = Street(house)
    mail = street.mail(parts=(NOTE, EXE))
    (received,) = street.take(mail)
    moved = tickets.by_number(house.conn, received.number or 0)
    tickets.touch(house.conn, NOW, moved, department_id=house.department("Sales", "sales@example.org").id)
    assert received.message_id is not None
    assert reparse.changes(house.conn, house.desk, received.message_id, mail.inbound, mail.parts) is None
    setting(house, max_files=2)
    changed = reparse.changes(house.conn, house.desk, received.message_id, mail.inbound, mail.parts)
    assert changed is not None and "attachments" in changed.fields


def test_reparsing_looks_at_files_that_came_before(house):
    setting(house, HOLD)
    street = Street(house)
    old = replace(EXE, found_type=None, danger=None)
    mail = street.mail(parts=(old, NOTE))
    (received,) = street.take(mail)
    ((exe, _), _) = before = file_ids(house, received.number or 0)
    release(house, exe)
    assert received.message_id is not None
    given = house.conn, house.desk, NOW, received.message_id, mail.inbound, (EXE, NOTE)
    changed = reparse.rederive(*given)
    assert changed is not None and changed.fields == ("attachments",)
    assert file_ids(house, received.number or 0) == before
    found = files.get(house.conn, exe)
    assert (found.found_type, found.danger, found.released_at) == (EXE.found_type, Danger.EXECUTABLE, NOW)
    assert reparse.rederive(*given) is None
