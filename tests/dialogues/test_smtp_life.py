"""The life of a connection: TLS, time, caps, peers that hang up, and doors that open and close."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop
from structlog.testing import capture_logs

from helpdeskd import spool
from helpdeskd.errors import ConfigError
from helpdeskd.sources.smtp_talk import Talk
from tests.dialogues.dialogue import ALSO_OURS, MAIL, OURS, Client, make_doors, open_doors

TLS = Path(__file__).parent / "tls"
LOOPS = pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])


@pytest.fixture
async def doors(tmp_path):
    async with open_doors(tmp_path / "spool") as opened:
        yield opened


# -- TLS


def trusting(name: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(TLS / f"{name}.pem"))


async def start_tls(client: Client, name: str = "one") -> None:
    await client.ask("STARTTLS", "220")
    await client.writer.start_tls(trusting(name), server_hostname=f"{name}.desk.example")


@LOOPS
def test_starttls(tmp_path, loop_factory):
    async def scenario():
        async with open_doors(tmp_path / "spool", tls_certificate=TLS / "one.pem") as doors:
            client = await Client.connect(doors.smtp_at)
            await client.expect("220")
            assert "250-STARTTLS" in await client.ask("EHLO client.example", "250")
            await client.ask("STARTTLS now", "501")
            await client.envelope()
            await start_tls(client)
            # RFC 3207 section 4.2: nothing said in the clear counts
            await client.ask("MAIL FROM:<ada@client.example>", "503")
            assert not any("STARTTLS" in line for line in await client.ask("EHLO client.example", "250"))
            await client.ask("STARTTLS", "502")
            await client.mail(b"Subject: in private\r\n\r\n" + b"x" * 500_000 + b"\r\n")
            await client.ask("QUIT", "221")
            await client.close()
            envelope, raw = doors.only_mail()
            assert raw == b"Subject: in private\r\n\r\n" + b"x" * 500_000 + b"\r\n"
            assert envelope.peer == "127.0.0.1"
            await doors.until(lambda: doors.connections == 0)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


@pytest.mark.parametrize(
    "injected", [b"NOOP\r\n", b"M", b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<support@desk.example>\r\n"]
)
async def test_what_was_sent_in_the_clear_never_counts_as_private(tmp_path, injected):
    """STARTTLS injection (CVE-2011-0411, CVE-2024-34083): commands put behind STARTTLS by somebody on the way."""
    async with open_doors(tmp_path / "spool", tls_certificate=TLS / "one.pem") as doors:
        client = await Client.greeted(doors.smtp_at)
        await client.send(b"STARTTLS\r\n" + injected)
        await client.expect("501 5.5.1")
        await client.closed()
        assert doors.counts["refused.injection"] == 1


async def test_a_failed_handshake_ends_only_this_connection(tmp_path):
    async with open_doors(tmp_path / "spool", tls_certificate=TLS / "one.pem") as doors:
        client = await Client.greeted(doors.smtp_at)
        await client.ask("STARTTLS", "220")
        await client.send(b"MAIL FROM:<in the clear>\r\n" * 20)
        with suppress(ConnectionError):
            await client.reader.read()
        await client.close()
        await doors.until(lambda: doors.connections == 0)
        assert doors.counts["refused.tls-failed"] == 1
        other = await Client.greeted(doors.smtp_at)
        await start_tls(other)
        await other.ask("EHLO client.example", "250")
        await other.close()


async def test_a_client_that_hangs_up_in_the_handshake(tmp_path):
    async with open_doors(tmp_path / "spool", tls_certificate=TLS / "one.pem") as doors:
        client = await Client.greeted(doors.smtp_at)
        await client.ask("STARTTLS", "220")
        await client.close()
        await doors.until(lambda: doors.connections == 0)


async def test_reload_brings_a_new_certificate_and_keeps_the_old_when_it_is_bad(tmp_path):
    pem = tmp_path / "current.pem"
    shutil.copy(TLS / "one.pem", pem)
    async with open_doors(tmp_path / "spool", tls_certificate=pem) as doors:
        shutil.copy(TLS / "two.pem", pem)
        doors.reload()
        client = await Client.greeted(doors.smtp_at)
        await start_tls(client, "two")
        await client.close()
        pem.write_text("no certificate")
        with capture_logs() as lines:
            doors.reload()
        assert [line["event"] for line in lines] == ["trouble"]
        client = await Client.greeted(doors.smtp_at)
        await start_tls(client, "two")
        await client.close()


# -- time


@LOOPS
def test_an_idle_client_is_told_and_left(tmp_path, loop_factory):
    async def scenario():
        async with open_doors(tmp_path / "spool") as doors:
            doors.limits.idle_seconds = 0.05
            client = await Client.connect(doors.smtp_at)
            await client.expect("220", "421 4.4.2")
            await client.closed()
            assert doors.counts["refused.idle"] == 1

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


async def test_an_idle_client_in_data_is_left_and_nothing_is_kept(doors):
    client = await Client.greeted(doors.smtp_at)
    doors.limits.idle_seconds = 0.05
    await client.begin_data()
    await client.send(MAIL)
    await client.expect("421 4.4.2")
    await client.closed()
    assert doors.mails() == []
    assert doors.counts["refused.idle"] == 1


async def test_bytes_count_as_life_in_data_only(doors, monkeypatch):
    came, take = asyncio.Event(), Talk.data_received

    def note(talk, data):
        take(talk, data)
        came.set()

    monkeypatch.setattr(Talk, "data_received", note)
    client = await Client.greeted(doors.smtp_at)
    (talk,) = doors._talks

    async def moved_by(data: bytes) -> bool:
        before = talk._quiet_until
        talk._quiet_until -= 1
        came.clear()
        await client.send(data)
        await came.wait()
        return bool(talk._quiet_until >= before)

    assert not await moved_by(b"NO")
    await client.ask("OP", "250")
    await client.begin_data()
    assert await moved_by(b"x")
    await client.close()


async def test_bytes_in_data_count_as_life_up_to_the_cap(doors):
    client = await Client.greeted(doors.smtp_at)
    doors.limits.idle_seconds = 60.0
    doors.limits.data_seconds = 0.2
    await client.begin_data()

    async def drip() -> None:
        with suppress(ConnectionError):
            while True:
                await client.send(b"x")
                await asyncio.sleep(0)

    drops = asyncio.create_task(drip())
    await client.expect("421 4.4.2")
    drops.cancel()
    await client.close()
    assert doors.counts["refused.too-slow"] == 1


async def test_a_slow_disk_is_not_the_clients_silence(doors, monkeypatch):
    started, go = asyncio.Event(), threading.Event()
    loop, put = asyncio.get_running_loop(), spool.put
    looked = asyncio.Event()

    def slow(*args):
        loop.call_soon_threadsafe(started.set)
        go.wait()
        return put(*args)

    monkeypatch.setattr(spool, "put", slow)
    client = await Client.greeted(doors.smtp_at)
    await client.begin_data()
    doors.limits.idle_seconds = 0.02
    (talk,) = doors._talks
    look = talk._timeout_cb

    def note() -> None:
        look()
        looked.set()

    monkeypatch.setattr(talk, "_timeout_cb", note)
    await client.send(MAIL + b".\r\n")
    await started.wait()
    await looked.wait()  # the timer fired while we were at work
    doors.limits.idle_seconds = 60.0
    go.set()
    await client.expect("250")
    await client.close()


async def test_a_client_that_does_not_read_is_cut_off(doors):
    client = await Client.greeted(doors.smtp_at)
    (talk,) = doors._talks
    talk.transport.write(b"x" * 20_000_000)  # more than any socket buffer takes
    talk.dismiss("421 4.4.2 timeout, closing")
    await doors.until(lambda: doors.connections == 0)
    await client.close()


# -- caps


async def test_too_many_connections(tmp_path):
    async with open_doors(tmp_path / "spool", max_connections=2) as doors:
        first, second = await Client.greeted(doors.smtp_at), await Client.greeted(doors.smtp_at)
        for busy in (first, second):
            await busy.envelope()
        third = await Client.connect(doors.smtp_at)
        await third.expect("421 4.3.2")
        await third.closed()
        await first.close()
        await doors.until(lambda: doors.connections == 1)
        fourth = await Client.greeted(doors.smtp_at)
        await fourth.close()
        await second.close()
        assert doors.counts["refused.too-many-connections"] == 1


async def test_too_many_connections_from_one_client(tmp_path):
    async with open_doors(tmp_path / "spool", max_connections_per_client=1) as doors:
        first = await Client.greeted(doors.smtp_at)
        second = await Client.connect(doors.smtp_at)
        await second.expect("421 4.7.0")
        await second.closed()
        neighbour = await Client.greeted(doors.smtp_at, source="127.0.0.2")
        await neighbour.mail()
        assert doors.only_mail()[0].peer == "127.0.0.2"
        await neighbour.close()
        await first.close()
        await doors.until(lambda: doors.connections == 0)
        assert doors._clients == {}
        again = await Client.greeted(doors.smtp_at)
        await again.close()


async def test_too_many_errors(tmp_path):
    async with open_doors(tmp_path / "spool", max_errors=3) as doors:
        client = await Client.greeted(doors.smtp_at)
        await client.ask("MAIL FROM:<>", "250")
        await client.ask("RCPT TO:<a@desk.example>", "550")
        await client.ask("RCPT TO:<b@desk.example>", "550")
        await client.ask("RCPT TO:<c@desk.example>", "550", "421 4.7.0")
        await client.closed()
        assert doors.counts["refused.too-many-errors"] == 1


async def test_a_mail_makes_good_for_errors(tmp_path):
    async with open_doors(tmp_path / "spool", max_errors=3) as doors:
        client = await Client.greeted(doors.smtp_at)
        for _ in range(3):
            await client.ask("EXPN all", "502")
            await client.ask("EXPN all", "502")
            await client.mail()
        await client.close()
        assert doors.counts["accepted"] == 3


async def test_our_own_trouble_is_no_error_of_the_clients(tmp_path):
    async with open_doors(tmp_path / "spool", max_errors=2) as doors:
        client = await Client.greeted(doors.smtp_at)
        await client.ask("MAIL FROM:<>", "250")
        for _ in range(4):
            await client.ask("RCPT TO:<later@desk.example>", "451")
        await client.close()


async def test_commands_without_a_mail_have_an_end(doors):
    client = await Client.greeted(doors.smtp_at)
    await client.send(b"NOOP\r\n" * 200)
    await client.expect(*["250"] * 100, "421 4.7.0")
    await client.close()
    assert doors.counts["refused.too-many-commands"] == 1


async def test_a_browser_is_shown_out(doors):
    client = await Client.connect(doors.smtp_at)
    await client.send(
        b"POST / HTTP/1.1\r\nHost: mx\r\n\r\nEHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<support@desk.example>\r\n"
    )
    await client.expect("220", "421 4.7.0")
    await client.close()
    assert doors.counts["refused.not-mail"] == 1


# -- peers that hang up


@LOOPS
def test_all_at_once_and_gone_keeps_the_mail(tmp_path, loop_factory):
    """The dot and the end of the connection arrive together: the mail was sent, so it is kept."""

    async def scenario():
        async with open_doors(tmp_path / "spool") as doors:
            for number in range(20):
                client = await Client.greeted(doors.smtp_at)
                await client.begin_data()
                client.writer.write(b"Subject: %d\r\n\r\n.\r\n" % number)
                await client.close()
            await doors.until(lambda: doors.counts["accepted"] == 20)
            assert len(doors.mails()) == 20

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


@LOOPS
def test_a_script_that_half_closes_gets_its_answers(tmp_path, loop_factory):
    async def scenario():
        async with open_doors(tmp_path / "spool") as doors:
            client = await Client.connect(doors.smtp_at)
            one = b"MAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n"
            client.writer.write(b"EHLO x\r\n" + one + one)
            client.writer.write_eof()
            await client.expect("220", "250", *(["250", "250", "354", "250"] * 2))
            await client.closed()
            assert len(doors.mails()) == 2

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


@LOOPS
def test_a_reset_while_we_write_keeps_the_mail(tmp_path, loop_factory, monkeypatch):
    async def scenario():
        loop, put = asyncio.get_running_loop(), spool.put
        started, go = asyncio.Event(), threading.Event()

        def slow(*args):
            loop.call_soon_threadsafe(started.set)
            go.wait()
            return put(*args)

        monkeypatch.setattr(spool, "put", slow)
        async with open_doors(tmp_path / "spool") as doors:
            client = await Client.greeted(doors.smtp_at)
            await client.begin_data()
            await client.send(MAIL + b".\r\n")
            await started.wait()
            client.reset()
            await doors.until(lambda: doors.connections == 0)
            go.set()
            await doors.until(lambda: doors.counts["accepted"] == 1)
            assert doors.only_mail()[1] == MAIL

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


async def test_a_mail_that_fails_when_nobody_listens_any_more(doors, monkeypatch):
    loop = asyncio.get_running_loop()
    started, go = asyncio.Event(), threading.Event()

    def slow(*_args):
        loop.call_soon_threadsafe(started.set)
        go.wait()
        raise OSError("the disk burns")

    monkeypatch.setattr(spool, "put", slow)
    client = await Client.greeted(doors.smtp_at)
    await client.begin_data()
    await client.send(MAIL + b".\r\n")
    await started.wait()
    client.reset()
    await doors.until(lambda: doors.connections == 0)
    with capture_logs() as lines:
        go.set()
        await doors.stop()
    assert doors.counts["accepted"] == 0
    assert [line["error"] for line in lines if line["event"] == "trouble"] == ["OSError('the disk burns')"]


@pytest.mark.parametrize("sent", [b"", b"Subject: half", MAIL, MAIL + b".\r", b"x" * 3_000_000])
async def test_hanging_up_before_the_dot_keeps_nothing(doors, sent):
    client = await Client.greeted(doors.smtp_at)
    await client.begin_data()
    await client.send(sent)
    await client.close()
    await doors.until(lambda: doors.connections == 0)
    assert doors.mails() == []
    assert list(Path(doors.scratch).iterdir()) == []


async def test_hanging_up_at_once(doors):
    for _ in range(5):
        client = await Client.connect(doors.smtp_at)
        client.reset()
    await doors.until(lambda: doors.connections == 0)
    client = await Client.greeted(doors.smtp_at)
    await client.close()


# -- opening and closing


async def test_stopping_lets_a_mail_finish_and_shows_the_others_out(doors):
    busy, idle = await Client.greeted(doors.smtp_at), await Client.greeted(doors.smtp_at)
    at = doors.smtp_at
    await busy.begin_data(OURS, ALSO_OURS)
    await busy.send(MAIL)
    stopping = asyncio.create_task(doors.stop())
    await idle.expect("421 4.3.2")
    await idle.closed()
    with pytest.raises(ConnectionError):
        await Client.connect(at)
    await busy.send(b".\r\n")
    await busy.expect("250", "421 4.3.2")
    await busy.closed()
    await stopping
    assert doors.only_mail()[1] == MAIL


async def test_stopping_does_not_wait_for_ever(doors, monkeypatch):
    monkeypatch.setattr("helpdeskd.sources.smtp.FINISH_SECONDS", 0.05)
    client = await Client.greeted(doors.smtp_at)
    await client.begin_data()
    await doors.stop()
    await client.closed()
    assert doors.mails() == []


async def test_stopping_waits_for_what_is_being_written(doors, monkeypatch):
    loop, put = asyncio.get_running_loop(), spool.put
    started, go = asyncio.Event(), threading.Event()

    def slow(*args):
        loop.call_soon_threadsafe(started.set)
        go.wait()
        return put(*args)

    monkeypatch.setattr(spool, "put", slow)
    client = await Client.greeted(doors.smtp_at)
    await client.begin_data()
    await client.send(MAIL + b".\r\n")
    await started.wait()
    stopping = asyncio.create_task(doors.stop())
    go.set()
    await client.expect("250", "421")
    await client.closed()
    await stopping
    assert doors.only_mail()[1] == MAIL


async def test_stopping_waits_for_a_mail_whose_sender_is_gone(doors, monkeypatch):
    loop, put = asyncio.get_running_loop(), spool.put
    started, go = asyncio.Event(), threading.Event()

    def slow(*args):
        loop.call_soon_threadsafe(started.set)
        go.wait()
        return put(*args)

    monkeypatch.setattr(spool, "put", slow)
    client = await Client.greeted(doors.smtp_at)
    await client.begin_data()
    await client.send(MAIL + b".\r\n")
    await started.wait()
    client.reset()
    await doors.until(lambda: doors.connections == 0)
    stopping = asyncio.create_task(doors.stop())
    loop.call_soon(go.set)  # after stop() has begun, which must leave the loop its turns
    await stopping
    assert doors.counts["accepted"] == 1
    assert doors.only_mail()[1] == MAIL


async def test_every_door_that_cannot_be_opened_is_named_and_none_stays_open(doors, tmp_path):
    other = make_doors(
        tmp_path / "other",
        listen=("127.0.0.1:0", doors.smtp_at, "nonsense", "127.0.0.1:65536"),
        lmtp=f"unix:{tmp_path}/lmtp",
        tls_certificate=tmp_path / "missing.pem",
    )
    with pytest.raises(ConfigError) as caught:
        await other.start()
    problems = caught.value.problems
    assert len(problems) == 4
    assert "missing.pem" in problems[0]
    assert problems[1].startswith(f"[smtp] listen: {doors.smtp_at}: ")
    assert problems[3].startswith("[smtp] listen: 127.0.0.1:65536: expected host:port")
    assert problems[2] == "[smtp] listen: nonsense: expected host:port or unix:/path"
    assert other.listening == []
    assert not (tmp_path / "lmtp").exists()


async def test_all_places_are_opened_and_named(tmp_path):
    async with open_doors(tmp_path / "spool", listen=("127.0.0.1:0", "[::1]:0"), lmtp=f"unix:{tmp_path}/l") as doors:
        assert [place.split(":")[0] for place in doors.listening] == ["smtp 127.0.0.1", "smtp [", "lmtp unix"]
        for place in doors.listening[:2]:
            host, _, port = place.partition(" ")[2].rpartition(":")
            assert int(port) > 0
            client = Client(*await asyncio.open_connection(host.strip("[]"), int(port)))
            await client.expect("220")
            await client.close()


async def test_the_bell_rings_for_a_mail(doors):
    bell = spool.open_bell(doors.spool_root)
    rang = asyncio.Event()
    asyncio.get_running_loop().add_reader(bell, rang.set)
    client = await Client.greeted(doors.smtp_at)
    await client.mail()
    await rang.wait()
    asyncio.get_running_loop().remove_reader(bell)
    await client.close()


async def test_without_a_name_of_our_own_it_is_the_machines(tmp_path):
    async with open_doors(tmp_path / "spool", hostname="") as doors:
        assert doors.hostname
        client = await Client.connect(doors.smtp_at)
        await client.expect(f"220 {doors.hostname} ESMTP")
        await client.close()
