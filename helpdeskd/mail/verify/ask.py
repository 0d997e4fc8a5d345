"""What verification asks DNS. Whoever calls gives something that answers."""

from __future__ import annotations

from typing import Protocol


class Resolver(Protocol):
    """Names without a last dot. No such name and no such record are an empty answer; raises DnsTrouble (errors) where it cannot
    be known now."""

    def txt(self, name: str) -> tuple[bytes, ...]:
        """Each record, its strings joined."""

    def a(self, name: str) -> tuple[str, ...]: ...

    def aaaa(self, name: str) -> tuple[str, ...]: ...

    def mx(self, name: str) -> tuple[tuple[int, str], ...]:
        """(preference, exchange) each."""

    def ptr(self, name: str) -> tuple[str, ...]:
        """`name` is in in-addr.arpa or ip6.arpa."""
