"""spam list, release, train; and what the other commands say of what is held."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from tests.nameserver import TROUBLE, Zone, serving
from tests.scanners import answering, http, nobody
from tests.unit.cli.house import ROOT, clean_environment, letter

HEADERS = '[spam]\nheaders_from = ["pipe"]\n'
WELCOME = 1  # Ada's waits in the outbox
SPAM = letter("Buy now", "It is cheap.", X_Spam_Flag="YES")


@pytest.fixture
def held(house):
    """A mail that is held, and its id."""
    house.write_config(HEADERS)
    spool_id = house.mail(SPAM)
    assert "1 received" in house("fetch", "--through").ok()
    return house, spool_id


def tickets(house):
    return len(house("ticket", "list", "--all", "--json").json)


def test_what_is_held_is_seen(held):
    house, spool_id = held
    assert tickets(house) == 0
    said = house("spam", "list").ok()
    assert re.search(
        rf"^{spool_id} .* grace@customer\.example +header spam \(X-Spam-Flag: YES\) +Buy now$", said, re.MULTILINE
    )
    (one,) = house("spam", "list", "--json").json
    assert (one["id"], one["reason"], one["subject"]) == (spool_id, "spam", "Buy now")
    assert "recipients" not in one
    status = house("status", "--json").json
    assert (status["held"], status["outbox"]["queued"]) == (1, WELCOME)
    assert re.search(r"^spam +1 held \(helpdeskd spam list\)$", house("status").ok(), re.MULTILINE)
    shown = house("mail", "show", spool_id).ok()
    assert "held, because spam" in shown
    assert "  evidence: header spam (X-Spam-Flag: YES)\n  held: header spam (X-Spam-Flag: YES)\n" in shown
    (row,) = house("mail", "show", spool_id, "--json").json["arrivals"]
    assert "envelope" not in row["held"], "its recipients may be tokens"
    assert house("mail", "show", spool_id, "--raw").raw == SPAM
    house("mail", "audit").ok()


def test_what_would_be_held_is_explained(house):
    house.write_config(HEADERS)
    said = house("mail", "explain", "-", stdin=SPAM).ok()
    assert "\nspam spam (header)\n  evidence: header spam (X-Spam-Flag: YES)\n" in said
    assert "\nSupport: held, because spam\n" in said
    assert house("mail", "explain", "-", "--json", stdin=SPAM).json["checked"]["spam"]["state"] == "spam"
    outside = ("--client", "192.0.2.99", "--sender", "eve@evil.example")
    assert "Support: opened, because new" in house("mail", "explain", "-", *outside, stdin=SPAM).ok()


def test_lists_are_asked_although_nothing_else_is(house):
    records: Zone = {
        ("99.2.0.192.one.example", "A"): ("127.0.0.4",),
        ("99.2.0.192.two.example", "A"): ("127.0.0.2",),
        ("99.2.0.192.bad.example", "A"): TROUBLE,
    }
    words = ("mail", "explain", "-", "--client", "192.0.2.99", "--sender", "eve@evil.example")
    with serving(records) as server:
        lists = 'dnsbl = ["bad.example", "one.example", "two.example"]'
        for needed, outcome in ((0, "opened, because new"), (2, "held, because spam"), (3, "opened, because new")):
            house.write_config(f'[dns]\nservers = ["{server}"]\n[spam]\n{lists}\ndnsbl_needed = {needed}\n')
            said = house(*words, stdin=letter("Hello", "Hello.")).ok()
            assert "  evidence: dnsbl suspect (one.example lists 192.0.2.99: 127.0.0.4)\n" in said
            assert "  evidence: dnsbl unknown (bad.example: A of 99.2.0.192.bad.example: NoNameservers)\n" in said
            assert f"\nSupport: {outcome}\n" in said
            assert "from: none, because off\n" in said


def test_it_is_released_once(held):
    house, spool_id = held
    said = house("spam", "release", spool_id).ok()
    assert re.fullmatch(rf"{spool_id}: Support: opened, because new in \[#\d{{6}}\]\n", said)
    assert tickets(house) == 1
    assert house("status", "--json").json["held"] == 0
    assert house("spam", "list").ok() == "Nothing is held as spam.\n"
    again = house("spam", "release", spool_id).failed(1)
    assert again == f"{spool_id} is not held as spam: opened, because new"
    assert tickets(house) == 1
    assert "because new" in house("mail", "show", spool_id).ok()
    assert "evidence: released on" in house("mail", "show", spool_id).ok()
    house("mail", "audit").ok()
    assert house("spam", "release", "1").failed(1) == "there is no mail 1"


def test_training(held):
    house, spool_id = held
    assert "set spam.rspamd_controller" in house("spam", "train", spool_id).failed(1)
    house.write_config(f'{HEADERS}rspamd_controller = "http://{nobody()}"\n')
    assert "Connection refused" in house("spam", "train", spool_id).failed(1)
    with answering(http(b'{"success":true}')) as (place, said):
        house.write_config(f'{HEADERS}rspamd_controller = "http://{place}"\n')
        assert house("spam", "train", spool_id).ok() == f"{spool_id}: learnt as spam\n"
        assert house("spam", "train", spool_id, "--ham").ok() == f"{spool_id}: learnt as ham\n"
        released = house("spam", "release", spool_id, "--train").ok()
        assert released.startswith(f"{spool_id}: learnt as ham\n{spool_id}: Support: opened")
        house("spam", "train", spool_id).ok()  # any accepted mail will do
    assert [each.split(b" ")[1] for each in said] == [b"/learnspam", b"/learnham", b"/learnham", b"/learnspam"]
    assert all(each.endswith(b"\r\n\r\n" + SPAM) for each in said)
    with answering(http(b'{"error":"it has been already learned as spam, ignore it"}', "404 No")) as (place, _):
        house.write_config(f'{HEADERS}rspamd_controller = "http://{place}"\n')
        assert house("spam", "train", spool_id).ok() == f"{spool_id}: rspamd had learnt it as spam already\n"


def test_what_cannot_be_learnt_is_not_released_with_training(held):
    house, spool_id = held
    assert "set spam.rspamd_controller" in house("spam", "release", spool_id, "--train").failed(1)
    assert tickets(house) == 0


DIES = """
import os, signal, sys
import {module} as module
from helpdeskd import cli

