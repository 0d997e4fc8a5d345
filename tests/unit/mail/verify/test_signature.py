"""Signatures, one by one: made by a second implementation, tampered with, and with keys nobody should believe."""

from __future__ import annotations

import random
import re
from base64 import b64encode

import dkim
import pytest

from helpdeskd.mail import canonical
from helpdeskd.mail.verify import signature, wire
from helpdeskd.mail.verify.signature import Bad
from tests.unit.mail.verify.house import NOW, PLAIN, SILENT, ed_key, rsa_key, signed, zone

BODIES = {
    "text": b"It smokes.\r\n",
    "empty": b"",
    "lines": b"\r\n\r\n",
    "no end": b"It smokes.",
    "spaces": b"a  b\t c \t\r\n  \r\n \r\nend  \r\n\r\n\r\n",
    "eight bits": "Grüße \udcff".encode("utf-8", "surrogatepass") + b"\x00\xff\r\n",
    "dots": b".\r\n..\r\n",
}
FOLDED = PLAIN.partition(b"\r\n\r\n")[0].replace(b"Subject: Printer", b"SUBJECT :  Prin\r\n\tter   smokes \t")


def result(raw: bytes, key: bytes | Exception | None) -> str:
    seen = wire.read(raw)
    try:
        signed_by = signature.take_apart(seen.all(b"dkim-signature")[0])
        signature.verify(seen, signed_by, zone(key=key), NOW)
    except Bad as error:
        return f"{error.result}: {error}"
    return "pass"


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("ed", [False, True])
@pytest.mark.parametrize("head", ["relaxed", "simple"])
@pytest.mark.parametrize("tail", ["relaxed", "simple"])
def test_what_dkimpy_signs_holds(body, ed, head, tail):
    raw = FOLDED.replace(b"SUBJECT :", b"SUBJECT:") + b"\r\n\r\n" + BODIES[body]
    made = signed(raw, ed=ed, canonicalize=(head.encode(), tail.encode()))
    key = (ed_key() if ed else rsa_key())[1]
    assert result(made, key) == "pass"
    assert result(made.replace(b"Prin\r\n\tter", b"Spam"), key) == "fail: the signature does not fit"
    # A pipe brings LF, an mbox file a line above.
    assert result(b"From carol Mon Mar  2 10:00:00 2026\n" + made.replace(b"\r\n", b"\n"), key) == "pass"


@pytest.mark.parametrize(
    ("change", "tail", "holds"),
    [
        ((b"It smokes.", b"It  smokes."), "relaxed", False),
        ((b"It smokes.", b"It\tsmokes."), "relaxed", True),
        ((b"It smokes.", b"It\tsmokes."), "simple", False),
        ((b"smokes.  \r\n", b"smokes.\r\n"), "relaxed", True),
        ((b"smokes.  \r\n", b"smokes.\r\n"), "simple", False),
        ((b"Carol\r\n", b"Carol\r\n\r\n\r\n"), "simple", True),
        ((b"Carol\r\n", b"Carol\r\nPS\r\n"), "relaxed", False),
        ((b"Carol\r\n", b""), "relaxed", False),
        ((b"Date: Mon", b"Date: Tue"), "relaxed", False),
        ((b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n", b""), "relaxed", False),
        ((b"Message-ID: <a@", b"Message-ID: <b@"), "relaxed", True),  # not signed
        ((b"Carol <carol@", b"Eve <eve@"), "relaxed", False),
    ],
)
def test_a_tampered_mail(change, tail, holds):
    raw = signed(PLAIN, canonicalize=(b"relaxed", tail.encode()))
    head, body = raw[: len(raw) - len(PLAIN)], raw[-len(PLAIN) :]
    before, after = change
    if before == b"It smokes." and after == b"It  smokes.":
        after = b"It  burns."
    assert before in body
    assert (result(head + body.replace(before, after), rsa_key()[1]) == "pass") is holds


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"v=DKIM1",
        b"v=DKIM1; p=",
        b"v=DKIM1; p=!!",
        b"v=DKIM1; p=AAAA",
        b"v=DKIM2; p=AAAA",
        b";;",
        b"\xff",
        b"x" * 9000,
    ],
)
def test_a_key_that_is_none(key):
    assert result(signed(), key).startswith("permerror: the key") or result(signed(), key).startswith(
        "permerror: the header"
    )


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        (b"; s=email", True),
        (b"; s=*", True),
        (b"; s=other:email", True),
        (b"; s=tlsrpt", False),
        (b"; h=sha256", True),
        (b"; h=sha1:sha256", True),
        (b"; h=sha1", False),
        (b"; t=s", True),
        (b"; n=a note", True),
        (b"; k=ed25519", False),
    ],
)
def test_what_a_key_is_for(more, holds):
    assert (result(signed(), rsa_key()[1].replace(b"; k=rsa", b"") + more) == "pass") is holds


def test_no_key_and_no_answer():
    assert result(signed(), None) == "permerror: there is no key"
    with pytest.raises(type(SILENT)):
        result(signed(), SILENT)


def integer(number: int) -> bytes:
    data = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + length(len(data)) + data


def length(size: int) -> bytes:
    if size < 128:
        return bytes([size])
    data = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(data)]) + data


@pytest.mark.parametrize(
    ("bits", "exponent"), [(512, 65537), (16384, 65537), (2048, (1 << 2047) + 1), (2048, 1), (2048, 2)]
)
def test_keys_of_any_size_are_not_believed(bits, exponent):
    inner = integer((1 << bits) - 1) + integer(exponent)
    record = b"v=DKIM1; p=" + b64encode(b"\x30" + length(len(inner)) + inner)
    assert not result(signed(), record).startswith("pass")


