"""Those who are asked whether a mail is wanted: what they are told, and that no trouble of theirs is a mail's."""

from __future__ import annotations

import re
import socket
import struct
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from helpdeskd import spool
from helpdeskd.config import Config, SpamSettings, Trust
from helpdeskd.errors import DnsTrouble, Refused
from helpdeskd.intake import clamd, rspamd, scanning
from helpdeskd.intake.checking import Checker, files_of, origin_of
from helpdeskd.intake.scanning import Scanner, Scanning
from helpdeskd.lookups import Dns
from helpdeskd.mail.parse import parse
from helpdeskd.mail.verify.names import organisation
from helpdeskd.model.spam import By, Sign, Spam
from tests.scanners import answering, http, nobody, silent, virus

RAW = b"From: a@b.example\r\nSubject: x\r\nX-Spam-Flag: YES\r\n\r\nBuy now.\r\n"
FLAGGED = "header spam (X-Spam-Flag: YES)"


@contextmanager
def scanner(dns=None, **settings):
    config = Config(spam=SpamSettings(**settings), trust=Trust(relays=("127.0.0.0/8",)))
    made = Scanner(config, dns)
    try:
        yield lambda envelope, raw=RAW, files=(): made.begin(
            envelope, origin_of(envelope, config).client, raw, files
        ).result()
    finally:
        made.close()


def by(door="smtp", peer="192.0.2.99", **more):
    return spool.Envelope(door=door, peer=peer, **more)


def names(answers, asked=None):
    """DNS in which these names have addresses; the others have none, or trouble."""

    def ask(name, kind, seconds):
        if asked is not None:
            asked.append(name)
        found = answers.get(name, ())
        if isinstance(found, DnsTrouble):
            raise found
        return found, 60.0

    return Dns(ask, organisation)


# -- headers


@pytest.mark.parametrize(
    ("door", "peer", "counts_in"),
    [
        ("smtp", "127.0.0.1", "relays"),
        ("smtp", "192.0.2.99", None),  # straight from outside: its writer has put it there
        ("lmtp", "", "lmtp"),
        ("pipe", "", "pipe"),
        ("imap", "", "mailboxes"),
    ],
)
def test_whose_headers_count(door, peer, counts_in):
    envelope = by(door, peer)
    for name in ("relays", "lmtp", "pipe", "mailboxes"):
        with scanner(headers_from=(name,)) as scan:
            assert scan(envelope).lines == (("spam spam (header)", FLAGGED) if name == counts_in else ())
    with scanner() as scan:
        assert scan(envelope).lines == ()


# -- lists of addresses


def test_lists_are_asked_about_clients_from_outside():
    asked: list[str] = []
    dns = names({"99.2.0.192.a.example": ("127.0.0.2",), "99.2.0.192.c.example": ("127.255.255.254",)}, asked)
    with scanner(dns, dnsbl=("a.example", "b.example", "c.example")) as scan:
        assert scan(by()).lines == (
            "spam suspect (dnsbl)",
            "dnsbl suspect (a.example lists 192.0.2.99: 127.0.0.2)",
            "dnsbl ham (b.example does not list 192.0.2.99)",
            "dnsbl unknown (c.example refuses to answer: 127.255.255.254)",
        )
        assert len(asked) == 4
        assert "1.0.0.127.a.example" in asked, "before a listing is believed"
        for other in (by(peer="127.0.0.1"), by("lmtp", "192.0.2.99"), by("pipe", ""), by("imap", "")):
            assert scan(other).lines == ()
        assert len(asked) == 4
        scan(by())
        assert len(asked) == 4, "answers are kept"
    with scanner(dns, dnsbl=("a.example", "b.example"), dnsbl_needed=1) as scan:
        assert scan(by()).state is Spam.SPAM


