"""Is a mail from whom its From names? Inbound and what its door knew -> Checked. Asks nobody but the resolver it is given.

    pass   SPF or DKIM passes for From's organisational domain, by our own check or by that of a trusted server
    fail   neither does, both could be looked at, and the domain's DMARC policy is quarantine or reject
    none   everything else, with its reason

Only what could make a mail of From's own domain pass is asked of DNS: a stranger's signatures, sender or seals are noted and never
looked up. From's policy is asked for first, then From's very domain, then names below: whoever writes a mail may choose one of
those whose DNS is silent, so that trouble with it excuses nothing where the domain wants such mail refused (docs/trust.md).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from helpdeskd.errors import DnsTrouble
from helpdeskd.mail import headers
from helpdeskd.mail.verify import chain, names, results, sender, signature, wire
from helpdeskd.mail.verify import policy as dmarc
from helpdeskd.mail.verify.signature import Bad, Late, never
from helpdeskd.mail.verify.wire import Wire
from helpdeskd.model.mail import Inbound, Verdict
from helpdeskd.model.trust import Check, Checked, Method, Why
from helpdeskd.resolver import Resolver

__all__ = ["Origin", "Resolver", "sole_author", "verify"]

MAX_SIGNATURES = 100  # that are looked at
MAX_TRIED = 10  # of From's own domain that are verified; each costs a look-up and a pass over the body
MAX_RESULTS = 20  # Authentication-Results that are noted

_SKIPPED = "skipped"
_TROUBLE = "temperror"


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known beside the mail. `client` is the address of whoever connected to us from outside, empty where that was a relay
    of ours or is not known: SPF is about it. `servers` and `sealers` are trusted by name."""

    client: str = ""
    helo: str = ""
    hasty: str = ""  # commands whose answers the client did not wait for
    auth: str = ""  # whoever had logged in to hand it in
    sender: str = ""  # envelope; "" is the null path
    servers: frozenset[str] = frozenset()  # authserv-ids whose Authentication-Results are believed, lower case
    sealers: frozenset[str] = frozenset()  # domains whose ARC seals are believed


@dataclass(slots=True)
class _Case:
    """One mail on its way to a verdict."""

    raw: Wire
    author: str  # From's domain
    origin: Origin
    resolver: Resolver | None  # None: DNS is not to be asked
    now: datetime
    late: Late
    checks: list[Check]
    policy: dmarc.Policy | None = None
    policy_known: bool = False
    policy_trouble: DnsTrouble | None = None
    answers: bool = True  # does DNS answer for From's very domain?
    troubles: list[tuple[str, Method]] = field(default_factory=list)  # domains whose DNS did not answer, for what
    dns_gone: bool = False  # our own server does not answer
    told: bool = False  # a trusted server says something
    says_fail: bool = False  # a trusted server says that DMARC fails

    def note(self, method: Method, result: str, domain: str = "", **more: str) -> Check:
        check = Check(method, result, domain, aligned=names.aligned(domain, self.author), **more)
        self.checks.append(check)
        return check

    def wants(self) -> dmarc.Policy | None:
        """The policy of From's domain. Raises DnsTrouble."""
        if self.policy_trouble is not None:
            raise self.policy_trouble
        if not self.policy_known and self.resolver is not None:
            try:
                self.policy, self.answers = dmarc.find(self.author, self.resolver)
            except DnsTrouble as error:
                self.policy_trouble = error
                raise
            self.policy_known = True
        return self.policy

    def troubled(self, error: DnsTrouble, domain: str, method: Method) -> None:
        self.dns_gone = self.dns_gone or error.ours
        if not error.late:  # others' names had used up the time
            self.troubles.append((domain, method))

    @property
    def excused(self) -> bool:
        """Might it have passed, had DNS answered, whatever names its writer chose? From's very domain, as far as it answers, and its
        organisation's are not his to choose."""
        if self.dns_gone:
            return True
        organisation = names.organisation(self.author)
        for domain, method in self.troubles:
            strict = self.policy is not None and {
                Method.DKIM: self.policy.strict_dkim,
                Method.SPF: self.policy.strict_spf,
            }.get(method, False)
            if domain == self.author and (self.answers or domain == organisation):
                return True
            if domain == organisation and not strict:
                return True
        return False

    @property
    def trouble(self) -> bool:
        return any(
            check.result == _TROUBLE and (check.aligned or check.method is Method.DMARC) for check in self.checks
        )


