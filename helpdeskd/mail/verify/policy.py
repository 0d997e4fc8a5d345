"""DMARC (RFC 7489): what a domain wants done with mail that is not its own."""

from __future__ import annotations

from dataclasses import dataclass

from helpdeskd.errors import DnsTrouble
from helpdeskd.mail.verify import names
from helpdeskd.mail.verify.signature import Bad, tags_of
from helpdeskd.resolver import Resolver

_WORDS = frozenset({b"none", b"quarantine", b"reject"})
ENFORCED = frozenset({"quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Policy:
    """`wants` is none, quarantine or reject, for the very domain that was asked about; `at` is where the record stands."""

    wants: str
    at: str
    strict_dkim: bool = False
    strict_spf: bool = False

    @property
    def is_enforced(self) -> bool:
        return self.wants in ENFORCED


def find(author: str, resolver: Resolver) -> tuple[Policy | None, bool]:
    """That of From's domain, or else of its organisation (section 6.6.3); and did From's very domain answer? Where it does not, its
    organisation's counts: else anybody could write from a name below whose DNS is silent. Raises DnsTrouble."""
    organisation = names.organisation(author)
    trouble: DnsTrouble | None = None
    found = None
    for domain in dict.fromkeys((author, organisation)):
        name = f"_dmarc.{domain}"
        try:
            records = [text for text in resolver.txt(name) if _is_record(text)] if names.domain(name) else []
        except DnsTrouble as error:
            if error.ours or domain == organisation:
                raise
            trouble = error
            continue
        if len(records) == 1:
            found = _read(records[0], domain, below=domain != author)
        if records:  # of several none counts
            break
    if trouble is not None and (found is None or not found.is_enforced):
        raise trouble
    return found, trouble is None


def _is_record(text: bytes) -> bool:
    name, _, value = text.partition(b";")[0].partition(b"=")
    return name.strip() == b"v" and value.strip() == b"DMARC1"


def _read(text: bytes, domain: str, *, below: bool) -> Policy:
    try:
        tags = {name.lower(): value.lower() for name, value in tags_of(text).items()}
    except Bad:
        return Policy("none", domain)
    wants = tags.get(b"p", b"none")
    if below:
        wants = tags.get(b"sp", wants)
    if wants not in _WORDS or tags.get(b"t") == b"y" or tags.get(b"pct") == b"0":
        wants = b"none"  # it tries out what it would want
    return Policy(wants.decode(), domain, tags.get(b"adkim") == b"s", tags.get(b"aspf") == b"s")