@pytest.mark.parametrize(
    ("of_nobody", "words"),
    [
        (("127.0.0.2",), "a.example lists 127.0.0.1, and so it may list everybody"),
        (DnsTrouble("A of it: NoNameservers"), "a.example: A of it: NoNameservers"),
    ],
)
def test_a_list_of_everybody_lists_nobody(of_nobody, words):
    dns = names({"99.2.0.192.a.example": ("127.0.0.2",), "1.0.0.127.a.example": of_nobody})
    with scanner(dns, dnsbl=("a.example",), dnsbl_needed=1) as scan:
        assert scan(by()).lines == ("spam ham", f"dnsbl unknown ({words})")


def test_a_silent_list_is_left_alone():
    asked: list[str] = []
    dns = names({"99.2.0.192.a.example": DnsTrouble("A of it: Timeout", silent=True)}, asked)
    with scanner(dns, dnsbl=("a.example", "b.example"), dnsbl_needed=1) as scan:
        for client in ("192.0.2.99", "192.0.2.98"):
            made = scan(by(peer=client))
            assert (made.state, [sign.says for sign in made.signs]) == (Spam.HAM, [None, Spam.HAM])
    assert asked.count("99.2.0.192.a.example") == 1
    assert "98.2.0.192.a.example" not in asked
    assert "not asked" in made.signs[0].words


# -- rspamd


def raw_http(rest):
    """An answer in which anything may stand, once the whole request is there."""
    whole = http(b"")
    return lambda got: None if whole(got) is None else b"HTTP/1.1 200 OK\r\n" + rest


ANSWER = b'{"is_skipped":false,"score":7.31,"required_score":15.0,"action":"%s","symbols":{"X":{"name":"X"}}}'


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (b"no action", Spam.HAM),
        (b"greylist", Spam.SUSPECT),
        (b"add header", Spam.SPAM),
        (b"rewrite subject", Spam.SPAM),
        (b"quarantine", Spam.SPAM),
        (b"reject", Spam.SPAM),
        (b"soft reject", Spam.SUSPECT),
        (b"of our own", Spam.SUSPECT),
    ],
)
def test_what_rspamd_answers(action, says):
    with (
        capture_logs() as logs,
        answering(http(ANSWER % action)) as (place, _),
        scanner(rspamd=f"http://{place}") as scan,
    ):
        (sign,) = scan(by()).signs
    assert logs == []
    assert (sign.by, sign.says, sign.words) == (By.RSPAMD, says, f"{action.decode()}, 7.3 of 15.0")


def test_what_rspamd_says_is_one_short_line():
    answer = b'{"action":"%s","score":1e308,"required_score":-1e308}' % (b"a\\n" * 100_000)
    with answering(http(answer)) as (place, _), scanner(rspamd=f"http://{place}") as scan:
        (sign,) = scan(by()).signs
    assert sign.words == "a " * 75 + ", 1.0e+308 of -1.0e+308"


