"""Does a failure count against the address? Of what is judged to be hard, only what can be about nothing else: a doubt costs one
more mail to a dead address, and a mistake costs somebody all of ours."""

from __future__ import annotations

import re

from helpdeskd.mail import ids
from helpdeskd.model.mail import Fate, Reason, Severity

_ADDRESS = re.compile(r"[^\s<>\"'()\[\]:;,=]{1,64}@([A-Za-z0-9\u0080-\uffff.-]{1,253})")
_LINK = re.compile(r"https?://\S+")
# Names with a dot that are no host's: parts of Exchange.
_PART = re.compile(r"\b(?:smtpsend|resolver|storedrv|routing)\.[\w.]+", re.IGNORECASE)
_DOMAIN = re.compile(r"(?<![\w@.-])(?:[a-z0-9\u0080-\uffff-]{1,63}\.){1,8}[a-z\u0080-\uffff][a-z0-9\u0080-\uffff-]{1,62}(?![\w@-])", re.IGNORECASE)  # fmt: skip
_FORWARD = re.compile(r"\s*551\b")  # RFC 5321 section 3.4
# Words beside a refusal that make it doubtful: of a trouble that passes, of us, of whom the recipient hears.
_DOUBT = re.compile(
    r"no valid recip|\bno route for mail|at th(?:is|e) (?:time|moment)|temporar|try (?:again|later)|retry time|maintenance|may not exist|"
    r"unable to resolve|is forwarded|white ?-?list|allow ?-?list|contact (?:form|support)|web ?form|use (?:our|the) (?:portal|web)|"
    r"customers? (?:list|of)|our customers?|(?:unknown|no such) customer|(?:this|our) relay|"
    r"\b(?:too many|licen[sc]e|sender|polic(?:y|ies)|greylist\w*|user agents?|helo|ehlo|attachments?)\b",
    re.IGNORECASE,
)


def blames(recipient: str, fate: Fate) -> bool:
    """`recipient` is the address that we wrote to.

    Never what has a 4 in front (RFC 3463 section 2: it may pass), whoever has given up over it since; and nothing that names other
    addresses or, where a domain is unknown, other domains than the recipient's: those may be ours.
    """
    if fate.severity is not Severity.HARD or fate.code.startswith("4") or _DOUBT.search(fate.words):
        return False
    if fate.reason is Reason.MOVED or _FORWARD.match(fate.words):  # it may say whither
        return True
    words = _PART.sub(" ", _LINK.sub(" ", fate.words))
    named = {match[0].lower() for match in _ADDRESS.finditer(words)}
    local, _, domain = recipient.lower().rpartition("@")
    if named:
        return any(each.startswith(f"{local}@") and _same(each.rpartition("@")[2], domain) for each in named)
    domains = _DOMAIN.findall(words) if fate.reason is Reason.HOST_UNKNOWN else []
    return not domains or any(_same(each, domain) for each in domains)


def _same(one: str, other: str) -> bool:
    """The same domain, or one below the other."""
    a, b = (f".{ids.ascii_domain(each.lower().strip('.'))}" for each in (one, other))
    return a.endswith(b) or b.endswith(a)
