"""Every mail in tests/mails against what its expectation says. Add a mail: NN-name.eml and NN-name.expect.toml."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from helpdeskd.config import Desk, Intake
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import Address, Inbound

MAILS = Path(__file__).parents[2] / "mails"
FIXTURES = sorted(MAILS.glob("*.eml"))


def read(raw: bytes, sender: str | None = None) -> Inbound:
    return parse(
        raw,
        sender=sender,
        instance="test-instance",
        own_addresses=lambda address: address.endswith("@desk.example"),
        marker=Desk().marker,
        limits=Intake(),
    )


def test_there_are_enough_of_them():
    assert len(FIXTURES) >= 25
    assert {path.name.removesuffix(".eml") for path in FIXTURES} == {
        path.name.removesuffix(".expect.toml") for path in MAILS.glob("*.expect.toml")
    }


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_expectation(path: Path):
    raw = path.read_bytes()
    expected = tomllib.loads(path.with_name(path.stem + ".expect.toml").read_text("utf-8"))
    assert expected.pop("story")
    mail = read(raw)
    for key, value in expected.items():
        check = CHECKS.get(key)
        if check:
            check(mail, value)
        else:
            assert plain(getattr(mail, key)) == value, key
    assert mail.raw_sha256 == hashlib.sha256(raw).hexdigest()
    assert read(raw) == mail, "parsing is a repeatable derivation"


def plain(value):
    """A field as TOML would hold it."""
    if isinstance(value, Address):
        return [value.name, value.email]
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value


def check_parts(mail: Inbound, expected: list[dict]):
    assert [part.name for part in mail.parts] == [one["name"] for one in expected]
    for part, one in zip(mail.parts, expected, strict=True):
        assert part.sha256 == hashlib.sha256(part.data).hexdigest()
        for key, value in one.items():
            if key == "starts":
                assert part.data.startswith(value.encode())
            elif key == "contains":
                assert value.encode() in part.data
            elif key == "size":
                assert len(part.data) == value
            else:
                assert getattr(part, key) == value


def check_text(mail: Inbound, expected: str):
    assert mail.text == expected


def check_contains(field: str):
    def check(mail: Inbound, expected: str):
        assert expected in getattr(mail, field)

    return check


def check_quote_starts(mail: Inbound, expected: str):
    assert mail.quote.startswith(expected)


def check_cc(mail: Inbound, expected: list[str]):
    assert sorted(one.email for one in mail.cc) == expected


def check_identity(mail: Inbound, expected: bool):
    assert (mail.identity_sha256 is not None) == expected


CHECKS = {
    "parts": check_parts,
    "text": check_text,
    "text_contains": check_contains("text"),
    "quote_contains": check_contains("quote"),
    "quote_starts": check_quote_starts,
    "cc_emails": check_cc,
    "identity": check_identity,
}
