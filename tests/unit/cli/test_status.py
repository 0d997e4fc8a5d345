"""status: one screen that tells the truth, with a daemon and without; fetch, which says what it did."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from helpdeskd import tray
from helpdeskd.config.load import load
from helpdeskd.installation import ROLES, held
from helpdeskd.sources.imap_state import Book, WatchState, micros
from tests.unit.cli.house import ROOT, clean_environment, letter

BOX = '[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {port}\nuser = "u"\npassword = "geheim"\nsecurity = "none"\ntimeout_seconds = 5\n'


@contextmanager
def daemon(house, more=""):
    """A real one, ready when it says so as systemd would hear it."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(house.folder / "notify"))
    told.settimeout(60)
    house.write_config(more)
    process = subprocess.Popen(
        [sys.executable, "-m", "helpdeskd", "--config", str(house.config), "run"],
        cwd=ROOT,
        env=clean_environment() | {"NOTIFY_SOCKET": str(house.folder / "notify")},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert told.recv(100) == b"READY=1"
        yield process
    finally:
        process.terminate()
        out, err = process.communicate(timeout=60)
        told.close()
    assert process.returncode == 0, err
    assert out == b""
    assert b"Traceback" not in err


def test_without_a_daemon(house):
    said = house("status").ok()
    assert re.search(r"^daemon +not running$", said, re.MULTILINE)
    assert re.search(r"^doors +none$", said, re.MULTILINE)
    assert re.search(r"^spool +0 waiting; none parked$", said, re.MULTILINE)
    assert re.search(r"^outbox +1 queued, the oldest since \d+ \w+; 0 sent$", said, re.MULTILINE)
    assert re.search(r"^disk +\S+ [KMGT]?B free; doors stop below 0 B$", said, re.MULTILINE)
    assert "Note: outgoing.relay is not set: tickets are made, but no answer can leave." in said
    assert "Note: no listener and no mailbox" in said


def test_what_a_ceiling_kept_back(house):
    house.write_config('[ceilings]\nper_address = "1/hour"\nunknown = "2/hour"\n')
    for number, sender in enumerate(("grace@x.example", "grace@x.example", "eve@y.example", "dan@z.example")):
        house.mail(letter(f"Mail {number}", "Text", sender))
    assert "4 received" in house("fetch", "--through").ok()
    said = house("status")
    assert said.code == 3
    assert re.search(r"^withheld +1 per_address, 1 unknown in the last hour \(docs/trust.md\)$", said.out, re.MULTILINE)
    assert "ALARM: a ceiling kept automatic mails back in the last hour: 1 by ceilings.unknown" in said.out
    (line,) = [
        each for each in house("ticket", "list", "--all", "--json").json if each["ticket"]["subject"] == "Mail 3"
    ]
    shown = house("ticket", "show", str(line["ticket"]["number"]), "--history").ok()
    assert "A ceiling on automatic mail is reached; not sent: 1 acknowledgement (unknown)." in shown
    assert "withheld  mails=1 acknowledgement (unknown)" in shown


def test_with_a_daemon(house):
    lmtp = house.folder / "lmtp"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    web = house.folder / "web"
    with daemon(house, f'[lmtp]\nlisten = ["unix:{lmtp}"]\n[http]\nlisten = ["unix:{web}"]\n'):
        facts = house("status", "--json").json
        assert facts["daemon"] == {"running": True, "roles": list(ROLES)}
        assert facts["doors"] == [{"door": f"lmtp unix:{lmtp}", "open": True}]
        assert facts["http"] == [{"place": f"unix:{web}", "open": True}]
        assert re.search(r"^daemon +running$", house("status").ok(), re.MULTILINE)
        # what the file says is compared with what is there
        house.config.write_text(house.config.read_text().replace("listen = []", f'listen = ["127.0.0.1:{closed}"]'))
        assert f"smtp 127.0.0.1:{closed} (closed), lmtp unix:{lmtp} (open)" in house("status").ok()
        # a command wakes it, and it works on what the command left
        house.mail(letter("Printer", "It burns."))
        assert house("staff", "add", "Bob", "bob@staff.example").ok()
    facts = house("status", "--json").json
    assert facts["daemon"] == {"running": False, "roles": []}
    assert facts["doors"][1]["open"] is False
    assert re.search(rf"^http +unix:{web} \(closed\)$", house("status").ok(), re.MULTILINE)


def test_a_second_daemon_is_refused(house):
    with daemon(house):
        assert "helpdeskd runs already (process " in house("run").failed(1)
        assert "The daemon runs" in house("fetch", "--through").ok()
        assert "Kept the department" in house("init").ok()


def test_a_port_that_is_taken(house):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        house.config.write_text(
            house.config.read_text().replace("listen = []", f'listen = ["127.0.0.1:{taken.getsockname()[1]}"]')
        )
        said = house.run("run")
    assert "in use" in said.failed(78)


def test_what_waits(house):
    house.mail(letter("Printer", "It burns."))
    facts = house("status", "--json").json
    assert facts["spool"]["waiting"] == 1
    assert abs(datetime.fromisoformat(facts["spool"]["oldest"]) - datetime.now(UTC)) < timedelta(hours=1)
    assert re.search(r"^spool +1 waiting, the oldest since \d+ s; none parked$", house("status").ok(), re.MULTILINE)


def test_mailboxes(house):
    house.write_config(BOX.format(port=1))
    assert re.search(r"^mailbox desk +never polled$", house("status").ok(), re.MULTILINE)
    assert house("status", "--json").json["mailboxes"] == {"desk": None}
    book = Book(house.root, "desk")
    book.state.state = WatchState.TROUBLE
    book.state.last_good = micros(datetime.now(UTC) - timedelta(hours=5))
    book.state.last_error = "login failed\x1b[31m"
    book.save()
    said = house("status")
    assert said.code == 3
    assert re.search(
        r"^mailbox desk +trouble, last good poll 5 h ago \(late: every 60 s is meant\); login failed \[31m$",
        said.out,
        re.MULTILINE,
    )
    assert "ALARM: a mailbox had no good poll in three intervals: desk: no good poll since " in said.out
    assert "geheim" not in house("status", "--json").out


def test_the_disk_at_its_reserve(house):
    house.write_config()
    house.config.write_text(house.config.read_text().replace("reserve_mb = 0", "reserve_mb = 1000000000"))
    said = house("status")
    assert said.code == 3
    assert "they are stopped now" in said.out
    assert "ALARM: the disk is at its reserve" in said.out
    facts = json.loads(house("status", "--json").out)
    assert facts["disk"]["ok"] is False
    assert [alarm["kind"] for alarm in facts["alarms"]] == ["disk"]


# -- fetch


def test_fetch_without_a_mailbox(house):
    assert house("fetch").ok() == "No mailbox is configured.\n"
    assert house("fetch", "--mailbox", "desk").failed(1) == "there is no mailbox desk"


def test_fetch_from_a_server_that_does_not_answer(house):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        house.write_config(BOX.format(port=probe.getsockname()[1]))
        said = house("fetch")
    assert said.code == 75
    assert said.out.startswith("desk: 0 fetched, failed: ")
    assert said.err == ""
    assert re.search(r"^mailbox desk +trouble, last good poll never", house("status").out, re.MULTILINE)


def test_fetch_through_serves_pipes_too(house):
    house.mail(letter("Printer", "It burns."))
    said = house("fetch", "--through").ok()
    assert said.splitlines() == [
        "No mailbox is configured.",
        "intake: 1 received, 0 parked, 0 waiting",
        "outbox: outgoing.relay is not set: mails are queued and not sent",
    ]
    assert len(house("ticket", "list", "--json").json) == 1


def test_fetch_through_on_hold_sends_nothing_and_says_why(house):
    house.write_config('[outgoing]\nrelay = "127.0.0.1:1"\nhold = true\n')
    house.mail(letter("Printer", "It burns."))
    said = house("fetch", "--through").ok()
    assert said.splitlines()[-1] == "outbox: outgoing.hold is set: mails are queued and not sent"
    assert house("status", "--json").json["outbox"]["queued"] == 3


def test_fetch_alone_leaves_the_spool_to_the_daemon(house):
    house.mail(letter("Printer", "It burns."))
    house("fetch").ok()
    assert len(tray.scan(house.root)) == 1


def test_fetch_through_beside_a_daemon_does_no_more_than_fetch(house):
    house.mail(letter("Printer", "It burns."))
    house.write_config(BOX.format(port=1))
    with held(load(house.config, {}), ROLES):
        said = house("fetch", "--through").ok()
    assert said.splitlines() == ["The daemon runs: tickets and answers are left to it.", "desk: the daemon watches it"]
    assert len(tray.scan(house.root)) == 1


def test_looking_leaves_no_lock_behind(house):
    house("status").ok()
    with held(load(house.config, {}), ROLES):
        pass
    assert {name for name in os.listdir(house.data) if name.endswith(".lock")} == {f"{role}.lock" for role in ROLES}
