"""Log-ins that come at once: who finds every attempt taken waits for those under way, which may be no failures at all.

An attempt is counted as a failure before its password is looked at (desk.accounts.begin), so three log-ins under way look like three
failures. Here a fourth waits until one of them has ended, and is counted then: right ones lock nobody out, and guesses get no further
than one after the other. It knows of those in this process; on another node's it does not wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from helpdeskd.desk.accounts import Kind, Locked, Who


class _Line:
    """What is known of one address or account while anybody of it is here."""

    __slots__ = ("ended", "here", "under_way")

    def __init__(self) -> None:
        self.here = 0
        self.under_way: set[int] = set()  # those that were counted, and those that are being counted
        self.ended = 0  # of those that were counted


class Turns:
    """One for the process."""

    def __init__(self) -> None:
        self._gate = threading.Condition()
        self._lines: dict[tuple[Kind, str], _Line] = {}
        self._numbers = count()

    @contextmanager
    def turn(self, who: Who, begin: Callable[[], int | Locked]) -> Iterator[int | Locked]:
        """What `begin` says, once it lets us in or there is nobody left to wait for. The attempt is under way until this ends."""
        keys = {Kind.ADDRESS: who.address, Kind.ACCOUNT: who.account}
        with self._gate:
            lines = {kind: self._lines.setdefault((kind, key), _Line()) for kind, key in keys.items()}
            for line in lines.values():
                line.here += 1
        number = -1
        begun: int | Locked | None = None
        try:
            while begun is None:
                with self._gate:
                    number = next(self._numbers)
                    before = {kind: line.ended for kind, line in lines.items()}
                    for line in lines.values():
                        line.under_way.add(number)
                begun = begin()
                if isinstance(begun, Locked) and self._waited(lines, number, begun.kind, before[begun.kind]):
                    begun = None
            yield begun
        finally:
            with self._gate:
                for kind, line in lines.items():
                    line.under_way.discard(number)
                    line.ended += isinstance(begun, int)
                    line.here -= 1
                    if not line.here:
                        del self._lines[kind, keys[kind]]
                self._gate.notify_all()

    def _waited(self, lines: dict[Kind, _Line], number: int, kind: Kind, before: int) -> bool:
        """Has one that may have stood in our way ended? Waits only for those that are under way now, so it comes to an end."""
        with self._gate:
            for line in lines.values():
                line.under_way.discard(number)
            self._gate.notify_all()
            line = lines[kind]
            ahead = set(line.under_way)
            self._gate.wait_for(lambda: line.ended != before or not ahead & line.under_way)
            return line.ended != before