def dies(*given, was=module.{name}):
    {first}was(*given)
    os.kill(os.getpid(), signal.SIGKILL)

module.{name} = dies
sys.argv = {words}
cli.main()
"""


@pytest.mark.parametrize(
    ("module", "name", "first", "is_done"),
    [
        ("helpdeskd.desk.receive", "release", "0 and ", False),
        ("helpdeskd.store.arrivals", "take_held", "", False),  # the row is gone, and nothing in its place yet
        ("helpdeskd.desk.receive", "release", "", False),  # all is done but COMMIT
        ("helpdeskd.spool", "ring", "", True),  # after COMMIT
    ],
    ids=["before", "half", "before-commit", "after-commit"],
)
def test_killed_while_it_is_released(held, module, name, first, is_done):
    """It is held, or it is one ticket with its answers: never both, never neither. Asked again, it is that one ticket."""
    house, spool_id = held
    words = ["helpdeskd", "--config", str(house.config), "spam", "release", spool_id]
    code = DIES.format(module=module, name=name, first=first, words=words)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr

    def seen():
        status = house("status", "--json").json
        return status["held"], tickets(house), status["outbox"]["queued"]

    assert seen() == ((0, 1, WELCOME + 2) if is_done else (1, 0, WELCOME))
    house("mail", "audit").ok()
    assert house("spam", "release", spool_id).code == (1 if is_done else 0)
    assert seen() == (0, 1, WELCOME + 2)
    house("mail", "audit").ok()
