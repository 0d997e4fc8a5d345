"""Hard or soft, why, and with which status: of one recipient, from everything that is known of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from helpdeskd.mail.bounce import codes, phrases
from helpdeskd.mail.bounce.blame import blames
from helpdeskd.mail.bounce.phrases import any_of
from helpdeskd.model.mail import Delivery, Fate, Reason, Severity

HARD = frozenset({Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN, Reason.MOVED})
_VAGUE = frozenset({Reason.EXPIRED, Reason.POLICY})  # said in passing beside the true reason
# Refused once the mail itself was there: a server that knows nobody says so before (RFC 5321 section 3.3). What answers here is
# a filter that speaks of an unknown user. Where commands were sent ahead (RFC 2920), the answer below DATA is to one before it;
# then DATA itself has no recipient left.
_AFTER_DATA = re.compile(
    r"in reply to (?:end of )?data|failed (?:on data|after i sent)|after (?:end of )?data|smtp command\s+data\b|\(state 1[5-9]\)|>>> (?:data|\.)[ \t]*\n[ \t]*<<< [45]\d\d",
    re.IGNORECASE,
)
# The state is Gmail's, the words are qmail's.
_AT_RCPT = re.compile(r"\brcpt\b|rcpt_to|\(state 14\)|does not like recipient", re.IGNORECASE)
_AT_MAIL = re.compile(r"(?:after|in reply to|>>>)\s+mail from|\bmail_from\b|does not like sender", re.IGNORECASE)
_OF_RECIPIENT = re.compile(  # as sendmail and others answer RCPT
    r"\b55\d[ -]+(?:<?\S{1,254}@\S{1,255}?>?\s?\.\.\.\s|(?:unknown user|no such user):? <?\S{1,254}@)", re.IGNORECASE
)
_OF_SENDER = frozenset({".1.7", ".1.8"})
_LATE = re.compile(r"554 delivery error: dd ", re.IGNORECASE)  # Yahoo looks the recipient up below DATA
_OF_OWNER = frozenset({".7.17", ".7.18"})  # RFC 7293: the address is somebody else's now, or nobody's
_OF_ADDRESS = frozenset({".5.0"})  # what Hotmail and others with it write of addresses they do not have
_OWN = re.compile(
    any_of(
        r"""
        directory|address book|listed in|recipnotfound|verzeichnis|répertoire|000c05a6|name is not recognized|recipientnotfound|resolver\.adr|unknown (?:user|recipient):
        unknown local|in (?:local|virtual|relay) (?:recipient|mailbox|alias|user)|unrouteable|no such (?:local )?user here
        (?:mail ?box|user|account|address|recipient|no one|nobody)\b.{0,20} here\b|(?:on|at|in|to|of) (?:this|our|my) (?:server|system|host|site|database|network|service|domain)\b
        user unknown in|mailbox not found|unknown to (?:the|this|our|us)\b|final email delivery point|ディレクトリ|リストに
        """
    ),
    re.IGNORECASE,
)
_SENT_AHEAD = re.compile(r"need rcpt|no valid recip|no recipients|valid rcpt", re.IGNORECASE)
# Exim gives up on a way that never was out of order for good: the class stays that of a passing trouble.
_PASSING = re.compile(
    r"(?<!delivery )retry (?:timeout|time limit) exceeded|hosts? .{0,40}failing for a long time", re.IGNORECASE
)


# What PowerMTA writes beside the fields of the standard: it has judged already.
_CATEGORIES = {
    "bad-mailbox": Reason.USER_UNKNOWN,
    "inactive-mailbox": Reason.DISABLED,
    "quota-issues": Reason.MAILBOX_FULL,
    "bad-domain": Reason.HOST_UNKNOWN,
    "relaying-issues": Reason.RELAYING,
    "invalid-sender": Reason.SENDER,
    "spam-related": Reason.CONTENT,
    "virus-related": Reason.CONTENT,
    "content-related": Reason.CONTENT,
    "policy-related": Reason.POLICY,
    "message-expired": Reason.EXPIRED,
    "bad-connection": Reason.NETWORK,
    "no-answer-from-host": Reason.NETWORK,
}


class Said:
    """Words about one recipient or many. Each question about them is answered once, whoever asks: a report may name a hundred
    recipients and say what befell them in one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_blank = not text or text.isspace()
        self._has: dict[re.Pattern[str], bool] = {}

    @cached_property
    def status(self) -> str:
        return codes.status_in(self.text)

    @cached_property
    def reply(self) -> str:
        return codes.reply_in(self.text)

    @cached_property
    def reason(self) -> Reason:
        return phrases.reason_of(self.text)

    def has(self, shape: re.Pattern[str]) -> bool:
        if shape not in self._has:
            self._has[shape] = shape.search(self.text) is not None
        return self._has[shape]


