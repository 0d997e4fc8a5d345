"""Hard or soft, why, and with which status: of one recipient, from everything that is known of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from helpdeskd.mail.bounce import codes, phrases
from helpdeskd.model.mail import Delivery, Fate, Reason, Severity

HARD = frozenset({Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN, Reason.MOVED})
# Refused once the mail itself was there: a server that knows nobody says so before (RFC 5321 section 3.3). What answers here is
# a filter that speaks of an unknown user. Where commands were sent ahead (RFC 2920), the answer below DATA is to one before it;
# then DATA itself has no recipient left.
_AFTER_DATA = re.compile(
    r"in reply to (?:end of )?data|after (?:end of )?data|smtp command\s+data\b|>>> (?:data|\.)[ \t]*\n[ \t]*<<< [45]\d\d",
    re.IGNORECASE,
)
_SENT_AHEAD = re.compile(r"need rcpt|no valid recip|no recipients|valid rcpt", re.IGNORECASE)
# Exim gives up on a way that never was out of order for good: the class stays that of a passing trouble.
_PASSING = re.compile(
    r"(?<!delivery )retry (?:timeout|time limit) exceeded|hosts? .{0,40}failing for a long time", re.IGNORECASE
)


def judge(fate: Fate, *texts: str) -> Fate:
    """`fate` with severity, reason and status. `texts` are what is said of it, the nearest first."""
    said = [text for text in (fate.words, *texts) if text.strip()]
    status = codes.better(fate.status, next(filter(None, map(codes.status_in, said)), ""))
    reply = next(filter(None, map(codes.reply_in, said)), "")
    reason = next((found for found in map(phrases.reason_of, said) if found is not Reason.UNKNOWN), Reason.UNKNOWN)
    by_code = codes.reason_of(status, reply)
    if reason in {Reason.UNKNOWN, Reason.POLICY, Reason.SYSTEM} and by_code is not Reason.UNKNOWN:
        reason = by_code
    if reason is Reason.USER_UNKNOWN and (_is_policy(status) or _by_filter(said)):
        reason = Reason.FILTERED
    passing = fate.delivery is Delivery.DELAYED or any(map(_PASSING.search, said))
    first = status[:1] or reply[:1] or ("4" if passing else "5")
    return replace(
        fate, status=status or codes.status_of(reason, first), reason=reason, severity=_severity(fate.delivery, reason)
    )


def _by_filter(said: Sequence[str]) -> bool:
    return any(map(_AFTER_DATA.search, said)) and not any(map(_SENT_AHEAD.search, said))


def _is_policy(status: str) -> bool:
    """RFC 3463 section 3.8: whoever answers so gives no news of the mailbox."""
    return status[1:4] == ".7."


def _severity(delivery: Delivery, reason: Reason) -> Severity:
    if reason in HARD and delivery is not Delivery.DELAYED:
        return Severity.HARD
    return Severity.UNDETERMINED if reason is Reason.UNKNOWN else Severity.SOFT
