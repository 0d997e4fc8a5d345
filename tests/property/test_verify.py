"""Laws of verdicts: whatever stands in a mail, in DNS or in what the door knew, there is one, and only what aligns makes it a pass."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdeskd.mail.verify import Origin, results, wire
from helpdeskd.model.mail import Verdict
from helpdeskd.model.trust import Checked, Why
from tests.unit.mail.verify.house import HERE, PLAIN, SILENT, judged, rsa_key, sealed, signed

FIXTURES = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "mails").glob("*.eml"))]
ordinary = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RECORDS = [
    *(b"v=spf1 -all", b"v=spf1 include:shop.example a mx ptr exists:%{i}%{p} redirect=shop.example", b"v=spf1 %"),
    *(
        b"v=DMARC1; p=reject",
        b"v=DMARC1; p",
        b"v=DKIM1; p=AAAA",
        b"v=DKIM1; k=ed25519; p=AAAA",
        b"",
        b"\xff\0",
        b";=;=",
    ),
]
FORGED = sealed(
    b"Authentication-Results: list.example; dmarc=pass header.from=shop.example\r\n" + signed(),
    "list.example",
    "list.example",
)
WHY = {
    Verdict.PASS: {Why.DKIM, Why.SPF, Why.RESULTS},
    Verdict.FAIL: {Why.DMARC},
    Verdict.NONE: set(Why) - {Why.DKIM, Why.SPF, Why.RESULTS, Why.DMARC},
}
ADDRESSES = st.sampled_from(["carol@shop.example", "", "@", "a@b@c", "ü@ü.example", "%{i}@shop.example"]) | st.text(
    max_size=20
)
ORIGINS = st.builds(
    Origin,
    client=st.sampled_from([HERE, "", "2001:db8::1", "nonsense"]),
    helo=st.sampled_from(["mx.shop.example", "", "[192.0.2.7]", "\0"]) | st.text(max_size=20),
    sender=ADDRESSES,
    servers=st.sampled_from([frozenset(), frozenset({"mx.example"})]),
    sealers=st.sampled_from([frozenset(), frozenset({"list.example"})]),
)


class AnyZone:
    """Answers anything, by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def _any(self, *answers):
        if self.chance.random() < 0.1:
            raise SILENT
        return tuple(self.chance.choice(answers) for _ in range(self.chance.randrange(4)))

    def txt(self, name):
        return self._any(*RECORDS, rsa_key()[1])

    def a(self, name):
        return self._any(HERE, "192.0.2.1", "nonsense")

    def aaaa(self, name):
        return self._any("2001:db8::1", "nonsense")

    def mx(self, name):
        return self._any((10, "mail.shop.example"), (0, ""), (1, "a..b"))

    def ptr(self, name):
        return self._any("mail.shop.example", "", "." * 300)


def hold(found: Checked) -> None:
    assert found.why in WHY[found.verdict]
    if found.verdict is Verdict.PASS:
        assert any(check.aligned and check.result == "pass" for check in found.checks)
    for line in found.lines:
        line.encode("utf-8", "surrogateescape")


def damage(raw: bytes, seed: int, changes: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(raw)
    for _ in range(changes):
        place = chance.randrange(len(data) + 1)
        piece = chance.choice(
            [b"", b"\r", b"\n", b";", b"=", b"\0", b"\xff", b"From: x@y.example\r\n", bytes([chance.randrange(256)])]
        )
        data[place : place + chance.randrange(3)] = piece
    return bytes(data)


@ordinary
@given(st.binary(max_size=1000), ORIGINS, st.integers(0, 2**32))
def test_any_bytes(raw, origin, seed):
    hold(judged(raw, origin, AnyZone(seed)))


@ordinary
@given(st.sampled_from([*FIXTURES, PLAIN, FORGED, FORGED, FORGED]), st.integers(0, 2**32), st.integers(0, 8), ORIGINS)
def test_damaged_mails(raw, seed, changes, origin):
    hold(judged(damage(raw, seed, changes), origin, AnyZone(seed)))


@ordinary
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_a_changed_mail_passes_only_for_the_same_author_and_body(seed, changes):
    """By the key of its real author alone."""

    class Real:
        def txt(self, name):
            return (rsa_key()[1],) if name == "s._domainkey.shop.example" else ()

        a = aaaa = mx = ptr = txt

    made = signed(canonicalize=(b"simple", b"simple"))
    raw = damage(made, seed, changes)
    found = judged(raw, Origin(), Real())
    hold(found)
    if found.verdict is Verdict.PASS:
        before, after = wire.read(made), wire.read(raw)
        for name in (b"from", b"to", b"subject", b"date"):
            assert after.all(name) == before.all(name)
        assert after.body.rstrip(b"\r\n") == before.body.rstrip(b"\r\n")


@ordinary
@given(st.text(alphabet='ab=;()"\\ \t\r\n./@1', max_size=200))
def test_results_of_any_text(text):
    results.read(text.encode())
