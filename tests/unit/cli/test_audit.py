"""mail audit: what it says, how it ends, and that `status` knows of it."""

from __future__ import annotations

import json
import os
import re

from helpdeskd import tray
from tests.unit.cli.house import letter


def stray(house) -> None:
    with open(os.path.join(house.root, "new", "mail.eml"), "wb"):
        pass


def test_all_agrees(house):
    house.ticket()
    said = house("mail", "audit").ok()
    assert re.fullmatch(r"No differences; checked 1 arrivals, \d blobs\.\n", said)
    assert house("mail", "audit", "--deep", "--json").json["counts"]["blob-damaged"] == 0
    assert re.search(r"^audit +\d+ s ago: no differences$", house("status").ok(), re.MULTILINE)


def test_before_the_first(house):
    assert re.search(r"^audit +never \(helpdeskd mail audit\)$", house("status").ok(), re.MULTILINE)


def test_a_difference(house):
    stray(house)
    said = house("mail", "audit")
    assert (said.code, said.err) == (1, "")
    assert "\nstray (1): a file in new/, cur/ or parked/" in said.out
    assert "\n  What helps: look into it; " in said.out
    assert "\n  new/mail.eml\n" in said.out
    assert said.out.endswith("\n1 difference; checked 0 arrivals, 0 blobs.\n")
    status = house("status")
    assert status.code == 3
    assert re.search(r"^audit +\d+ s ago: 1 stray$", status.out, re.MULTILINE)
    assert re.search(r"^ALARM: the audit found differences: on .* UTC: 1 stray$", status.out, re.MULTILINE)


def test_a_difference_for_scripts(house):
    stray(house)
    said = house("mail", "audit", "--json")
    assert said.code == 1
    facts = json.loads(said.out)
    assert facts["differences"] == [{"kind": "stray", "subject": "new/mail.eml", "words": ""}]
    assert facts["counts"]["stray"] == 1
    assert facts["repaired"] == []
    status = json.loads(house("status", "--json").out)
    assert status["audit"]["counts"] == {"stray": 1}
    assert [alarm["kind"] for alarm in status["alarms"]] == ["audit"]


def test_what_the_log_says_was_received(house):
    """An SMTP mail whose entry somebody has removed: only the log knows of it."""
    kept, lost = (house.mail(letter("Printer", text)) for text in ("It burns.", "Still."))
    os.unlink(os.path.join(house.root, "new", lost))
    log = "".join(f"event=received part=smtp spool={each} door=smtp\n" for each in (kept, lost))
    assert house("mail", "audit").code == 0
    said = house("mail", "audit", "--log", "-", stdin=log.encode())
    assert said.code == 1
    assert "\nlost (1): accepted, as a record of its own says" in said.out
    assert f"\n  {lost}  accepted on " in said.out
    assert kept not in said.out


def test_a_repair_is_said_and_leaves_all_well(house):
    spool_id = house.mail(letter("Printer", "It burns."))
    path = os.path.join(house.root, "new", spool_id)
    os.rename(path, os.path.join(house.root, "cur", f"{spool_id}.3"))
    assert "1 parked" in house("fetch", "--through").ok()
    for name in (spool_id, f"{spool_id}.why"):
        os.unlink(os.path.join(house.root, "parked", name))
    assert f"\n  {spool_id}  parked on " in house("mail", "audit").out
    said = house("mail", "audit", "--refetch").ok()
    assert said.startswith(f"Repair: {spool_id}: it is in the spool again, from its blob\nNo differences; ")
    assert tray.scan(house.root) == [spool_id]
    assert "1 received" in house("fetch", "--through").ok()
    assert house("mail", "audit").code == 0
    assert house("status").code == 0


def test_a_mailbox_alone_is_not_remembered_as_the_whole(house):
    house.write_config('[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nuser = "u"\npassword = "p"\n')
    stray(house)
    said = house("mail", "audit", "--mailbox", "desk")
    assert said.code == 1
    assert "Not compared: mailbox desk: no pass has ended yet\n" in said.out
    assert re.search(r"^audit +never", house("status").out, re.MULTILINE)
    assert house("mail", "audit", "--mailbox", "other").failed(1) == "there is no mailbox other"


def test_names_in_the_spool_steer_no_terminal(house):
    with open(os.path.join(house.root, "new", "a\x1b[2Jb"), "wb"):
        pass
    assert "\x1b" not in house("mail", "audit").out


def test_without_a_store(empty):
    empty.write_config()
    assert empty("mail", "audit").failed(1).startswith("there is no store at ")
