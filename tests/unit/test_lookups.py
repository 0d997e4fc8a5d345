"""DNS answers kept for their time, and silence that is not asked again. The network is a function; one server is real."""

from __future__ import annotations

from time import monotonic

import pytest

from helpdeskd.errors import DnsTrouble
from helpdeskd.lookups import (
    MAX_BYTES,
    MAX_KEPT,
    MAX_TTL,
    MIN_TTL,
    NOTHING_TTL,
    REST_SECONDS,
    SHORT_SECONDS,
    SILENT_DOMAINS,
    SILENT_TTL,
    TROUBLE_TTL,
    Dns,
    network,
)
from helpdeskd.mail.verify.names import organisation
from helpdeskd.resolver import server_of
from tests.nameserver import TROUBLE, Zone, serving


class World:
    """A clock and a network: {name: (answers, ttl) or an error}; what is not in it is silent."""

    def __init__(self, **known):
        self.now = 1000.0
        self.known = {name.replace("_", "."): value for name, value in known.items()}
        self.asked: list[str] = []
        self.dns = Dns(self.ask, organisation, lambda: self.now)

    def ask(self, name, kind, seconds):
        assert 0 < seconds <= 5
        self.asked.append(name)
        found = self.known.get(name, DnsTrouble("nobody answers", silent=True))
        if isinstance(found, Exception):
            raise found
        return found

    def txt(self, name, patience=8.0):
        return self.dns.until(self.now + patience).txt(name)

    def trouble(self, name, **more) -> str:
        with pytest.raises(DnsTrouble) as caught:
            self.txt(name, **more)
        return str(caught.value)


@pytest.mark.parametrize(("ttl", "kept"), [(60, 60), (0, MIN_TTL), (1 << 31, MAX_TTL), (NOTHING_TTL, NOTHING_TTL)])
def test_an_answer_is_kept_for_its_time_within_bounds(ttl, kept):
    world = World(a_example=((b"x",), ttl))
    assert world.txt("a.example") == world.txt("A.Example.") == (b"x",)
    world.now += kept - 0.1
    world.txt("a.example")
    assert world.asked == ["a.example"]
    world.now += 0.2
    world.txt("a.example")
    assert world.asked == ["a.example"] * 2


def test_an_error_is_believed_for_a_while():
    world = World(a_example=DnsTrouble("SERVFAIL"), b_a_example=((b"b",), 60))
    assert world.trouble("a.example") == world.trouble("a.example") == "SERVFAIL"
    assert world.asked == ["a.example"]
    assert world.txt("b.a.example") == (b"b",)  # it is that name's alone
    world.now += TROUBLE_TTL + 1
    world.trouble("a.example")
    assert world.asked.count("a.example") == 2


def here(**known) -> World:
    """A world whose root answers."""
    world = World(**known)
    world.known[""] = (("a.root.example",), 60)
    return world


@pytest.mark.parametrize("first", ["a.example", "_dmarc.a.example"])
def test_a_silent_organisation_is_left_alone_with_all_its_names(first):
    world = here(b_example=((b"b",), 60))
    world.trouble(first)
    assert "a moment ago" in world.trouble("x2.a.example")
    assert world.txt("b.example") == (b"b",)
    assert world.asked == [first, "", "b.example"]
    world.now += SILENT_TTL + 1
    world.trouble("x3.a.example")
    assert world.asked[-2:] == ["x3.a.example", ""]


def test_a_silent_name_below_says_nothing_of_the_others():
    """Whoever writes a mail chooses it."""
    world = here(a_example=((b"a",), 60), b_a_example=((b"b",), 60))
    world.known["_dmarc.a.example"] = ((b"d",), 60)
    for name in ("x.a.example", "_dmarc.x.a.example", "old._domainkey.a.example", "me._spf.a.example"):
        assert not caught(world, name).ours
    assert world.txt("a.example") == (b"a",)
    assert world.txt("b.a.example") == (b"b",)
    assert world.txt("_dmarc.a.example") == (b"d",)