def test_what_rspamd_is_told():
    envelope = by(helo="mx\r\nPass: all", sender="a@b.example", recipients=("c@d.example", "e@f.example"))
    with answering(http(ANSWER % b"reject")) as (place, said), scanner(rspamd=f"http://{place}/") as scan:
        scan(envelope)
        scan(by("imap", "", sender_known=False))
    first, second = said
    assert first.decode().split("\r\n") == [
        "POST /checkv2 HTTP/1.1",
        f"Host: {place}",
        "Connection: close",
        f"Content-Length: {len(RAW)}",
        f"Queue-Id: {envelope.id}",
        "From: <a@b.example>",
        "Rcpt: c@d.example",
        "Rcpt: e@f.example",
        "IP: 192.0.2.99",
        "Helo: mx??Pass: all",
        "",
        *RAW.decode().split("\r\n"),
    ]
    assert not re.search(rb"^(From: <|Helo|IP):", second.partition(b"\r\n\r\n")[0], re.MULTILINE)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(b"no", "500 Oh"), "HTTP 500: no"),
        (http(b"<html>"), "no answer of rspamd's: "),
        (http(b'{"score": 1}'), "no answer of rspamd's: "),
        (
            lambda got: b"220 mail.example ESMTP\r\n" if b"Buy now.\r\n" in got else None,
            "no answer over HTTP: BadStatusLine",
        ),
        (lambda got: b"" if b"Buy now.\r\n" in got else None, "no answer over HTTP: RemoteDisconnected"),
        (
            lambda got: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{" if b"Buy now.\r\n" in got else None,
            "no answer over HTTP: IncompleteRead",
        ),
        (raw_http(b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n{}"), "no answer over HTTP: "),
        (raw_http(b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 24 + b"\r\n{}"), "no answer over HTTP: "),
        (http(b'{"action":"reject","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "no answer of rspamd's: "),
    ],
)
def test_an_answer_that_is_none(answer, words):
    with capture_logs() as logs, answering(answer) as (place, _), scanner(rspamd=f"http://{place}") as scan:
        made = scan(by())
    (sign,) = made.signs
    assert (made.state, sign.says) == (Spam.HAM, None)
    assert [line["log_level"] for line in logs] == ["warning"], "its fault, and none of ours"
    assert sign.words.startswith(words)


# -- clamd


def streamed(said):
    """What INSTREAM was given."""
    assert said.startswith(b"zINSTREAM\0")
    at, data = 10, b""
    while (size := struct.unpack(">I", said[at : at + 4])[0]) != 0:
        data, at = data + said[at + 4 : at + 4 + size], at + 4 + size
    return data


def test_clamd_sees_the_mail_and_each_file(monkeypatch):
    monkeypatch.setattr(clamd, "CHUNK", 7)
    with answering(virus()) as (place, said), scanner(clamd=place) as scan:
        assert scan(by(), files=(b"a file", b"", b"another one")).lines == ("spam ham", "clamd ham (no virus)")
    assert [streamed(each) for each in said] == [RAW, b"a file", b"", b"another one"]


def test_a_virus_is_named():
    with answering(virus(b"Win.Test \x1b[31mEvil")) as (place, said), scanner(clamd=place) as scan:
        made = scan(by(), files=(b"a file",))
    assert made.lines == ("spam virus (clamd)", "clamd virus (Win.Test [31mEvil)")
    assert len(said) == 1


def test_what_clamd_does_not_look_at_is_noted():
    """It hangs up in the middle of a mail that is too large for it."""
    too_large = b"INSTREAM size limit exceeded. ERROR\0"
    with answering(lambda got: too_large if len(got) > 100_000 else None) as (place, _), scanner(clamd=place) as scan:
        made = scan(by(), raw=b"x" * 150_000)
    assert made.lines == ("spam ham", "clamd unknown (INSTREAM size limit exceeded. ERROR)")


def test_the_files_of_a_mail_are_kept_for_clamd_alone():
    raw = b'From: a@b.example\nContent-Type: application/x; name="a"\nContent-Transfer-Encoding: base64\n\nYSBmaWxl\n'
    inbound = parse(
        raw, sender="", instance="i", own_addresses=lambda _: False, marker="#" * 30, limits=Config().intake
    )
    assert files_of(inbound) == (b"a file",)
    with answering(virus(b"Bad")) as (place, _):
        config = Config(spam=SpamSettings(clamd=place), trust=Trust(dns=False))
        checker = Checker(config, None)
        try:
            checked = checker.begin(by("pipe", ""), raw, inbound, files_of(inbound)).result()
        finally:
            checker.close()
    assert checked.spam.state is Spam.VIRUS
    assert checked.lines == ("spam virus (clamd)", "clamd virus (Bad)")


# -- trouble


def test_nobody_is_there():
    with capture_logs() as logs, scanner(rspamd=f"http://{nobody()}", clamd="unix:/nowhere/clamd.ctl") as scan:
        for _ in range(3):
            made = scan(by())
            assert made.state is Spam.HAM
            assert [sign.says for sign in made.signs] == [None, None]
            assert "refused" in made.signs[0].words
            assert "No such file" in made.signs[1].words
    assert sorted(line["part"] for line in logs) == ["clamd", "rspamd"], "once, not for each mail"


def test_one_that_is_silent_costs_its_time_once(monkeypatch):
    monkeypatch.setattr(scanning, "PING_SECONDS", 0.05)
    monkeypatch.setattr(scanning, "GONE_SECONDS", 0.0)
    with silent() as place, scanner(rspamd=f"http://{place}", clamd=place, seconds=1) as scan:
        first, second = scan(by()), scan(by())
    assert {sign.words for sign in first.signs} == {"no answer in time"}
    assert {sign.words for sign in second.signs} == {"not asked: it did not answer a moment ago"}
    assert first.state is second.state is Spam.HAM


def test_a_mail_that_takes_long_lets_no_other_pass(monkeypatch):
    """The scanner lives: it answers a ping. So the next mail is looked at."""
    found = virus(b"Bad")

    def slow(got):
        return None if b"slow" in got else found(got)

    with answering(slow) as (place, _), scanner(clamd=place, seconds=1) as scan:
        assert scan(by(), raw=b"slow").lines == ("spam ham", "clamd unknown (no answer in time)")
        assert scan(by()).state is Spam.VIRUS


def test_one_that_is_busy_is_asked_all_the_same(monkeypatch):
    """All its threads are at work, and it answers no ping either: still the next mail gets its time."""
    monkeypatch.setattr(scanning, "PING_SECONDS", 0.05)
    found, busy = virus(b"Bad"), [True]
    with answering(lambda got: None if busy else found(got)) as (place, _), scanner(clamd=place, seconds=1) as scan:
        assert scan(by()).lines == ("spam ham", "clamd unknown (no answer in time)")
        busy.clear()
        assert scan(by()).state is Spam.VIRUS


def test_a_rest_ends_with_the_first_ping_that_is_answered(monkeypatch):
    monkeypatch.setattr(scanning, "PING_SECONDS", 0.05)
    monkeypatch.setattr(scanning, "GONE_SECONDS", 0.0)
    monkeypatch.setattr(scanning, "REST_SECONDS", 0.0)
    found, dead = virus(b"Bad"), [True]
    with answering(lambda got: None if dead else found(got)) as (place, said), scanner(clamd=place, seconds=1) as scan:
        assert scan(by()).lines == ("spam ham", "clamd unknown (no answer in time)")
        assert scan(by()).lines == ("spam ham", "clamd unknown (not asked: it did not answer a moment ago)")
        dead.clear()
        assert scan(by()).state is Spam.VIRUS
    assert b"zPING\0" in said


def test_one_that_takes_no_connection_rests_at_once(tmp_path):
    """Its queue is full: a program that hangs."""
    place = tmp_path / "clamd.ctl"
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX) as first:
        door.bind(str(place))
        door.listen(0)
        first.connect(str(place))
        with scanner(clamd=f"unix:{place}", seconds=1) as scan:
            assert scan(by()).lines == ("spam ham", "clamd unknown (no answer in time)")
            assert scan(by()).lines == ("spam ham", "clamd unknown (not asked: it did not answer a moment ago)")


def test_nobody_is_waited_for_beyond_the_deadline():
    never: Future[tuple[Sign, ...]] = Future()
    there: Future[tuple[Sign, ...]] = Future()
    there.set_result((Sign(By.CLAMD, Spam.VIRUS, "Bad"),))
    made = Scanning(asked=((By.RSPAMD, never), (By.CLAMD, there)), until=0.0).result()
    assert made.lines == ("spam virus (clamd)", "rspamd unknown (no answer in time)", "clamd virus (Bad)")
    assert never.cancelled()


def test_the_log_says_when_it_is_over():
    answers = [http(b"no", "500 Oh"), http(ANSWER % b"no action")]
    with (
        capture_logs() as logs,
        answering(lambda got: answers[0](got)) as (place, _),
        scanner(rspamd=f"http://{place}") as scan,
    ):
        scan(by())
        scan(by())
        del answers[0]
        scan(by())
        scan(by())
    assert [(line["log_level"], line["error"]) for line in logs] == [
        ("warning", "mails go on without it: HTTP 500: no"),
        ("info", "none any more: it answers again"),
    ]


def test_a_fault_of_ours_is_noted(monkeypatch):
    def breaks(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(rspamd, "check", breaks)
    with scanner(rspamd="http://127.0.0.1:1") as scan:
        assert scan(by()).lines == ("spam ham", "rspamd unknown (a fault of ours: the log tells)")


def test_a_ping_that_breaks_loses_no_mail(monkeypatch):
    def breaks(*_):
        raise OverflowError

    monkeypatch.setattr(rspamd, "ping", breaks)
    monkeypatch.setattr(scanning, "GONE_SECONDS", 0.0)
    with silent() as place, scanner(rspamd=f"http://{place}", seconds=1) as scan:
        assert scan(by()).lines == ("spam ham", "rspamd unknown (a fault of ours: the log tells)")


def test_a_ping_is_answered_with_any_length(monkeypatch):
    def answer(got):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\npong" if got.startswith(b"GET") else None

    monkeypatch.setattr(scanning, "GONE_SECONDS", 0.0)
    with answering(answer) as (place, _), scanner(rspamd=f"http://{place}", seconds=1) as scan:
        assert scan(by()).lines == ("spam ham", "rspamd unknown (no answer in time)")


def test_without_a_thread_mail_goes_on():
    config = Config(spam=SpamSettings(rspamd="http://127.0.0.1:1", headers_from=("pipe",)))
    made = Scanner(config, None)
    made.close()
    found = made.begin(by("pipe", ""), "", RAW).result()
    assert (found.state, [sign.says for sign in found.signs]) == (Spam.SPAM, [Spam.SPAM, None])


# -- learning


@pytest.mark.parametrize(
    ("answer", "learnt"),
    [
        (http(b'{"success":true}'), True),
        (http(b'{"error":"<x> has been already learned as spam, ignore it"}', "404 No"), False),
        (http(b'{"error":"<x> has been already learned as spam, ignore it"}', "208 Already"), False),
        (http(b'{"error":"Unauthorized"}', "403 No"), "rspamd does not learn it: Unauthorized"),
        (http(b"{}", "500 No"), "rspamd does not learn it: HTTP 500"),
        (http(b"<html>"), "is no controller of rspamd's"),
        (http(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "is no controller of rspamd's"),
        (raw_http(b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n{}"), "no answer over HTTP"),
        (lambda got: b"hello" if b"Buy now.\r\n" in got else None, "no answer over HTTP"),
    ],
)
def test_learning(answer, learnt):
    with answering(answer) as (place, _):
        settings = SpamSettings(rspamd_controller=f"http://{place}")
        if isinstance(learnt, bool):
            assert rspamd.learn(settings, RAW, spam=True) is learnt
        else:
            with pytest.raises(Refused, match=re.escape(learnt)):
                rspamd.learn(settings, RAW, spam=True)


def test_the_controller_s_password(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("secret\n")
    with answering(http(b'{"success":true}')) as (place, said):
        settings = SpamSettings(rspamd_controller=f"http://{place}", rspamd_password_file=file)
        rspamd.learn(settings, RAW, spam=False)
    assert said[0].startswith(b"POST /learnham HTTP/1.1\r\n")
    assert b"\r\nPassword: secret\r\n" in said[0]
    with pytest.raises(Refused, match=r"set spam\.rspamd_controller"):
        rspamd.learn(SpamSettings(), RAW, spam=True)
