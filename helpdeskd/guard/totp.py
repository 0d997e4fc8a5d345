"""One-time codes: RFC 6238, SHA-1, six digits, 30 seconds, one step early or late."""

from __future__ import annotations

import re
from datetime import datetime

import pyotp

STEP = 30  # seconds

_CODE = re.compile(r"\d{6}", re.ASCII)


def new_seed() -> str:
    """160 bits, base32 (RFC 4226 section 4, R6)."""
    return pyotp.random_base32()


def uri(seed: str, account: str, issuer: str) -> str:
    """What an authenticator's app takes, as text or as a picture made from it."""
    return pyotp.TOTP(seed).provisioning_uri(name=account, issuer_name=issuer)


def step_of(seed: str, code: str, now: datetime) -> int | None:
    """The step this code belongs to, or None. Whether it was used already is for desk.accounts.use_step."""
    text = re.sub(r"[\s-]", "", code)
    if not _CODE.fullmatch(text):
        return None
    made = pyotp.TOTP(seed)
    current = int(now.timestamp()) // STEP
    return next(
        (
            step
            for step in (current, current - 1, current + 1)
            if pyotp.utils.strings_equal(made.generate_otp(step), text)
        ),
        None,
    )
