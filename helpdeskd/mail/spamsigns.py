"""Signs of spam that need nobody else: what scanners wrote into headers, what an answer of a DNSBL means, and what all signs come to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from helpdeskd.model.spam import By, Judgement, Sign, Spam

MAX_HEAD = 1 << 20  # bytes
MAX_SIGNS = 10  # headers of one mail that are noted
MAX_WORDS = 150
MAX_READ = 10 * MAX_WORDS  # characters of what may be megabytes

_END = re.compile(rb"\r?\n\r?\n")
# Line by line, whatever stands between them: a line that is no header, put in by the mail's author, hides none that our server added
# below it. Only a yes is looked for. Anybody can write one, and hurts himself; a "no" says nothing.
_BLANK = rb"(?:[ \t]|\r?\n[ \t])*"
_YES = re.compile(
    rb"^(?:(?P<name>x-spam(?:-flag|-status)?)[ \t]*:"
    + _BLANK
    + rb"(?:yes|true)\b"  # SpamAssassin, rspamd's milter, amavis
    rb"|(?P<result>x-spamd-result)[ \t]*:" + _BLANK + rb"[\w.-]{1,50}:[ \t]*true\b"  # rspamd's own, with its score
    rb"|(?P<action>x-rspamd-action)[ \t]*:" + _BLANK + rb"(?:reject|add header|rewrite subject|quarantine)\b)"
    rb"[^\r\n]*",
    re.IGNORECASE | re.MULTILINE,
)

NOBODY = "1.0.0.127."  # no list that is well has it (RFC 5782 section 5)
_LISTED = ip_network("127.0.0.0/24")
_ERROR = ip_network("127.255.255.0/24")  # Spamhaus and others: asked wrongly, or too often


def in_headers(raw: bytes) -> tuple[Sign, ...]:
    """What a scanner said of this mail in its headers, if it said spam. The caller knows whether such headers count."""
    end = _END.search(raw, 0, MAX_HEAD)
    found = _YES.finditer(raw, 0, end.start() if end else min(len(raw), MAX_HEAD))
    lines = (match[0] for match, _ in zip(found, range(MAX_SIGNS), strict=False))
    return tuple(Sign(By.HEADER, Spam.SPAM, plain(line.decode("ascii", "replace"))) for line in lines)


def plain(words: str) -> str:
    """Words from outside in one short line."""
    return " ".join("".join(c if c.isprintable() else " " for c in words[:MAX_READ]).split())[:MAX_WORDS]


def listed_as(client: str, zone: str) -> str | None:
    """The name by which a DNSBL lists this address (RFC 5782 sections 2.1 and 2.4); None where it is no address."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    digits = str(address).split(".") if isinstance(address, IPv4Address) else address.exploded.replace(":", "")
    return ".".join((*reversed(digits), zone))


def of_list(client: str, zone: str, answers: Sequence[str]) -> Sign:
    """What this answer means (RFC 5782 section 2.1: an address in 127.0.0.0/8 is a listing). Of a zone that ended, or behind a
    resolver that invents answers, other addresses come; one that will not answer us says so in 127.255.255.0/24."""
    addresses = [ip_address(answer) for answer in answers]
    codes = plain(", ".join(answers))
    if any(address in _LISTED and address != ip_address("127.0.0.1") for address in addresses):
        return Sign(By.DNSBL, Spam.SUSPECT, f"{zone} lists {client}: {codes}")
    if any(address in _ERROR for address in addresses):
        return Sign(By.DNSBL, None, f"{zone} refuses to answer: {codes}")
    if addresses:
        return Sign(By.DNSBL, None, f"{zone} answers {codes}, which is no listing")
    return Sign(By.DNSBL, Spam.HAM, f"{zone} does not list {client}")


def judge(signs: Iterable[Sign], *, dnsbl_needed: int) -> Judgement:
    """What all of it comes to: the worst that anybody says. Lists of addresses are evidence, and so many of them are spam (0: never)."""
    signs = tuple(signs)
    for state in (Spam.VIRUS, Spam.SPAM):
        for sign in signs:
            if sign.says is state:
                return Judgement(state, sign, signs)
    suspect = [sign for sign in signs if sign.says is Spam.SUSPECT]
    lists = [sign for sign in suspect if sign.by is By.DNSBL]
    if 0 < dnsbl_needed <= len(lists):
        return Judgement(Spam.SPAM, lists[0], signs)
    if suspect:
        return Judgement(Spam.SUSPECT, suspect[0], signs)
    return Judgement(Spam.HAM, None, signs)
