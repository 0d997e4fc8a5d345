"""Is a mail from whom its From names? What was looked at, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from helpdeskd.model.mail import Verdict
from helpdeskd.model.spam import UNASKED, Judgement


class Profile(StrEnum):
    """How much a verdict of `none` lets somebody do: desk.authority."""

    DEFAULT = "default"
    STRICT = "strict"


class Method(StrEnum):
    HELO = "helo"  # the name that the client greets by; evidence alone, as are the next two
    PTR = "ptr"  # the name of its address
    PIPELINING = "pipelining"  # it did not wait for answers (RFC 2920)
    AUTH = "auth"  # RFC 4954: whoever handed it in had logged in
    SPF = "spf"  # RFC 7208
    DKIM = "dkim"  # RFC 6376
    ARC = "arc"  # RFC 8617
    DMARC = "dmarc"  # RFC 7489
    RESULTS = "auth-results"  # RFC 8601: a header that says what another server found


class Why(StrEnum):
    """What decided the verdict."""

    SUBMISSION = "submission"  # pass: its author had logged in
    DKIM = "dkim"  # pass: a signature of From's own organisational domain holds
    SPF = "spf"  # pass: that domain lets this client send
    RESULTS = "auth-results"  # pass: a server that is trusted says so
    DMARC = "dmarc"  # fail: the domain says that such mail is not its own
    ARC = "arc"  # none, where it were fail: a trusted forwarder had seen it pass
    NO_POLICY = "no-policy"  # none: nothing holds, and the domain does not say what that means
    SPF_UNKNOWN = "spf-unknown"  # none: no signature holds, and the client that sent it is not known at this door
    DNS = "dns"  # none: DNS did not answer (in time); another day it may
    NO_AUTHOR = "no-author"  # none: From names nobody
    SEVERAL_AUTHORS = "several-authors"  # none: several From headers or addresses
    MALFORMED = "malformed"  # none: programs would not agree on what the headers say
    TROUBLE = "trouble"  # none: looking at it failed here, by no fault of the mail; the log tells
    OFF = "off"  # none: nobody has looked

    @property
    def is_momentary(self) -> bool:
        """May it be another verdict in a while, for no reason that lies in the mail?"""
        return self in {Why.DNS, Why.TROUBLE}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `result` is the word of its RFC, or `skipped`; `domain` and `selector` as the mail gave them."""

    method: Method
    result: str
    domain: str = ""
    selector: str = ""
    aligned: bool = False  # is the domain of From's organisation?
    note: str = ""

    @property
    def line(self) -> str:
        """For people: `dkim pass example.com s=mail (aligned)`."""
        selector = f"s={self.selector}" if self.selector else ""
        marks = ", ".join(mark for mark in ("aligned" if self.aligned else "", self.note) if mark)
        return " ".join(
            word for word in (self.method, self.result, self.domain, selector, marks and f"({marks})") if word
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict with what it rests on; and is the mail wanted?"""

    verdict: Verdict = Verdict.NONE
    why: Why = Why.OFF
    checks: tuple[Check, ...] = ()
    spam: Judgement = UNASKED

    @property
    def lines(self) -> tuple[str, ...]:
        """For people, the verdict first. Empty where nobody has looked."""
        if self.why is Why.OFF and not self.checks:
            return self.spam.lines
        checks = (check.line for check in self.checks)
        return (f"from {self.verdict} ({self.why})", *checks, *self.spam.lines)
