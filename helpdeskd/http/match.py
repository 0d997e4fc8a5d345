"""Which row answers a path. Literal segments win over placeholders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from helpdeskd.http.dialect import NoRoute, Route


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    one: _Node | None = None  # {name}
    here: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)  # by method


class Table:
    """The rows of one dialect, to be asked. A trailing slash does not matter. Raises ValueError where two rows want the same."""

    def __init__(self, routes: Iterable[Route], *, fold: bool = False) -> None:
        self._root = _Node()
        self._fold = fold
        for route in routes:
            for path in route.paths.split():
                self._add(route, path)

    def _add(self, route: Route, path: str) -> None:
        node, names = self._root, []
        for segment in _segments(path):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.one = node.one or _Node()
                node = node.one
            else:
                node = node.literal.setdefault(segment.lower() if self._fold else segment, _Node())
        for method in route.methods.split():
            if method in node.here:
                raise ValueError(f"{method} {path}: two rows want it")
            node.here[method] = (route, tuple(names))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The row, and the placeholders' texts. HEAD is answered by GET's row. Raises NoRoute."""
        segments = _segments(path)
        allowed: set[str] = set()
        found = self._walk(self._root, segments, 0, [], "GET" if method == "HEAD" else method, allowed)
        if found is None:
            raise NoRoute(path, tuple(sorted(allowed)))
        return found

    def _walk(
        self, node: _Node, segments: list[str], at: int, texts: list[str], method: str, allowed: set[str]
    ) -> tuple[Route, dict[str, str]] | None:
        if at == len(segments):
            allowed.update(node.here)
            if method in node.here:
                route, names = node.here[method]
                return route, dict(zip(names, texts, strict=True))
        else:
            segment = segments[at]
            literal = node.literal.get(segment.lower() if self._fold else segment)
            if literal is not None and (found := self._walk(literal, segments, at + 1, texts, method, allowed)):
                return found
            if node.one is not None and (
                found := self._walk(node.one, segments, at + 1, [*texts, segment], method, allowed)
            ):
                return found
        return None


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
