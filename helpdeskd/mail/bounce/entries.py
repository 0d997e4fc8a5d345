"""The recipients that a report in plain text names, and what it says of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from helpdeskd.mail.report import MAX_FATES

ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\uffff-]{1,64}@[A-Za-z0-9\u0080-\uffff_-]{1,63}(?:\.[A-Za-z0-9\u0080-\uffff_-]{1,63}){0,9}"
_MAX_LINES = 2000
_MAX_ENTRIES = MAX_FATES
_MAX_WORDS = 2000  # characters kept of what is said of one recipient

_ANY = re.compile(ADDRESS)
# `<a@b>: ...`, `a@b ... words`, `"a@b":`, `a@b on Thu, ...`, `a@b`, `rfc822;a@b`, `- a@b (...)`, `To: a@b` is none.
_LEAD = re.compile(
    rf"[\s>]*(?:[-*\u2022]+\s*|\d{{1,3}}[.)]\s+|\|\s*)?(?:(?:recipient|address|addressee|user|failed address|invalid recipient|"
    rf"e-?mail|destinataire|empfänger|adresse)s?\s?:?\s*)?[\"'<(\[]*(?:rfc822;|smtp:|smtp;|mailto:)?\s*(?P<address>{ADDRESS})"
    r"[\"'>)\]]*(?:\s*<[^<>\s]{1,320}>)?(?P<rest>\s*$|\s*(?:[:;,(\[=]|\.\.\.|-+\s|-+>|\.\s|=>).*|"
    r"\s+(?:on \w{3},|was |is |has |had |does |did |could |cannot |can't |couldn't |failed|not |unknown|user |mailbox |address |recipient |"
    r"n'existe|existiert|nicht |konnte ).*)",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    rf"\s*(?:<<<|>>>|\.{{3}})?\s*[45]\d\d[ :-]\s*[^@]{{0,120}}?<?(?P<address>{ADDRESS})", re.IGNORECASE
)
_COMMAND = re.compile(rf"(?:\bRCPT|\bX-RCPT)\s+TO:\s*<?(?P<address>{ADDRESS})", re.IGNORECASE)
_X400 = re.compile(rf"\s*/?(?:c|g|s|cn)=[^\n]*\bSMTP=(?P<address>{ADDRESS})", re.IGNORECASE)
# A sentence that says of whom it speaks.
_SENTENCE = re.compile(
    r"unable to deliver|(?:can ?not|can't|could not|couldn't|was not|wasn't|not|isn't) (?:be |been )?(?:deliver|sent|reach)|undeliver|"
    r"(?:error|problem|failure|failed?)\b.{0,40}deliver|deliver\w* (?:.{0,40}\b)?(?:fail|error|delayed|impossible)|rejected|refused|"
    r"unknown|no such|not found|invalid|does not exist|doesn't exist|(?:mailbox|quota|storage|disk).{0,40}(?:full|exceed|violat)|"
    r"quota|exceeds allowed|intended recipient|not a member|failed recipient|addressed to|did not reach|not reach|bounced|"
    r"nicht zugestellt|unzustellbar|n'a pas (?:pu|été)|non (?:remis|recapit|consegn)|no (?:se ha|pudo|se pudo)|não (?:pôde|foi)|"
    r"配信|送信|届|送達|доставлен",
    re.IGNORECASE,
)
_SENDER = re.compile(
    r"mail from|envelope-from|from:|sent by|sender|contact|please|your message (?:from|sent)|assistance|help\b|http",
    re.IGNORECASE,
)
_FROM_NEXT = re.compile(r"(?:sent by|from|sender)\s*:?\s*$", re.IGNORECASE)
_SERVER = re.compile(r"\s*<<<")
# In a transcript these begin what is said of the next recipient.
_REPLY = re.compile(r"\s*(?:<<<|>>>|\d{3}[ -]|(?:\.\.\. )?while talking to)", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Entry:
    """One recipient. `first` is what stands up to the first empty line, `words` all of it."""

    address: str
    first: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    room: int = _MAX_WORDS
    open: bool = True

    def add(self, line: str) -> None:
        line = line.strip()
        if not line:
            self.open = self.open and not self.first
            return
        if self.room > 0:
            line = line[: self.room]
            self.room -= len(line)
            self.words.append(line)
            if self.open:
                self.first.append(line)


def find(said: str, own: Collection[str]) -> list[Entry]:
    """The entries, each address once. `own` are addresses in lower case that are never meant: of the sender, and of the report."""
    found: dict[str, Entry] = {}
    current: list[Entry] = []  # those that the next lines speak of: more than one where a list of them stands
    spoken: list[str] = []  # what a server said before it became clear of whom
    before = ""
    replied = False  # the last recipient was named in a server's reply, so that nothing more is said of it
    for line in said.split("\n", _MAX_LINES)[:_MAX_LINES]:
        named, rest = _named(line, before, own) if "@" in line else ((), line)
        if line.strip():
            before = line
        if not named:
            if replied and _REPLY.match(line):
                current = []
            if _SERVER.match(line) or not current:
                spoken = [*spoken[-8:], line] if line.strip() else spoken
            for each in current:
                each.add(line)
            continue
        if any(entry.words for entry in current) or not current or not _bare(before):
            current = []
        for address in named:
            if address.lower() not in found and len(found) >= _MAX_ENTRIES:
                return list(found.values())
            entry = found.setdefault(address.lower(), Entry(address))
            for reply in spoken if _SPOKEN.match(line) else ():
                entry.add(reply)
            entry.add(rest)
            if entry not in current:
                current.append(entry)
        spoken = []
        replied = _SPOKEN.match(line) is not None
    return list(found.values())


def _bare(line: str) -> bool:
    return "@" in line and len(line.split()) <= 2


def _named(line: str, before: str, own: Collection[str]) -> tuple[tuple[str, ...], str]:
    """The recipients that a line names, and what else it says."""
    for shape in (_COMMAND, _X400, _SPOKEN, _LEAD):
        match = shape.search(line) if shape is _COMMAND else shape.match(line)
        if match is None or _is_own(match["address"], own) or (shape is _LEAD and _FROM_NEXT.search(before)):
            continue
        return (_trim(match["address"]),), (match["rest"].lstrip(" :;") if shape is _LEAD else line)
    if _SENTENCE.search(line) and not _SENDER.search(line):
        return tuple(dict.fromkeys(_trim(one) for one in _others(_ANY.findall(line), own))), line
    return (), line


def _others(addresses: Iterable[str], own: Collection[str]) -> list[str]:
    return [one for one in addresses if not _is_own(one, own)]


def _is_own(address: str, own: Collection[str]) -> bool:
    key = _trim(address).lower()
    return key in own or key.partition("@")[0] in {"postmaster", "mailer-daemon", "abuse"}


def _trim(address: str) -> str:
    return address.strip(".'`-_=")
