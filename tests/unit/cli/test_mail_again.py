"""mail export, reparse: the mails as they came, and what is read of them after a parser has learnt something."""

from __future__ import annotations

import base64
import json
import resource
import stat
from contextlib import closing

import pytest

from helpdeskd import spool
from helpdeskd.cli import output
from helpdeskd.errors import Refused
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.parser import wire, worker
from helpdeskd.store.sqlite import driver
from tests import poison
from tests.unit.cli.house import ADA, ROOT, letter

HOSTILE = {
    "NUL": b"From: a@b.example\r\nSubject: x\r\n\r\n\0\0 NUL \0",
    "bare CR": b"From: a@b.example\rSubject: x\r\rone\rtwo\r\r\n",
    "8 bit": b"From: \xff\xfe@b.example\nSubject: \xe4\xf6\xfc\n\n" + bytes(range(256)),
    "no end": b"From: a@b.example\n\nno line end",
    "nothing": b"",
    "mbox": b"From a@b.example Mon Feb  2\n>From: x\n\n.\n..\nFrom here\n",
    "no headers": b"\r\n\r\n\r\n\n\n",
}


@pytest.fixture
def learnt(monkeypatch):
    """From now on the parser knows better."""
    return lambda: monkeypatch.setattr(worker, "COMMAND", poison.COMMAND)


def opened(house):
    """By the same library as ours: two of them in one process take each other's locks away (sqlite.org/howtocorrupt.html)."""
    return closing(driver().connect(house.data / "helpdeskd.sqlite3"))


def stored(house):
    """Every row that a reparse could touch."""
    with opened(house) as store:
        return [
            store.execute(f"select * from {table}").fetchall()
            for table in ("ticket", "message", "message_ref", "attachment", "history", "outbox", "arrival")
        ]


def fetch(house, *mails: bytes) -> list[str]:
    ids = [house.mail(raw) for raw in mails]
    house("fetch", "--through").ok()
    return ids


def shown(house, number):
    return house("ticket", "show", str(number), "--json").json


@pytest.fixture
def talk(house):
    """A ticket with an answer and commands of each kind, as they come by mail. (its number, the ids of all mails)"""
    (first,) = fetch(house, letter("Printer", "It burns.\n\npoison:learnt Hello"))
    with opened(house) as store:
        ((mail_id, number),) = store.execute(
            "select mail_id, number from outbox join ticket on ticket.id = ticket_id where notice = 'new_ticket'"
        ).fetchall()
        ((keys,),) = store.execute("select value from setting where key = 'token_keys'").fetchall()
    token = TokenKeys(tuple(base64.b64decode(key) for key in json.loads(keys))).make(1, 1)
    marker = "## Please write your reply above this line ##"
    said = {"sender": ADA, "In_Reply_To": f"<{mail_id}>"}
    ids = fetch(
        house,
        letter(
            "Re: Printer",
            f"Hello, unplug it. <support+{token}@desk.example> poison:learnt\n{marker}\n> It burns.",
            **said,
        ),
        letter("Re: Printer", "#note\nHello, poison:learnt, a note", **said),
        letter("Re: Printer", "#asign bob\nHello, poison:learnt", **said),
        letter("Re: Printer", "#close\nHello, closed. poison:learnt", **said),
    )
    return number, [first, *ids]


def test_what_is_read_by_the_same_parser_is_the_same(house, talk):
    """Of all our sample mails, and of each way in which staff's words are stored."""
    for file in sorted((ROOT / "tests/mails").glob("*.eml")):
        house.mail(file.read_bytes())
    house("fetch", "--through")
    before = stored(house)
    told = house("mail", "reparse", "--all", "--json").json
    assert told["messages"] >= 50
    assert (told["changed"], told["left"]) == ([], [])
    assert stored(house) == before
    assert "none changed" in house("mail", "reparse", "--all").ok()


def test_what_the_parser_has_learnt_is_stored_in_its_form_and_noted(house, talk, learnt):
    number, ids = talk
    before = shown(house, number)
    rows = stored(house)
    learnt()
    told = house("mail", "reparse", "--all", "--json").json
    assert [(each["id"], each["ticket"], each["changed"]) for each in told["changed"]] == [
        (spool_id, number, ["text"]) for spool_id in ids
    ]
    after = shown(house, number)
    for old, new in zip(before["messages"], after["messages"], strict=True):
        assert new["message"]["text"] == old["message"]["text"].replace("Hello", "Good day")
        assert {**new["message"], "text": ""} == {**old["message"], "text": ""}
    texts = [each["message"]["text"] for each in after["messages"]]
    assert "Please write" not in texts[1]
    assert "<support@desk.example>" in texts[1]  # without the token: it went to the customer
    assert "<" not in after["messages"][1]["message"]["html"]
    assert "poison:learnt, a note" in texts[2]
    assert texts[3].startswith("[Kept as a note: #asign bob is not a command.]\n\nGood day")
    assert not any("#" in text.replace("#asign", "") for text in texts)
    noted = [each for each in after["history"] if each["kind"] == "reparsed"]
    assert [each["detail"] for each in noted] == [{"changed": ["text"]}] * 5
    assert after["history"][: len(before["history"])] == before["history"]
    now = stored(house)
    for untouched in (0, 2, 3, 5, 6):  # tickets, references, files, what was sent or will be, the ledger
        assert now[untouched] == rows[untouched]
    assert house("mail", "reparse", "--all", "--json").json["changed"] == []


