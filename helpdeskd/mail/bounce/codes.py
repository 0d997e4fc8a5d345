"""Codes of RFC 3463 and RFC 5321 in what a server says, and what they mean where its words do not tell."""

from __future__ import annotations

import re

from helpdeskd.model.mail import Reason

_ENHANCED = r"[245]\.\d{1,2}\.\d{1,3}"
# Beside a reply code it is what the server said; anywhere else it may be a version or a part of an IP address.
_PAIRED = re.compile(rf"(?<![\d.])[245]\d\d[ \t:#<('\"-]{{1,4}}({_ENHANCED})(?![\d.])", re.ASCII)
_ALONE = re.compile(rf"(?<![\w.])#?({_ENHANCED})(?![\w.]|\.\d)", re.ASCII)
_REPLY = re.compile(
    r"(?:^|(?<=[\s:;>(\[\"'=#]))([45](?:[0-5]\d|71))(?=[-\s:;<,)\]\"'.]|$)(?!\.\d)(?!\s+(?:bytes|seconds|minutes|hours|days)\b)",
    re.ASCII,
)

# By subject and detail of the status (RFC 3463 section 3, and the registry it opened).
_BY_DETAIL = {
    "1.0": Reason.USER_UNKNOWN,
    "1.1": Reason.USER_UNKNOWN,
    "1.2": Reason.HOST_UNKNOWN,
    "1.3": Reason.USER_UNKNOWN,
    "1.4": Reason.USER_UNKNOWN,
    "1.6": Reason.MOVED,
    "1.7": Reason.SENDER,
    "1.8": Reason.SENDER,
    "1.9": Reason.PROTOCOL,
    "1.10": Reason.HOST_UNKNOWN,  # RFC 7505: the domain takes no mail
    "1.90": Reason.TOO_MUCH,
    "1.351": Reason.USER_UNKNOWN,
    "2.0": Reason.FILTERED,
    "2.1": Reason.DISABLED,
    "2.2": Reason.MAILBOX_FULL,
    "2.3": Reason.TOO_LARGE,
    "2.4": Reason.SYSTEM,
    "3.1": Reason.SYSTEM,
    "3.4": Reason.TOO_LARGE,
    "4.1": Reason.NETWORK,
    "4.2": Reason.NETWORK,
    "4.3": Reason.SYSTEM,
    "4.4": Reason.HOST_UNKNOWN,
    "4.5": Reason.TOO_MUCH,
    "4.6": Reason.NETWORK,
    "4.7": Reason.EXPIRED,
    "4.310": Reason.HOST_UNKNOWN,
    "5.3": Reason.TOO_MUCH,
    "7.1": Reason.POLICY,
    "7.4": Reason.NETWORK,  # of TLS
    "7.10": Reason.NETWORK,
    "7.13": Reason.DISABLED,
    "7.16": Reason.TOO_LARGE,
    "7.17": Reason.MOVED,  # RFC 7293: the mailbox is another person's now
    "7.18": Reason.MOVED,
    "7.20": Reason.AUTHENTICATION,
    "7.21": Reason.AUTHENTICATION,
    "7.22": Reason.AUTHENTICATION,
    "7.23": Reason.AUTHENTICATION,
    "7.24": Reason.AUTHENTICATION,
    "7.25": Reason.BLOCKED,
    "7.26": Reason.AUTHENTICATION,
    "7.27": Reason.SENDER,
    "7.28": Reason.TOO_MUCH,
    "7.60": Reason.SENDER,
    "7.124": Reason.SENDER,
    "7.133": Reason.SENDER,
    "7.134": Reason.SENDER,
    "7.136": Reason.SENDER,
    "7.509": Reason.AUTHENTICATION,
    "7.515": Reason.AUTHENTICATION,
}
_BY_SUBJECT = {"3": Reason.SYSTEM, "4": Reason.NETWORK, "5": Reason.PROTOCOL, "6": Reason.CONTENT, "7": Reason.POLICY}
_BY_REPLY = {
    "421": Reason.NETWORK,
    "422": Reason.MAILBOX_FULL,
    "441": Reason.NETWORK,
    "442": Reason.NETWORK,
    "447": Reason.EXPIRED,
    "450": Reason.UNKNOWN,
    "451": Reason.SYSTEM,
    "452": Reason.MAILBOX_FULL,
    "454": Reason.NETWORK,
    "471": Reason.POLICY,
    "500": Reason.PROTOCOL,
    "501": Reason.PROTOCOL,
    "502": Reason.PROTOCOL,
    "503": Reason.PROTOCOL,
    "504": Reason.PROTOCOL,
    "511": Reason.USER_UNKNOWN,
    "512": Reason.HOST_UNKNOWN,
    "521": Reason.HOST_UNKNOWN,  # RFC 7504: takes no mail
    "522": Reason.MAILBOX_FULL,
    "523": Reason.TOO_LARGE,
    "530": Reason.POLICY,
    "534": Reason.POLICY,
    "535": Reason.POLICY,
    "541": Reason.POLICY,
    "551": Reason.USER_UNKNOWN,
    "552": Reason.MAILBOX_FULL,
    "553": Reason.USER_UNKNOWN,
    "554": Reason.POLICY,
    "555": Reason.PROTOCOL,
    "556": Reason.HOST_UNKNOWN,
    "571": Reason.POLICY,
}
# The status a reason amounts to, where the server gave none.
_DETAIL_OF = {
    Reason.USER_UNKNOWN: "1.1",
    Reason.HOST_UNKNOWN: "1.2",
    Reason.MOVED: "1.6",
    Reason.MAILBOX_FULL: "2.2",
    Reason.DISABLED: "2.1",
    Reason.TOO_LARGE: "3.4",
    Reason.TOO_MUCH: "4.5",
    Reason.BLOCKED: "7.1",
    Reason.SENDER: "1.8",
    Reason.AUTHENTICATION: "7.26",
    Reason.RELAYING: "7.1",
    Reason.CONTENT: "6.0",
    Reason.POLICY: "7.1",
    Reason.FILTERED: "2.0",
    Reason.EXPIRED: "4.7",
    Reason.NETWORK: "4.1",
    Reason.SYSTEM: "3.0",
    Reason.PROTOCOL: "5.0",
    Reason.UNKNOWN: "0.0",
}


def status_in(words: str) -> str:
    """The last status that says something, of those beside a reply code before those that stand alone."""
    for shape in (_PAIRED, _ALONE):
        found: list[str] = shape.findall(words)
        if found:
            return next((one for one in reversed(found) if not _says_nothing(one)), found[-1])
    return ""


def reply_in(words: str) -> str:
    match = _REPLY.search(words)
    return match[1] if match else ""


def _says_nothing(status: str) -> bool:
    return status[1:] in {".0.0", ".1.0"}


def better(reported: str, said: str) -> str:
    """Of the status in a report's field and that in the server's words. A report often has 5.0.0, or its own 4.4.7."""
    return said if said and not (_says_nothing(said) and reported and not _says_nothing(reported)) else reported


def reason_of(status: str, reply: str) -> Reason:
    subject, _, detail = status[2:].partition(".")
    found = _BY_DETAIL.get(f"{subject}.{detail}") or _BY_SUBJECT.get(subject)
    return found or _BY_REPLY.get(reply, Reason.UNKNOWN)


def status_of(reason: Reason, first: str) -> str:
    return f"{first}.{_DETAIL_OF[reason]}"
