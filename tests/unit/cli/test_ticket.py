"""Tickets from a terminal: each command does what it says, to the ticket, its history and the outbox."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from helpdeskd.cli import ticket
from helpdeskd.desk.obey import Result
from helpdeskd.model.ticket import History, HistoryEntry
from helpdeskd.store import sqlite
from helpdeskd.store.blobs import FolderBlobs
from tests.unit.cli.house import ADA, ROOT, clean_environment, letter

GRACE = "grace@customer.example"
BOB = "bob@staff.example"


def shown(house, number):
    return house("ticket", "show", str(number), "--json").json


def mails(house, number, notice):
    return [mail for mail in shown(house, number)["outbox"] if mail["notice"] == notice]


def texts(house, number):
    return [(m["message"]["text"].strip(), m["message"]["visibility"]) for m in shown(house, number)["messages"]]


def numbers(house, *words):
    return [line["ticket"]["number"] for line in house("ticket", "list", "--json", *words).json]


# -- looking


def test_a_list_for_people(house):
    assert house("ticket", "list").ok() == "No tickets.\n"
    number = house.ticket()
    header, line = house("ticket", "list").ok().splitlines()
    assert header.split() == ["NUMBER", "STATE", "PRIORITY", "UPDATED", "(UTC)", "ASSIGNEE", "REQUESTER", "SUBJECT"]
    assert re.fullmatch(
        rf"{number}  new    normal    \d{{4}}-\d\d-\d\d \d\d:\d\d  -         {GRACE}  My printer is on fire", line
    )


def test_a_list_for_scripts(house):
    number = house.ticket()
    (line,) = house("ticket", "list", "--json").json
    assert line["ticket"]["number"] == number
    assert line["ticket"]["state"] == "new"
    assert line["ticket"]["subject"] == "My printer is on fire"
    assert line["requester"]["email"] == GRACE
    assert line["department"] == "Support"
    assert line["assignee"] is None
    assert line["tags"] == []
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00$", line["ticket"]["created_at"])


def test_filters(house):
    house("department", "add", "Sales", "sales@desk.example").ok()
    fire, invoice, done = house.ticket(), house.ticket("Invoice 4711"), house.ticket("Done")
    house("ticket", "close", str(done)).ok()
    house("ticket", "assign", str(invoice), "me").ok()
    assert set(numbers(house)) == {fire, invoice}
    assert set(numbers(house, "--all")) == {fire, invoice, done}
    assert numbers(house, "--state", "closed") == [done]
    assert set(numbers(house, "--state", "closed", "--state", "new")) == {fire, invoice, done}
    assert numbers(house, "--assignee", "Ada") == numbers(house, "--assignee", ADA) == [invoice]
    assert numbers(house, "--unassigned") == [fire]
    assert set(numbers(house, "--department", "support")) == {fire, invoice}
    assert numbers(house, "--department", "Sales") == []
    assert numbers(house, "--tag", "nothing") == []
    assert len(numbers(house, "--limit", "1")) == 1
    assert set(numbers(house, "--limit", "1") + numbers(house, "--limit", "1", "--offset", "1")) == {fire, invoice}


def test_filters_that_name_nothing(house):
    assert house("ticket", "list", "--department", "Nowhere").failed(1) == "there is no department Nowhere"
    assert house("ticket", "list", "--assignee", "nobody@x.example").failed(1) == (
        "there is no member of staff called nobody@x.example"
    )
    assert house("ticket", "list", "--all", "--state", "new").code == 2
    assert house("ticket", "list", "--unassigned", "--assignee", "Ada").code == 2


def test_search(house):
    fire, invoice = house.ticket(), house.ticket("Invoice 4711", text="The sum is wrong.")
    house("ticket", "close", str(fire)).ok()

    def found(*words):
        return [line["ticket"]["number"] for line in house("ticket", "search", *words, "--json").json]

    assert found("really") == [fire]
    assert found("invoice", "sum") == [invoice]
    assert set(found(GRACE)) == {fire, invoice}
    assert found(f"#{invoice}") == [invoice]
    assert found("wrong", "printer") == []
    assert house("ticket", "search", "zebra").ok() == "No tickets.\n"


@pytest.mark.parametrize("form", ["{}", "#{}", "[#{}]"])
def test_a_number_as_people_copy_it(house, form):
    number = house.ticket()
    assert house("ticket", "show", form.format(number)).ok().startswith(f"[#{number}] My printer is on fire\n")


def test_no_such_ticket(house):
    for words in (("show",), ("reply", "x"), ("note", "x"), ("assign", "me"), ("close",), ("merge", "654321")):
        assert house("ticket", words[0], "123456", *words[1:]).failed(1) == "there is no ticket 123456"


def test_what_folds_is_counted(house):
    number = house.ticket(text="It really is.\n\n-- \nGrace\nExample Ltd")
    assert "  Grace Hopper  [new]\nIt really is.\n[3 lines of signature]\n" in house("ticket", "show", str(number)).ok()


def test_show_for_people(house):
    number = house.ticket(text="It really is.\n\nOn Sun, 1 Nov 2026, Ada wrote:\n> quoted")
    house("ticket", "reply", str(number), "Pull the plug.").ok()
    house("ticket", "note", str(number), "Third time this week.").ok()
    said = house("ticket", "show", str(number), "--history").ok()
    assert re.search(r"^state +awaiting_customer$", said, re.MULTILINE)
    assert re.search(r"^requester +Grace Hopper <grace@customer.example>$", said, re.MULTILINE)
    assert re.search(r"^assignee +Ada Lovelace$", said, re.MULTILINE)
    assert "  Grace Hopper  [new]\nIt really is.\n[2 quoted lines]\n" in said
    assert "  Ada Lovelace  [cli]\nPull the plug.\n" in said
    assert "  Ada Lovelace  [internal, cli]\nThird time this week.\n" in said
    assert f"staff_reply to {GRACE}: queued\n" in said
    assert re.search(r"^\S+ \S+  staff-replied by Ada Lovelace  reason=cli$", said, re.MULTILINE)
    assert re.search(r"^\S+ \S+  assigned by Ada Lovelace  from=nobody to=Ada Lovelace$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ({"tags": ["red", "hot"]}, "tags=red, hot"),
        (
            {
                "commands": [
                    Result("#close", True, "closed").plain(),
                    Result("#assign x", False, "there is no x").plain(),
                ]
            },
            "commands=#close (closed), #assign x (not done: there is no x)",
        ),
        ({"from": None, "to": "high"}, "from=none to=high"),
        ({"person": 7, "email": "a@x.example"}, "email=a@x.example"),
        ({"mails": "1 acknowledgement (total)"}, "mails=1 acknowledgement (total)"),
    ],
)
def test_history_in_words(capsys, detail, said):
    ticket._entry(HistoryEntry(1, 1, datetime(2026, 11, 2, tzinfo=UTC), History.TAGGED, None, None, detail), {})
    assert capsys.readouterr().out.endswith(f"  tagged  {said}\n")


def test_show_tells_a_mails_own_date(house):
    number = house.ticket()
    house("ticket", "note", str(number), "Third time.").ok()
    mail, note = house("ticket", "show", str(number), "--json").json["messages"]
    assert mail["message"]["date"] == "2026-11-02T10:00:00+00:00"
    assert note["message"]["date"] is None


def test_show_keeps_tokens_to_itself(house):
    """Who holds a reply token speaks as its person."""
    house("department", "add", "Sales", "sales@desk.example", "--reply-tokens", "plus").ok()
    house("staff", "add", "Bob Kahn", BOB).ok()
    house.mail(letter("Printer", "It burns."), GRACE, "sales@desk.example")
    house("fetch", "--through").ok()
    (number,) = numbers(house)
    said = house("ticket", "show", str(number), "--json").ok()
    raw = sqlite.driver().connect(house.data / "helpdeskd.sqlite3")
    tokens = raw.execute("SELECT reply_token, envelope_token FROM outbox WHERE ticket_id IS NOT NULL").fetchall()
    raw.close()
    assert len(tokens) == 2
    for pair in tokens:
        for token in pair:
            assert token
            assert token not in said


def test_nothing_in_a_mail_steers_the_terminal(house):
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eesrever\u2028\x7f"
    raw = (
        f"From: Gr{evil}ace <{GRACE}>\nTo: support@desk.example\nSubject: on fi{evil}re\nMessage-ID: <evil@x>\n"
        f"Date: Mon, 02 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain; charset=utf-8\n\nIt {evil} is.\r\rA\tB\n'
        f'--b\nContent-Type: image/png\nContent-Disposition: attachment; filename="a{evil}.png"\n\nxx\n--b--\n'
    ).encode()
    house.mail(raw)
    house("fetch", "--through").ok()
    (number,) = numbers(house)
    for words in (
        ("list",),
        ("list", "--json"),
        ("search", "owned"),
        ("show", str(number), "--history"),
        ("show", str(number), "--json"),
    ):
        out = house("ticket", *words).ok()
        assert "fi" in out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", out)
    file = house.folder / "evil.eml"
    file.write_bytes(raw)
    for form in ((), ("--json",)):
        out = house("mail", "explain", str(file), *form).ok()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", out)


# -- answering


def test_reply_goes_to_the_requester_and_the_participants(house):
    number = house.ticket(Cc="linus@elsewhere.example")
    assert house("ticket", "reply", str(number), "Pull the plug.").ok() == f"Answered #{number}.\n"
    sent = mails(house, number, "staff_reply")
    assert {(mail["recipient"], mail["state"]) for mail in sent} == {
        (GRACE, "queued"),
        ("linus@elsewhere.example", "queued"),
    }
    now = shown(house, number)
    assert now["ticket"]["state"] == "awaiting_customer"
    assert now["assignee"]["email"] == ADA  # it was nobody's
    assert texts(house, number)[-1] == ("Pull the plug.", "public")


def test_reply_from_standard_input_with_a_file_and_close(house):
    number = house.ticket()
    file = house.folder / "plug.png"
    file.write_bytes(b"\x89PNG\r\n")
    said = house("ticket", "reply", str(number), "--attach", str(file), "--close", stdin="Schönen Tag.\n".encode()).ok()
    assert said == f"Answered #{number} and closed it.\n"
    now = shown(house, number)
    assert now["ticket"]["state"] == "closed"
    last = now["messages"][-1]
    assert last["message"]["text"].strip() == "Schönen Tag."
    (attached,) = last["attachments"]
    assert (attached["name"], attached["content_type"], attached["size"]) == ("plug.png", "image/png", 6)
    assert FolderBlobs(house.data / "blobs").get(attached["sha256"]) == b"\x89PNG\r\n"


def test_nothing_to_say(house):
    number = str(house.ticket())
    for words, stdin in ((("reply", number), b" \n"), (("note", number, "-"), b""), (("reply", number, "  "), b"")):
        assert "nothing to say" in house("ticket", *words, stdin=stdin).failed(1)
    assert house("ticket", "reply", number, stdin=b"caf\xe9").failed(1) == "standard input is not UTF-8 text"
    assert house("ticket", "reply", number, "x", "--attach", str(house.folder / "none")).code == 2
    assert len(texts(house, number)) == 1


def test_at_a_terminal_it_says_how_to_end(house):
    number = house.ticket()
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "helpdeskd", "--config", str(house.config), "ticket", "note", str(number)],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=clean_environment(),
    ) as process:
        os.write(master, b"A note.\n\x04")
        out, err = process.communicate()
    os.close(master)
    os.close(slave)
    assert (process.returncode, out) == (0, f"Noted in #{number}.\n".encode())
    assert b"Ctrl-D" in err
    assert texts(house, number)[-1] == ("A note.", "internal")


def test_note_goes_to_nobody(house):
    number = house.ticket()
    before = len(shown(house, number)["outbox"])
    house("ticket", "note", str(number), "Third time this week.").ok()
    assert texts(house, number)[-1] == ("Third time this week.", "internal")
    assert len(shown(house, number)["outbox"]) == before
    assert shown(house, number)["ticket"]["state"] == "new"


# -- who acts


def test_with_several_members_of_staff_say_who(house, monkeypatch):
    house("staff", "add", "Bob Kahn", BOB).ok()
    number = str(house.ticket())
    assert "--as" in house("ticket", "note", number, "x").failed(1)
    for who in (BOB, "Bob Kahn", "bob"):
        house("ticket", "note", number, f"by {who}", "--as", who).ok()
    monkeypatch.setenv("HELPDESKD_AS", BOB)
    house("ticket", "note", number, "by Bob, as the environment says").ok()
    authors = [m["message"]["author_email"] for m in shown(house, number)["messages"][1:]]
    assert authors == [BOB] * 4
    assert (
        house("ticket", "note", number, "x", "--as", GRACE).failed(1) == f"there is no member of staff called {GRACE}"
    )


def test_a_disabled_member_of_staff_does_not_count(house):
    house("staff", "add", "Bob Kahn", BOB).ok()
    house("staff", "disable", BOB).ok()
    number = str(house.ticket())
    house("ticket", "note", number, "by Ada, the only one").ok()
    assert house("ticket", "note", number, "x", "--as", BOB).code == 1
    house("staff", "disable", ADA).ok()
    assert "no member of staff" in house("ticket", "note", number, "x").failed(1)


def test_two_of_a_name(house):
    house("staff", "add", "Ada Byron", "byron@staff.example").ok()
    said = house("ticket", "assign", str(house.ticket()), "ada", "--as", ADA).failed(1)
    assert said == "ada may be byron@staff.example or ada@staff.example"


# -- changing


def test_assign(house):
    house("staff", "add", "Bob Kahn", BOB).ok()
    number = str(house.ticket())
    assert house("ticket", "assign", number, BOB, "--as", ADA).ok() == f"#{number} is assigned to Bob Kahn.\n"
    assert shown(house, number)["assignee"]["email"] == BOB
    assert [mail["recipient"] for mail in mails(house, number, "assigned")] == [BOB]
    assert house("ticket", "assign", number, "me", "--as", ADA).ok() == f"#{number} is assigned to Ada Lovelace.\n"
    assert house("ticket", "assign", number, "--nobody", "--as", ADA).ok() == f"#{number} is assigned to nobody.\n"
    assert shown(house, number)["assignee"] is None
    for more in ((), (BOB, "--nobody")):
        assert house("ticket", "assign", number, *more, "--as", ADA).code == 2


def test_close_tells_the_requester_or_not(house):
    one, two = str(house.ticket()), str(house.ticket("Two"))
    assert house("ticket", "close", one).ok() == f"#{one} is closed.\n"
    house("ticket", "close", two, "--quietly").ok()
    assert [mail["recipient"] for mail in mails(house, one, "ticket_closed")] == [GRACE]
    assert mails(house, two, "ticket_closed") == []
    assert shown(house, two)["ticket"]["state"] == "closed"
    house("ticket", "close", one).ok()  # again is no error, and nobody is told twice
    assert len(mails(house, one, "ticket_closed")) == 1


def test_merge(house):
    one, two, three = (str(house.ticket(subject)) for subject in ("One", "Two", "Three"))
    assert house("ticket", "merge", one, f"#{two}").ok() == f"#{one} is merged into #{two}.\n"
    assert shown(house, one)["merged_into"]["number"] == int(two)
    said = house("ticket", "show", one).ok()
    assert re.search(rf"^state +merged into \[#{two}\]$", said, re.MULTILINE)
    # what is said to the one reaches the other, and the answer says so
    assert house("ticket", "reply", one, "Hello.").ok() == f"Answered #{two}.\n"
    assert texts(house, two)[-1] == ("Hello.", "public")
    assert "merged into" in house("ticket", "close", one).failed(1)
    assert house("ticket", "merge", two, two).failed(1) == f"ticket {two} cannot be merged into itself"
    assert house("ticket", "merge", three, "999999").failed(1) == "there is no ticket 999999"
