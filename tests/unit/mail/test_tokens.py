"""Reply tokens: made, read, refused, removed."""

from __future__ import annotations

import pytest

from helpdeskd.mail.tokens import ADDRESS_LIKE, TokenKeys

OLD, NEW = b"o" * 32, b"n" * 32
LARGEST = (1 << 63) - 1


@pytest.mark.parametrize("ids", [(0, 0), (1, 1), (123456, 789), (2_000_000, 2_000_000), (LARGEST, LARGEST)])
def test_round_trip_in_any_case(ids):
    keys = TokenKeys((NEW,))
    token = keys.make(*ids)
    assert keys.read(token) == ids
    assert keys.read(token.upper()) == ids
    assert token == token.lower()
    assert len(token) <= 47


def test_it_fits_a_local_part():
    token = TokenKeys((NEW,)).make(2_000_000, 2_000_000)
    assert len(token) <= 28
    assert len(f"customer-service-department-x+{token}") <= 64


def test_an_old_key_reads_but_does_not_sign():
    token = TokenKeys((OLD,)).make(5, 6)
    assert TokenKeys((NEW, OLD)).read(token) == (5, 6)
    assert TokenKeys((NEW, OLD)).make(5, 6) == TokenKeys((NEW,)).make(5, 6) != token
    assert TokenKeys((NEW,)).read(token) is None


def test_every_changed_character_is_refused():
    keys = TokenKeys((NEW,))
    token = keys.make(123456, 42)
    for place, char in enumerate(token):
        for other in "abcdefghijklmnopqrstuvwxyz234567":
            if other != char:
                assert keys.read(token[:place] + other + token[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "a", "a" * 21, "a" * 28, "a" * 47, "a" * 100, "1" * 28, "é" * 28, "=" * 28])
def test_what_is_no_token_is_none(text):
    assert TokenKeys((NEW,)).read(text) is None


@pytest.mark.parametrize("keys", [(), (b"short",), (NEW, b"")])
def test_weak_keys_are_refused(keys):
    with pytest.raises(ValueError, match="at least 16 bytes"):
        TokenKeys(keys)


def test_ids_out_of_range_are_refused():
    with pytest.raises(ValueError, match="between 0"):
        TokenKeys((NEW,)).make(-1, 1)
    with pytest.raises(ValueError, match="between 0"):
        TokenKeys((NEW,)).make(1, 1 << 63)


def test_no_key_shows_in_its_name():
    assert "n" * 5 not in repr(TokenKeys((NEW,)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("support+{t}@x.org", "support@x.org"),
        ("<support+{T}@x.org>", "<support@x.org>"),
        ("mailto:support%2B{t}%40x.org", "mailto:support%40x.org"),
        ("support&#43;{t}@x.org", "support@x.org"),
        ("the token {t}.", "the token ."),
        ("support+{other}@x.org", "support+{other}@x.org"),
        ("a commit d670460b4b4aece5915caf5c68d12f560a9fe3e4", "a commit d670460b4b4aece5915caf5c68d12f560a9fe3e4"),
        ("x{t}y", "x{t}y"),
        ("", ""),
    ],
)
def test_scrub(text, expected):
    keys = TokenKeys((NEW,))
    token, other = keys.make(1, 2), TokenKeys((OLD,)).make(1, 2)
    fill = {"t": token, "T": token.upper(), "other": other}
    assert keys.scrub(text.format(**fill)) == expected.format(**fill)


def test_addresses_with_tokens_are_seen_without_keys():
    assert ADDRESS_LIKE.search(f"x support+{TokenKeys((NEW,)).make(1, 2)}@x.org y")
    assert not ADDRESS_LIKE.search("ann+newsletter@x.org")
