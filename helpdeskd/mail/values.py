"""The one module that knows mail-parser: address lists and dates."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime
from email.errors import MessageError
from email.utils import parsedate_to_datetime
from typing import Any, cast

from mailparser.dates import parse_mail_date
from mailparser.exceptions import MailParserError
from mailparser.utils import get_addresses

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
