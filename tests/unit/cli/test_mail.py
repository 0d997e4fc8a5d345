"""mail explain, parked, retry, show: what would happen, what went wrong, and how to try again."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from helpdeskd import spool
from helpdeskd.config import Keep
from helpdeskd.config.load import load
from helpdeskd.desk import keeping, people, tickets
from helpdeskd.installation import opened
from helpdeskd.model.clock import now
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.parser import worker
from helpdeskd.store.engine import open_store
from helpdeskd.store.schema import arrival, outbox
from tests import poison
from tests.nameserver import TROUBLE, Zone, serving, text
from tests.unit.cli.house import ADA, ROOT, SUPPORT, letter

GRACE = "grace@customer.example"


def explained(house, raw, *words):
    return house("mail", "explain", "-", "--json", *words, stdin=raw).json


def decided(house, raw, *words):
    return [(d["action"], d["reason"], d["number"]) for d in explained(house, raw, *words)["decisions"]]


def write(house, raw):
    file = house.folder / "mail.eml"
    file.write_bytes(raw)
    return str(file)


# -- explain


def test_a_new_mail(house):
    said = house("mail", "explain", write(house, letter("Printer", "It burns.\n\n-- \nGrace"))).ok()
    assert re.search(r"^from +Grace Hopper <grace@customer.example>$", said, re.MULTILINE)
    assert re.search(r"^subject +Printer$", said, re.MULTILINE)
    assert re.search(r"^kind +personal$", said, re.MULTILINE)
    assert "\nIt burns." in said
    assert "\nSupport: opened, because new\n" in said
    assert "its author gets an automatic answer" in said


def test_how_a_mail_is_built(house):
    raw = (
        b"From: grace@customer.example\nTo: support@desk.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain; charset=utf-8\n\nwords\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\ninner\n--b--\n"
    )
    said = house("mail", "explain", "-", stdin=raw).ok()
    assert (
        "\n  multipart/mixed\n    text/plain, utf-8, 5 bytes\n    message/rfc822, 18 bytes\n      text/plain, 5 bytes\n"
        in said
    )
    assert explained(house, raw)["mail"]["structure"] == {
        "type": "multipart/mixed",
        "parts": [
            {"type": "text/plain", "charset": "utf-8", "size": 5},
            {"type": "message/rfc822", "size": 18, "parts": [{"type": "text/plain", "size": 5}]},
        ],
    }


def test_nothing_is_done(house):
    raw = letter("Printer", "It burns.")
    before = house("status", "--json").json
    assert decided(house, raw) == [("open", "new", None)]
    after = house("status", "--json").json
    assert (before["tickets"], before["outbox"], before["spool"]) == (after["tickets"], after["outbox"], after["spool"])
    assert not os.path.exists(house.data / "blobs") or not [f for _, _, fs in os.walk(house.data / "blobs") for f in fs]


def test_the_verdict_with_what_it_rests_on(house):
    forged = letter("Printer", "It burns.")
    records: Zone = {("_dmarc.customer.example", "TXT"): (text("v=DMARC1; p=reject"),)}
    with serving(records) as server:
        house.write_config(f'[trust]\ndns = true\n[dns]\nservers = ["{server}"]')
        words = ("--sender", "eve@evil.example", "--client", "192.0.2.7", "--helo", "evil.example")
        said = house("mail", "explain", "-", *words, stdin=forged).ok()
        assert explained(house, forged, *words)["checked"]["verdict"] == "fail"
    assert "\nfrom: fail, because dmarc\n" in said
    assert "  evidence: spf skipped evil.example (of another organisation; client 192.0.2.7)\n" in said
    assert "  evidence: dmarc fail customer.example (aligned, p=reject)\n" in said
    assert "\nSupport: opened, because unverified\n" in said
    assert "its author gets" not in said
    assert "from: none, because spf-unknown" in house("mail", "explain", "-", stdin=forged).ok()
    half = house("mail", "explain", "-", "--client", "192.0.2.7", stdin=forged)
    assert (half.code, half.err.splitlines()[-1]) == (2, "Error: --client wants --sender beside it: SPF is about both")


def test_evidence_and_reasons(house):
    number = house.ticket("Printer", "It burns.")
    (first,) = house("ticket", "show", str(number), "--json").json["messages"]
    answer = letter("Re: Printer", "Still.", In_Reply_To=f"<{first['message']['message_id']}>")
    assert decided(house, answer) == [("internal", "no-proof", number)]
    house.write_config('[trust]\ndns = false\nauthserv_ids = ["mx.desk.example"]')
    vouched = b"Authentication-Results: mx.desk.example; dmarc=pass header.from=customer.example\r\n" + answer
    assert decided(house, vouched) == [("append", "stored-message-id", number)]
    said = house("mail", "explain", "-", stdin=vouched).ok()
    assert f"in [#{number}]" in said
    assert "\n  may: requester, references, pass, default profile: append, reopen\n" in said
    assert decided(house, letter("Printer", "It burns.")) == [("duplicate", "same-mail", number)]
    tagged = letter(f"[#{number}] me too", "Me too.", sender="eve@stranger.example")
    assert decided(house, tagged) == [("internal", "stranger", number)]
    assert explained(house, tagged)["decisions"][0]["evidence"]
    assert "evidence: " in house("mail", "explain", "-", stdin=tagged).ok()
    machine = letter("Out of office", "Back on Monday.", Auto_Submitted="auto-replied")
    ((action, reason, _),) = decided(house, machine)
    assert action in {"hold", "open"}
    assert explained(house, machine)["decisions"][0]["answered"] is False
    assert "kind         auto" in house("mail", "explain", "-", stdin=machine).ok()
    assert reason


def test_the_null_sender_makes_a_bounce(house):
    raw = letter("Undelivered", "Sorry.")
    assert explained(house, raw, "--sender", "")["decisions"][0]["answered"] is False
    assert explained(house, raw, "--sender", GRACE)["decisions"][0]["answered"] is True


def test_the_envelope_decides_the_department(house):
    house("department", "add", "Sales", "sales@desk.example").ok()
    raw = letter("Printer", "It burns.")
    assert [d["department"] for d in explained(house, raw)["decisions"]] == ["Support"]
    assert [d["department"] for d in explained(house, raw, "--to", "sales+x@desk.example")["decisions"]] == ["Sales"]
    both = explained(house, raw, "--to", SUPPORT, "--to", "sales@desk.example")
    assert sorted(d["department"] for d in both["decisions"]) == ["Sales", "Support"]
    assert sum(d["answered"] for d in both["decisions"]) == 1


def test_a_recipient_that_the_doors_refuse(house):
    raw = letter("Printer", "It burns.")
    assert explained(house, raw, "--to", "other@desk.example")["refused"] == ["other@desk.example"]
    assert (
        "other@desk.example is none of our addresses"
        in house("mail", "explain", "-", "--to", "other@desk.example", stdin=raw).ok()
    )
    assert explained(house, raw, "--to", "Support+x@Desk.example")["refused"] == []


def mixed(subject: str, *parts: str, sender: str = "Grace Hopper <grace@customer.example>") -> bytes:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"From: {sender}\nTo: {SUPPORT}\nSubject: {subject}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n{body}--b--\n".encode()


KEYS = {
    *("mail", "text", "quote", "attachments", "kind", "report", "invitations", "forward"),
    *("seals", "checked", "refused", "decisions", "fault"),
}


def test_every_key_is_there_and_is_documented(house):
    """What a script finds for any mail: docs/cli.md names the same."""
    said = explained(house, letter("Printer", "It burns."))
    assert set(said) == KEYS
    table = (ROOT / "docs/cli.md").read_text().split("| key |", 1)[1].split("\n\n", 1)[0]
    rows = {row.split("`")[1]: set(re.findall(r"`(\w+)`", row.split("|", 2)[2])) for row in table.splitlines()[2:]}
    assert set(rows) == KEYS
    assert set(said["mail"]) == rows["mail"]
    assert set(said["text"]) <= rows["text"]
    assert set(said["kind"]) == rows["kind"]
    assert set(said["checked"]) <= rows["checked"]
    assert set(said["decisions"][0]) == rows["decisions"]


def test_text_quote_and_files(house):
    html = "Content-Type: text/html\n\n<p>It burns.</p><p>-- <br>Grace</p><div class=gmail_quote>On 1 May 2026 at 10:00 Ada &lt;a@staff.example&gt; wrote:<blockquote>Hi</blockquote></div>\n"
    file = "Content-Type: text/csv; name=log.csv\nContent-Disposition: attachment\n\n1;2\n"
    raw = mixed("Printer", html, file)
    said = explained(house, raw)
    assert said["text"]["source"] == "text/html"
    assert [fold["why"] for fold in said["text"]["folds"]] == ["ending"]
    assert (said["quote"]["why"], said["quote"]["lines"]) == ("attribution", 2)
    (part,) = said["attachments"]
    assert (part["name"], part["type"], part["size"], part["inline"], part["ours"]) == (
        *("log.csv", "text/csv", 4, False, False),
    )
    shown = house("mail", "explain", "-", stdin=raw).ok()
    assert "\nfile         log.csv, text/csv, " in shown
    assert "\nquote        2 lines, because a line says who wrote what follows\n" in shown


def test_an_invitation(house):
    calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Lunch\nDTSTART:20260203T100000Z\nLOCATION:Roof\nEND:VEVENT\nEND:VCALENDAR"
    raw = mixed("Lunch", f"Content-Type: text/calendar\n\n{calendar}\n")
    assert explained(house, raw)["invitations"] == [
        {"kind": "Invitation", "what": "Lunch", "when": "2026-02-03 10:00 UTC", "where": "Roof"}
    ]
    assert "\ninvitation   kind Invitation; what Lunch; " in house("mail", "explain", "-", stdin=raw).ok()


def test_what_is_passed_on_and_whose_ticket_it_would_be(house):
    inner = (
        "From: Grace <grace@customer.example>\nSubject: Printer\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n\nIt burns.\n"
    )
    raw = mixed("Fwd: Printer", "\nHe pays.\n", f"Content-Type: message/rfc822\n\n{inner}", sender=ADA)
    said = explained(house, raw)
    assert (said["forward"]["shape"], said["forward"]["author"]["email"], said["forward"]["comment"]) == (
        *("attached", GRACE, "He pays."),
    )
    (decision,) = said["decisions"]  # nothing proves that it is from Ada
    assert (decision["reason"], decision["requester"]) == ("new", ADA)
    house.write_config('[trust]\ndns = false\nauthserv_ids = ["mx.example"]')
    proven = b"Authentication-Results: mx.example; dmarc=pass header.from=staff.example\n" + raw
    (decision,) = explained(house, proven)["decisions"]
    assert (decision["reason"], decision["requester"]) == ("forwarded", GRACE)
    shown = house("mail", "explain", "-", stdin=proven).ok()
    assert (
        "\nforward      an attached mail by Grace <grace@customer.example> of 2026-11-02 10:00: Printer; 1 lines above it\n"
        in shown
    )
    assert f"  to do: open, of {GRACE}" in shown


def test_a_mail_at_which_the_parser_fails(house, monkeypatch):
    monkeypatch.setattr(worker, "COMMAND", poison.COMMAND)
    raw = letter("Poison", "poison:fail")
    said = explained(house, raw)
    assert set(said) == KEYS
    assert (said["fault"]["reason"], said["decisions"]) == ("ValueError", [])
    assert "would be parked after three attempts: ValueError" in house("mail", "explain", "-", stdin=raw).ok()


@pytest.mark.parametrize(
    "raw", [b"", b"\0\xff\n" * 99, b"From: <>\n\n", b"Content-Type: multipart/mixed\n\n--\n"], ids=repr
)
def test_any_bytes_are_explained(house, raw):
    assert explained(house, raw)["decisions"]


@pytest.mark.parametrize("file", sorted((ROOT / "tests/mails").glob("*.eml")), ids=lambda file: file.stem)
def test_our_sample_mails(house, file):
    said = house("mail", "explain", str(file)).ok()
    assert re.search(r"^Support: \w+, because [a-z-]+$", said, re.MULTILINE)


def test_no_file_no_department(house, empty):
    assert house("mail", "explain", str(house.folder / "none")).code == 2


# -- what went wrong


@pytest.fixture
def poisoned(house, monkeypatch):
    """A mail that our parser fails on, three times; its id."""
    spool_id = house.mail(letter("Poison\x1b[31m", "poison:fail"))
    with monkeypatch.context() as patch:
        patch.setattr(worker, "COMMAND", poison.COMMAND)
        for _ in range(3):
            house("fetch", "--through")
    return spool_id


def test_parked(house, poisoned):
    header, line = house("mail", "parked").ok().splitlines()
    assert header.split() == ["ID", "PARKED", "SIZE", "SENDER", "REASON"]
    assert line.startswith(poisoned)
    assert line.endswith(f"{GRACE}  ValueError")
    (one,) = house("mail", "parked", "--json").json
    assert (one["id"], one["reason"], one["sender"]) == (poisoned, "ValueError", GRACE)
    assert re.match(r"20\d\d-\d\d-\d\dT", one["at"])
    said = house("status")
    assert said.code == 3
    assert "1 parked (helpdeskd mail parked)" in said.out
    assert "ALARM: mails are parked: 1, see helpdeskd mail parked\n" in said.out


def test_show_tells_why(house, poisoned):
    said = house("mail", "show", poisoned).ok()
    assert "parked, because ValueError" in said
    assert "It is parked: ValueError" in said
    assert "ValueError: cannot take this [31m" in said
    assert "\x1b" not in said
    assert house("mail", "show", poisoned, "--json").json["parked"]["reason"] == "ValueError"


def test_retry_and_it_becomes_a_ticket(house, poisoned):
    assert house("mail", "retry", poisoned).ok() == f"{poisoned} is back in the spool.\n"
    assert house("mail", "parked").ok() == "Nothing is parked.\n"
    assert house("mail", "show", poisoned).ok().endswith("It waits in the spool.\n")
    assert "1 received" in house("fetch", "--through").ok()
    assert "  opened, because new; from grace@customer.example: Poison" in house("mail", "show", poisoned).ok()
    (line,) = house("ticket", "list", "--json").json
    assert line["ticket"]["subject"].startswith("Poison")


def test_retry_all(house, poisoned):
    house("mail", "retry", "--all").ok()
    assert house("mail", "parked", "--json").json == []
    assert house("mail", "retry", "--all").ok() == ""


def test_retry_wakes_the_daemon_for_those_before_one_that_is_not_there(house, poisoned, monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr(spool, "ring", rung.append)
    said = house("mail", "retry", poisoned, spool.new_id())
    assert (said.code, said.out) == (1, f"{poisoned} is back in the spool.\n")
    assert len(rung) == 1
    assert house("mail", "show", poisoned).ok().endswith("It waits in the spool.\n")


def test_retry_of_nothing(house):
    assert house("mail", "retry").code == 2
    assert house("mail", "retry", "1", "--all").code == 2
    assert "there is no" in house("mail", "retry", spool.new_id()).failed(1)
    assert "there is no" in house("mail", "retry", "../../etc/passwd").failed(1)


def test_show_the_bytes(house, poisoned):
    """Parked, waiting and processed: byte for byte."""
    raw = letter("Poison\x1b[31m", "poison:fail")
    assert house("mail", "show", poisoned, "--raw").raw == raw
    house("mail", "retry", poisoned).ok()
    assert house("mail", "show", poisoned, "--raw").raw == raw
    house("fetch", "--through").ok()
    assert house("mail", "show", poisoned, "--raw").raw == raw


def test_what_was_let_go_says_so(house):
    """What the daemon does, forty days later."""
    house.ticket("Printer", "It burns.")
    store = open_store(f"sqlite:///{house.data}/helpdeskd.sqlite3")
    store.writer.run(lambda conn: conn.execute(update(outbox).values(state=OutboxState.SENT)))
    (spool_id,) = store.read(lambda conn: conn.execute(select(arrival.c.spool_id)).scalars().all())
    keeping.let_go(store, Keep(raw_days=30), now() + timedelta(days=40), ())
    store.close()
    said = house("mail", "show", spool_id).ok()
    assert re.search(r"opened, because new", said)
    assert re.search(r"^  raw mail: let go on \d{4}-\d\d-\d\d by keep.raw_days$", said, re.MULTILINE)
    assert house("mail", "show", spool_id, "--json").json["arrivals"][0]["raw_gone_by"] == "raw_days"
    assert "was let go on " in house("mail", "show", spool_id, "--raw").failed(1)


def test_show_of_nothing(house):
    for words in ((), ("--raw",), ("--json",)):
        assert house("mail", "show", spool.new_id(), *words).failed(1).startswith("there is no mail")
        assert house("mail", "show", "../x", *words).failed(1).startswith("there is no mail")


def test_staff_is_told_of_tickets_by_mail_of_theirs(house):
    raw = letter("Question", "As staff.", sender=ADA)
    assert explained(house, raw)["decisions"][0]["department"] == "Support"


def test_what_a_delivery_report_says(house):
    raw = (ROOT / "tests/mails/14-bounce.eml").read_bytes()
    said = house("mail", "explain", "-", "--sender", "", stdin=raw).ok()
    assert "report       failed for bob@nowhere.example: 5.1.1 (hard, user-unknown, 5.1.1)\n" in said
    (fate,) = explained(house, raw, "--sender", "")["report"]["fates"]
    assert (fate["delivery"], fate["recipient"], fate["severity"], fate["reason"]) == (
        *("failed", "bob@nowhere.example", "hard", "user-unknown"),
    )


def test_a_command_that_waits_for_dns(house):
    number = house.ticket("Printer", "It burns.")
    with opened(load(house.config, {})) as here:
        ticket = here.store.read(lambda conn: tickets.by_number(conn, number))
        ada = here.store.read(lambda conn: people.at(conn, ADA))
        own = f"support+{here.desk.tokens.make(ticket.id, ada.id)}@desk.example"
    words = ("--to", own, "--sender", "x@elsewhere.example", "--client", "192.0.2.7")
    raw = letter("Re: Printer", "#close", sender=ADA)
    with serving({("_dmarc.staff.example", "TXT"): TROUBLE}) as server:
        house.write_config(f'[trust]\ndns = true\nprofile = "strict"\n[dns]\nservers = ["{server}"]')
        said = house("mail", "explain", "-", *words, stdin=raw).ok()
        (decision,) = explained(house, raw, *words)["decisions"]
    assert "\nfrom: none, because dns\n" in said
    assert "\n  first: it waits in the spool, for an hour at most, since DNS may soon say more\n" in said
    assert "\n  may: staff, own token, none, strict profile: reopen, answer\n" in said
    assert (decision["reason"], decision["waits"]) == ("commands-need-pass", True)