def test_files_too(house, learnt):
    raw = poison.letter("late", "hang")
    spool_id = house.mail(raw)
    house.write_config("[intake]\nparse_seconds = 1\n")
    learnt()
    house("fetch", "--through").ok()
    (line,) = house("ticket", "list", "--json").json
    number = line["ticket"]["number"]
    (message,) = shown(house, number)["messages"]
    assert [each["name"] for each in message["attachments"]] == ["original.eml"]
    assert house("mail", "reparse", spool_id, "--json").json["changed"] == []

    worker_fixed = pytest.MonkeyPatch()
    with worker_fixed.context() as patch:
        patch.setattr(worker, "COMMAND", (*worker.COMMAND[:1], "-P", "-m", "helpdeskd.parser"))
        said = house("mail", "reparse", spool_id).ok()
    assert f"{spool_id}: changed in [#{number}]: text, attachments" in said
    (message,) = shown(house, number)["messages"]
    assert (message["message"]["text"].split(), message["attachments"]) == (["Hello.", "poison:hang"], [])


def test_a_mail_that_is_gone_and_one_the_parser_fails_on_are_named(house, learnt):
    gone, kept, bad = fetch(
        house, letter("gone", "x"), letter("kept", "Hello poison:learnt"), letter("bad", "poison:exit")
    )
    arrival = house("mail", "show", gone, "--json").json["arrivals"][0]
    name = arrival["raw_sha256"]
    (house.data / "blobs" / name[0] / name[1] / name).unlink()
    learnt()
    told = house("mail", "reparse", "--all", "--json").json
    assert [(each["id"], each["error"].partition(":")[0]) for each in told["left"]] == [
        (gone, "the mail as it came is not kept any more"),
        (bad, "parser-died"),
    ]
    assert [each["id"] for each in told["changed"]] == [kept]
    assert f"{gone}: the mail as it came is not kept any more" in house("mail", "reparse", gone).ok()


def test_a_mail_that_takes_too_long_now_stays_as_it_was_read(house, learnt):
    (slow,) = fetch(house, poison.letter("slow", "hang"))
    before = stored(house)
    house.write_config("[intake]\nparse_seconds = 1\n")
    learnt()
    told = house("mail", "reparse", "--all", "--json").json
    assert (told["messages"], told["changed"]) == (0, [])
    assert [(each["id"], each["error"]) for each in told["left"]] == [
        (slow, "it takes longer than 1 seconds to take apart: only its headers were read")
    ]
    assert stored(house) == before


def test_what_is_let_go_while_it_is_read_stays_gone(house, learnt, monkeypatch):
    fetch(house, letter("gone", "Hello poison:learnt"))
    real = wire.whole

    def let_go(*words):
        with opened(house) as store, store:
            store.execute("update message set text = '(let go)', gone_at = created_at")
        return real(*words)

    learnt()
    monkeypatch.setattr(wire, "whole", let_go)
    told = house("mail", "reparse", "--all", "--json").json
    assert (told["changed"], told["left"]) == ([], [])
    with opened(house) as store:
        assert store.execute("select text from message").fetchall() == [("(let go)",)]


def test_reparse_of_nothing(house):
    assert house("mail", "reparse").code == 2
    assert house("mail", "reparse", "x", "--all").code == 2
    assert house("mail", "reparse", spool.new_id()).failed(1).startswith("there is no mail")
    assert "0 messages derived again" in house("mail", "reparse", "--all").ok()


# -- every byte


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_every_byte_comes_back(house, raw):
    spool_id = house.mail(raw)
    for _ in ("waiting", "received"):
        file = house.folder / "out.eml"
        assert house("mail", "export", spool_id).raw == raw
        assert house("mail", "export", spool_id, "-").raw == raw
        assert house("mail", "show", spool_id, "--raw").raw == raw
        assert house("mail", "export", spool_id, str(file)).ok() == ""
        assert file.read_bytes() == raw
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.unlink()
        house("fetch", "--through").ok()


def test_all_that_is_parked(house, monkeypatch):
    raws = {house.mail(raw): raw for raw in (letter(f"n{n}", "poison:fail\0\r \xff") for n in range(2))}
    with monkeypatch.context() as patch:
        patch.setattr(worker, "COMMAND", poison.COMMAND)
        for _ in range(3):
            house("fetch", "--through")
    folder = house.folder / "parked"
    said = house("mail", "export", "--all-parked", str(folder)).ok()
    assert said.splitlines() == [str(folder / f"{spool_id}.eml") for spool_id in sorted(raws)]
    assert {file.stem: file.read_bytes() for file in folder.iterdir()} == raws
    again = house("mail", "export", "--all-parked", str(folder))
    assert (again.code, again.out, again.err.count("cannot write")) == (1, "", 2)


def test_export_never_overwrites_and_names_what_is_wrong(house):
    spool_id = house.mail(letter("x", "y"))
    file = house.folder / "there"
    file.write_text("mine")
    assert "cannot write" in house("mail", "export", spool_id, str(file)).failed(1)
    assert file.read_text() == "mine"
    assert house("mail", "export").code == 2
    assert house("mail", "export", spool_id, "--all-parked", "x").code == 2
    assert house("mail", "export", spool.new_id()).failed(1).startswith("there is no mail")
    assert "cannot make" in house("mail", "export", "--all-parked", str(file / "x")).failed(1)


def test_half_a_mail_is_not_left_behind(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))  # as a disk that is full; Python ignores SIGXFSZ
    try:
        with pytest.raises(Refused, match="cannot write"):
            output.write_new(tmp_path / "x", bytes(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
