"""Is a mail wanted? What was found about it, by whom, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Spam(StrEnum):
    HAM = "ham"
    SUSPECT = "suspect"  # evidence for people: it changes nothing
    SPAM = "spam"  # held, unless it belongs to a conversation
    VIRUS = "virus"  # held


class By(StrEnum):
    """Who says something about it."""

    HEADER = "header"  # a scanner of our own mail server, in a header
    DNSBL = "dnsbl"  # a list of addresses, about the client (RFC 5782)
    RSPAMD = "rspamd"
    CLAMD = "clamd"


@dataclass(frozen=True, slots=True)
class Sign:
    """One finding. `says` None: it could not be had, and the mail goes on without it."""

    by: By
    says: Spam | None
    words: str

    @property
    def line(self) -> str:
        """For people: `rspamd spam (add header, 7.3 of 15)`."""
        return f"{self.by} {self.says or 'unknown'} ({self.words})"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`why`: the sign that decided; None for ham."""

    state: Spam = Spam.HAM
    why: Sign | None = None
    signs: tuple[Sign, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """For people, the judgement first. Empty where nobody was asked."""
        if not self.signs:
            return ()
        why = f" ({self.why.by})" if self.why else ""
        return (f"spam {self.state}{why}", *(sign.line for sign in self.signs))


UNASKED = Judgement()
