"""What the SMTP door says to whom: greetings, envelopes, contents, and each refusal."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from structlog.testing import capture_logs

from helpdeskd import spool
from tests.dialogues.dialogue import ALSO_OURS, MAIL, OURS, Client, open_doors

MB = 1024 * 1024


@pytest.fixture
async def doors(tmp_path):
    async with open_doors(tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
async def client(doors):
    client = await Client.greeted(doors.smtp_at)
    yield client
    await client.close()


# -- greetings


async def test_what_is_offered(doors):
    client = await Client.connect(doors.smtp_at)
    assert await client.expect("220") == ["220 mx.desk.example ESMTP helpdeskd"]
    lines = await client.ask("EHLO client.example", "250")
    offered = {line[4:] for line in lines}
    assert offered == {
        "mx.desk.example",
        f"SIZE {50 * MB}",
        "8BITMIME",
        "SMTPUTF8",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
    }
    assert await client.ask("HELO client.example", "250") == ["250 mx.desk.example"]
    await client.ask("QUIT", "221 2.0.0")
    await client.closed()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("NOOP", "250"),
        ("noop anything", "250"),
        ("RSET", "250"),
        ("HELP", "214"),
        ("VRFY support@desk.example", "252"),
        ("VRFY nobody@desk.example", "252"),
        ("EXPN support", "502 5.5.1"),
        ("AUTH PLAIN AGEAYg==", "502 5.5.1"),
        ("STARTTLS", "502 5.5.1"),
        ("ETRN desk.example", "500 5.5.1"),
        ("", "500 5.5.1"),
        ("\xff\xfe", "500 5.5.1"),
        ("EHLO", "501 5.5.4"),
        ("HELO", "501 5.5.4"),
        ("LHLO client.example", "500 5.5.1"),
        ("x" * 3000, "500 5.5.6"),
        ("x" * 300_000, "500 5.5.6"),
        ("RCPT TO:<support@desk.example>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("MAIL", "501 5.5.4"),
        ("MAIL TO:<ada@client.example>", "501 5.5.4"),
        ("MAIL FROM:", "501 5.5.4"),
        ("MAIL FROM:<ada@client.example", "501 5.5.4"),
        ("MAIL FROM:<ada@client.example>SIZE=3", "501 5.5.4"),
        ('MAIL FROM:<"ada@client.example>', "501 5.5.4"),
        ("MAIL FROM:<ada@client.example> SIZE=many", "501 5.5.4"),
        ("MAIL FROM:<ada@client.example> SIZE", "501 5.5.4"),
        ("MAIL FROM:<ada@client.example> BODY=BINARYMIME", "501 5.5.4"),
        ("MAIL FROM:<ada@client.example> SMTPUTF8=yes", "501 5.5.4"),
        ("MAIL FROM:<ada@client.example> RET=HDRS", "555 5.5.4"),
        ("MAIL FROM:<a\x01da@client.example>", "553 5.1.7"),
        (b"MAIL FROM:<ad\xe4@client.example> SMTPUTF8", "553 5.1.7"),
        (f"MAIL FROM:<ada@client.example> SIZE={50 * MB + 1}", "552 5.3.4"),
        ("MAIL FROM:<ada@client.example> SIZE=" + "9" * 200, "552 5.3.4"),
        (f"MAIL FROM:<ada@client.example> SIZE={50 * MB}", "250 2.1.0"),
        ("MAIL FROM:<ada@client.example> size=10 body=8bitmime smtputf8", "250 2.1.0"),
        ("MAIL FROM: <ada@client.example>", "250 2.1.0"),
        ("MAIL FROM:ada@client.example", "250 2.1.0"),
        ("mail from:<>", "250 2.1.0"),
    ],
)
async def test_one_command(client, line, answer):
    await client.ask(line, answer)
    await client.ask("NOOP", "250")


async def test_commands_out_of_order(doors):
    client = await Client.connect(doors.smtp_at)
    await client.expect("220")
    await client.ask("MAIL FROM:<ada@client.example>", "503 5.5.1")
    await client.ask("EHLO client.example", "250")
    await client.ask("MAIL FROM:<>", "250")
    await client.ask("MAIL FROM:<ada@client.example>", "503 5.5.1")
    await client.ask("DATA", "503 5.5.1")
    await client.ask(f"RCPT TO:<{OURS}>", "250")
    await client.ask("DATA now", "501 5.5.4")
    await client.ask("RSET", "250")
    await client.ask(f"RCPT TO:<{OURS}>", "503 5.5.1")
    await client.close()
    assert doors.counts["refused.sequence"] == 4


async def test_a_new_greeting_drops_the_envelope(client):
    await client.envelope()
    await client.ask("EHLO again.example", "250")
    await client.ask("DATA", "503")


# -- envelopes


async def test_a_mail_is_kept_as_sent_with_its_envelope(doors, client):
    with capture_logs() as lines:
        await client.begin_data(OURS, "sales+tok3n@DESK.example", sender="ada@client.example")
        await client.send(MAIL + b".\r\n")
        (reply,) = await client.expect("250 2.0.0 kept as ")
    envelope, raw = doors.only_mail()
    assert raw == MAIL
    assert reply.split()[-1] == envelope.id
    assert envelope.door == "smtp"
    assert envelope.peer == "127.0.0.1"
    assert envelope.helo == "client.example"
    assert envelope.sender == "ada@client.example"
    assert envelope.sender_known
    assert envelope.recipients == (OURS, "sales+tok3n@DESK.example")
    assert doors.counts["accepted"] == 1
    (line,) = [line for line in lines if line["event"] == "received"]
    assert line["spool"] == envelope.id
    assert (line["door"], line["sender"], line["recipients"]) == ("smtp", "ada@client.example", 2)
    assert line["size"] == len(MAIL)


async def test_a_null_sender_is_empty(doors, client):
    await client.begin_data(OURS, sender="")
    await client.send(MAIL + b".\r\n")
    await client.expect("250")
    envelope, _ = doors.only_mail()
    assert envelope.sender == ""
    assert envelope.sender_known


async def test_an_old_source_route_is_ignored_and_quotes_are_kept(doors, client):
    await client.ask('MAIL FROM:<"ada > b"@client.example>', "250")
    await client.ask(f"RCPT TO:<@a.example,@b.example:{OURS}>", "250")
    await client.ask("DATA", "354")
    await client.send(MAIL + b".\r\n")
    await client.expect("250")
    envelope, _ = doors.only_mail()
    assert envelope.sender == '"ada > b"@client.example'
    assert envelope.recipients == (OURS,)


async def test_a_recipient_named_twice_stands_once_in_the_envelope(doors, client):
    await client.mail(recipients=(OURS, OURS))
    envelope, _ = doors.only_mail()
    assert envelope.recipients == (OURS,)


async def test_utf8_addresses(doors, client):
    await client.ask("MAIL FROM:<zoë@client.example> SMTPUTF8", "250")
    await client.ask("RCPT TO:<jörg@desk.example>", "250")
    await client.ask("DATA", "354")
    await client.send("Subject: Grüße\r\n\r\n".encode() + b".\r\n")
    await client.expect("250")
    envelope, raw = doors.only_mail()
    assert (envelope.sender, envelope.recipients) == ("zoë@client.example", ("jörg@desk.example",))
    assert raw == "Subject: Grüße\r\n\r\n".encode()


async def test_an_unknown_recipient_is_refused_at_once_and_the_others_are_not(doors, client):
    with capture_logs() as lines:
        await client.ask("MAIL FROM:<ada@client.example>", "250")
        await client.ask("RCPT TO:<nobody@desk.example>", "550 5.1.1")
        await client.ask("RCPT TO:<support@elsewhere.example>", "550 5.1.1")
    assert [line["reason"] for line in lines if line["event"] == "refused"] == ["unknown-recipient"] * 2
    assert lines[0]["recipient"] == "nobody@desk.example"
    await client.ask("DATA", "503")
    await client.ask(f"RCPT TO:<{ALSO_OURS}>", "250")
    await client.ask("DATA", "354")
    await client.send(MAIL + b".\r\n")
    await client.expect("250")
    envelope, _ = doors.only_mail()
    assert envelope.recipients == (ALSO_OURS,)
    assert doors.counts["refused.unknown-recipient"] == 2


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [
        ("postmaster", "250"),
        ("Postmaster", "250"),
        ("POSTMASTER@MX.desk.example", "250"),
        ("postmaster@desk.example", "550 5.1.1"),  # only where somebody has that address
        ("postmaster@elsewhere.example", "550 5.1.1"),
        ("later@desk.example", "451 4.3.0"),
        ("broken@desk.example", "451 4.3.0"),
        ("sup\x7fport@desk.example", "553 5.1.3"),
        ("", "553 5.1.3"),
    ],
)
async def test_recipients(client, recipient, answer):
    await client.ask("MAIL FROM:<ada@client.example>", "250")
    await client.ask(f"RCPT TO:<{recipient}>", answer)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("RCPT", "501 5.5.4"),
        ("RCPT FROM:<support@desk.example>", "501 5.5.4"),
        ("RCPT TO:support@desk.example", "250 2.1.5"),
        ("RCPT TO:<support@desk.example> NOTIFY=NEVER", "555 5.5.4"),
        (b"RCPT TO:<\xe4@desk.example>", "553 5.1.3"),
    ],
)
async def test_one_recipient_command(client, line, answer):
    await client.ask("MAIL FROM:<ada@client.example>", "250")
    await client.ask(line, answer)


async def test_too_many_recipients(tmp_path):
    async with open_doors(tmp_path / "spool", max_recipients=2) as doors:
        client = await Client.greeted(doors.smtp_at)
        await client.envelope(OURS, ALSO_OURS)
        await client.ask("RCPT TO:<support+3@desk.example>", "452 4.5.3")
        await client.ask("DATA", "354")
        await client.send(MAIL + b".\r\n")
        await client.expect("250")
        await client.close()
        assert doors.only_mail()[0].recipients == (OURS, ALSO_OURS)
        assert doors.counts["refused.too-many-recipients"] == 1


# -- contents


async def test_pipelined_commands_stay_for_after_the_dot(doors):
    client = await Client.connect(doors.smtp_at)
    one = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\nSubject: %d\r\n\r\n.\r\n"
    await client.send(b"EHLO client.example\r\n" + one % 1 + one % 2 + b"NOOP\r\n" + one % 3 + b"QUIT\r\n")
    await client.expect("220", "250", *(["250", "250", "354", "250"] * 2), "250", "250", "250", "354", "250", "221")
    await client.closed()
    assert [raw for _, raw in doors.mails()] == [b"Subject: %d\r\n\r\n" % number for number in (1, 2, 3)]


@pytest.mark.parametrize("variant", [b".\n", b".\r", b"\n.\r\n", b"\r.\r\n", b". \r\n", b".\r\r\n", b".\n\r\n"])
async def test_nothing_but_a_dot_and_crlf_ends_the_content_at_its_beginning(doors, client, variant):
    await client.mail(variant + b"Subject: hello\r\n")
    await client.ask("NOOP", "250")
    _, raw = doors.only_mail()
    assert raw == variant.removeprefix(b".") + b"Subject: hello\r\n"


@pytest.mark.parametrize(
    ("wire", "raw"),
    [
        (b"", b""),
        (b"\r\n", b"\r\n"),
        (b"\r\n\r\n", b"\r\n\r\n"),
        (b"..\r\n", b".\r\n"),
        (b"...\r\n..\r\n.x\r\n", b"..\r\n.\r\nx\r\n"),
        (b"a\n..b\r..c\r\n..d\r\n", b"a\n..b\r..c\r\n.d\r\n"),
        (b"a\r\r\n", b"a\r\r\n"),
        (b"\r\r\n..\r\n", b"\r\r\n.\r\n"),
        (bytes(range(14, 256)) + b"\x00\r\n", bytes(range(14, 256)) + b"\x00\r\n"),
    ],
    ids=["empty", "a-line-end", "two-line-ends", "a-dot", "dots", "dots-elsewhere", "cr", "cr-and-dot", "any-byte"],
)
async def test_content_comes_through(doors, client, wire, raw):
    await client.mail(wire)
    assert doors.only_mail()[1] == raw
    await client.ask("NOOP", "250")


@pytest.mark.parametrize("length", [1001, 10_000, 100_000, MB])
async def test_long_lines_come_through(doors, client, length):
    raw = b"Subject: long\r\n\r\n" + b"x" * length + b"\r\n.\r\n"[:2]
    await client.mail(raw)
    assert doors.only_mail()[1] == raw


async def test_a_large_mail_waits_in_a_file_and_comes_through(doors, client):
    raw = b"".join(b"line %d of many\r\n" % number for number in range(200_000))
    assert len(raw) > 3 * MB
    await client.mail(raw)
    assert doors.only_mail()[1] == raw
    assert os.listdir(doors.scratch) == []


async def test_a_content_cut_into_single_bytes(doors, client):
    await client.begin_data()
    client.writer.get_extra_info("socket").setsockopt(6, 1, 1)  # TCP_NODELAY
    for byte in b"..a\r\n..\r\nb\r\n.\r\n":
        await client.send(bytes([byte]))
    await client.expect("250")
    assert doors.only_mail()[1] == b".a\r\n.\r\nb\r\n"


async def test_one_put_per_mail(doors, client, monkeypatch):
    calls = []
    put = spool.put

    def counted(*args):
        calls.append(args)
        return put(*args)

    monkeypatch.setattr(spool, "put", counted)
    await client.mail(recipients=(OURS, ALSO_OURS))
    assert len(calls) == 1


# -- size, room, trouble


async def test_too_large_is_said_when_all_was_read(doors, client):
    doors.limits.size = 10_000
    await client.begin_data()
    await client.send(b"x" * 9_000 + b"\r\n" + b"y" * 2_000 + b"\r\n.\r\n")
    await client.expect("552 5.3.4")
    await client.mail(b"z" * 9_998 + b"\r\n")
    assert len(doors.only_mail()[1]) == 10_000
    assert doors.counts["refused.too-large"] == 1


async def test_stuffing_does_not_count(doors, client):
    doors.limits.size = 10_000
    await client.mail(b"..\r\n" * 3_333)
    assert doors.only_mail()[1] == b".\r\n" * 3_333


async def test_far_too_large_is_cut_off(doors, client):
    doors.limits.size = 10_000
    await client.begin_data()
    await client.send(b"x" * 200_000)
    await client.expect("552 5.3.4")
    await client.close()
    await doors.until(lambda: doors.connections == 0)
    assert doors.mails() == []


async def test_no_room_at_mail(doors, client):
    spool.set_reserve(doors.spool_root, 100.0, 0)
    await client.ask("MAIL FROM:<ada@client.example>", "452 4.3.1")
    spool.set_reserve(doors.spool_root, 0.0, 0)
    await client.mail()
    assert doors.counts["refused.no-room"] == 1


async def test_no_room_after_the_dot(doors, client):
    await client.begin_data()
    spool.set_reserve(doors.spool_root, 100.0, 0)
    await client.send(MAIL + b".\r\n")
    await client.expect("452 4.3.1")
    assert doors.mails() == []
    spool.set_reserve(doors.spool_root, 0.0, 0)
    doors.limits.size = 50 * MB
    await client.ask("RSET", "250")


@pytest.mark.parametrize("late", [False, True], ids=["before-a-byte", "in-between"])
async def test_what_waits_for_its_end_leaves_the_reserve_alone(doors, client, monkeypatch, late):
    """A large mail is put aside on the disk as it comes: not where there is no room for it."""
    made, looks = [], []
    real = tempfile.TemporaryFile

    def make(**more):
        made.append(real(**more))
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    check_room = doors.check_room

    def check(**more):
        looks.append(1)
        if len(looks) > (2 if late else 1):  # the first is MAIL's
            spool.set_reserve(doors.spool_root, 100.0, 0)
        check_room(**more)

    monkeypatch.setattr(doors, "check_room", check)
    await client.mail(b"Subject: x\r\n\r\n" + b"x" * 12 * MB + b"\r\n", "452 4.3.1")
    assert [file.closed for file in made] == ([True] if late else [])
    assert len(looks) == (3 if late else 2)
    assert doors.mails() == []


async def test_no_spool_is_trouble_of_ours(doors, client):
    shutil.rmtree(doors.spool_root)
    await client.ask("MAIL FROM:<ada@client.example>", "451 4.3.0")
    spool.make(doors.spool_root)
    spool.set_reserve(doors.spool_root, 0.0, 0)
    await client.mail()


@pytest.mark.parametrize("size", [100, 3 * MB], ids=["small", "large"])
async def test_a_spool_that_goes_away_under_a_mail(doors, client, size):
    await client.begin_data()
    shutil.rmtree(doors.spool_root)
    await client.send(b"x" * size + b"\r\n.\r\n")
    await client.expect("451 4.3.0")
    assert doors.counts["refused.trouble"] == 1
    await client.ask("NOOP", "250")


@pytest.mark.parametrize(
    ("recipient", "logged"),
    [("gone+abcdefgh234@desk.example", "gone+...@desk.example"), ("gone@desk.example", "gone@desk.example")],
)
async def test_the_log_of_a_refusal_holds_no_token(client, recipient, logged):
    await client.ask("MAIL FROM:<ada@client.example>", "250")
    with capture_logs() as lines:
        await client.ask(f"RCPT TO:<{recipient}>", "550 5.1.1")
    assert [line["recipient"] for line in lines] == [logged]


async def test_a_bug_is_never_the_mails_fault(doors, client, monkeypatch):
    def put(*_args):
        raise RuntimeError("a bug")

    monkeypatch.setattr(spool, "put", put)
    with capture_logs() as lines:
        await client.mail(MAIL, "451 4.3.0")
    (trouble,) = [line for line in lines if line["event"] == "trouble"]
    assert "a bug" in trouble["error"]
    assert isinstance(trouble["exc_info"], RuntimeError)
    monkeypatch.undo()
    await client.mail()


async def test_a_bug_in_a_command_is_never_the_clients_fault(doors, client, monkeypatch):
    def check_room(**_):
        raise ValueError("a bug")

    monkeypatch.setattr(doors, "check_room", check_room)
    await client.ask("MAIL FROM:<ada@client.example>", "451 4.3.0")
    await client.ask("NOOP", "250")
