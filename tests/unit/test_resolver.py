"""DNS over the wire: what a server says, as our records."""

import pytest

from helpdeskd.errors import DnsTrouble
from helpdeskd.resolver import Dns, reverse, server_of
from tests.nameserver import TROUBLE, Zone, serving, text

LONG = "v=DKIM1; k=rsa; p=" + "A" * 600
ZONE: Zone = {
    ("example.com", "TXT"): (text("v=spf1 mx -all"), text("other")),
    ("long.example.com", "TXT"): (text(LONG),),
    ("example.com", "MX"): ("20 B.example.com.", "10 a.example.com."),
    ("null.example.com", "MX"): ("0 .",),
    ("a.example.com", "A"): ("192.0.2.1",),
    ("a.example.com", "AAAA"): ("2001:db8::1",),
    ("1.2.0.192.in-addr.arpa", "PTR"): ("a.example.com.",),
    ("broken.example.com", "TXT"): TROUBLE,
}


@pytest.fixture(scope="module")
def dns():
    with serving(ZONE) as server:
        yield Dns(servers=(server,), seconds=5)


def test_records(dns: Dns):
    assert set(dns.txt("example.com")) == {b"v=spf1 mx -all", b"other"}
    assert dns.txt("long.example.com") == (LONG.encode(),)  # its strings joined
    assert dns.mx("example.com") == ((10, "a.example.com"), (20, "b.example.com"))
    assert dns.mx("null.example.com") == ((0, ""),)
    assert dns.a("a.example.com") == ("192.0.2.1",)
    assert dns.aaaa("a.example.com") == ("2001:db8::1",)
    assert dns.ptr(reverse("192.0.2.1")) == ("a.example.com",)


@pytest.mark.parametrize("name", ["nobody.example.com", "a.example.com", "a..b", "x" * 64 + ".example.com"])
def test_nothing_there(dns: Dns, name):
    assert dns.txt(name) == ()


def test_trouble(dns: Dns):
    with pytest.raises(DnsTrouble, match="DNS does not answer"):
        dns.txt("broken.example.com")


@pytest.mark.parametrize(
    ("words", "server"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
    ],
)
def test_servers(words, server):
    assert server_of(words) == server


@pytest.mark.parametrize("words", ["", "ns.example.com", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:99999", "[::1]x"])
def test_no_servers(words):
    with pytest.raises(ValueError, match=r".+"):
        server_of(words)


def test_reverse_of_an_international_address():
    assert reverse("2001:db8::1").startswith("1.0.0.0.") and reverse("2001:db8::1").endswith(".ip6.arpa")
