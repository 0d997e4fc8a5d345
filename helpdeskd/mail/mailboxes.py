"""Address lists (RFC 5322 section 3.4) as mails have them: groups, comments, routes, quotes that never close, words that stand in
the wrong place, no commas. Each character is looked at a few times at most; nothing recurses; never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<encoded>=\?[^?\s]{1,60}\?[bBqQ]\?[^?]{0,4000}\?=)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<space>\s+)|(?P<mark>[,;:])"""
    r"""|(?P<word>(?:(?!=\?)[^\s()<>,;:"])+|.)""",
    re.DOTALL,
)
_UNQUOTED = re.compile(_TOKEN.pattern.replace('(?P<quoted>"(?:', '(?P<quoted>(?!)"(?:'), re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_PARENTHESIS = re.compile(r"[()]|\\.", re.DOTALL)
_INNER = re.compile(r"<[^<>\s]{1,320}@[^<>\s]{1,255}>\s*,")  # two mailboxes between quotes that belong to others
_TIGHT = re.compile(r"\s*([.@])\s*")
_ROUTE = re.compile(r"(?:@[^@:,\s]{1,255},?)+:")  # RFC 5322 section 4.4: <@a,@b:c@d>
_LOCAL = re.compile(r"""(?:"(?:[^"\\]|\\.)+"|[^\s@"<>]+)\Z""")
_DOMAIN = re.compile(r"""\[[^\]\s]{1,255}\]|[^\s@"<>\[\]]{1,255}""")
_MAX_BARE = 20  # of one item: beyond, it is no mailbox

Mailbox = tuple[str, str]  # (name, address), encoded words still encoded


class _Item:
    """What stands between two commas."""

    def __init__(self) -> None:
        self.words: list[str] = []  # with the blanks between them
        self.comments: list[str] = []
        self.address = ""
        self.before = ""  # the words before the address in angle brackets

    def finished(self) -> Mailbox | None:
        text = "".join(self.words).strip()
        if self.address:  # a comment is a name only where no other is
            name = self.before or _unquoted(text)
            return name or " ".join(self.comments), self.address
        if "@" not in text:
            return None
        text = _TIGHT.sub(r"\1", text)
        found = dict(_bare(text))
        if len(found) != 1:
            return None  # none, or several: whose is the name, who is meant?
        ((address, start),) = found.items()
        rest = f"{text[:start]} {text[start + len(address) :]}".strip()
        return _unquoted(rest) or " ".join(self.comments), address


def _bare(text: str) -> Iterator[tuple[str, int]]:
    """The first addresses without brackets, and where they stand. Looked for around each @: words may be as long as a header."""
    place = text.find("@")
    for _ in range(_MAX_BARE):
        if place < 0:
            return
        local = _LOCAL.search(text, max(0, place - 320), place)
        domain = _DOMAIN.match(text, place + 1)
        if local and domain:
            yield f"{local[0]}@{domain[0]}", local.start()
        place = text.find("@", place + 1)


def mailboxes(value: str, most: int) -> list[Mailbox]:
    """The mailboxes of a list, in order; items without an address are left out."""
    found: list[Mailbox] = []
    for item in _items(value):
        one = item.finished()
        if one is not None:
            found.append(one)
            if len(found) >= most:
                break
    return found


def _items(value: str) -> Iterator[_Item]:
    closing = _closing(value)
    last_angle = value.rfind(">")
    item = _Item()
    place = 0
    token = _TOKEN
    while place < len(value):
        char = value[place]
        if char == "(" and place in closing:
            end = closing[place]
            comment = " ".join(_PAIR.sub(r"\1", value[place + 1 : end]).split())
            item.comments.append(comment)
            item.words.append(" " if item.words and not _in_address(item.words, value, end + 1) else "")
            place = end + 1
            continue
        if char == "<":
            end = value.find(">", place) if place < last_angle else -1
            end = _end_of_item(value, place) if end < 0 else end
            inside = value[place + 1 : end].rpartition("<")[2]
            address = _address(inside)
            if address and not item.address:
                item.address = address
                item.before = _unquoted("".join(item.words).strip())
                item.words = []
            place = end + 1
            continue
        match = token.match(value, place)
        if match is None:
            return
        place = match.end()
        kind, text = match.lastgroup, match[0]
        if kind == "mark":
            if text == ":":
                if not item.address and "@" not in "".join(item.words[-1:]):
                    item = _Item()  # the name of a group, or mailto:
            else:
                yield item
                item = _Item()
        elif kind == "quoted" and _INNER.search(text):
            place = match.start() + 1
        elif kind == "space":
            item.words.append(" ")
        elif text == '"':
            token = _UNQUOTED  # it does not close, and no later one does: they are not looked for again
        elif text not in "()>":
            item.words.append(text)
    yield item


def _in_address(words: list[str], value: str, after: int) -> bool:
    """Does a comment stand within or behind a bare address: pete(his account)@example.org (Pete)?"""
    return "@" in "".join(words[-20:]) or value[after : after + 20].lstrip()[:1] in {"@", "."}


def _closing(value: str) -> dict[int, int]:
    """Where each comment ends that does."""
    found: dict[int, int] = {}
    if "(" not in value:
        return found
    opened: list[int] = []
    for match in _PARENTHESIS.finditer(value):
        if match[0] == "(":
            opened.append(match.start())
        elif match[0] == ")" and opened:
            found[opened.pop()] = match.start()
    return found


def _end_of_item(value: str, place: int) -> int:
    ends = [end for end in (value.find(",", place), value.find(";", place)) if end >= 0]
    return min(ends, default=len(value))


def _address(inside: str) -> str:
    """The address between angle brackets, without route, comments and blanks."""
    text = _TIGHT.sub(r"\1", " ".join(_without_comments(inside).split()))
    if text.startswith("@") and (route := _ROUTE.match(text)):
        text = text[route.end() :]
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    return text if "@" in text else ""


def _without_comments(text: str) -> str:
    closing = _closing(text)
    if not closing:
        return text
    out: list[str] = []
    place = 0
    for start in sorted(closing):
        if start >= place:
            out.append(text[place:start])
            place = closing[start] + 1
    return "".join([*out, text[place:]])


def _unquoted(text: str) -> str:
    """A phrase as people read it: its quoted strings without quotes, blanks squeezed."""
    if '"' in text:
        text = re.sub(r'"((?:[^"\\]|\\.)*)"', lambda match: _PAIR.sub(r"\1", match[1]), text, flags=re.DOTALL)
    return " ".join(text.split())
