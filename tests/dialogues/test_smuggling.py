"""SMTP smuggling, both ways: no content becomes a command or a second mail here, and nothing we send can become one elsewhere.

What one server takes for the end of a mail and the next one for its content lets a stranger write whole mails in the first one's name
(CVE-2023-51764, CVE-2023-51765, CVE-2023-51766, CVE-2024-27305).
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from helpdeskd import config
from helpdeskd.model.outgoing import Ended
from helpdeskd.outgoing import wire
from helpdeskd.outgoing.transport import Relay
from helpdeskd.sources.smtp_talk import Talk
from tests.dialogues.dialogue import ALSO_OURS, MAIL, OURS, Client, open_doors

# Everything that some server has taken for the end of data.
VARIANTS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r.\n",
    b"\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
    b"\r\x00\n.\r\n",
    b"\r\n.\r\x00\n",
    b"\r\n\x00.\x00\r\n",
    b"\r\n.\r\r\n",
    b"\r\n.\n\r\n",
    b"\r\r.\r\r",
    b"\r\n. \r\n",
    b"\r\n .\r\n",
    b"\r\n.\t\r\n",
    b"\n\r.\n\r",
    b"\n\n.\n\n",
    b"\r\r\n.\r\r\n",
    b"\x85.\x85",
    b"\x0b.\x0b",
    b"\x0c.\x0c",
    b"\xe2\x80\xa8.\xe2\x80\xa8",
    b"\r\n\xef\xbc\x8e\r\n",  # a full-width dot
]
IDS = [repr(variant) for variant in VARIANTS]
SMUGGLED = (
    b"MAIL FROM:<admin@bank.example>\r\nRCPT TO:<sales@desk.example>\r\nDATA\r\n"
    b"From: admin@bank.example\r\nSubject: smuggled\r\n\r\nPay here."
)


def content(variant: bytes) -> bytes:
    return b"Subject: hello\r\n\r\nfirst" + variant + SMUGGLED + b"\r\n"


def unstuffed(sent: bytes) -> bytes:
    """RFC 5321 section 4.5.2, line by line: what a sender's dot-stuffing is taken off, and nothing else."""
    return b"\r\n".join(line.removeprefix(b".") for line in sent.split(b"\r\n"))


@pytest.fixture(params=["smtp", "lmtp"])
async def door(request, tmp_path):
    async with open_doors(tmp_path / "spool", lmtp="127.0.0.1:0") as doors:
        at, hello = (doors.smtp_at, "EHLO") if request.param == "smtp" else (doors.lmtp_at, "LHLO")
        client = await Client.greeted(at, hello)
        yield doors, client
        await client.close()


@pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
async def test_one_transaction_is_one_mail_and_its_bytes_are_kept(door, variant):
    doors, client = door
    sent = content(variant)
    await client.mail(sent)
    await client.ask("NOOP", "250")
    envelope, raw = doors.only_mail()
    assert raw == unstuffed(sent)
    assert SMUGGLED in raw
    assert (envelope.sender, envelope.recipients) == ("ada@client.example", (OURS,))
    assert sum(count for name, count in doors.counts.items() if name.startswith("refused")) == 0


@pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
async def test_with_real_commands_pipelined_behind_it_these_alone_count(door, variant):
    doors, client = door
    sent = content(variant)
    await client.begin_data()
    behind = b"MAIL FROM:<bob@client.example>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n"
    await client.send(sent + b".\r\n" + behind)
    await client.expect("250 2.0.0", "250 2.1.0", "250 2.1.5", "354")
    await client.send(MAIL + b".\r\nNOOP\r\n")
    await client.expect("250 2.0.0", "250")
    assert [(envelope.sender, raw) for envelope, raw in doors.mails()] == [
        ("ada@client.example", unstuffed(sent)),
        ("bob@client.example", MAIL),
    ]


@pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
async def test_cut_into_segments_at_every_byte_of_it(tmp_path, variant, monkeypatch):
    """Each piece has been read by the door before the next one is sent."""
    came, take = asyncio.Event(), Talk.data_received

    def note(talk, data):
        take(talk, data)
        came.set()

    monkeypatch.setattr(Talk, "data_received", note)
    sent = content(variant)
    start = sent.index(variant + b"MAIL")
    async with open_doors(tmp_path / "spool") as doors:
        client = await Client.greeted(doors.smtp_at)
        client.writer.get_extra_info("socket").setsockopt(6, 1, 1)  # TCP_NODELAY
        await client.begin_data()
        pieces = [sent[: start + 1], *(sent[at : at + 1] for at in range(start + 1, start + len(variant) + 2))]
        for piece in [*pieces, sent[start + len(variant) + 2 :], b".", b"\r"]:
            came.clear()
            await client.send(piece)
            await came.wait()
        await client.send(b"\n")
        await client.expect("250")
        await client.ask("NOOP", "250")
        await client.close()
        assert doors.only_mail()[1] == unstuffed(sent)


