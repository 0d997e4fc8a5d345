"""The LMTP door: another greeting, a unix socket, and one answer per recipient (RFC 2033)."""

from __future__ import annotations

import os
import shutil
import socket
import stat

import pytest

from helpdeskd import spool
from helpdeskd.errors import ConfigError
from tests.dialogues.dialogue import ALSO_OURS, MAIL, OURS, Client, make_doors, open_doors


@pytest.fixture(params=["unix", "tcp"])
async def doors(tmp_path, request):
    at = f"unix:{tmp_path}/run/lmtp.sock" if request.param == "unix" else "127.0.0.1:0"
    async with open_doors(tmp_path / "spool", lmtp=at) as opened:
        yield opened


@pytest.fixture
async def client(doors):
    client = await Client.greeted(doors.lmtp_at, "LHLO")
    yield client
    await client.close()


async def test_the_greeting_is_lhlo(doors):
    client = await Client.connect(doors.lmtp_at)
    assert await client.expect("220") == ["220 mx.desk.example LMTP helpdeskd"]
    await client.ask("EHLO client.example", "500")
    await client.ask("HELO client.example", "500")
    await client.ask("MAIL FROM:<>", "503")
    lines = await client.ask("LHLO client.example", "250")
    assert {"250-PIPELINING", "250-8BITMIME", "250-SMTPUTF8", "250 ENHANCEDSTATUSCODES"} <= set(lines)
    await client.ask("QUIT", "221")
    await client.closed()


async def test_one_answer_per_accepted_recipient_and_one_put(doors, client):
    await client.ask("MAIL FROM:<ada@client.example>", "250")
    await client.ask(f"RCPT TO:<{OURS}>", "250")
    await client.ask("RCPT TO:<nobody@desk.example>", "550 5.1.1")
    await client.ask(f"RCPT TO:<{ALSO_OURS}>", "250")
    await client.ask("DATA", "354")
    await client.send(MAIL + b".\r\n")
    first = await client.expect("250")
    assert await client.expect("250") == first
    await client.ask("NOOP", "250")
    envelope, raw = doors.only_mail()
    assert raw == MAIL
    assert envelope.door == "lmtp"
    assert envelope.recipients == (OURS, ALSO_OURS)
    assert envelope.peer == ("" if doors.lmtp_at.startswith("unix:") else "127.0.0.1")
    assert doors.counts["accepted"] == 1


async def test_a_recipient_named_twice_is_answered_twice(doors, client):
    await client.mail(MAIL, "250", "250", recipients=(OURS, OURS))
    await client.ask("NOOP", "250")
    assert doors.only_mail()[0].recipients == (OURS,)


async def test_no_recipient_no_data(client):
    await client.ask("MAIL FROM:<ada@client.example>", "250")
    await client.ask("RCPT TO:<nobody@desk.example>", "550")
    await client.ask("DATA", "503")
    await client.ask("NOOP", "250")


async def test_pipelined_as_an_mta_does(doors):
    client = await Client.greeted(doors.lmtp_at, "LHLO")
    head = b"MAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\nRCPT TO:<sales@desk.example>\r\nDATA\r\n"
    for number in (1, 2):
        await client.send(head)
        await client.expect("250", "250", "250", "354")
        await client.send(b"Subject: %d\r\n\r\n.\r\n" % number)
        await client.expect("250", "250")
    await client.ask("QUIT", "221")
    await client.closed()
    assert [raw for _, raw in doors.mails()] == [b"Subject: 1\r\n\r\n", b"Subject: 2\r\n\r\n"]


async def test_too_large_for_each(doors, client):
    doors.limits.size = 1000
    await client.mail(b"x" * 1500 + b"\r\n", "552 5.3.4", "552 5.3.4", recipients=(OURS, ALSO_OURS))
    await client.ask("NOOP", "250")
    assert doors.counts["refused.too-large"] == 1


async def test_no_room_for_each(doors, client):
    await client.begin_data(OURS, ALSO_OURS)
    spool.set_reserve(doors.spool_root, 100.0, 0)
    await client.send(MAIL + b".\r\n")
    await client.expect("452 4.3.1", "452 4.3.1")
    assert doors.mails() == []


async def test_trouble_for_each(doors, client):
    await client.begin_data(OURS, ALSO_OURS)
    shutil.rmtree(doors.spool_root)
    await client.send(MAIL + b".\r\n")
    await client.expect("451 4.3.0", "451 4.3.0")
    await client.ask("NOOP", "250")


# -- the socket file


async def test_the_socket_has_its_mode_and_goes_away(tmp_path):
    path = tmp_path / "var" / "run" / "lmtp"
    async with open_doors(tmp_path / "spool", lmtp=f"unix:{path}") as doors:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert doors.listening[-1] == f"lmtp unix:{path}"
    assert not path.exists()


async def test_a_stale_socket_is_replaced(tmp_path):
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    async with open_doors(tmp_path / "spool", lmtp=f"unix:{path}") as doors:
        client = await Client.greeted(doors.lmtp_at, "LHLO")
        await client.close()


async def test_a_living_socket_is_not_stolen(tmp_path):
    at = f"unix:{tmp_path}/lmtp"
    async with open_doors(tmp_path / "one", lmtp=at) as first:
        second = make_doors(tmp_path / "two", lmtp=at)
        with pytest.raises(ConfigError, match="somebody listens there already"):
            await second.start()
        assert second.listening == []
        client = await Client.greeted(first.lmtp_at, "LHLO")
        await client.close()


async def test_a_file_in_the_way_is_left_alone(tmp_path):
    path = tmp_path / "lmtp"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="no socket is in the way"):
        await make_doors(tmp_path / "spool", lmtp=f"unix:{path}").start()
    assert path.read_text() == "precious"


async def test_a_socket_that_another_has_put_there_since_stays(tmp_path):
    path = tmp_path / "lmtp"
    async with open_doors(tmp_path / "spool", lmtp=f"unix:{path}"):
        os.rename(path, tmp_path / "ours")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()


async def test_unix_connections_are_no_client(tmp_path):
    at = f"unix:{tmp_path}/lmtp"
    async with open_doors(tmp_path / "spool", lmtp=at, max_connections_per_client=1) as doors:
        clients = [await Client.greeted(doors.lmtp_at, "LHLO") for _ in range(3)]
        for client in clients:
            await client.close()
