"""Laws of `mail explain`: whatever the bytes, it says all its keys, in JSON and for people, and that the mail has one outcome."""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpdeskd import spool
from helpdeskd.cli import mail_explained
from helpdeskd.cli.output import echo_json, lines
from helpdeskd.config.load import load
from helpdeskd.installation import Installation, open_installation
from helpdeskd.intake.checking import Checker
from helpdeskd.mail import parse
from helpdeskd.model.mail import Inbound
from helpdeskd.parser.wire import Answer, Mail, frame, read
from tests.corpora.mutations import DAMAGE
from tests.unit.cli.house import House

FIXTURES = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "mails").glob("*.eml"))]
ordinary = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Here:
    """The parser in this process, and over the wire all the same."""

    house: Installation
    checker: Checker

    def one(self, mail: Mail) -> Inbound:
        answered = parse.parse(
            mail.raw,
            sender=mail.sender,
            instance=self.house.desk.instance,
            own_addresses=lambda _: False,
            marker=self.house.config.desk.marker,
            limits=self.house.config.intake,
        )
        inbound = read(frame(Answer(answered))[4:], Answer).inbound
        assert inbound == answered
        return inbound

    def explained(self, raw: bytes, sender: str | None = None) -> mail_explained.Explained:
        known = sender is not None
        envelope = spool.Envelope(id=spool.new_id(), door="pipe", sender=sender or "", sender_known=known)
        return mail_explained.explain(self.house, self, self.checker, raw, envelope)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    typed = House(tmp_path_factory.mktemp("explain"))
    typed.write_config()
    typed("init", "--address", "support@desk.example", "--admin", "ada@staff.example")
    opened = open_installation(load(typed.config, {}), migrate=False)
    checker = opened.checker()
    yield Here(opened, checker)
    checker.close()
    opened.close()


def hold(told: mail_explained.Explained, raw: bytes) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        echo_json(told.plain())
    said = json.loads(out.getvalue())
    assert told.inbound is not None
    assert said["mail"]["size"] == len(raw)
    assert said["text"]["words"] == told.inbound.text
    assert (said["quote"] is None) is not bool(told.inbound.quote.strip())
    assert len(said["attachments"]) == len(told.inbound.parts)
    assert said["kind"]["kind"] == told.inbound.kind
    assert (said["forward"] is None) is (told.inbound.forward is None)
    assert len(said["decisions"]) == 1
    assert said["checked"]["verdict"] in {"pass", "none", "fail"}
    for line in told.lines():
        for shown in lines(line).split("\n"):
            assert shown.isprintable() or not shown
            shown.encode()


@ordinary
@given(raw=st.binary(max_size=1000), sender=st.sampled_from([None, "", "a@b.example"]))
@example(b"", None)
@example(b"Subject: Fwd\n\nFrom: a@b.c\nDate: 99.99.9999 99:99\nTo: x\nSubject: \n", None)
@example(b"Message-ID: <\xed\xa0\x80@x>\nFrom: \xff@\xff\n\n\0", "")
def test_any_bytes(here, raw, sender):
    hold(here.explained(raw, sender), raw)


@ordinary
@given(st.sampled_from(FIXTURES), st.sampled_from(DAMAGE), st.integers(0, 1000))
def test_damaged_mails(here, raw, damage, seed):
    damaged = damage(raw, random.Random(seed))
    hold(here.explained(damaged), damaged)


BLOCK = st.lists(
    st.sampled_from(
        [
            *("From: a@b.example", "Von: Ann", "Sent: 31.12.9999 9:12 PM", "To: x@y.example", "Subject: x", "Date: 2 mar", ""),
            *("---------- Forwarded message ---------", "> Begin forwarded message:", ">", "> From: x@y.example", "words", "-- "),
        ]
    ),
    max_size=12,
)  # fmt: skip


@ordinary
@given(BLOCK, st.sampled_from(["Fwd: x", "VS: x", "x", ""]))
def test_whatever_is_passed_on(here, block, subject):
    """A forward loses no line that somebody wrote: each stands in the comment, the headers or the text of the original."""
    raw = f"From: ada@staff.example\nSubject: {subject}\nDate: Mon, 2 Nov 2026 10:00:00 +0100\n\n".encode()
    raw += "\n".join(block).encode()
    told = here.explained(raw)
    hold(told, raw)
    assert told.inbound is not None
    if forward := told.inbound.forward:
        kept = f"{forward.comment}\n{forward.head}\n{forward.text}\n{forward.quote}"
        assert kept.count("words") == block.count("words")
        assert kept.count("x@y.example") >= sum("x@y.example" in line for line in block)
