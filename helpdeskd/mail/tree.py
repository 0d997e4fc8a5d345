"""The one module that knows mail-parser: bytes to a tree of parts, address lists and dates."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from mailparser import MailParser
from mailparser.dates import parse_mail_date
from mailparser.exceptions import MailParserError
from mailparser.utils import get_addresses

from helpdeskd.mail import folds

if TYPE_CHECKING:
    Tree = Message[str, str]  # generic for mypy only
else:
    Tree = Message

# What a parser may raise over bytes of strangers: everything but a full disk, a lost machine and our own stop.
FAULTS = (
    MailParserError,
    MessageError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    binascii.Error,
    re.error,
)


class _TreeOnly(MailParser):  # type: ignore[misc]  # the library has no types
    """mail-parser without its eager attributes: they cost four times the tree (0.64 against 0.14 ms for a 6 KB mail),
    decode attached mails into the text and damage unnamed parts. We take its guarded tree, its address and its date
    reader, and read bodies and attachments from the tree ourselves."""

    def parse(self) -> _TreeOnly:
        return self


def read(data: bytes) -> tuple[Tree, str]:
    """(the mail as a tree, empty or what went wrong). Where mail-parser gives up, its base, the standard library's
    compat32 parser, is asked, over the whole and then over the headers alone; the body is then one text part."""
    try:
        folded, runs = folds.fold(data)
        tree = cast("Tree", _TreeOnly.from_bytes(folded).message)
        if runs:
            folds.unfold(tree, runs)
        return tree, ""
    except FAULTS as trouble:
        why = type(trouble).__name__
    try:
        return message_from_bytes(data), f"mail-parser gave up ({why}); read by the standard library"
    except FAULTS as trouble:
        why = type(trouble).__name__
    return _flat(data), f"the structure could not be read ({why}); shown as one text"


def _flat(data: bytes) -> Tree:
    """Headers by the parser that does not descend; the body as text, whatever it holds."""
    tree: Tree = BytesHeaderParser().parsebytes(data)
    for name in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition"):
        del tree[name]
    return tree


def mailboxes(value: str) -> tuple[list[tuple[str, str]], list[str]]:
    """([(name, address)], items it could not read) of an address header, encoded words still encoded."""
    defects: list[dict[str, Any]] = []
    try:
        found = get_addresses(value, defects=defects)
    except FAULTS:
        return [], [value]
    return (
        [(str(name or ""), str(address)) for name, address in found if address],
        [str(defect["raw"]) for defect in defects if not defect["recovered"]],
    )


def moment(value: str) -> datetime | None:
    """A Date header in UTC; None where no moment can be read out of it."""
    try:
        found = parse_mail_date(value).value
        if found is None:
            loose = parsedate_to_datetime(value[:200])
            found = loose.replace(tzinfo=UTC) if loose.tzinfo is None else loose
        return cast("datetime", found).astimezone(UTC)
    except FAULTS:
        return None
