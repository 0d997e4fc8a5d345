"""SPF (RFC 7208): may this client send for the domain of the envelope's sender? The only module that knows pyspf."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import spf  # untyped; reads records and macros, asks through us

from helpdeskd.errors import DnsTrouble
from helpdeskd.mail.verify import names
from helpdeskd.resolver import Resolver

MAX_QUESTIONS = 60  # of one check; section 4.6.4 allows 10 mechanisms that ask, of which each mx may ask ten times
MAX_RECORD = 4096  # bytes

_SPF = re.compile(rb"v=spf1(?: |\Z)", re.IGNORECASE)


def check(client: str, helo: str, sender: str, resolver: Resolver) -> tuple[str, DnsTrouble | None]:
    """The result in RFC 7208's word (section 2.6), and the trouble of a temperror. `sender` is "" for the null path: then it is
    about HELO."""
    query = None
    try:
        query = _Query(client, sender, helo, resolver)
        result: str = query.check()[0]
    except (spf.PermError, ValueError, TypeError, LookupError, AttributeError, RecursionError, AssertionError):
        return "permerror", None  # what pyspf raises at odd addresses and records
    except spf.TempError:
        result = "temperror"
    return result, query.trouble if query is not None and result == "temperror" else None


class _Query(spf.query):  # type: ignore[misc]  # pyspf has no types
    """pyspf with our resolver in the place of its own, and a bound on questions. Names that a client chooses, by its PTR or by
    what a macro is filled with, cause no trouble: where their DNS does not answer they do not match (section 5.5)."""

    def __init__(self, client: str, sender: str, helo: str, resolver: Resolver) -> None:
        super().__init__(client, sender, helo)
        self._kinds: dict[str, Callable[[str], Any]] = {
            "TXT": lambda name: [(text,) for text in resolver.txt(name) if len(text) <= MAX_RECORD or _SPF.match(text)],
            "A": resolver.a,
            "AAAA": resolver.aaaa,
            "MX": resolver.mx,
            "PTR": resolver.ptr,
        }
        self.trouble: DnsTrouble | None = None
        self._filled: set[str] = set()  # names made by a macro
        self._of_client = 0  # within what the client's PTR says
        self._asked: dict[tuple[str, str], list[Any]] = {}

    def dns(self, name: object, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002  # pyspf's own signature
        """What pyspf asks for everything. A record that is longer than any is an error, not another's answer."""
        asked = names.domain(str(name))
        if not asked or qtype not in self._kinds:
            return []
        key = (asked, qtype)
        if key not in self._asked:
            if len(self._asked) >= MAX_QUESTIONS:
                raise spf.PermError("too many questions")
            try:
                self._asked[key] = list(self._kinds[qtype](asked))
            except DnsTrouble as error:
                if (self._of_client or asked in self._filled or qtype == "PTR") and not error.ours:
                    self._asked[key] = []
                    return []
                self.trouble = error
                raise spf.TempError(str(error)) from error
            if not self._asked[key] and not ignore_void:
                self._count_void()
        if qtype == "TXT" and any(len(text) > MAX_RECORD for (text,) in self._asked[key]):
            raise spf.PermError("the record is too long")
        return list(self._asked[key])

    def _count_void(self) -> None:
        self.void_lookups += 1
        if self.void_lookups > spf.MAX_VOID_LOOKUPS:
            raise spf.PermError("too many names that are not there")

    def expand_domain(self, arg: str) -> str:
        made: str = super().expand_domain(arg)
        if "%{" in arg:
            self._filled.add(names.domain(made))
        return made

    def validated_ptrs(self) -> list[str]:
        self._of_client += 1
        try:
            found: list[str] = super().validated_ptrs()
        finally:
            self._of_client -= 1
        return found

    def get_explanation(self, spec: str) -> str:  # noqa: ARG002  # pyspf's own signature
        """Nobody reads why: not asked for."""
        return ""
