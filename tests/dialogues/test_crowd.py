"""Slow clients, and clients that wait for nothing: real mail gets in beside a thousand of them, and nobody fills our memory."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
import uvloop

from helpdeskd.sources import smtp_crowd
from tests.dialogues.dialogue import MAIL, OURS, Client, open_doors

TLS = Path(__file__).parent / "tls"
SLOW = 1000
# What a slow client has said when it begins to send byte by byte, and the bytes it never comes to an end with.
MANNERS = {
    "says-nothing": (b"", b""),
    "dribbles-a-greeting": (b"", b"E"),
    "dribbles-a-command": (b"EHLO slow.example\r\n", b"N"),
    "stops-in-an-envelope": (b"EHLO slow.example\r\nMAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\n", b""),
    "dribbles-content": (b"EHLO slow.example\r\nMAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n", b"x"),
}


@pytest.fixture(autouse=True)
def files():
    """A thousand clients and their other ends in one process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096) if hard > 0 else 4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Slow:
    """A thousand clients, an address each, that come again when they are shown out."""

    def __init__(self, at: str, *manners: str) -> None:
        host, _, port = at.rpartition(":")
        self.at = (host, int(port))
        self.manners = [MANNERS[manner] for manner in manners]
        self.lines: list[socket.socket] = []

    async def come(self) -> None:
        for number in range(SLOW):
            self.lines.append(await self.one(number))

    async def one(self, number: int) -> socket.socket:
        line = socket.socket()
        line.setblocking(False)
        line.bind((f"127.1.{number // 250}.{number % 250 + 1}", 0))
        try:
            await asyncio.get_running_loop().sock_connect(line, self.at)
            line.send(self.manners[number % len(self.manners)][0])
        except BaseException:
            line.close()
            raise
        return line

    async def go_on(self) -> None:
        """A byte from each, in turn, for ever."""
        while True:
            for number, line in enumerate(self.lines):
                try:
                    while line.recv(4096):
                        pass
                    gone = True
                except BlockingIOError:
                    gone = False
                except ConnectionError:
                    gone = True
                if gone:
                    line.close()
                    self.lines[number] = await self.one(number)
                else:
                    with suppress(ConnectionError, BlockingIOError):
                        line.send(self.manners[number % len(self.manners)][1])
                await asyncio.sleep(0)

    def close(self) -> None:
        for line in self.lines:
            line.close()


async def deliver(at: str, number: int) -> int:
    """One mail, tried as a mail server tries it; how often it had to."""
    for attempt in range(1, 100):
        client = await Client.connect(at, source="127.0.0.9")
        try:
            await client.expect("220")
            await client.ask("EHLO real.example", "250")
            await client.mail(b"Subject: %d\r\n\r\n" % number)
        except (AssertionError, ConnectionError, asyncio.IncompleteReadError):
            continue  # 421, or cut off
        else:
            return attempt
        finally:
            await client.close()
    raise AssertionError("it never came through")


@pytest.mark.parametrize(
    "manners", [tuple(MANNERS), ("dribbles-content",)], ids=["of-all-sorts", "in-the-midst-of-a-mail"]
)
async def test_real_mail_gets_in_beside_a_thousand_slow_clients(tmp_path, monkeypatch, manners):
    # Those in the middle of a mail are given time, of which a test has none.
    monkeypatch.setattr(smtp_crowd, "STALE_SECONDS", 0.02)
    async with open_doors(tmp_path / "spool") as doors:
        slow = Slow(doors.smtp_at, *manners)
        await slow.come()
        await doors.until(lambda: doors.places == 200)
        crowd = asyncio.create_task(slow.go_on())
        attempts = [await deliver(doors.smtp_at, number) for number in range(10)]
        crowd.cancel()
        slow.close()
        with suppress(asyncio.CancelledError):
            await crowd
        assert max(attempts) <= 10
        assert sum(attempts) <= 30
        assert sorted(raw for _, raw in doors.mails()) == [b"Subject: %d\r\n\r\n" % number for number in range(10)]
        assert doors.most <= 200
        assert doors.counts["refused.crowded-out"] + doors.counts["refused.too-many-connections"] >= SLOW - 200


async def test_a_mail_that_is_being_kept_and_one_under_way_are_not_let_go(tmp_path):
    async with open_doors(tmp_path / "spool", max_connections=2) as doors:
        busy, idle = await Client.greeted(doors.smtp_at), await Client.greeted(doors.smtp_at)
        await busy.begin_data()
        new = await Client.greeted(doors.smtp_at)
        await idle.expect("421 4.3.2")
        await idle.closed()
        await new.mail()
        await busy.send(MAIL + b".\r\n")
        await busy.expect("250")
        assert len(doors.mails()) == 2
        assert doors.counts["refused.crowded-out"] == 1
        await busy.close()
        await new.close()


async def test_after_its_mail_one_is_a_guest_like_others(tmp_path):
    async with open_doors(tmp_path / "spool", max_connections=1) as doors:
        first = await Client.greeted(doors.smtp_at)
        await first.mail()
        second = await Client.greeted(doors.smtp_at)
        await first.expect("421 4.3.2")
        await first.closed()
        await second.mail()
        await second.close()


