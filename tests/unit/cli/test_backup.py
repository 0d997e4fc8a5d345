"""backup and restore: what they say, and with which exit code."""

from __future__ import annotations

import re
import shutil

from tests.unit.cli.house import House, letter, typed


def test_there_and_back(house, tmp_path):
    printer = house.mail(letter("Printer", "It burns."))
    house("fetch", "--through").ok()
    number = house("ticket", "list", "--json").json[0]["ticket"]["number"]
    asked = [
        ("ticket", "list", "--json"),
        ("ticket", "search", "burns", "--json"),
        ("mail", "show", printer, "--json"),
        ("mail", "show", printer, "--raw"),
    ]
    shown = [house(*words).raw for words in asked]
    waiting = house.mail(letter("Another", "Me too."))
    said = house("backup", str(tmp_path / "backups")).ok()
    assert re.search(
        r"backups/\d{4}-\d\d-\d\dT\d{6}Z: 1 tickets, 1 messages, 1 mails in the spool\.$", said, re.MULTILINE
    )
    assert "1 raw mails and attachments, 0 of them copied" in said
    checked = typed("restore", "--verify-only", str(tmp_path / "backups")).ok()
    assert "4 files are what they were." in checked
    refused = house("restore", str(tmp_path / "backups"))
    assert refused.code == 1
    assert "there is a store already" in refused.err
    shutil.rmtree(house.data)
    said = house("restore", str(tmp_path / "backups")).ok()
    assert "Restored: 1 tickets, 1 raw mails and attachments, 1 mails in the spool." in said
    assert re.search(r"^  \d+  acknowledgement  grace@customer.example$", said, re.MULTILINE)
    assert [house(*words).raw for words in asked] == shown
    assert shown[3] == letter("Printer", "It burns.")
    assert "unknown (restored from the backup of" in house("ticket", "show", str(number)).ok()
    assert "1 received" in house("fetch", "--through").ok()
    assert "opened, because new" in house("mail", "show", waiting).ok()


def test_what_was_queued_can_be_sent(house, tmp_path):
    house.ticket()
    house("backup", str(tmp_path / "backups")).ok()
    shutil.rmtree(house.data)
    said = house("restore", "--outbox", "send", str(tmp_path / "backups")).ok()
    assert "Held" not in said
    assert re.search(r"^Queued again, each marked as possibly sent twice: [1-9] mails\.$", said, re.MULTILINE)


def test_a_damaged_blob(house, tmp_path):
    house.ticket()
    house("backup", str(tmp_path / "backups")).ok()
    shutil.rmtree(house.data)
    (blob,) = list(tmp_path.glob("backups/*/blobs/*/*/*"))
    blob.chmod(0o600)
    blob.write_bytes(b"rust")
    for words in ((), ("--verify-only",)):
        said = house("restore", *words, str(tmp_path / "backups"))
        assert said.code == 1
        assert said.out == f"Damaged: {blob}\n"
        assert "1 damaged; --without-damaged restores all but these" in said.err
        assert not house.data.exists()
    assert "0 raw mails" in house("restore", "--without-damaged", str(tmp_path / "backups")).ok()


def test_nothing_to_restore_from(house, tmp_path):
    (tmp_path / "backups").mkdir()
    assert house("restore", str(tmp_path / "backups")).failed(1).endswith("there is no backup here")
    assert house("restore", str(tmp_path / "nowhere")).code == 2


def test_nothing_to_back_up(tmp_path):
    empty = House(tmp_path)
    empty.write_config()
    assert "there is no store at" in empty("backup", str(tmp_path / "backups")).failed(1)
    assert not (tmp_path / "backups").exists()


def test_no_room_for_it(house, tmp_path):
    (tmp_path / "backups").write_text("a file")
    assert house("backup", str(tmp_path / "backups")).code == 2
    assert house("backup", "/proc/backups").failed(1) == "/proc/backups: No such file or directory"
