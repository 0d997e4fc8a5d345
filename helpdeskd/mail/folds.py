"""Long runs of base64, folded to one line each while a parser reads the mail, and put back into its tree.

The standard library's parser reads line by line and asks of each line whether it is a boundary: nine tenths of the
time for a mail with an attachment. A line of base64 cannot be one (RFC 2046 section 5.1.1: a boundary follows two
hyphens, which are no letters of base64), nor a header (no colon), so nothing the parser decides hangs on it.
"""

from __future__ import annotations

import re
from email.message import Message

SHORTEST = 4096  # bytes of a run that is worth it
_RUN = re.compile(rb"(?<=\n)(?:[A-Za-z0-9+/]{60,76}\r?\n){1,2000}")  # bounded: each repetition costs memory
_MARK = b"x0fold"
_FOLD = re.compile("x0fold([0-9]+)x")


def fold(data: bytes) -> tuple[bytes, list[bytes]]:
    """`data` with a mark in place of each long run, and the runs. A mail that has the mark in it is left as it is."""
    if len(data) < SHORTEST or _MARK in data:
        return data, []
    runs: list[bytes] = []
    pieces: list[bytes] = []
    done = 0
    for match in _RUN.finditer(data):
        start, end = match.span()
        if end - start < SHORTEST:
            continue
        end -= 2 if data.startswith(b"\r\n", end - 2) else 1  # the last line's end may belong to a boundary
        pieces += [data[done:start], b"%b%dx" % (_MARK, len(runs))]
        runs.append(data[start:end])
        done = end
    if not runs:
        return data, []
    return b"".join([*pieces, data[done:]]), runs


def unfold(tree: Message, runs: list[bytes]) -> None:
    """Put the runs back where the parser carried their marks."""

    def run(match: re.Match[str]) -> str:
        return runs[int(match[1])].decode("ascii")

    for part in tree.walk():
        payload = part.get_payload()
        if isinstance(payload, str) and "x0fold" in payload:
            part.set_payload(_FOLD.sub(run, payload))
        for name in ("preamble", "epilogue"):
            text = getattr(part, name)
            if text and "x0fold" in text:
                setattr(part, name, _FOLD.sub(run, text))