async def test_steps_are_counted_once_and_content_by_its_size(tmp_path):
    async with open_doors(tmp_path / "spool") as doors:
        client = await Client.greeted(doors.smtp_at)
        (talk,) = doors._talks

        async def moved_by(*lines: str) -> bool:
            before = talk.moved_at
            for line in lines:
                await client.ask(line, "")
            return bool(talk.moved_at > before)

        assert not await moved_by("NOOP", "EHLO again.example", "RSET")
        assert await moved_by("MAIL FROM:<>")
        assert not await moved_by("RSET", "MAIL FROM:<>", "RCPT TO:<nobody@desk.example>")
        assert await moved_by(f"RCPT TO:<{OURS}>")
        assert not await moved_by(f"RCPT TO:<{OURS}>")
        assert await moved_by("DATA")
        before = talk.moved_at
        await client.send(b"x" * smtp_crowd.PIECE)
        await client.send(b"\r\n.\r\n")
        await client.expect("250")
        assert talk.moved_at > before
        assert talk.stage is smtp_crowd.Stage.GREETED
        await client.close()


async def test_a_server_of_ours_is_not_shut_out_by_strangers(tmp_path):
    at = f"unix:{tmp_path}/lmtp"
    async with open_doors(tmp_path / "spool", lmtp=at, max_connections=2) as doors:
        ours = await Client.greeted(at, "LHLO")
        stranger = await Client.greeted(doors.smtp_at)
        others = [await Client.connect(doors.smtp_at) for _ in range(5)]
        await stranger.expect("421 4.3.2")
        await ours.mail()
        for each in (ours, stranger, *others):
            await each.close()


@pytest.mark.parametrize(
    ("loop_factory", "shakes_hands"),
    # uvloop's own client forgets what came while it was not reading, so it is no good for the first
    [(asyncio.new_event_loop, True), (asyncio.new_event_loop, False), (uvloop.new_event_loop, False)],
)
def test_who_came_by_tls_is_let_go_as_quickly(tmp_path, loop_factory, shakes_hands):
    """TLS's goodbye would wait half a minute for theirs; and some never come to the end of the handshake."""

    async def scenario():
        async with open_doors(tmp_path / "spool", tls_certificate=TLS / "one.pem", max_connections=1) as doors:
            slow = await Client.greeted(doors.smtp_at)
            await slow.ask("STARTTLS", "220")
            if shakes_hands:
                trusting = ssl.create_default_context(cafile=str(TLS / "one.pem"))
                await slow.writer.start_tls(trusting, server_hostname="one.desk.example")
                await slow.ask("EHLO slow.example", "250")
            else:
                await slow.send(b"\x16\x03\x01")
            theirs = cast("asyncio.Transport", slow.writer.transport)
            theirs.pause_reading()
            real = await Client.greeted(doors.smtp_at)
            await doors.until(lambda: doors.connections == 1)
            await real.mail()
            assert doors.counts["refused.crowded-out"] == 1
            theirs.resume_reading()
            if shakes_hands:
                await slow.expect("421 4.3.2")
            await real.close()
            theirs.abort()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(scenario(), 20))


# -- clients that wait for nothing


async def test_answers_that_nobody_reads_do_not_pile_up(tmp_path):
    """Mails pipelined without end, and not one answer read: we stop reading, too."""
    async with open_doors(tmp_path / "spool") as doors:
        doors.limits.idle_seconds = 0.5
        client = await Client.greeted(doors.smtp_at)
        (talk,) = doors._talks
        ours, theirs = cast("asyncio.Transport", talk.transport), cast("asyncio.Transport", client.writer.transport)
        ours.set_write_buffer_limits(high=4096)
        theirs.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        ours.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024)
        theirs.pause_reading()
        most = 0
        one = b"VRFY x\r\n" * 90 + b"MAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n"

        async def flood() -> None:
            with suppress(ConnectionError):
                while True:
                    await client.send(one)

        flooding = asyncio.create_task(flood())

        def look() -> bool:
            nonlocal most
            most = max(most, ours.get_write_buffer_size())
            return doors.connections == 0

        await doors.until(look)
        flooding.cancel()
        assert 0 < most < 8192
        assert len(talk._reader._buffer) <= 2 * talk.line_length_limit + 262_144  # type: ignore[attr-defined]
        assert doors.counts["refused.idle"] == 1
        theirs.abort()


async def test_recipients_that_are_put_off_have_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("helpdeskd.sources.smtp_talk.MAX_COMMANDS", 50)
    async with open_doors(tmp_path / "spool", max_recipients=1) as doors:
        client = await Client.greeted(doors.smtp_at)
        await client.envelope()
        await client.send(f"RCPT TO:<{OURS}>\r\n".encode() * 100)
        await client.expect(*["452"] * 48, "421 4.7.0")
        await client.close()
        assert doors.counts["refused.too-many-commands"] == 1


async def test_who_does_not_wait_for_the_greetings_answer_is_taken_and_noted(tmp_path):
    async with open_doors(tmp_path / "spool") as doors:
        client = await Client.connect(doors.smtp_at)
        await client.send(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\n")
        await client.expect("220", "250", "250", "250")
        await client.ask("DATA", "354")
        await client.send(MAIL + b".\r\n")
        await client.expect("250")
        assert doors.only_mail()[0].hasty == "EHLO"
        await client.close()
        patient = await Client.greeted(doors.smtp_at)
        await patient.mail()
        assert doors.mails()[1][0].hasty == ""
        await patient.close()
