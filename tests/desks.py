"""What every desk function is given, as tests give it: seeded chance, one key, no surprises."""

from __future__ import annotations

import random

from helpdeskd import config
from helpdeskd.desk.context import Desk
from helpdeskd.mail.tokens import TokenKeys

# For tests in which many mails come at once and are about something else.
LIFTED = config.Ceilings(**dict.fromkeys(config.Ceilings.__struct_fields__, "999999/hour"))


def a_desk() -> Desk:
    return Desk(
        settings=config.Desk(name="Desk"),
        tokens=TokenKeys((b"0123456789abcdef0123456789abcdef",)),
        instance="test",
        plus_works=True,
        rng=random.Random(4711).randbytes,
        intake=config.Intake(),
        ceilings=config.Ceilings(),
    )