def test_an_organisation_of_silent_names_gets_little_time():
    world = here()
    given = []

    def ask(name, kind, seconds):
        if name:
            given.append(seconds)
        return world.ask(name, kind, seconds)

    world.dns = Dns(ask, organisation, lambda: world.now)
    for n in range(SILENT_DOMAINS + 1):
        world.trouble(f"x{n}.a.example")
    assert given == [5.0] * SILENT_DOMAINS + [SHORT_SECONDS]


def caught(world, name, **more) -> DnsTrouble:
    with pytest.raises(DnsTrouble) as found:
        world.txt(name, **more)
    return found.value


@pytest.mark.parametrize("patience", [0, 0.9])
def test_with_little_time_left_nothing_is_asked(patience):
    world = World(a_example=((b"x",), 60))
    assert caught(world, "a.example", patience=patience).late
    assert world.asked == []


def test_when_the_root_is_silent_nothing_is_asked():
    world = World()
    assert caught(world, "d.example").ours
    assert world.asked == ["d.example", ""]
    assert caught(world, "e.example").ours
    asked = len(world.asked)
    for n in range(100):
        world.trouble(f"e{n}.example")
    assert len(world.asked) == asked
    world.now += REST_SECONDS + 1
    for n in range(100):  # one tries the root again, nobody else
        world.trouble(f"g{n}.example")
    assert world.asked[asked:] == [""]
    world.known |= {"f.example": ((b"f",), 60), "": (("a.root.example",), 60)}
    world.now += REST_SECONDS + 1
    assert world.txt("f.example") == (b"f",)
    assert world.asked[asked:] == ["", "", "f.example"]


@pytest.mark.parametrize("root", [(("a.root.example",), 60), DnsTrouble("REFUSED")])
def test_others_silence_does_not_silence_us(root):
    world = World(f_example=((b"f",), 60))
    world.known[""] = root
    for n in range(9):
        world.trouble(f"d{n}.example")
    assert world.txt("f.example") == (b"f",)


def test_what_is_kept_is_bounded():
    big = b"x" * 60000
    world = World()
    world.dns = Dns(lambda name, kind, seconds: ((big,), 60), organisation, lambda: world.now)
    for n in range(MAX_BYTES // len(big) + 50):
        world.txt(f"a{n}.example")
    assert world.dns._bytes <= MAX_BYTES
    assert len(world.dns._kept) <= MAX_KEPT
    assert world.dns._bytes == sum(kept.size for kept in world.dns._kept.values())


@pytest.fixture(scope="module")
def real():
    records: Zone = {
        ("shop.example", "TXT"): ('"v=spf1 " "-all"', '"other"'),
        ("shop.example", "MX"): ("10 mail.shop.example.",),
        ("shop.example", "A"): ("192.0.2.1",),
        ("shop.example", "AAAA"): ("2001:db8::1",),
        ("1.2.0.192.in-addr.arpa", "PTR"): ("mail.shop.example.",),
        ("broken.example", "TXT"): TROUBLE,
    }
    with serving(records) as server:
        yield Dns(network([server_of(server)]), organisation)


def test_over_the_wire(real):
    ask = real.until(monotonic() + 30)
    assert set(ask.txt("shop.example")) == {b"v=spf1 -all", b"other"}
    assert ask.mx("shop.example") == ((10, "mail.shop.example"),)
    assert ask.a("shop.example") == ("192.0.2.1",)
    assert ask.aaaa("shop.example") == ("2001:db8::1",)
    assert ask.ptr("1.2.0.192.in-addr.arpa") == ("mail.shop.example",)
    assert ask.txt("gone.example") == ask.mx("mail.shop.example") == ()
    assert ask.txt("a..b") == ask.txt("a" * 70) == ()
    with pytest.raises(DnsTrouble, match="NoNameservers"):
        ask.txt("broken.example")


def test_a_machine_without_dns(monkeypatch):
    import dns.resolver

    def none(*_, **__):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none)
    with pytest.raises(DnsTrouble):
        network()("shop.example", "TXT", 1.0)