def verify(
    raw: bytes, inbound: Inbound, origin: Origin, resolver: Resolver | None, now: datetime, late: Late = never
) -> Checked:
    """Never raises for what stands in a mail or in DNS. May block as long as the resolver does; no further signature is looked at
    once `late` says so."""
    author = "" if inbound.author is None else names.domain_of(inbound.author.email)
    if inbound.author is None or not author:
        return Checked(Verdict.NONE, Why.NO_AUTHOR)
    seen = wire.read(raw)
    case = _Case(seen, author, origin, resolver, now, late, [])
    hindrance = _hindrance(seen, inbound.author.key)
    if origin.auth:
        case.note(Method.AUTH, "pass", names.domain_of(origin.auth), note=f"logged in as {origin.auth}")
        if hindrance is None and inbound.author.key == origin.auth.lower():
            return Checked(Verdict.PASS, Why.SUBMISSION, tuple(case.checks))
    why = _passes(case)
    if why is not None:
        verdict, why = (Verdict.NONE, hindrance) if hindrance else (Verdict.PASS, why)
    else:
        verdict, why = _refuted(case, hindrance)
    return Checked(verdict, why, tuple(case.checks))


def _hindrance(seen: Wire, author: str) -> Why | None:
    """Why nothing that passes says anything about the author whom others are shown."""
    addresses = _authors(seen)
    if len(seen.all(b"from")) > 1 or len(addresses) > 1:
        return Why.SEVERAL_AUTHORS
    return None if seen.sound and addresses == [author] else Why.MALFORMED


def sole_author(head: bytes) -> str:
    """The address that all programs show as the author of the mail that begins so; empty where there is none such. Never raises."""
    seen = wire.read(head)
    addresses = _authors(seen)
    return addresses[0] if seen.sound and len(seen.all(b"from")) == 1 == len(addresses) else ""


def _authors(seen: Wire) -> list[str]:
    values = [value.decode("ascii", "surrogateescape") for _, value in seen.all(b"from")]
    return [address.key for address in headers.Headers(("from", value) for value in values).addresses("from")]


def _passes(case: _Case) -> Why | None:
    for why, method in ((Why.RESULTS, _by_results), (Why.DKIM, _by_dkim), (Why.SPF, _by_spf)):
        if method(case):
            return why
        if why is Why.RESULTS:
            with suppress(DnsTrouble):  # it is remembered
                case.wants()  # first, while there is time
    return None


def _refuted(case: _Case, hindrance: Why | None) -> tuple[Verdict, Why]:
    """Nothing passes. Does the domain say what that means, and was everything looked at that could have passed?"""
    asked = case.resolver is not None
    if case.excused:
        return Verdict.NONE, Why.DNS
    if not case.says_fail:
        if case.trouble and not (asked and case.origin.client):
            return Verdict.NONE, Why.DNS
        if not asked:
            return Verdict.NONE, Why.NO_POLICY if case.told else Why.OFF
        if not case.origin.client:
            return Verdict.NONE, Why.SPF_UNKNOWN
    try:
        found = case.wants()
    except DnsTrouble as error:
        case.note(Method.DMARC, _TROUBLE, case.author, note=str(error)[:200])
        return Verdict.NONE, Why.DNS
    if found is None or not found.is_enforced:
        if case.trouble:
            return Verdict.NONE, Why.DNS
        case.note(Method.DMARC, "none", found.at if found else case.author)
        return Verdict.NONE, hindrance or Why.NO_POLICY
    case.note(Method.DMARC, "fail", found.at, note=f"p={found.wants}")
    excuse = _excuse(case)
    return (Verdict.NONE, excuse) if excuse else (Verdict.FAIL, Why.DMARC)


def _agrees(case: _Case, check: Check, *, by_dkim: bool) -> bool:
    """It passes and is aligned; where only the organisation is the same, DMARC may ask for more (section 3.1)."""
    if check.result != "pass" or not check.aligned:
        return False
    if names.domain(check.domain) == case.author:
        return True
    try:
        found = case.wants()
    except DnsTrouble as error:
        case.note(Method.DMARC, _TROUBLE, case.author, note=str(error)[:200])
        return False
    if found is not None and (found.strict_dkim if by_dkim else found.strict_spf):
        case.checks[case.checks.index(check)] = replace(
            check, aligned=False, note="its DMARC record asks for the very domain"
        )
        return False
    return True


# Each notes what it finds, and says whether the mail passes by it.


def _by_results(case: _Case) -> bool:
    """The topmost header of a trusted server alone: whoever writes a mail can put more of them below it."""
    found = [results.read(value) for _, value in case.raw.all(b"authentication-results")[:MAX_RESULTS]]
    trusted = next((each for each in found if each.server in case.origin.servers), None)
    for each in found:
        if each is not trusted:
            forged = each.server in case.origin.servers
            why = "below a trusted one: old or forged" if forged else "not a trusted server"
            case.note(Method.RESULTS, "ignored", each.server[:100], note=why)
    passed = [_believed(case, result, trusted.server) for result in trusted.results] if trusted else []
    return any(passed)


