"""check mail: what DNS says, over the wire from a name server of ours."""

from __future__ import annotations

import re

from tests.nameserver import TROUBLE, Zone, serving, text
from tests.unit.cli.house import SUPPORT

DOMAIN = SUPPORT.rpartition("@")[2]


def published(house) -> dict[tuple[str, str], tuple[str, ...] | str]:
    """A key made, set, and published with all else that is wanted."""
    house("dkim", "keygen", DOMAIN, "--selector", "s1").ok()
    house.write_config(f'[[dkim]]\ndomain = "{DOMAIN}"\nselector = "s1"\n')
    (shown,) = house("dkim", "show", "--json").json
    return {
        (DOMAIN, "MX"): (f"10 mail.{DOMAIN}.",),
        (f"mail.{DOMAIN}", "A"): ("198.41.0.4",),
        (DOMAIN, "TXT"): (text("v=spf1 mx -all"),),
        (shown["name"], "TXT"): (text(shown["record"]),),
        (f"_dmarc.{DOMAIN}", "TXT"): (text("v=DMARC1; p=reject"),),
        ("4.0.41.198.in-addr.arpa", "PTR"): (f"mail.{DOMAIN}.",),
    }


def asking(house, zone: Zone, *words: str):
    kept = house.config.read_text()
    with serving(zone) as server:
        house.config.write_text(f'{kept}\n[dns]\nservers = ["{server}"]\nseconds = 5\n')
        said = house("check", "mail", *words)
    house.config.write_text(kept)
    return said


def test_what_keygen_printed_is_what_it_wants_to_see(house):
    zone = published(house)
    said = asking(house, zone, "--no-send", "--address", "198.41.0.4").ok()
    assert re.findall(r"^(\w+) +(\w+)", said, re.MULTILINE) == [
        *[("ok", "MX"), ("ok", "SPF"), ("ok", "SPF"), ("ok", "DKIM"), ("ok", "DMARC"), ("ok", "PTR")]
    ]


def test_what_is_to_be_mended_is_said_and_told_by_the_exit(house):
    zone = published(house)
    del zone[f"s1._domainkey.{DOMAIN}", "TXT"]
    del zone[f"_dmarc.{DOMAIN}", "TXT"]
    said = asking(house, zone, "--no-send")
    assert said.code == 1
    assert f'publish: s1._domainkey.{DOMAIN}. IN TXT ("v=DKIM1; k=rsa; p=' in said.out
    assert f'publish: _dmarc.{DOMAIN}. IN TXT "v=DMARC1; p=none' in said.out
    zone[f"s1._domainkey.{DOMAIN}", "TXT"] = TROUBLE
    zone[f"_dmarc.{DOMAIN}", "TXT"] = (text("v=DMARC1; p=none"),)
    said = asking(house, zone, "--no-send")
    assert said.code == 75
    assert re.search(r"^unknown +DKIM +s1\._domainkey", said.out, re.MULTILINE)


def test_for_scripts(house):
    zone = published(house)
    found = asking(house, zone, "--json").json
    assert [(each["subject"], each["mark"]) for each in found] == [
        *[("MX", "ok"), ("SPF", "ok"), ("DKIM", "ok"), ("DMARC", "ok")]
    ]
    assert set(found[0]) == {"subject", "name", "mark", "words", "record"}


def test_nothing_to_send_by(house):
    assert house("check", "mail", "--no-dns").failed(1).startswith("outgoing.relay is not set")
    assert house("check", "mail", "--address", "mail.example").failed(1) == "--address: mail.example is no IP address"
