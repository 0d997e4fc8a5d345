"""Wrong settings: all at once, each with file, key and what was expected; never a secret, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdeskd.config import Config
from helpdeskd.config.load import load, shown
from helpdeskd.errors import ConfigError


def problems(tmp_path, toml: str, env=None) -> list[str]:
    file = tmp_path / "h.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load(file, env or {})
    return [line.replace(str(file), "FILE") for line in caught.value.problems]


BOX = '[[mailbox]]\nname = "a"\nhost = "h"\nuser = "u"\n'
COUNTS = (
    "max_connections", "max_body_mb", "max_parts", "max_field_kb", "body_seconds", "idle_seconds", "stop_seconds", "threads",
)  # fmt: skip

WRONG = [
    ("[smtp]\nlissten = []", ["FILE: smtp.lissten: expected one of ", "did you mean listen?"]),
    ("[smtp]\nmax_errors = 0", ["FILE: smtp.max_errors: expected `int` >= 1"]),
    ('[smtp]\nmax_errors = "ten"', ["FILE: smtp.max_errors: expected `int`, got `str`"]),
    ('[smtp]\nlisten = ["here"]', ["FILE: smtp.listen: expected host:port"]),
    ('[smtp]\nlisten = ["127.0.0.1:99999"]', ["FILE: smtp.listen: expected host:port"]),
    ("smtp = 3", ["FILE: smtp: expected a table"]),
    ("[nonsense]", ["FILE: nonsense: expected one of"]),
    ("[smtp", ["FILE: TOML: expected a valid TOML file"]),
    (
        '[smtp]\ntls_certificate = "/nowhere/x.pem"',
        ["expected tls_certificate and tls_key together", "there is none at /nowhere/x.pem"],
    ),
    ('[metrics]\nlisten = ["9525"]', ["FILE: metrics.listen: expected host:port"]),
    ('[submission]\nlisten = ["127.0.0.1:587"]', ["FILE: submission.listen: expected smtp.tls_certificate beside it"]),
    (
        '[submission]\nlisten = ["unix:/x"]',
        ["FILE: submission.listen: expected host:port", "FILE: submission.listen: expected smtp.tls_certificate"],
    ),
    ('[http]\nlisten = ["8080"]', ["FILE: http.listen: expected unix:/path or host:port, such as 127.0.0.1:8080"]),
    ('[http]\nlisten = ["unix:here"]', ["FILE: http.listen: expected unix:/path"]),
    ('[http]\nroot = "zendesk"', ["FILE: http.root: expected one of helpdeskz"]),
    ('[http.hosts]\n"a.example" = "zendesk"', ["FILE: http.hosts.a.example: expected one of helpdeskz"]),
    ('[http.hosts]\n"a.example:80" = "helpdeskz"', ["FILE: http.hosts.a.example:80: expected a host name alone"]),
    (
        '[http.rates]\n"jitbit.default" = "often"',
        ["FILE: http.rates.jitbit.default: expected a rate such as 90/minute"],
    ),
    (
        '[http.rates]\n"helpdeskz.search" = "9/minute"',
        [
            "FILE: http.rates.helpdeskz.search: expected a dialect and a class, one of helpdeskz.default, jitbit.default,"
        ],
    ),
    ('[http.rates]\n"jitbit.often" = "9/minute"', ["FILE: http.rates.jitbit.often: expected a dialect and a class"]),
    ("[http]\nhosts = 3", ["FILE: http.hosts: expected `object`"]),
    ('[http]\ntrusted_proxies = ["proxy"]', ["FILE: http.trusted_proxies: expected addresses or networks"]),
    ('[http]\ntls_key = "/nowhere/x.key"', ["http.tls_certificate: expected tls_certificate and tls_key together"]),
    *((f"[http]\n{key} = 0", [f"FILE: http.{key}: expected `int` >= 1"]) for key in COUNTS),
    ("[http]\nmax_body_mb = 5000", ["FILE: http.max_body_mb: expected `int` <= 1024"]),
    ("[http]\nthreads = 500", ["FILE: http.threads: expected `int` <= 64"]),
    ('[alarms]\nto = "Ada <ada@x.example>"', ["FILE: alarms.to: expected one address"]),
    ('[alarms]\nhook = ["alert"]', ["FILE: alarms.hook: expected a list that begins with the program's whole path"]),
    ("[audit]\nhours = -1", ["FILE: audit.hours: expected `float` >= 0"]),
    ("[audit]\nhours = 1e300", ["FILE: audit.hours: expected `float` <= 8760"]),
    ("[desk]\nfollow_up_days = 1000000", ["FILE: desk.follow_up_days: expected `int` <= 36500"]),
    ("[keep]\nraw_days = 1000000", ["FILE: keep.raw_days: expected `int` <= 36500"]),
    ("[outgoing]\ngive_up_days = 1e9", ["FILE: outgoing.give_up_days: expected `float` <= 36500"]),
    ("[intake]\nmax_mail_mb = 5000", ["FILE: intake.max_mail_mb: expected `int` <= 2048"]),
    ("[intake]\nparse_memory_mb = 99999999999999", ["FILE: intake.parse_memory_mb: expected `int` <= 1048576"]),
    ('[lmtp]\nlisten = ["unix:relative"]', ["FILE: lmtp.listen: expected unix:/path"]),
    ('[outgoing]\nrelay = "http://x"', ["FILE: outgoing.relay: expected host or host:port"]),
    ('[outgoing]\nuser = "u"', ["FILE: outgoing.password: expected password or password_file"]),
    ('[outgoing]\nsecurity = "ssl"', ["FILE: outgoing.security: invalid enum value"]),
    ('[store]\nurl = "mysql://x"', ["FILE: store.url: expected sqlite"]),
    ('[blobs]\nurl = "https://bucket"', ["FILE: blobs.url: expected s3://bucket or s3://bucket/prefix"]),
    ('[blobs]\nurl = "s3://bucket/../other"', ["FILE: blobs.url: expected s3://bucket"]),
    ('[blobs]\nurl = "s3://key:secret@bucket"', ["FILE: blobs.url: expected s3://bucket"]),
    ('[blobs]\nurl = "s3://bucket"\nendpoint = "minio:9000"', ["FILE: blobs.endpoint: expected https://host"]),
    ('[blobs]\nurl = "s3://bucket"\nendpoint = "https://h:99999"', ["FILE: blobs.endpoint: expected https://host"]),
    ('[blobs]\nurl = "s3://bucket"\nendpoint = "https://k:s@h"', ["FILE: blobs.endpoint: expected https://host"]),
    ('[blobs]\nregion = "eu-central-1"', ["FILE: blobs.region: expected blobs.url beside it"]),
    (
        '[blobs]\nurl = "s3://bucket"\naccess_key_id = "AK"',
        ["FILE: blobs.access_key_id: expected access_key_id and secret_file together"],
    ),
    (
        '[blobs]\nurl = "s3://bucket"\naccess_key_id = "AK"\nsecret_file = "/nowhere/s3"',
        ["FILE: blobs.secret_file: expected a readable file; there is none at /nowhere/s3"],
    ),
    ('[ceilings]\ntotal = "none"', ["FILE: ceilings.total: expected a rate such as 100/hour"]),
    (
        '[ceilings]\nstaff = "0/hour"\nunknown = "5/week"',
        ["FILE: ceilings.unknown: expected a rate", "FILE: ceilings.staff: expected a rate"],
    ),
    ("[ceilings]\npeople = 5", ["FILE: ceilings.people: expected `str`"]),
    ('[desk]\nmarker = "short"', ["FILE: desk.marker: expected one line"]),
    ('[[mailbox]]\nname = "a"', ["FILE: mailbox.0.host: expected a value", "FILE: mailbox.0.user: expected a value"]),
    (BOX, ["FILE: mailbox.0.password: expected exactly one of"]),
    (BOX + 'password = "p"\nbackfill = "often"', ["FILE: mailbox.0.backfill: expected none, all, unseen or a date"]),
    (BOX + 'password = "p"\nafter = "move"', ["FILE: mailbox.0.move_to: expected move_to"]),
    (
        BOX
        + 'password = "p"\nafter = "move"\nmove_to = "Done"\n'
        + BOX.replace('"a"', '"b"')
        + 'password = "p"\nfolders = ["Done"]',
        ["FILE: mailbox.0.move_to: expected a folder that is not itself watched; Done is"],
    ),
    (
        BOX + 'password = "p"\n' + BOX + 'password = "p"',
        ["mailbox.1.name: expected a name of its own", "INBOX is already watched by a"],
    ),
    ('[spam]\nheaders_from = ["smtp"]', ["FILE: spam.headers_from"]),
    ('[spam]\ndnsbl = ["Zen"]', ["FILE: spam.dnsbl: expected zones in lower case"]),
    ('[spam]\ndnsbl = ["a.example", "a.example"]', ["FILE: spam.dnsbl: expected each zone once"]),
    ('[spam]\ndnsbl = ["a.example"]\ndnsbl_needed = 2', ["FILE: spam.dnsbl_needed: expected at most 1"]),
    ('[spam]\nrspamd = "127.0.0.1:11333"', ["FILE: spam.rspamd: expected http://host:port"]),
    ('[spam]\nrspamd = "http://127.0.0.1:11333/checkv2"', ["FILE: spam.rspamd: expected http://host:port"]),
    ('[spam]\nrspamd_controller = "https://h:1"', ["FILE: spam.rspamd_controller: expected http://host:port"]),
    (
        '[spam]\nrspamd_password_file = "/nowhere/x"',
        ["expected spam.rspamd_controller beside it", "there is none at /nowhere/x"],
    ),
    ('[spam]\nclamd = "/run/clamd.ctl"', ["FILE: spam.clamd: expected unix:/path or host:port"]),
    ('[spam]\nclamd = "h:99999"', ["FILE: spam.clamd: expected unix:/path or host:port"]),
    ("[spam]\nseconds = 0", ["FILE: spam.seconds: expected `int` >= 1"]),
    ('[trust]\nrelays = ["mx.example"]', ["FILE: trust.relays: expected addresses or networks"]),
    ('[trust]\nauthserv_ids = ["a b"]', ["FILE: trust.authserv_ids: expected the name that begins"]),
    ('[trust]\narc_sealers = ["list"]', ["FILE: trust.arc_sealers: expected domains"]),
    (BOX + 'password = "p"\nauthserv_ids = [";"]', ["FILE: mailbox.0.authserv_ids: expected the name that begins"]),
    ("mailbox = 3", ["FILE: mailbox: expected an array of tables"]),
]


@pytest.mark.parametrize(("toml", "expected"), WRONG, ids=[toml.replace("\n", " ")[:50] for toml, _ in WRONG])
def test_wrong(tmp_path, toml, expected):
    text = "\n".join(problems(tmp_path, toml)).lower()
    for words in expected:
        assert words.lower() in text


def test_all_at_once(tmp_path):
    found = problems(
        tmp_path,
        '[smtp]\nmax_errors = 0\nlisen = 1\n[desk]\nlanguage = 3\n[[mailbox]]\nname = "x"\n',
        {"HELPDESKD_SMTP__IDLE_SECONDS": "soon", "HELPDESKD_SMTP__NOPE": "1"},
    )
    assert len(found) == 7
    assert any(
        line.startswith("environment HELPDESKD_SMTP__IDLE_SECONDS: smtp.idle_seconds: expected `int`") for line in found
    )
    assert any(line.startswith("environment HELPDESKD_SMTP__NOPE: ") for line in found)


def test_what_does_not_go_together_is_found_beside_what_is_wrong_by_itself(tmp_path):
    text = '[intake]\nbatch = "x"\n[desk]\nmarker = "--"\n[lmtp]\nlisten = ["nowhere"]\n[[mailbox]]\nname = "x"\n'
    keys = [line.split(": ")[1] for line in problems(tmp_path, text)]
    assert keys == ["intake.batch", "mailbox.0.host", "mailbox.0.user", "lmtp.listen", "desk.marker"]


def test_a_secret_is_never_repeated(tmp_path):
    text = "\n".join(
        problems(tmp_path, BOX + "password = 12345678\n[outgoing]\npassword = [1]", {"HELPDESKD_OUTGOING__USER": "u"})
    )
    assert "12345678" not in text


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="expected a readable file"):
        load(tmp_path / "none.toml", {})


def test_the_environment_wins(tmp_path):
    file = tmp_path / "h.toml"
    file.write_text('[smtp]\nlisten = ["127.0.0.1:1"]\n' + BOX)
    config = load(
        file,
        {
            "HELPDESKD_SMTP__LISTEN": "0.0.0.0:25, [::1]:25",
            "HELPDESKD_LMTP__LISTEN": '["unix:/run/x"]',
            "HELPDESKD_OUTGOING__HOLD": "true",
            "HELPDESKD_OUTGOING__GIVE_UP_DAYS": "2",
            "HELPDESKD_MAILBOX__0__PASSWORD": "geheim",
            "HELPDESKD_SPOOL": "/somewhere",
            "HELPDESKD_CONFIG": "ignored",
            "PATH": "/bin",
        },
    )
    assert config.smtp.listen == ("0.0.0.0:25", "[::1]:25")
    assert config.lmtp.listen == ("unix:/run/x",)
    assert config.outgoing.hold is True
    assert config.outgoing.give_up_days == 2.0
    assert config.mailbox[0].password == "geheim"
    assert config.paths.spool_dir == Path("/somewhere")


def test_every_setting_can_come_from_the_environment():
    config = load(
        None, {"HELPDESKD_STORE__URL": "sqlite:////x", "HELPDESKD_PATHS__DATA": "/y", "HELPDESKD_LOG__LEVEL": "debug"}
    )
    assert (config.store.url, config.paths.data, config.log.level) == ("sqlite:////x", Path("/y"), "debug")


def test_shown_masks_secrets():
    text = str(shown(load(None, {"HELPDESKD_OUTGOING__PASSWORD": "geheim", "HELPDESKD_OUTGOING__USER": "u"})))
    assert "geheim" not in text
    assert "(set, not shown)" in text


def test_shown_masks_secrets_in_the_address_of_the_store():
    url = "postgresql://u:geheim@h/d?options=-c%20my.key%3Dgeheim&sslpassword=geheim&application_name=mine"
    assert shown(load(None, {"HELPDESKD_STORE__URL": url}))["store"]["url"] == (
        "postgresql://u:***@h/d?options=***&sslpassword=***&application_name=mine"
    )


def test_defaults_are_sound():
    assert load(None, {}) == Config()


def test_the_environment_over_a_file_that_has_no_tables(tmp_path):
    """The wrong file is reported; laying variables over it does not fall over it."""
    env = {
        "HELPDESKD_SMTP__LISTEN": "127.0.0.1:1",
        "HELPDESKD_SPOOL": "/x",
        "HELPDESKD_MAILBOX__1__HOST": "h",
        "HELPDESKD_DESK__NAME": "D",
    }
    found = problems(tmp_path, 'smtp = 3\npaths = "x"\nmailbox = 4\ndesk = []', env)
    assert "FILE: smtp: expected a table" in found
    assert "FILE: paths: expected a table" in found or "environment HELPDESKD_SPOOL: paths: expected a table" in found
    assert any("mailbox" in line for line in found)
    assert any("desk: expected a table" in line for line in found)


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(ConfigError, match="expected a readable file: Is a directory"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("postgresql://u:p@h:5432/db", True),
        ("postgresql:///db", True),
        ("postgresql://h/db?sslmode=require", True),
        ("postgresql://u@[::1]:5432/db", True),
        ("postgresql://u@h1:1,h2:2/db", True),
        ("postgresql+psycopg://h/db", True),
        ("sqlite:////var/lib/x.sqlite3", True),
        ("postgresql://u:p@h:port/db", False),
        ("postgresql://u:p@[::1/db", False),
        ("postgresql:/h/db", False),
        ("mysql://h/db", False),
    ],
)
def test_store_urls(url, good):
    env = {"HELPDESKD_STORE__URL": url}
    if good:
        assert load(None, env).store.url == url
    else:
        with pytest.raises(ConfigError, match=r"store\.url: expected sqlite"):
            load(None, env)


def test_an_object_store_needs_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr("helpdeskd.config.check.find_spec", lambda _: None)
    assert problems(tmp_path, '[blobs]\nurl = "s3://bucket"') == [
        "FILE: blobs.url: expected the package obstore, which is not installed: pip install 'helpdeskd[s3]'"
    ]
