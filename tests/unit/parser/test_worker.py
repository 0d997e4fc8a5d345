"""The parser's process: says what the parser says, and whatever becomes of it, each mail has an outcome and the next one its turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdeskd.config import Desk, Intake
from helpdeskd.errors import Temporary
from helpdeskd.mail import parse
from helpdeskd.model.mail import Inbound
from helpdeskd.parser import wire, worker
from helpdeskd.parser.wire import Mail
from helpdeskd.parser.worker import Crashed, Parser
from tests import poison
from tests.live.machine import wait_until
from tests.poison import letter

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = [path.read_bytes() for path in sorted((ROOT / "tests/mails").glob("*.eml"))]
MARKER = Desk().marker


def inline(raw: bytes, limits: Intake | None = None) -> Inbound:
    return parse.parse(
        raw, sender=None, instance="i", own_addresses=lambda _: False, marker=MARKER, limits=limits or Intake()
    )


def make(command=(), **limits) -> Parser:
    return Parser(instance="i", marker=MARKER, limits=Intake(**limits), command=command)


@pytest.fixture(scope="module")
def honest():
    parser = make()
    yield parser
    parser.close()


@pytest.fixture
def poisoned():
    parser = make(poison.COMMAND, parse_seconds=1)
    yield parser
    parser.close()


def outcomes(parser: Parser, *mails: bytes) -> list[Inbound | Crashed]:
    return list(parser.parse(Mail(raw, None) for raw in mails))


def pid(parser: Parser) -> int:
    assert parser._process is not None
    return parser._process.pid


def test_it_says_what_the_parser_says(honest):
    assert outcomes(honest, *FIXTURES) == [inline(raw) for raw in FIXTURES]


def test_large_mails_both_ways(honest):
    """Larger than any pipe, so that both sides must read while they write."""
    big = letter("big") + b"x" * (3 << 20)
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\n"
    file = head + b"y" * (3 << 20) + b"\r\n--b--"
    assert outcomes(honest, big, file, big, file) == [inline(raw) for raw in (big, file, big, file)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400) | st.sampled_from(FIXTURES))
def test_every_record_survives_the_wire(raw):
    inbound = inline(raw, Intake(max_text_kb=1, max_parts=3))
    body = wire.frame(wire.Answer(wire.lean(inbound)))[wire.LENGTH :]
    answer = wire.read(body, wire.Answer).inbound
    assert answer is not None
    assert wire.whole(answer, raw) == inbound


@pytest.mark.parametrize(
    ("bug", "reason", "trace"),
    [
        ("exit", "parser-died", "exit code 0"),
        ("abort", "parser-died", "signal 6"),
        ("fail", "ValueError", "cannot take this"),
    ],
)
def test_a_mail_at_which_it_fails_is_named_and_the_others_go_on(poisoned, bug, reason, trace):
    first, bad, last = outcomes(poisoned, letter("one"), letter("bad", bug), letter("two"))
    assert [each.subject for each in (first, last) if isinstance(each, Inbound)] == ["one", "two"]
    assert isinstance(bad, Crashed)
    assert bad.reason == reason
    assert trace in bad.trace


def test_where_a_library_crashes_is_said(poisoned):
    (bad,) = outcomes(poisoned, letter("bad", "abort"))
    assert isinstance(bad, Crashed)
    assert "poison.py" in bad.trace


def test_what_a_library_prints_stands_between_no_frames(poisoned):
    (told,) = outcomes(poisoned, letter("talk", "chatter"))
    assert isinstance(told, Inbound)


@pytest.mark.parametrize(
    ("bug", "said"),
    [
        ("hang", "longer than 1 seconds"),
        ("starve", "more than 1024 MB"),
        ("killed", "whoever takes it apart is killed"),
    ],
)
def test_beyond_seconds_and_memory_the_headers_are_read(poisoned, bug, said):
    raw = letter("slow", bug, References="<a@b.example> <c@d.example>", Auto_Submitted="auto-replied")
    first, cut, last = outcomes(poisoned, letter("one"), raw, letter("two"))
    assert isinstance(cut, Inbound)
    whole = inline(raw)
    for name in (
        "raw_sha256",
        "identity_sha256",
        "size",
        "message_id",
        "references",
        "author",
        "to",
        "subject",
        "kind",
    ):
        assert getattr(cut, name) == getattr(whole, name), name
    assert (cut.text, cut.quote, cut.html) == ("", "", "")
    assert [(part.name, part.content_type, part.data) for part in cut.parts] == [
        ("original.eml", "message/rfc822", raw)
    ]
    assert said in cut.loose_ends[0]
    assert [each.subject for each in (first, last) if isinstance(each, Inbound)] == ["one", "two"]


def test_one_that_is_killed_once_is_no_mails_fault(tmp_path):
    """A system out of memory, or a person: the mail is read again, and whole."""
    once = (
        f"import pathlib, os; pathlib.Path({str(tmp_path / 'killed')!r}).touch(exist_ok=False); os.kill(os.getpid(), 9)"
    )
    parser = make(
        (
            sys.executable,
            "-c",
            f"""
