"""Message-IDs, subjects and addresses as keys: what ties one mail to another."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable

MAX_KEY = 255  # longer ones are stored as a digest: RFC 5322 sets no limit, databases' indexes do
MAX_IDS = 100  # of one header: the root and the 99 nearest

_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]+")
_BRACKETED = re.compile(r"<([^<>]*)>")
_TAG = re.compile(r"\[ ?# ?([0-9]{1,9}) ?\]", re.ASCII)

# Reply and forward prefixes as mail programs write them; compared casefolded, before a colon.
_REPLIES = (
    "re aw antw antwort sv vs vá ref réf rif ris r rép odp odpo res ynt bls atb yn tl ответ отв відповідь отг на απ σχετ"
    " 回复 回覆 答复 答覆 返信 답장 回 رد السابق השב תשובה"
)
_FORWARDS = (
    "fw fwd wg weitergeleitet tr vb vl vid enc rv doorst doorsturen pd továbbítás továb i inoltro ilt прд πρθ переслано"
    " пересылка преп 转发 轉寄 轉發 転送 전달 إعادة הועבר"
)
REPLY_PREFIXES = frozenset(_REPLIES.split())
FORWARD_PREFIXES = frozenset(_FORWARDS.split())
_PREFIXES = REPLY_PREFIXES | FORWARD_PREFIXES
# One prefix: up to 16 letters, a counter in any of the usual shapes, a colon (the full-width one too).
_PREFIX = re.compile(r"\s*([^\W\d_]{1,16})\s?(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4}|\d{1,4})?\s?[:\uff1a]\s*")
_FORWARD_END = re.compile(r"\s*\((?:fwd|fw)\)\s*$", re.IGNORECASE)


def key(message_id: str) -> str:
    """A Message-ID as we store and compare it: without brackets, white space or control characters; at most
    255 characters, else "sha256:" and the digest. Empty for an empty one."""
    found = _UNSEEN.sub("", message_id).strip("<>")
    if len(found) <= MAX_KEY:
        return found
    return "sha256:" + hashlib.sha256(found.encode("utf-8", "replace")).hexdigest()


def parse_ids(header: str) -> tuple[str, ...]:
    """The Message-IDs of a References or In-Reply-To header as keys, in its order, the direct parent last.

    Folding inside an id, junk between ids and a cut end are tolerated (RFC 5322 section 4.5.4 allows phrases).
    Ids without brackets count only where nothing else stands outside brackets: `mail from joe@example.org of
    Monday` names no id. Of a repeated id the last place counts; of more than 100 the root and the nearest 99.
    """
    found = [key(m) for m in _BRACKETED.findall(header)]
    bare = _BRACKETED.sub(" ", header).replace(",", " ").split()
    if bare and all("@" in word.strip("<>\"';") for word in bare):
        found = _in_order(header)
    found = [one for one in found if one]
    if len(found) > MAX_IDS:
        found = [found[0], *found[1 - MAX_IDS :]]
    return tuple(reversed(dict.fromkeys(reversed(found))))


def _in_order(header: str) -> list[str]:
    """Bracketed and bare ids of a header that holds nothing else."""
    found: list[str] = []
    end = 0
    for match in _BRACKETED.finditer(header):
        found += _bare(header[end : match.start()])
        found.append(key(match.group(1)))
        end = match.end()
    return found + _bare(header[end:])


def _bare(text: str) -> list[str]:
    return [key(word.strip("<>\"';")) for word in text.replace(",", " ").split()]


def base_subject(subject: str) -> str:
    """The subject without reply and forward prefixes, our tags and doubled white space; its case is kept."""
    rest = _SPACE.sub(" ", _TAG.sub(" ", subject)).strip()
    start = 0
    while (match := _PREFIX.match(rest, start)) and _folded(match.group(1)) in _PREFIXES:
        start = match.end()
    rest = rest[start:]
    return _FORWARD_END.sub("", rest).strip()


def is_forward(subject: str) -> bool:
    """Does the outermost prefix, or the end, say that this is a forwarded mail?"""
    rest = _SPACE.sub(" ", _TAG.sub(" ", subject))
    match = _PREFIX.match(rest)
    if match and _folded(match.group(1)) in FORWARD_PREFIXES:
        return True
    return bool(_FORWARD_END.search(rest))


def is_reply(subject: str) -> bool:
    """Does the outermost prefix say that this answers another mail?"""
    match = _PREFIX.match(_SPACE.sub(" ", _TAG.sub(" ", subject)))
    return match is not None and _folded(match.group(1)) in REPLY_PREFIXES


def _folded(prefix: str) -> str:
    """In small letters; those of a Turkish capital I with its dot are an i and a dot."""
    return prefix.casefold().replace("\u0307", "")


def subject_numbers(subject: str) -> tuple[int, ...]:
    """The ticket numbers a subject names as [#123456], in its order, each once."""
    return tuple(dict.fromkeys(int(number) for number in _TAG.findall(subject)))


def split_detail(address: str) -> tuple[str, str]:
    """("support@example.org", "token") of "support+token@example.org"; the detail is empty where there is none
    (RFC 5233 section 1; the separator is the plus sign)."""
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    base, plus, detail = local.partition("+")
    if not plus or not base or local.startswith('"'):
        return address, ""
    return f"{base}{at}{domain}", detail


def ascii_domain(domain: str) -> str:
    """A domain as the wire wants it: lower case, IDNA where it is not ASCII, unchanged where that fails."""
    if domain.isascii():
        return domain.lower()
    try:
        return domain.lower().encode("idna").decode("ascii")
    except UnicodeError:
        return domain.lower()


def new_mail_id(rng: Callable[[int], bytes], domain: str) -> str:
    """A fresh Message-ID without brackets: 128 bits of `rng` at our domain (RFC 5322 section 3.6.4)."""
    left = base64.b32encode(rng(16)).decode("ascii").rstrip("=").lower()
    return f"{left}@{ascii_domain(domain) or 'localhost'}"


def unique(addresses: Iterable[str]) -> tuple[str, ...]:
    """Each address once, whatever its case, in order."""
    return tuple({address.lower(): address for address in reversed(list(addresses))}.values())[::-1]
