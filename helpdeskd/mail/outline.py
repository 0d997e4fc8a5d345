"""The tree of a mail as it was sent: every part with its type, its name and its decoded bytes, attached mails opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from helpdeskd.config import Intake
from helpdeskd.mail import charset, prepare, split
from helpdeskd.mail.faults import FAULTS
from helpdeskd.mail.names import file_name
from helpdeskd.mail.split import Tree

_MAX_ATTACHED = 20  # mails within mails that are opened
_MAILS = frozenset({"message/rfc822", "message/global", "message/news"})


@dataclass(frozen=True, slots=True)
class Node:
    """One part. A multipart has its parts below it, an attached mail the mail; `data` are the decoded bytes of the others
    and of attached mails."""

    content_type: str
    name: str = ""
    charset: str = ""
    data: bytes = b""
    below: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        yield self
        for one in self.below:
            yield from one.walk()

    def plain(self) -> dict[str, object]:
        """As JSON would hold it: type, name, charset and size, and the parts below."""
        facts: dict[str, object] = {"type": self.content_type}
        facts |= {key: value for key, value in (("name", self.name), ("charset", self.charset)) if value}
        if not self.content_type.startswith("multipart/"):
            facts["size"] = len(self.data)
        return facts | ({"parts": [one.plain() for one in self.below]} if self.below else {})

    def lines(self, indent: str = "") -> Iterator[str]:
        """As people read it, a line for each part."""
        size = "" if self.content_type.startswith("multipart/") else f"{len(self.data)} bytes"
        yield indent + ", ".join(one for one in (self.content_type, self.name, self.charset, size) if one)
        for one in self.below:
            yield from one.lines(indent + "  ")

    def text(self) -> str:
        return charset.decode(self.data, self.charset or None)


def outline(raw: bytes, limits: Intake) -> Node:
    """The tree of a mail, as far as the limits of reading allow. Never raises."""
    return _mail(raw, limits, 0)


def _mail(raw: bytes, limits: Intake, opened: int) -> Node:
    prepared = prepare.prepare(raw, limits)
    try:
        return _node(split.split(prepared.data, prepared.body_at, limits).root, limits, opened)
    except FAULTS:
        return Node("text/plain", data=prepared.data[prepared.body_at :])


def _node(part: Tree, limits: Intake, opened: int) -> Node:
    kind = part.get_content_type()
    name = file_name(part)
    if part.below:
        return Node(kind, name, below=tuple(_node(one, limits, opened) for one in part.below))
    data = part.content()
    if kind in _MAILS and opened < _MAX_ATTACHED:
        return Node(kind, name, data=data, below=(_mail(data, limits, opened + 1),))
    return Node(kind, name, str(part.get_content_charset() or ""), data)
