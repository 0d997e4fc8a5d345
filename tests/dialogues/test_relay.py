"""No relay for anybody: what others have been talked into passing on, over every door; and addresses are not given away."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from helpdeskd.desk.address_book import AddressBook
from helpdeskd.store.engine import Store
from tests.dialogues.dialogue import MAIL, Client, open_doors

# How relays have been asked to take a mail further, victim@other.example each.
ASKED = [
    "<victim@other.example>",
    "victim@other.example",  # without its brackets
    "<@desk.example:victim@other.example>",  # source routes, RFC 5321 appendix C
    "<@desk.example,@mx.desk.example:victim@other.example>",
    "<victim%other.example@desk.example>",  # the percent hack
    "<victim%other.example@[127.0.0.1]>",
    "<victim@other.example@desk.example>",
    "<other.example!victim@desk.example>",  # bang paths
    "<other.example!victim>",
    "<desk.example!victim@other.example>",
    '<"victim@other.example"@desk.example>',  # quoted local parts
    '<"victim@other.example">',
    '<"victim%other.example"@desk.example>',
    '<"support@desk.example"@other.example>',
    '<"support"@other.example>',
    '"victim@other.example"@desk.example',
    "<victim@[192.0.2.1]>",  # literals
    "<support@[192.0.2.1]>",
    "<victim@desk.example.other.example>",
    "<support@desk.example@other.example>",
    "<support@desk.example,victim@other.example>",
    "<support@desk.example>,<victim@other.example>",
    "<support@desk.example><victim@other.example>",
    "<support@desk.example> <victim@other.example>",
    "<support@desk.example:victim@other.example>",
    "<support@desk.example;victim@other.example>",
    "<|/bin/sh@desk.example>",
    "</etc/passwd>",
    "<:include:/etc/passwd@desk.example>",
    "<\\victim@other.example>",
    "<victim @desk.example>",
    "<>",
]
# What is ours, however it is written.
TAKEN = {
    "<support@desk.example>": "support@desk.example",
    "support@desk.example": "support@desk.example",
    "<SUPPORT@Desk.Example>": "SUPPORT@Desk.Example",
    "<@relay.example,@other.example:support@desk.example>": "support@desk.example",
    "<support+victim%other.example@desk.example>": "support+victim%other.example@desk.example",  # the detail is no way on
    "<postmaster@desk.example>": "postmaster@desk.example",
    "<Postmaster>": "Postmaster",
}


def book() -> AddressBook:
    """As the daemon has it, over a store that holds one department."""
    found = AddressBook()
    store: Any = SimpleNamespace(read=lambda _: {"support@desk.example": 1})
    found.refresh(cast("Store", store))
    return found


@pytest.fixture(params=["smtp", "lmtp"])
async def door(request, tmp_path: Path):
    async with open_doors(tmp_path / "spool", lmtp="127.0.0.1:0", max_errors=1000) as doors:
        doors._accepts = book().accepts
        at, hello = (doors.smtp_at, "EHLO") if request.param == "smtp" else (doors.lmtp_at, "LHLO")
        client = await Client.greeted(at, hello)
        yield doors, client
        await client.close()


async def test_nobody_is_passed_on(door):
    doors, client = door
    await client.ask("MAIL FROM:<support@desk.example>", "250")  # not even for who claims to be us
    for recipient in ASKED:
        (answer,) = await client.ask(f"RCPT TO:{recipient}", "5")
        assert answer[:3] in {"550", "553", "501", "555"}, (recipient, answer)
    await client.ask("DATA", "503")
    assert doors.mails() == []


async def test_what_is_ours_is_taken_and_goes_to_us_alone(door):
    doors, client = door
    await client.ask("MAIL FROM:<ada@client.example>", "250")
    for recipient in TAKEN:
        await client.ask(f"RCPT TO:{recipient}", "250")
    await client.ask("DATA", "354")
    await client.send(MAIL + b".\r\n")
    await client.expect(*["250"] * (len(TAKEN) if client.hello == "LHLO" else 1))
    envelope, _ = doors.only_mail()
    assert envelope.recipients == tuple(dict.fromkeys(TAKEN.values()))


@pytest.mark.parametrize("sender", ["<support@desk.example>", "<@a.example:x@b.example>", "<a%b@desk.example>", "<>"])
async def test_nor_does_a_sender_open_the_way(door, sender):
    _, client = door
    await client.ask(f"MAIL FROM:{sender}", "250")
    await client.ask("RCPT TO:<victim@other.example>", "550 5.1.1")


async def test_nobody_learns_which_addresses_there_are(door):
    """But by RCPT, which must answer: errors have an end there."""
    _, client = door
    there, not_there = [
        [await client.ask(f"{verb} {name}@desk.example", "") for verb in ("VRFY", "EXPN")] for name in ("support", "x")
    ]
    assert there == not_there
    assert [lines[0][:3] for lines in there] == ["252", "502"]
