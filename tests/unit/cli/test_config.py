"""config check and show: what is in force, what is worth knowing, and no secret."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from helpdeskd.cli.config import is_local, remarks
from helpdeskd.config import BlobSettings, Config, Desk, Lmtp, Mailbox, Outgoing, Paths, Smtp, Store, Trust
from helpdeskd.config.load import load
from tests.unit.cli.house import typed


def test_check(house):
    said = house("config", "check").ok()
    assert said.startswith("The settings are right.\nNote: outgoing.relay is not set")
    assert house("config", "check", "--json").json["notes"][0].startswith("outgoing.relay is not set")


def test_show_is_toml_that_means_the_same(house):
    house.write_config('[outgoing]\nrelay = "smtp.example.com:587"\nhold = true\n')
    table = tomllib.loads(house("config", "show").ok())
    again = house.folder / "again.toml"
    again.write_text(house("config", "show").ok())
    assert load(again, {}) == load(house.config, {})
    assert table["outgoing"]["hold"] is True
    assert house("config", "show", "--json").json["outgoing"]["relay"] == "smtp.example.com:587"


def test_show_needs_no_installation(empty):
    assert tomllib.loads(typed("config", "show").ok())["paths"]["data"] == "/var/lib/helpdeskd"
    assert not empty.data.exists()


def test_the_environment_is_in_force(house, monkeypatch):
    monkeypatch.setenv("HELPDESKD_OUTGOING__RELAY", "relay.example.com")
    assert 'relay = "relay.example.com"' in house("config", "show").ok()


URLS = [
    "postgresql://desk:{}@db.example/desk",
    "postgresql://desk:{}@db.example:5432/desk?sslmode=require",
    "postgresql://db.example/desk?user=desk&password={}",
    "postgresql://db.example/desk?password={}&user=desk",
    "postgresql+psycopg://desk:{}@/desk?host=/run/postgresql",
]


@pytest.mark.parametrize("url", URLS)
def test_no_secret_is_shown(house, url, monkeypatch):
    secret = "geheim-4711"
    house.write_config(
        f'[store]\nurl = "{url.format(secret)}"\n[outgoing]\nuser = "u"\npassword = "{secret}"\n'
        f'[[mailbox]]\nname = "a"\nhost = "h"\nuser = "u"\npassword = "{secret}"\n'
    )
    for words in (("config", "show"), ("config", "show", "--json"), ("config", "check")):
        said = house(*words).ok()
        assert secret not in said
    shown = tomllib.loads(house("config", "show").ok())
    assert shown["store"]["url"] == url.format("***")
    assert shown["outgoing"]["password"] == shown["mailbox"][0]["password"] == "(set, not shown)"


def test_a_url_without_a_secret_is_shown_whole(house):
    for url in (
        "postgresql://helpdeskd@db.example:5432/helpdeskd",
        "sqlite:////var/lib/x.sqlite3",
        "postgresql:///desk",
    ):
        house.write_config(f'[store]\nurl = "{url}"\n')
        assert house("config", "show", "--json").json["store"]["url"] == url


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (Config(outgoing=Outgoing(relay="r", hold=True)), "outgoing.hold is on"),
        (Config(store=Store(risk_losing_mail=True)), "can lose mail that its sender was told we have"),
        (Config(outgoing=Outgoing(relay="10.0.0.1:25", security="none")), "answers travel in the clear"),
        (Config(outgoing=Outgoing(relay="r:25", security="none", user="u")), "answers (and the password) travel"),
        (Config(smtp=Smtp(listen=("0.0.0.0:25",))), "smtp.listen 0.0.0.0:25 is open to other machines without"),
        (
            Config(mailbox=(Mailbox(name="a", host="imap.example", user="u", security="none"),)),
            "mailbox a: security is none",
        ),
        (Config(mailbox=(Mailbox(name="a", host="h", user="u", after="delete"),)), "mailbox a: mails are deleted"),
        (
            Config(blobs=BlobSettings(url="s3://desk", endpoint="http://10.0.0.1:9000")),
            "blobs.endpoint is http: mails travel in the clear",
        ),
        (Config(blobs=BlobSettings(url="s3://desk"), paths=Paths(blobs=Path("/srv"))), "paths.blobs is not used"),
        (Config(store=Store(url="postgresql:///desk")), "this is for one node; several need blobs.url"),
        (Config(paths=Paths(data=Path("/srv"))), "give pipe.py --spool /srv/spool"),
        (Config(desk=Desk(language="tlh")), "desk.language is tlh"),
        (Config(trust=Trust(dns=False)), "pipe: without trust.dns and authserv_ids"),
        (
            Config(trust=Trust(dns=False, profile="strict")),
            "smtp: without trust.dns and authserv_ids no sender can be verified: every verdict is none. Commands of staff can never be given there",
        ),
        (
            Config(trust=Trust(dns=False, profile="strict")),
            "pipe: without trust.dns and authserv_ids no sender can be verified: every verdict is none. Commands of staff can never be given there",
        ),
        (Config(trust=Trust(dns=False)), "smtp: without trust.dns and authserv_ids no sender can be verified"),
        (Config(lmtp=Lmtp(listen=("unix:/l",))), "lmtp: without authserv_ids a sender is verified by DKIM alone"),
        (Config(mailbox=(Mailbox(name="a", host="h", user="u"),)), "mailbox a: without authserv_ids"),
        (
            Config(trust=Trust(authserv_ids=("mx.example",)), mailbox=(Mailbox(name="a", host="h", user="u"),)),
            "mailbox a: without authserv_ids",
        ),
        (
            Config(trust=Trust(dns=False), mailbox=(Mailbox(name="a", host="h", user="u"),)),
            "mailbox a: without trust.dns and authserv_ids",
        ),
    ],
)
def test_remarks(config, said):
    assert any(said in remark for remark in remarks(config))


@pytest.mark.parametrize("trust", [Trust(authserv_ids=("mx.example",)), Trust(dns=False, authserv_ids=("mx.example",))])
def test_doors_that_can_tell_need_no_remark(trust):
    box = Mailbox(name="a", host="h", user="u", authserv_ids=("mx.provider.example",))
    config = Config(outgoing=Outgoing(relay="r:587"), lmtp=Lmtp(listen=("unix:/l",)), mailbox=(box,), trust=trust)
    assert list(remarks(config)) == []


def test_the_defaults_with_a_relay_need_no_remark():
    assert list(remarks(Config(outgoing=Outgoing(relay="smtp.example.com:587")))) == []


def test_several_nodes_as_the_manual_has_them_need_no_remark():
    several = {"store": Store(url="postgresql:///desk"), "blobs": BlobSettings(url="s3://desk")}
    assert list(remarks(Config(outgoing=Outgoing(relay="smtp.example.com:587"), **several))) == []  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("place", "local"),
    [
        ("localhost", True),
        ("localhost:25", True),
        ("127.0.0.1:25", True),
        ("127.1.2.3", True),
        ("[::1]:25", True),
        ("::1", True),
        ("mail.example.com:25", False),
        ("10.0.0.1", False),
        ("[2001:db8::1]:25", False),
        ("0.0.0.0:25", False),
        (":25", False),
        ("localhost.example.com:25", False),
        ("127.example.com", False),
    ],
)
def test_is_local(place, local):
    assert is_local(place) is local