def judge(fate: Fate, *texts: Said, category: str = "") -> Fate:
    """`fate` with severity, reason, status and code. `texts` are what is said of it, the nearest first;
    `category` is the reporter's own word."""
    said = [each for each in (Said(fate.words), *texts) if not each.is_blank]
    status = codes.better(fate.status, next((each.status for each in said if each.status), ""))
    reply = next((each.reply for each in said if each.reply), "")
    reasons = [each.reason for each in said if each.reason is not Reason.UNKNOWN]
    reason = next((found for found in reasons if found not in _VAGUE), next(iter(reasons), Reason.UNKNOWN))
    by_code = codes.reason_of(status, reply)
    vague = reason is Reason.UNKNOWN or reason in _VAGUE or (reason is Reason.SYSTEM and by_code not in HARD)
    if vague and by_code is not Reason.UNKNOWN:
        reason = by_code
    if reason is Reason.USER_UNKNOWN and status.startswith("4.3."):
        reason = Reason.SYSTEM  # it could not look
    if reason is Reason.USER_UNKNOWN and by_code in {Reason.HOST_UNKNOWN, Reason.MOVED} and status[1:] != ".1.10":
        reason = by_code  # "The recipient could not be found", and in which way it could not
    if reason is Reason.USER_UNKNOWN and (_is_policy(status) or _by_filter(status, said) or not _is_sure(status, said)):
        reason = Reason.FILTERED
    if reason in HARD and (status[1:] in _OF_SENDER or (_any(_AT_MAIL, said) and not _any(_AT_RCPT, said))):
        reason = Reason.SENDER
    reason = _CATEGORIES.get(category, reason)
    passing = fate.delivery is Delivery.DELAYED or _any(_PASSING, said)
    first = status[:1] or reply[:1] or ("4" if passing else "5")
    severity = _severity(fate.delivery, reason)
    code = status or codes.status_of(reason, first)
    return replace(fate, status=status, code=code, reason=reason, severity=severity)


def blames_address(recipient: str, words: str) -> bool:
    """A relay refuses a recipient for good, with these words. A relay that will not serve *us*, or not now, says so, or says
    something that nobody knows."""
    return blames(recipient, judge(Fate(Delivery.FAILED, recipient, "", "", words, ""), Said("in reply to RCPT")))


def _by_filter(status: str, said: Sequence[Said]) -> bool:
    return not _of_address(status) and _any(_AFTER_DATA, said) and not _any(_SENT_AHEAD, said) and not _any(_LATE, said)


def _is_sure(status: str, said: Sequence[Said]) -> bool:
    """Words alone do not prove that nobody is there: filters say the same. A status of addresses does, or the command that names
    the recipient, or a server that speaks of its own directory."""
    if _of_address(status) or any(_any(shape, said) for shape in (_LATE, _AT_RCPT, _OWN)):
        return True
    return not status and _any(_OF_RECIPIENT, said)


def _any(shape: re.Pattern[str], said: Sequence[Said]) -> bool:
    return any(each.has(shape) for each in said)


def _of_address(status: str) -> bool:
    return status[1:] in _OF_ADDRESS or status[1:4] == ".1."


def _is_policy(status: str) -> bool:
    """RFC 3463 section 3.8: whoever answers so gives no news of the mailbox."""
    return status[1:4] == ".7." and status[1:] not in _OF_OWNER


def _severity(delivery: Delivery, reason: Reason) -> Severity:
    if reason in HARD and delivery is not Delivery.DELAYED:
        return Severity.HARD
    return Severity.UNDETERMINED if reason is Reason.UNKNOWN else Severity.SOFT
