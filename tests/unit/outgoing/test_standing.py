"""What DNS says of our domains, and what is to be mended: each finding against a resolver that knows what we tell it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpdeskd.errors import DnsTrouble
from helpdeskd.outgoing.standing import Domain, Finding, Mark, Subject, look
from helpdeskd.resolver import reverse
from tests.dkim import key

IP, IP6 = "198.41.0.4", "2001:500:2::c"  # of the whole Internet: those for examples are of nobody
D = "desk.example.com"
RSA, ED = replace(key(), domain=D), replace(key(ed25519=True), domain=D)
GOOD = {
    (D, "mx"): ((10, "mail.example.com"),),
    ("mail.example.com", "a"): (IP,),
    (D, "txt"): (b"other=1", b"v=spf1 mx -all"),
    (RSA.place, "txt"): (RSA.record.encode(),),
    (ED.place, "txt"): (ED.record.encode(),),
    (f"_dmarc.{D}", "txt"): (b"v=DMARC1; p=reject",),
    (reverse(IP), "ptr"): ("mail.example.com",),
}
TROUBLE = None


class Told:
    """A resolver that knows a zone; None is a name whose servers do not answer."""

    def __init__(self, zone):
        self.zone = zone
        self.asked = 0

    def _get(self, name, kind):
        self.asked += 1
        found = self.zone.get((name, kind), ())
        if found is TROUBLE:
            raise DnsTrouble(f"DNS does not answer for {name}")
        return found

    def txt(self, name):
        return self._get(name, "txt")

    def a(self, name):
        return self._get(name, "a")

    def aaaa(self, name):
        return self._get(name, "aaaa")

    def mx(self, name):
        return self._get(name, "mx")

    def ptr(self, name):
        return self._get(name, "ptr")


def found(zone, *, keys=(RSA, ED), addresses=(IP,), sends=True) -> list[Finding]:
    return look([Domain(D, sends, keys)], addresses, Told({**GOOD, **zone}))


def about(subject: Subject, zone, **more) -> list[tuple[Mark, str]]:
    return [(each.mark, each.words) for each in found(zone, **more) if each.subject is subject]


def test_where_all_is_well_nothing_is_to_be_done():
    everything = found({})
    assert {each.mark for each in everything} == {Mark.OK}
    assert [each.subject for each in everything] == [
        *(Subject.MX, Subject.SPF, Subject.SPF, Subject.DKIM, Subject.DKIM, Subject.DMARC, Subject.PTR)
    ]
    assert not any(each.record for each in everything)


def test_of_a_domain_that_only_receives_its_mx_alone():
    assert [each.subject for each in found({}, sends=False, addresses=())] == [Subject.MX]


MX = [
    ({(D, "mx"): ()}, Mark.FIX, "no MX and no address"),
    ({(D, "mx"): (), (D, "a"): (IP,)}, Mark.NOTE, "no MX: answers go to the address"),
    ({(D, "mx"): ((0, ""),)}, Mark.FIX, "takes no mail"),
    ({("mail.example.com", "a"): ()}, Mark.FIX, "no address: mail.example.com"),
    ({("mail.example.com", "a"): (), ("mail.example.com", "aaaa"): (IP6,)}, Mark.OK, "mail.example.com"),
    ({(D, "mx"): TROUBLE}, Mark.UNKNOWN, "DNS does not answer"),
]


@pytest.mark.parametrize(("zone", "mark", "words"), MX)
def test_mx(zone, mark, words):
    ((said, text),) = about(Subject.MX, zone)
    assert (said, words in text) == (mark, True), text


def spf(record: str, **more) -> dict:
    return {(D, "txt"): (record.encode(),), **more}


def nested(count: int) -> dict:
    zone = {(f"s{n}.example", "txt"): (b"v=spf1 a:nowhere.example -all",) for n in range(count)}
    return zone | spf("v=spf1 " + " ".join(f"include:s{n}.example" for n in range(count)) + f" ip4:{IP} -all")


SPF = [
    (spf("unrelated"), [(Mark.FIX, "no SPF record")]),
    ({(D, "txt"): (b"v=spf1 -all", b"v=spf1 mx -all")}, [(Mark.FIX, "2 SPF records count as none")]),
    (spf("v=spf1 mx ~all"), [(Mark.OK, "v=spf1"), (Mark.OK, f"lets {IP} send")]),
    (spf("v=spf1 mx +all"), [(Mark.FIX, "everybody"), (Mark.OK, "lets")]),
    (spf("v=spf1 mx all"), [(Mark.FIX, "everybody"), (Mark.OK, "lets")]),
    (spf("v=spf1 mx"), [(Mark.NOTE, "does not say what to think of other"), (Mark.OK, "lets")]),
    (spf("v=spf1 -all"), [(Mark.OK, "v=spf1 -all"), (Mark.FIX, f"does not let {IP} send (fail): add ip4:{IP}")]),
    (spf("v=spf1 -mx ~all"), [(Mark.OK, ""), (Mark.FIX, "(fail)")]),
    (spf("v=spf1 ip4:198.41.0.0/24 -all"), [(Mark.OK, ""), (Mark.OK, "lets")]),
    (spf("v=spf1 ip4:198.41.1.0/24 ~all"), [(Mark.OK, ""), (Mark.FIX, "(softfail)")]),
    (spf("v=spf1 mx:example.org -all"), [(Mark.OK, ""), (Mark.FIX, "(fail)")]),
    (spf("v=spf1 a:mail.example.com/24 -all"), [(Mark.OK, ""), (Mark.OK, "lets")]),
    (spf("v=spf1 a/24 -all"), [(Mark.OK, ""), (Mark.FIX, "(fail)")]),
    (spf("v=spf1 mix -all"), [(Mark.FIX, "mix in the record of desk.example.com is no term of SPF")]),
    (spf("v=spf1 ip4:nonsense -all"), [(Mark.FIX, "is no network")]),
    (spf("v=spf1 ip4:2001:db8::1 -all"), [(Mark.FIX, "is no network")]),
    (spf("v=spf1 a/99 -all"), [(Mark.FIX, "is no host")]),
    (spf("v=spf1 include:none.example -all"), [(Mark.FIX, "has no SPF records")]),
    (spf("v=spf1 exists:%{i}.list.example -all"), [(Mark.OK, ""), (Mark.NOTE, "depends on the mail")]),
    (spf(f"v=spf1 include:{D} -all"), [(Mark.FIX, "look-ups")]),
    (spf(f"v=spf1 redirect={D}"), [(Mark.FIX, "look-ups")]),
    (nested(5), [(Mark.OK, ""), (Mark.OK, "lets")]),
    (nested(6), [(Mark.FIX, "more than 10 look-ups")]),
    ({(D, "txt"): TROUBLE}, [(Mark.UNKNOWN, "DNS does not answer")]),
]
POOL = {("_spf.example.org", "txt"): (f"v=spf1 ip4:{IP} ip6:{IP6} ?all".encode(),)}


@pytest.mark.parametrize(("zone", "expected"), SPF, ids=[str(number) for number in range(len(SPF))])
def test_spf(zone, expected):
    said = about(Subject.SPF, zone)
    assert [mark for mark, _ in said] == [mark for mark, _ in expected], said
    assert all(words in text for (_, text), (_, words) in zip(said, expected, strict=True)), said


@pytest.mark.parametrize("term", ["include:_spf.example.org -all", "redirect=_spf.example.org"])
def test_spf_by_the_record_of_a_relay(term):
    said = about(Subject.SPF, {**POOL, **spf(f"v=spf1 {term}")}, addresses=(IP, IP6, "198.41.0.5"))
    assert [mark for mark, _ in said[1:]] == [Mark.OK, Mark.OK, Mark.FIX]


def test_what_to_publish_names_the_address():
    first = next(each for each in found(spf("x"), addresses=(IP, IP6)) if each.subject is Subject.SPF)
    assert first.record == f'{D}. IN TXT "v=spf1 mx ip4:{IP} ip6:{IP6} -all"'


PUBLISHED = [
    ((), Mark.FIX, "not published"),
    ((b"v=DKIM1; p=", b"v=DKIM1; p=x"), Mark.FIX, "2 records"),
    ((b"hello",), Mark.FIX, "no DKIM record"),
    ((b"v=DKIM1; k=rsa; p=",), Mark.FIX, "revoked"),
    ((key("other.test").record.encode(),), Mark.FIX, "another key is published"),
    ((RSA.record.replace("k=rsa", "k=ed25519").encode(),), Mark.FIX, "another key"),
    ((RSA.record.replace("; p=", "; s=tlsrpt; p=").encode(),), Mark.FIX, "not for mail"),
    ((RSA.record.replace("; p=", "; h=sha1; p=").encode(),), Mark.FIX, "SHA-256"),
    ((RSA.record.replace("; p=", "; t=y:s; p=").encode(),), Mark.NOTE, "as a test"),
    ((f"p={RSA.public[:99]} {RSA.public[99:]};".encode(),), Mark.OK, "published"),
    (TROUBLE, Mark.UNKNOWN, "DNS does not answer"),
]


@pytest.mark.parametrize(("records", "mark", "words"), PUBLISHED)
def test_dkim(records, mark, words):
    (one,) = [each for each in found({(RSA.place, "txt"): records}, keys=(RSA,)) if each.subject is Subject.DKIM]
    assert (one.mark, words in one.words) == (mark, True), one
    assert bool(one.record) == (mark is Mark.FIX)


def test_without_a_key():
    assert about(Subject.DKIM, {}, keys=())[0][0] is Mark.NOTE


DMARC = [
    (None, None, Mark.FIX, "no DMARC record"),
    (b"v=DMARC1; p=none", None, Mark.NOTE, "p=none"),
    (b"v=DMARC1; p=quarantine", None, Mark.OK, "p=quarantine"),
    (b"v=DMARC1; rua=mailto:x@y", None, Mark.FIX, "no policy"),
    (b"v=DMARC1; p=all", None, Mark.FIX, "no policy"),
    (None, b"v=DMARC1; p=reject", Mark.OK, "p=reject"),
    (None, b"v=DMARC1; p=reject; sp=none", Mark.NOTE, "p=none"),
    (b"v=DMARC1; p=reject; adkim=s", None, Mark.OK, "p=reject"),
]


@pytest.mark.parametrize(("own", "above", "mark", "words"), DMARC)
def test_dmarc(own, above, mark, words):
    zone = {(f"_dmarc.{D}", "txt"): (own,) if own else (), ("_dmarc.example.com", "txt"): (above,) if above else ()}
    ((said, text),) = about(Subject.DMARC, zone)
    assert (said, words in text) == (mark, True), text


def test_dmarc_that_wants_more_than_we_sign():
    parent = replace(RSA, domain="example.com")
    zone: dict = {
        (f"_dmarc.{D}", "txt"): (b"v=DMARC1; p=reject; adkim=s",),
        (parent.place, "txt"): (parent.record.encode(),),
    }
    ((mark, words),) = about(Subject.DMARC, zone, keys=(parent,))
    assert mark is Mark.FIX and "adkim=s" in words
    zone[f"_dmarc.{D}", "txt"] = (b"v=DMARC1; p=reject", b"v=DMARC1; p=none")
    assert "2 DMARC records" in about(Subject.DMARC, zone)[0][1]


PTR = [
    ({(reverse(IP), "ptr"): ()}, IP, Mark.FIX, "has no name"),
    ({(reverse(IP), "ptr"): ("other.example",)}, IP, Mark.FIX, "does not lead back"),
    (
        {(reverse(IP6), "ptr"): ("m6.example",), ("m6.example", "aaaa"): ("2001:500:2:0::c",)},
        IP6,
        Mark.OK,
        "m6.example",
    ),
    ({}, "10.0.0.1", Mark.NOTE, "your own network"),
]


@pytest.mark.parametrize(("zone", "address", "mark", "words"), PTR)
def test_ptr(zone, address, mark, words):
    ((said, text),) = about(Subject.PTR, zone, addresses=(address,))
    assert (said, words in text) == (mark, True), text


def test_where_nothing_is_answered_it_is_given_up():
    class Silent(Told):
        def _get(self, name, kind):
            self.asked += 1
            raise DnsTrouble(f"DNS does not answer for {name}")

    silent = Silent({})
    said = look([Domain(D, sends=True, keys=(RSA, ED)), Domain("example.org", sends=True)], [IP], silent)
    assert {each.mark for each in said if "no key signs" not in each.words} == {Mark.UNKNOWN}
    assert silent.asked == 2
