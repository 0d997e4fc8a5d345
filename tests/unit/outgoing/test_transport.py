"""The relay against a scripted server: every end a mail can come to, and why."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from helpdeskd import config
from helpdeskd.errors import StoreDown
from helpdeskd.model.outgoing import Ended
from helpdeskd.outgoing.transport import Relay
from helpdeskd.outgoing.wire import address, server_id
from tests.sink import CERTIFICATE, DROP, HANG_UP, SILENCE, Sink

MAIL = b"Subject: one\r\n\r\nHello.\r\n.hidden dot\r\n"
SENDER, RECIPIENT = "support@example.org", "jane@example.net"


def relay(sink: Sink, *, after_dot: float | None = None, **settings) -> Relay:
    settings = {"relay": sink.relay, "security": "none", **settings}
    return Relay(config.Outgoing(**settings), helo="desk.example.org", after_dot_seconds=after_dot)


@pytest.fixture
async def sink():
    async with Sink() as made:
        yield made


async def test_a_mail_arrives_whole_and_the_servers_id_is_read(sink):
    out = relay(sink)
    sent = await out.send(SENDER, RECIPIENT, MAIL)
    assert (sent.ended, sent.code, sent.server_id) == (Ended.SENT, 250, "SINK0001")
    assert sent.words == "250 2.0.0 Ok: queued as SINK0001"
    caught = sink.mails[0]
    assert (caught.sender, caught.recipients, caught.data) == (SENDER, (RECIPIENT,), MAIL)
    assert f"SIZE={len(MAIL)}" in caught.options
    assert "SMTPUTF8" not in caught.options
    assert "8BITMIME" not in caught.options
    await out.close()


@pytest.mark.parametrize(
    ("stage", "reply", "ended", "code"),
    [
        ("greeting", "421 4.3.2 not now", Ended.RETRY, 421),
        ("greeting", "554 5.3.2 go away", Ended.RETRY, 554),  # the session's trouble, not the mail's
        ("greeting", DROP, Ended.RETRY, 0),
        ("greeting", "what is this", Ended.RETRY, -1),
        ("ehlo", DROP, Ended.RETRY, 0),
        ("mail", "451 4.3.0 local error", Ended.RETRY, 451),
        ("mail", "421 4.3.2 closing", Ended.RETRY, 421),
        ("mail", "530 5.7.0 log in first", Ended.RETRY, 530),
        ("mail", "553 5.1.8 sender unknown", Ended.REFUSED, 553),
        ("mail", "552 5.3.4 too big", Ended.REFUSED, 552),
        ("mail", HANG_UP, Ended.RETRY, 0),
        ("rcpt", "450 4.2.0 greylisted", Ended.RETRY, 450),
        ("rcpt", "452 4.2.2 mailbox full", Ended.RETRY, 452),
        ("rcpt", "421 4.7.0 too fast", Ended.RETRY, 421),
        ("rcpt", "550 5.1.1 no such user", Ended.REFUSED, 550),
        ("rcpt", "552 5.2.2 mailbox full", Ended.REFUSED, 552),
        ("rcpt", DROP, Ended.RETRY, 0),
        ("rcpt", "rubbish", Ended.RETRY, 0),
        ("data", "451 4.3.0 try later", Ended.RETRY, 451),
        ("data", "554 5.5.1 no valid recipients", Ended.REFUSED, 554),
        ("data", DROP, Ended.RETRY, 0),
        ("dot", "451 4.7.1 try again", Ended.RETRY, 451),
        ("dot", "421 4.3.2 closing", Ended.RETRY, 421),
        ("dot", "552 5.3.4 too big", Ended.REFUSED, 552),
        ("dot", "554 5.7.1 spam", Ended.REFUSED, 554),
        ("dot", DROP, Ended.UNCERTAIN, 0),
        ("dot", HANG_UP, Ended.UNCERTAIN, 0),
        ("dot", "rubbish", Ended.UNCERTAIN, 0),
        ("dot", "354 go on", Ended.UNCERTAIN, 354),
    ],
)
async def test_each_stage(sink, stage, reply, ended, code):
    out = relay(sink)
    sink.say(stage, reply)
    sent = await out.send(SENDER, RECIPIENT, MAIL)
    assert (sent.ended, sent.code) == (ended, code), sent
    assert sent.words
    assert "\n" not in sent.words
    if code > 0:
        assert sent.words.startswith(reply.split(" ", 1)[0])
    # Whatever it was, the next mail goes out.
    sent = await out.send(SENDER, RECIPIENT, MAIL)
    assert sent.ended is Ended.SENT, sent
    await out.close()


async def test_the_callers_word_comes_between_the_last_byte_and_the_dot(sink):
    out, seen = relay(sink), []

    async def before_dot() -> None:
        seen.append((sink.commands[-1], len(sink.mails)))

    sink.say("rcpt", "550 5.1.1 no such user")
    assert (await out.send(SENDER, RECIPIENT, MAIL, before_dot)).ended is Ended.REFUSED
    assert seen == [], "a refused mail gets no dot"
    assert (await out.send(SENDER, RECIPIENT, MAIL, before_dot)).ended is Ended.SENT
    assert seen == [("DATA", 0)]
    await out.close()


async def test_a_caller_that_cannot_say_it_gives_the_relay_no_mail(sink):
    out = relay(sink)

    async def before_dot() -> None:
        raise StoreDown("the disk is gone")

    with pytest.raises(StoreDown):
        await out.send(SENDER, RECIPIENT, MAIL, before_dot)
    assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.SENT
    assert [caught.connection for caught in sink.mails] == [2], "half a mail on the wire: that connection is gone"
    await out.close()


async def test_251_will_forward_is_a_yes(sink):
    out = relay(sink)
    sink.say("rcpt", "251 2.1.5 will forward")
    assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.SENT
    await out.close()


async def test_silence_before_the_dot_is_a_retry(sink):
    out = relay(sink, timeout_seconds=0.05)
    for stage in ("greeting", "ehlo", "mail", "rcpt", "data"):
        sink.say(stage, SILENCE)
        sent = await out.send(SENDER, RECIPIENT, MAIL)
        assert sent.ended is Ended.RETRY, (stage, sent)
        assert "imed out" in sent.words
    await out.close()


async def test_silence_after_the_dot_is_uncertain(sink):
    out = relay(sink, after_dot=0.05)
    sink.say("dot", SILENCE)
    sent = await out.send(SENDER, RECIPIENT, MAIL)
    assert sent.ended is Ended.UNCERTAIN
    assert "after the final dot" in sent.words
    assert len(sink.mails) == 1
    await out.close()


async def test_the_answer_to_the_dot_is_awaited_ten_times_as_long():
    assert Relay(config.Outgoing(relay="x"))._after_dot == 600  # RFC 5321 section 4.5.3.2.6: ten minutes


async def reading_a_little(then):
    """A server that takes the envelope and a thousand bytes, and then does as it likes. -> (port, done)"""
    done = asyncio.Event()

    async def serve(reader, writer):
        writer.write(b"220 hello\r\n")
        for answer in (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await reader.readuntil(b"\r\n")
            writer.write(answer)
        await reader.readexactly(1000)
        with contextlib.suppress(ConnectionError):
            await then(reader, writer)
        writer.transport.abort()
        server.close()
        done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1], done


BIG = (b"y" * 76 + b"\r\n") * 500_000  # more than any kernel buffers


async def test_a_big_mail_that_the_relay_stops_reading_never_got_its_dot():
    """The connection breaks while the kernel still refuses bytes: the dot cannot have gone out, so this is no uncertainty."""

    async def abort(reader, writer):
        writer.transport.abort()

    port, done = await reading_a_little(abort)
    sent = await Relay(config.Outgoing(relay=f"127.0.0.1:{port}", security="none"), helo="h").send("", RECIPIENT, BIG)
    assert sent.ended is Ended.RETRY, sent
    await done.wait()


async def test_a_refusal_in_the_middle_of_a_big_mail_is_heard():
    async def refuse(reader, writer):
        writer.write(b"552 5.3.4 that is enough\r\n")
        while await reader.read(1 << 16):
            pass

    port, done = await reading_a_little(refuse)
    sent = await Relay(config.Outgoing(relay=f"127.0.0.1:{port}", security="none"), helo="h").send("", RECIPIENT, BIG)
    assert (sent.ended, sent.code) == (Ended.REFUSED, 552)
    await done.wait()


async def test_an_answer_before_the_dot_is_never_an_acceptance():
    async def too_early(reader, writer):
        writer.write(b"250 2.0.0 Ok: queued as ABC\r\n")
        while await reader.read(1 << 16):
            pass

    port, done = await reading_a_little(too_early)
    sent = await Relay(config.Outgoing(relay=f"127.0.0.1:{port}", security="none"), helo="h").send("", RECIPIENT, BIG)
    assert sent.ended is Ended.RETRY
    await done.wait()


async def test_a_relay_that_reads_no_further_is_left():
    async def wait(reader, writer):
        writer.transport.pause_reading()
        await left.wait()

    left = asyncio.Event()
    port, done = await reading_a_little(wait)
    out = Relay(config.Outgoing(relay=f"127.0.0.1:{port}", security="none"), helo="h", after_dot_seconds=0.05)
    sent = await out.send("", RECIPIENT, BIG)
    assert (sent.ended, "stopped reading" in sent.words) == (Ended.RETRY, True)
    left.set()
    await done.wait()


async def test_a_big_mail_arrives_whole(sink):
    out = relay(sink)
    raw = b".".join(b"%08d" % n + b"\r\n" for n in range(300_000))
    assert (await out.send(SENDER, RECIPIENT, raw)).ended is Ended.SENT
    assert sink.mails[0].data == raw
    await out.close()


async def test_line_ends_are_made_right_and_dots_are_stuffed(sink):
    out = relay(sink)
    await out.send(SENDER, RECIPIENT, b".a\n.b\r.c\r\n..d")
    assert sink.mails[0].data == b".a\r\n.b\r\n.c\r\n..d\r\n"
    await out.close()


async def test_no_relay_no_listener_and_no_such_host():
    out = Relay(config.Outgoing())
    assert not out.configured
    assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.RETRY
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    sent = await Relay(config.Outgoing(relay=f"127.0.0.1:{port}", security="none"), helo="h").send(
        SENDER, RECIPIENT, MAIL
    )
    assert sent.ended is Ended.RETRY
    assert f"127.0.0.1:{port}" in sent.words


async def test_cancelling_passes_through_and_the_connection_is_gone(sink):
    out = relay(sink)
    gate = sink.hold()
    task = asyncio.ensure_future(out.send(SENDER, RECIPIENT, MAIL))
    await sink.arrived(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not out._idle
    gate.set()


# The pool


async def test_one_connection_carries_many_mails(sink):
    out = relay(sink)
    for _ in range(5):
        await out.send(SENDER, RECIPIENT, MAIL)
    assert (sink.connections, out.opened, len(sink.mails)) == (1, 1, 5)
    await out.close()
    assert "QUIT" in sink.commands


async def test_no_more_connections_than_allowed(sink):
    out = relay(sink, connections=3)
    gate = sink.hold()
    tasks = [asyncio.ensure_future(out.send(SENDER, RECIPIENT, MAIL)) for _ in range(9)]
    await sink.arrived(3)
    assert sink.connections == 3
    gate.set()
    assert all(s.ended is Ended.SENT for s in await asyncio.gather(*tasks))
    assert (sink.connections, len(sink.mails)) == (3, 9)
    await out.close()


@pytest.mark.parametrize("last_words", ["421 4.4.2 idle too long", DROP, HANG_UP])
async def test_a_connection_that_died_while_idle_costs_no_attempt(sink, last_words):
    out = relay(sink)
    await out.send(SENDER, RECIPIENT, MAIL)
    sink.say("mail", last_words)
    sent = await out.send(SENDER, RECIPIENT, MAIL)
    assert sent.ended is Ended.SENT
    assert (sink.connections, len(sink.mails)) == (2, 2)
    await out.close()


async def test_a_connection_that_the_server_closed_is_not_used(sink):
    out = relay(sink)
    await out.send(SENDER, RECIPIENT, MAIL)
    await sink.kick()
    assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.SENT
    assert sink.connections == 2
    await out.close()


async def test_a_worn_connection_is_put_down_politely(sink):
    out = relay(sink)
    await out.send(SENDER, RECIPIENT, MAIL)
    out._idle[0].uses = 100
    await out.send(SENDER, RECIPIENT, MAIL)
    out._idle[0].born -= 301
    await out.send(SENDER, RECIPIENT, MAIL)
    assert sink.connections == 3
    assert sink.commands.count("QUIT") == 2
    await out.close()


async def test_after_a_refusal_the_envelope_is_reset_and_the_connection_kept(sink):
    out = relay(sink)
    sink.refuse("gone@example.net", "550 5.1.1 gone")
    assert (await out.send(SENDER, "gone@example.net", MAIL)).ended is Ended.REFUSED
    assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.SENT
    assert sink.connections == 1
    assert "RSET" in sink.commands
    assert sink.mails[0].recipients == (RECIPIENT,)
    await out.close()


async def test_an_idle_connection_is_given_back(sink):
    out = relay(sink)
    await out.send(SENDER, RECIPIENT, MAIL)
    link = out._idle[0]
    assert link.expiry is not None
    out._expire(link)
    assert not out._idle
    assert not link.smtp.is_connected
    await out.close()


# TLS and login


async def test_starttls_with_a_certificate_of_our_own_ca():
    async with Sink(starttls=True, users={"desk": "s3cret"}) as sink:
        out = relay(sink, security="starttls", ca_file=CERTIFICATE, user="desk", password="s3cret")
        assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.SENT
        assert (sink.mails[0].tls, sink.mails[0].user) == (True, "desk")
        await out.close()


async def test_tls_from_the_first_byte():
    async with Sink(tls=True) as sink:
        out = relay(sink, security="tls", ca_file=CERTIFICATE)
        raw = (b"z" * 76 + b"\r\n") * 50_000
        assert (await out.send(SENDER, RECIPIENT, raw)).ended is Ended.SENT
        assert sink.mails[0].data == raw
        await out.close()


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_nobody_vouches_for_is_refused_with_words(security):
    async with Sink(tls=security == "tls", starttls=security == "starttls") as sink:
        sent = await relay(sink, security=security).send(SENDER, RECIPIENT, MAIL)
        assert sent.ended is Ended.RETRY
        assert "not trusted" in sent.words
        assert not sink.mails


async def test_starttls_demanded_but_not_offered_is_never_sent_in_the_clear(sink):
    sent = await relay(sink, security="starttls").send(SENDER, RECIPIENT, MAIL)
    assert sent.ended is Ended.RETRY
    assert "offers no STARTTLS" in sent.words
    assert not sink.mails


async def test_a_wrong_password_defers_and_never_shows(tmp_path: Path):
    secret = tmp_path / "password"
    secret.write_text("wrong-horse\n")
    async with Sink(users={"desk": "s3cret"}) as sink:
        out = relay(sink, user="desk", password_file=secret)
        sent = await out.send(SENDER, RECIPIENT, MAIL)
        assert (sent.ended, sent.code) == (Ended.RETRY, 535)
        assert "desk" in sent.words
        assert "wrong-horse" not in sent.words
        secret.write_text("s3cret\n")  # read again at each connection: no restart needed
        assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.SENT
        secret.unlink()
        await out.close()
        sent = await out.send(SENDER, RECIPIENT, MAIL)
        assert sent.ended is Ended.RETRY
        assert "password_file" in sent.words


async def test_a_login_the_server_does_not_offer_and_a_ca_file_that_is_not_there(sink, tmp_path):
    sent = await relay(sink, user="desk", password="x").send(SENDER, RECIPIENT, MAIL)
    assert (sent.ended, "no login" in sent.words) == (Ended.RETRY, True)
    sent = await relay(sink, security="tls", ca_file=tmp_path / "none.pem").send(SENDER, RECIPIENT, MAIL)
    assert (sent.ended, "ca_file" in sent.words) == (Ended.RETRY, True)


# Addresses


async def test_smtputf8_only_where_a_local_part_needs_it(sink):
    out = relay(sink)
    await out.send(SENDER, "jane@bücher.example", MAIL)
    assert sink.mails[-1].recipients == ("jane@xn--bcher-kva.example",)
    assert "SMTPUTF8" not in sink.mails[-1].options
    await out.send(SENDER, "jürgen@example.net", "Subject: ü\r\n\r\nü\r\n".encode())
    assert sink.mails[-1].recipients == ("jürgen@example.net",)
    assert "SMTPUTF8" in sink.mails[-1].options
    assert "BODY=8BITMIME" in sink.mails[-1].options
    await out.close()


async def test_smtputf8_needed_but_not_offered():
    async with Sink(extensions=()) as sink:
        out = relay(sink)
        sent = await out.send(SENDER, "jürgen@example.net", MAIL)
        assert (sent.ended, "SMTPUTF8" in sent.words) == (Ended.REFUSED, True)
        assert (await out.send(SENDER, RECIPIENT, MAIL)).ended is Ended.SENT
        assert not sink.mails[-1].options
        await out.close()


@pytest.mark.parametrize(
    "recipient", ["", "a b@example.org", "a>\r\nRCPT TO:<b@example.org", "<a@b>", "a@\x00b", "a\ud800@example.org"]
)
async def test_what_is_no_address_never_reaches_the_wire(sink, recipient):
    sent = await relay(sink).send(SENDER, recipient, MAIL)
    assert sent.ended is Ended.REFUSED
    assert sink.connections == 0


async def test_the_null_path_can_be_a_sender(sink):
    out = relay(sink)
    assert (await out.send("", RECIPIENT, MAIL)).ended is Ended.SENT
    assert sink.mails[0].sender == ""
    await out.close()


@pytest.mark.parametrize(
    ("relay", "security", "expected"),
    [
        ("mail.example.org", "starttls", ("mail.example.org", 587)),
        ("mail.example.org", "tls", ("mail.example.org", 465)),
        ("mail.example.org", "none", ("mail.example.org", 25)),
        ("mail.example.org:2525", "tls", ("mail.example.org", 2525)),
        ("[::1]:2525", "none", ("::1", 2525)),
        ("[::1]", "none", ("::1", 25)),
        ("::1", "none", ("::1", 25)),
    ],
)
def test_relay_addresses(relay, security, expected):
    assert address(config.Outgoing(relay=relay, security=security)) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("2.0.0 Ok: queued as 4XyZ12abc", "4XyZ12abc"),
        ("2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9F8A", "9F8A"),
        ("OK id=1rVfCQ-0001Ab-2C", "1rVfCQ-0001Ab-2C"),
        ("2.0.0 4121ab7c Message accepted for delivery", "4121ab7c"),
        ("2.0.0 Message accepted for delivery", ""),
        ("2.0.0 OK  1763800000 d9443c01a7336-29b5.123 - gsmtp", "d9443c01a7336-29b5.123"),
        ("Ok 0102018c1234-aaaa-000000", "0102018c1234-aaaa-000000"),
        ("ok 1700000000 qp 4321", "1700000000"),
        ("OK", ""),
        ("OK accepted, thank you", ""),
    ],
)
def test_server_ids(message, expected):
    assert server_id(message) == expected