import contextlib
from helpdeskd.mail import parse
from helpdeskd.parser.__main__ import main
read = parse.parse
def parsed(raw, **more):
    if b"Subject: bad" in raw:
        with contextlib.suppress(FileExistsError):
            exec({once!r})
    return read(raw, **more)
parse.parse = parsed
main()
""",
        )
    )
    raws = [letter("one"), letter("bad"), letter("two")]
    assert outcomes(parser, *raws) == [inline(raw) for raw in raws]
    parser.close()
    assert (tmp_path / "killed").exists()


def test_a_mail_whose_headers_alone_are_too_much_is_a_fault(poisoned):
    bad, good = outcomes(poisoned, letter("poison:hang"), letter("good"))
    assert isinstance(bad, Crashed)
    assert bad.reason == "parser-hung"
    assert isinstance(good, Inbound)


def test_beyond_its_bytes_a_mail_is_not_even_sent(monkeypatch):
    parser = make(poison.COMMAND, max_mail_mb=1)
    raw = letter("large", "abort") + b"x" * (1 << 20)
    try:
        (cut,) = outcomes(parser, raw)
    finally:
        parser.close()
    assert isinstance(cut, Inbound)
    assert cut.loose_ends == ("it is larger than 1 MB: only its headers were read",)
    assert (cut.size, cut.identity_sha256) == (len(raw), parse.identity(raw))


def test_one_that_ended_while_idle_is_no_mails_fault(honest):
    outcomes(honest, letter("one"))
    os.kill(pid(honest), signal.SIGKILL)
    os.waitid(os.P_PID, pid(honest), os.WEXITED | os.WNOWAIT)
    (after,) = outcomes(honest, letter("two"))
    assert isinstance(after, Inbound)


def test_who_stops_the_daemon_does_not_stop_the_mail_in_hand(honest):
    outcomes(honest, letter("one"))
    before = pid(honest)
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(before, sig)
    (after,) = outcomes(honest, letter("two"))
    assert isinstance(after, Inbound)
    assert pid(honest) == before


@pytest.mark.parametrize(
    "command", [("/nonexistent/python",), (sys.executable, "-c", "raise SystemExit('no such library')")]
)
def test_where_none_can_be_started_no_mail_is_to_blame(command):
    parser = make(command)
    with pytest.raises(Temporary, match=r"No such file|no such library"):
        outcomes(parser, letter("one"))


@pytest.mark.parametrize("said", [b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", b"\0\0\0\1\x01"])
def test_what_is_no_answer_is_not_read_as_one(said):
    ready = wire.frame(wire.Answer())
    parser = make(
        (sys.executable, "-c", f"import os; os.write(1, {ready + said!r}); os.read(0, 1); import time; time.sleep(60)")
    )
    (bad,) = outcomes(parser, letter("one"))
    parser.close()
    assert isinstance(bad, Crashed)
    assert bad.reason == "parser-died"


def test_it_goes_before_the_daemon_where_memory_ends(honest):
    outcomes(honest, letter("one"))
    assert int(Path(f"/proc/{pid(honest)}/oom_score_adj").read_text()) >= 500


def test_it_ends_when_there_was_nothing_to_do(honest, monkeypatch):
    outcomes(honest, letter("one"))
    honest.rest()
    running = pid(honest)
    now = time.monotonic() + worker.IDLE_SECONDS + 1
    monkeypatch.setattr(worker, "monotonic", lambda: now)
    honest.rest()
    assert honest._process is None
    assert not Path(f"/proc/{running}").exists()


def test_it_ends_with_its_parent_and_knows_no_secrets(tmp_path):
    script = f"""
import os
from helpdeskd.config import Intake
from helpdeskd.parser.worker import Parser, Mail
parser = Parser(instance="i", marker="m", limits=Intake())
list(parser.parse([Mail({letter("one")!r}, None)]))
child = parser._process.pid
print(child, open(f"/proc/{{child}}/environ").read(), flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "HELPDESKD_OUTGOING__PASSWORD": "secret"},
    )
    child, _, environment = done.stdout.decode().partition(" ")
    assert "PYTHONPATH" in environment
    assert "secret" not in environment
    wait_until(lambda: not Path(f"/proc/{child}").exists() or _is_dead(child), what="the parser's end")


def _is_dead(child: str) -> bool:
    return ") Z " in Path(f"/proc/{child}/stat").read_text()
