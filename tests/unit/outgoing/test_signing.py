"""Mails as they leave: signed for the domain of their From, and the same bytes whatever happens between two attempts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from helpdeskd import config
from helpdeskd.config import dkim as files
from helpdeskd.errors import ConfigError
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.outgoing.sender import Counts
from helpdeskd.outgoing.signing import Signer
from tests.dkim import key, needs_opendkim, opendkim, placed, signatures, verified
from tests.unit.outgoing.house import parsed

OURS = (replace(key(), domain="example.org"), replace(key(ed25519=True), domain="example.org"))
WHEN = datetime(2025, 3, 2, tzinfo=UTC)
MAIL = b"From: a@example.org\r\n\r\nx\r\n"


@pytest.fixture
def signing(house, tmp_path):
    house.now = WHEN
    house.dkim = placed(tmp_path / "keys", *OURS)
    return house


async def test_what_arrives_is_signed_with_both_keys(signing):
    row_id = signing.queue()
    assert await signing.sender().once() == Counts(sent=1)
    (caught,) = signing.sink.mails
    assert verified(caught.data, OURS) == [True, True]
    assert signing.blobs.get(signing.row(row_id).raw_sha256) == caught.data
    mail = parsed(caught)
    signed = mail.get_all("DKIM-Signature")
    assert signed is not None
    assert [("a=rsa-sha256" in each, "a=ed25519-sha256" in each) for each in signed] == [(True, False), (False, True)]
    # Aligned: From, envelope (SPF), signatures and Message-ID are of one domain.
    assert mail["From"].addresses[0].domain == "example.org"
    assert caught.sender.endswith("@example.org")
    assert all("d=example.org;" in each for each in signed)
    assert mail["Message-ID"].endswith("@example.org>")


@needs_opendkim
async def test_what_arrives_holds_for_opendkim(house, tmp_path):
    """Off the wire, each kind alone: it looks at the topmost signature."""
    house.now = WHEN
    for number, each in enumerate(OURS):
        house.dkim = placed(tmp_path / "keys", each)
        house.queue()
        assert await house.sender().once() == Counts(sent=1)
        assert opendkim(tmp_path, house.sink.mails[number].data, (each,)) == ""


async def test_what_is_sent_again_is_the_same_whatever_became_of_the_keys(signing, tmp_path):
    """Deferred, the daemon killed, the keys gone: the bytes were frozen, with their signatures."""
    row_id = signing.queue()
    signing.sink.say("dot", "451 4.3.0 later")
    assert await signing.sender().once() == Counts(deferred=1)
    first = signing.row(row_id)
    assert first.state is OutboxState.DEFERRED and first.raw_sha256
    signing.dkim = ()
    signing.now = first.next_at
    assert await signing.sender(owner="node-2").once() == Counts(sent=1)
    assert signing.row(row_id).raw_sha256 == first.raw_sha256
    assert signing.sink.mails[-1].data == signing.blobs.get(first.raw_sha256)
    assert verified(signing.sink.mails[-1].data, OURS) == [True, True]


async def test_what_was_made_and_not_sent_is_made_the_same_again(signing):
    """A crash between the making and the sending: the bytes are made anew, and lie where the first lay."""
    row = signing.row(signing.queue())
    first = signing.sender()._prepare(row)
    signing.now = WHEN.replace(day=9)
    assert signing.sender()._prepare(row) == first


async def test_without_a_key_for_its_domain_it_leaves_unsigned(house, tmp_path):
    house.dkim = placed(tmp_path, key("example.net"))
    house.queue()
    assert await house.sender().once() == Counts(sent=1)
    assert signatures(house.sink.mails[0].data) == 0


@pytest.mark.parametrize(
    ("address", "signer"),
    [
        ("a@example.org", "example.org"),
        ("a@EXAMPLE.org", "example.org"),
        ("a@desk.example.org", "example.org"),
        ("a@own.example.org", "own.example.org"),
        ("a@deep.own.example.org", "own.example.org"),
        ("a@notexample.org", None),
        ("a@org", None),
        ("a@example.org.evil.test", None),
        ("", None),
    ],
)
def test_the_domain_of_from_chooses(tmp_path, address, signer):
    entries = placed(tmp_path, OURS[0], replace(key(), domain="own.example.org"))
    keys = Signer(config.Config(dkim=entries)).keys(address.rpartition("@")[2])
    assert [each.domain for each in keys] == ([signer] if signer else [])


def test_rsa_is_on_top_in_whatever_order_they_are_named(tmp_path):
    entries = placed(tmp_path, *reversed(OURS))
    assert [each.rsa for each in Signer(config.Config(dkim=entries)).keys("example.org")] == [True, False]


def test_a_key_is_replaced_while_it_runs_and_a_broken_one_is_not(tmp_path):
    entries = placed(tmp_path, OURS[0])
    signer = Signer(config.Config(dkim=entries))
    before = signer.sign(MAIL, "a@example.org", WHEN)
    path = tmp_path / "example.org.rsa.pem"
    path.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"dkim\.0\.key: expected a private key"):
        signer.reload()
    assert signer.sign(MAIL, "a@example.org", WHEN) == before
    with pytest.raises(ConfigError):
        Signer(config.Config(dkim=entries))
    path.unlink()
    files.write(path, key("other.test").private)
    signer.reload()
    assert signer.sign(MAIL, "a@example.org", WHEN) != before