# What a server's result is about, by the property that says so.
_ABOUT = {
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom", "smtp.mail", "smtp.helo"),
    "dmarc": ("header.from",),
}


def _believed(case: _Case, result: results.Result, server: str) -> bool:
    if result.method not in _ABOUT:
        return False
    case.told = True
    about = next((result.properties[name] for name in _ABOUT[result.method] if name in result.properties), "")
    domain = names.domain(about.rpartition("@")[2].strip("<>"))
    check = case.note(Method(result.method), result.result, domain, note=f"says {server[:100]}")
    if result.result == _TROUBLE:
        case.troubles.append((domain or case.author, check.method))
    if result.method == "dmarc":
        if result.result == "fail" and domain in {"", case.author}:
            case.says_fail = True
            if case.resolver is None:
                case.policy = _policy_in(result, case.author)
        return result.result == "pass" and domain == case.author
    return _agrees(case, check, by_dkim=result.method == "dkim")


def _policy_in(result: results.Result, author: str) -> dmarc.Policy | None:
    """Some servers say the policy in a comment or a property: `dmarc=fail (p=REJECT sp=NONE dis=NONE)`, `policy.dmarc=reject`."""
    words = dict(word.partition("=")[::2] for word in result.words.replace(",", " ").replace(";", " ").split())
    organisation = names.organisation(author) == author
    wants = result.properties.get("policy.dmarc") or (
        words.get("p") if organisation else words.get("sp") or words.get("p")
    )
    return dmarc.Policy(wants, author) if wants else None


def _by_dkim(case: _Case) -> bool:
    tried = 0
    found = []
    for header in case.raw.all(b"dkim-signature")[:MAX_SIGNATURES]:
        try:
            found.append(signature.take_apart(header))
        except Bad as error:
            case.note(Method.DKIM, error.result, note=str(error))
    own = {case.author, names.organisation(case.author)}
    for signed in sorted(found, key=lambda each: each.domain not in own):
        facts = {"domain": signed.domain or "?", "selector": signed.selector}
        why = ""
        if not names.aligned(signed.domain, case.author):
            why = "of another organisation"
        elif case.resolver is None:
            why = "DNS is not asked"
        elif case.late():
            why = "no time is left"
        elif tried == MAX_TRIED:
            why = "too many signatures"
        if why or case.resolver is None:
            case.note(Method.DKIM, _SKIPPED, note=why, **facts)
            continue
        tried += 1
        result, note = "pass", ""
        try:
            if not case.raw.sound:
                raise Bad("permerror", "the headers are malformed")
            signature.verify(case.raw, signed, case.resolver, case.now, case.late)
        except Bad as error:
            result, note = error.result, str(error)
        except DnsTrouble as error:
            result, note = _TROUBLE, str(error)[:200]
            case.troubled(error, signed.domain, Method.DKIM)
        if _agrees(case, case.note(Method.DKIM, result, note=note, **facts), by_dkim=True):
            return True
    return False


def _by_spf(case: _Case) -> bool:
    origin = case.origin
    if not origin.client:
        return False
    domain = names.domain_of(origin.sender) if origin.sender else names.domain(origin.helo)
    if case.resolver is None or not names.aligned(domain, case.author):
        why = "DNS is not asked" if case.resolver is None else "of another organisation"
        case.note(Method.SPF, _SKIPPED, domain or "?", note=f"{why}; client {origin.client}")
        return False
    result, trouble = sender.check(origin.client, origin.helo, origin.sender, case.resolver)
    if trouble is not None:
        case.troubled(trouble, domain, Method.SPF)
    return _agrees(case, case.note(Method.SPF, result, domain, note=f"client {origin.client}"), by_dkim=False)


def _excuse(case: _Case) -> Why | None:
    """Has a trusted forwarder seen it pass? (RFC 8617 section 7.2.1)"""
    try:
        found = chain.read(case.raw)
        if found is None:
            return None
        if found.sealer not in case.origin.sealers or case.resolver is None:
            case.note(Method.ARC, _SKIPPED, found.sealer or "?", note="not a trusted forwarder")
            return None
        chain.verify(case.raw, found, case.resolver, case.now, case.late)
    except Bad as error:
        case.note(Method.ARC, error.result, note=str(error))
        return None
    except DnsTrouble as error:
        case.note(Method.ARC, _TROUBLE, note=str(error)[:200])
        return None if error.late else Why.DNS
    case.note(Method.ARC, "pass", found.sealer, selector=found.selector)
    forwarder = replace(case, checks=[])
    passed = [_believed(forwarder, result, found.sealer) for result in results.read(found.seen()).results]
    case.checks += forwarder.checks
    return Why.ARC if any(passed) else None