# -- content that was not asked for


@pytest.mark.parametrize(
    ("recipient", "reply"), [("nobody@desk.example", "550"), ("later@desk.example", "451")], ids=["refused", "put-off"]
)
async def test_content_sent_behind_a_data_that_is_refused_is_not_read_as_commands(door, recipient, reply):
    """A server that waits for nothing sends the content all the same, and its writer could have written commands into it."""
    doors, client = door
    begin = f"MAIL FROM:<ada@client.example>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
    await client.send(begin + b"EHLO x\r\n" + SMUGGLED + b"\r\n.\r\nNOOP\r\n")
    await client.expect("250", reply, "503 5.5.1")
    await client.closed()
    assert doors.mails() == []
    assert doors.counts["refused.injection"] == 1


async def test_a_client_that_waits_goes_on_after_a_data_that_is_refused(door):
    doors, client = door
    await client.send(
        b"MAIL FROM:<ada@client.example>\r\nRCPT TO:<nobody@desk.example>\r\nDATA\r\n"
    )  # as RFC 2920 allows
    await client.expect("250", "550", "503 5.5.1")
    await client.ask("RSET", "250")
    await client.mail()
    assert doors.only_mail()[1] == MAIL


async def test_chunks_are_not_offered_and_not_read_as_commands(door):
    doors, client = door
    assert not any("CHUNKING" in line or "BINARYMIME" in line for line in await client.ask(f"{client.hello} x", "250"))
    await client.envelope()
    await client.send(b"BDAT %d LAST\r\n" % len(SMUGGLED) + SMUGGLED)
    await client.expect("502 5.5.1")
    await client.closed()
    assert doors.mails() == []


async def test_nor_does_bdat_where_its_content_comes_later(door):
    doors, client = door
    await client.envelope()
    await client.ask(b"BDAT %d LAST" % len(SMUGGLED), "502 5.5.1")
    with suppress(ConnectionError):
        await client.send(SMUGGLED)
    await client.closed()
    assert doors.mails() == []


async def test_what_follows_data_before_its_answer_is_evidence(door):
    doors, client = door
    await client.send(
        b"MAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\nRCPT TO:<sales@desk.example>\r\nDATA\r\n" + MAIL + b".\r\n"
    )
    await client.expect("250", "250", "250", "354", "250")
    envelope, raw = doors.only_mail()
    assert raw == MAIL
    assert envelope.recipients == (OURS, ALSO_OURS)
    assert envelope.hasty == "DATA"


# -- what we send


class Line:
    """A server that takes every command and content, and keeps what came over the wire."""

    def __init__(self) -> None:
        self.wire = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 naive.example\r\n")
        content = False
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                line = await reader.readuntil(b"\r\n.\r\n" if content else b"\r\n")
                if content:
                    self.wire += line
                content = line.startswith(b"DATA")
                writer.write(b"354 go on\r\n" if content else b"250 ok\r\n")
        writer.close()


@pytest.mark.parametrize("variant", [each for each in VARIANTS if b"\x00" not in each], ids=repr)
async def test_nobody_can_take_what_we_send_for_two_mails(variant):
    line = Line()
    async with await asyncio.start_server(line, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        relay = Relay(config.Outgoing(relay=f"{host}:{port}", security="none"), helo="desk.example")
        sent = await relay.send("support@desk.example", "ada@client.example", b"." + content(variant))
        await relay.close()
    assert sent.ended is Ended.SENT
    sound(line.wire)


def sound(sent: bytes) -> None:
    """However a server reads line ends: no line that is a dot but the last."""
    assert sent.count(b"\r\n") == sent.count(b"\r") == sent.count(b"\n")
    assert sent.endswith(b"\r\n.\r\n")
    lines = re.split(rb"\r\n|\r|\n", sent)
    assert [at for at, line in enumerate(lines) if line == b"."] == [len(lines) - 2]


@given(some.lists(some.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"x", b" ", b"MAIL FROM:<>"])).map(b"".join))
def test_whatever_is_sent_has_one_end_and_comes_back_whole(raw):
    sent = wire.stuffed(raw) + b".\r\n"
    sound(sent if sent != b".\r\n" else b"\r\n" + sent)
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    assert unstuffed(sent.removesuffix(b".\r\n")) == (lines if lines.endswith(b"\r\n") else lines + b"\r\n")


@pytest.mark.parametrize("raw", [b"Subject: x\r\n\r\na\r\n\x00.\r\nMAIL FROM:<>\r\n", b"\x00"], ids=["nul-dot", "nul"])
async def test_a_nul_is_never_sent(raw):
    """Some servers drop it, and what was `NUL dot` is then the end. RFC 5321 section 4.5.2 knows no NUL in a mail."""
    relay = Relay(config.Outgoing(relay="127.0.0.1:9", security="none"))
    sent = await relay.send("support@desk.example", "ada@client.example", raw)
    assert sent.ended is Ended.REFUSED
    assert "NUL" in sent.words