def test_a_key_without_its_envelope():
    """RFC 6376 section 3.6.1 speaks of RSAPublicKey; some publish that."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    public = load_pem_private_key(rsa_key()[0], None).public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert result(signed(), b"v=DKIM1; p=" + b64encode(public)) == "pass"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (b"v=1", b"v=2", "permerror: unknown version"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "policy: a=rsa-sha1 is not believed"),
        (b"a=rsa-sha256", b"a=none", "policy: a=none is not believed"),
        (b"c=relaxed/simple", b"c=loose/simple", "permerror: c= cannot be read"),
        (b"h=from : ", b"h=", "permerror: From is not signed"),
        (b"s=s;", b"s=s; l=3;", "policy: a part of the body is not signed"),
        (b"s=s;", b"s=s; l=x;", "policy: a part of the body is not signed"),
        (b"s=s;", b"s=s; x=1;", "policy: the signature has expired"),
        (b"s=s;", b"s=s; x=never;", "permerror: x= is no time"),
        (b"i=@shop.example", b"i=@evil.example", "permerror: i= is not within d="),
        (b"i=@shop.example", b"i=@notshop.example", "permerror: i= is not within d="),
        (b"s=s;", b"s=..;", "permerror: d= or s= is no name"),
        (b"bh=", b"hb=", "permerror: bh= is missing"),
        (b"; bh=", b"; bh=AAAA", "fail: the body was changed"),
    ],
)
def test_a_signature_that_says_something_else(before, after, found):
    raw = signed(canonicalize=(b"relaxed", b"simple"))
    assert before in raw
    assert result(raw.replace(before, after, 1), rsa_key()[1]) == found


def test_i_below_d():
    raw = PLAIN
    made = dkim.sign(
        raw,
        b"s",
        b"shop.example",
        rsa_key()[0],
        identity=b"carol@mail.shop.example",
        include_headers=[b"from", b"subject", b"date"],
    )
    assert result(made + raw, rsa_key()[1]) == "pass"


@pytest.mark.parametrize("value", [b"", b";", b"v=1; v=1", b"=", b"v", b"v=1;;a=b", b"x" * 20000])
def test_headers_that_are_no_signature(value):
    with pytest.raises(Bad):
        signature.verify(wire.read(PLAIN), signature.take_apart((b"DKIM-Signature", value)), zone(), NOW)


@pytest.mark.parametrize("left_out", [b"subject", b"date", b"to"])
def test_what_a_signature_must_cover(left_out):
    every = [b"from", b"to", b"subject", b"date"]
    covered = [name for name in every if name != left_out]
    found = result(signed(include_headers=covered), rsa_key()[1])
    assert found == ("pass" if left_out == b"to" else f"policy: {left_out.decode().capitalize()} is not signed")
    line = {b"subject": b"Subject: Printer\r\n", b"date": b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n"}.get(
        left_out, b""
    )
    bare = signed(PLAIN.replace(line, b""), include_headers=covered)
    assert result(bare, rsa_key()[1]) == "pass"  # where there is none, none need be
    if line:  # and none may be added
        assert result(line + bare, rsa_key()[1]).startswith("policy")


def test_a_body_is_hashed_once_for_all_signatures(monkeypatch):
    calls = []
    real = canonical.relaxed

    def counted(body):
        calls.append(1)
        return real(body)

    monkeypatch.setattr(canonical, "relaxed", counted)
    made = signed(canonicalize=(b"relaxed", b"relaxed"))
    seen = wire.read(made)
    taken = signature.take_apart(seen.all(b"dkim-signature")[0])
    for _ in range(10):
        signature.verify(seen, taken, zone(key=rsa_key()[1]), NOW)
    assert calls == [1]
    with pytest.raises(Bad, match="no time"):
        signature.verify(wire.read(made), taken, zone(key=rsa_key()[1]), NOW, lambda: True)


def in_lines(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4, as it reads."""
    lines = [re.sub(rb"[ \t]+", b" ", line.rstrip(b" \t")) for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64])
def test_pieces_come_to_the_same_as_lines(piece, monkeypatch):
    monkeypatch.setattr(canonical, "PIECE", piece)
    chance = random.Random(piece)
    for _ in range(500):
        body = b"".join(
            chance.choice([b"a", b" ", b"\t", b"\r\n", b"\r", b"bc  d", b"\r\n\r\n"])
            for _ in range(chance.randrange(30))
        )
        assert b"".join(canonical.relaxed(body)) == in_lines(body), body
        plain = re.sub(rb"(\r\n)*\Z", b"", body, count=1) + b"\r\n"
        assert b"".join(canonical.simple(body)) == plain, body


# A backtracking pattern takes hours for some of these: the suite's limit of time is the assertion.
HOSTILE = {
    "spaces": lambda n: b" " * n + b"x",
    "tabs and words": lambda n: (b"\t" * 1000 + b"x") * (n // 1001),
    "empty lines": lambda n: b"\r\n" * (n // 2) + b"x",
    "bare CR": lambda n: b"\r" * n,
    "short lines": lambda n: b"a \r\n" * (n // 4),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bodies_cost_what_others_cost(kind):
    body = HOSTILE[kind](2_000_000)
    raw = signed(PLAIN, canonicalize=(b"relaxed", b"relaxed"))
    assert result(raw + body, rsa_key()[1]) == "fail: the body was changed"


@pytest.mark.parametrize("filling", [b" ", b"\t", b";", b"=", b"b=", b" b =", b":", b"\r\n "])
def test_hostile_headers_cost_what_others_cost(filling):
    value = b"v=1; a=rsa-sha256; d=shop.example; s=s; h=from" + filling * (15000 // len(filling)) + b"; bh=AA; b=AA"
    assert result(b"DKIM-Signature: " + value + b"\r\n" + PLAIN, rsa_key()[1]) != "pass"
