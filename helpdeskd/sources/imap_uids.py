"""Sets of UIDs as short text: the sequence-set of RFC 3501 section 9, such as 3:17,20."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def pack(uids: Iterable[int]) -> str:
    """The set as text, ascending, runs joined. Empty for the empty set."""
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in _runs(uids))


def unpack(text: str) -> set[int]:
    """The set that `pack` wrote. ValueError where the text is none."""
    uids: set[int] = set()
    for piece in filter(None, text.split(",")):
        low, _, high = piece.partition(":")
        uids.update(range(int(low), int(high or low) + 1))
    return uids


def _runs(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    low = high = None
    for uid in sorted(set(uids)):
        if low is None or high is None:
            low = high = uid
        elif uid == high + 1:
            high = uid
        else:
            yield low, high
            low = high = uid
    if low is not None and high is not None:
        yield low, high
