"""What parsers raise."""

from __future__ import annotations

import binascii
import re
from email.errors import MessageError

# What a parser may raise over bytes of strangers: everything but a full disk, a lost machine and our own stop.
FAULTS = (
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
