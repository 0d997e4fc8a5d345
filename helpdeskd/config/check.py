"""Settings that are each well-formed but do not go together, or cannot mean anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path

from msgspec.structs import fields

from helpdeskd.config import (
    DIALECTS,
    RATE_CLASSES,
    BlobSettings,
    Ceilings,
    Config,
    Http,
    Mailbox,
    Openpgp,
    Smime,
    SpamSettings,
    Trust,
)
from helpdeskd.config.rates import is_rate

Problem = tuple[str, str]  # (key, what was expected)

# Said at start, by `status` and by `config check`, where the operator has chosen so.
AT_RISK = (
    "store.risk_losing_mail is on: a database that may forget what it has committed is not refused, and a crash or a power "
    "cut can lose mail that its sender was told we have."
)

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")  # RFC 6376 section 3.1
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|\*?):(\d{1,5})")


def contradictions(config: Config, *, keys: bool = True) -> Iterator[Problem]:
    """Every problem that one key alone does not show, as (key, what was expected). Not `keys`: DKIM's need not be there yet."""
    for listen in config.smtp.listen:
        if not _host_port(listen):
            yield "smtp.listen", "expected host:port, such as 127.0.0.1:25 or [::1]:25"
    for listen in config.submission.listen:
        if not _host_port(listen):
            yield "submission.listen", "expected host:port, such as 0.0.0.0:587"
    if config.submission.listen and config.smtp.tls_certificate is None:
        yield "submission.listen", "expected smtp.tls_certificate beside it: no password is taken without TLS"
    for listen in config.lmtp.listen:
        if not (listen.startswith("unix:/") or _host_port(listen)):
            yield "lmtp.listen", "expected unix:/path or host:port"
    for listen in config.metrics.listen:
        if not _host_port(listen):
            yield "metrics.listen", "expected host:port, such as 127.0.0.1:9525"
    yield from _http(config.http)
    if config.alarms.to and not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", config.alarms.to):
        yield "alarms.to", "expected one address, such as operator@example.com"
    if config.alarms.hook and not config.alarms.hook[0].startswith("/"):
        yield "alarms.hook", "expected a list that begins with the program's whole path"
    if not re.fullmatch(r"0[0-7]{3}", config.lmtp.socket_mode):
        yield "lmtp.socket_mode", 'expected an octal mode in quotes, such as "0660"'
    yield from _tls("smtp", config.smtp.tls_certificate, config.smtp.tls_key)
    if config.outgoing.relay and not re.fullmatch(
        r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?", config.outgoing.relay
    ):
        yield "outgoing.relay", "expected host or host:port"
    yield from _one_secret("outgoing", config.outgoing.password, config.outgoing.password_file)
    if config.outgoing.user and not (config.outgoing.password or config.outgoing.password_file):
        yield "outgoing.password", "expected password or password_file beside user"
    if config.store.url and not _is_store(config.store.url):
        yield "store.url", "expected sqlite:///path or postgresql://user@host/name"
    yield from _blobs(config.blobs)
    if config.desk.public_url and not re.match(r"https?://", config.desk.public_url):
        yield "desk.public_url", "expected a URL that starts with https:// or http://"
    if len(config.desk.marker.strip()) < 20 or "\n" in config.desk.marker:
        yield "desk.marker", "expected one line of at least 20 characters, so that it is never met by chance"
    yield from _mailboxes(config.mailbox)
    yield from _trust(config.trust)
    yield from _spam(config.spam)
    yield from _ceilings(config.ceilings)
    for n, box in enumerate(config.mailbox):
        yield from _servers(f"mailbox.{n}.authserv_ids", box.authserv_ids)
    yield from _dkim(config, keys=keys)
    if keys and (config.smime != Smime() or config.openpgp != Openpgp()):
        from helpdeskd.config import seals  # as dkim below

        yield from seals.problems(config)
    for server in config.dns.servers:
        if not _server(server):
            yield "dns.servers", "expected addresses, such as 127.0.0.1 or [::1]:5353"


def _trust(trust: Trust) -> Iterator[Problem]:
    for relay in trust.relays:
        try:
            ip_network(relay, strict=False)
        except ValueError:
            yield "trust.relays", "expected addresses or networks, such as 192.0.2.25 or 10.0.0.0/8"
    yield from _servers("trust.authserv_ids", trust.authserv_ids)
    for sealer in trust.arc_sealers:
        if not re.fullmatch(r"[A-Za-z0-9.-]+\.[A-Za-z0-9-]+", sealer):
            yield "trust.arc_sealers", "expected domains, such as lists.example.org"


def _spam(spam: SpamSettings) -> Iterator[Problem]:
    for zone in spam.dnsbl:
        if not _DOMAIN.fullmatch(zone):
            yield "spam.dnsbl", "expected zones in lower case, such as zen.spamhaus.org"
    if len(set(spam.dnsbl)) != len(spam.dnsbl):
        yield "spam.dnsbl", "expected each zone once"
    if spam.dnsbl_needed > len(spam.dnsbl):
        yield "spam.dnsbl_needed", f"expected at most {len(spam.dnsbl)}: there are no more lists in spam.dnsbl"
    for name in ("rspamd", "rspamd_controller"):
        address = getattr(spam, name)
        if address and not (address.startswith("http://") and _host_port(address[7:].removesuffix("/"))):
            yield f"spam.{name}", "expected http://host:port, such as http://127.0.0.1:11333"
    if spam.rspamd_password_file and not spam.rspamd_controller:
        yield "spam.rspamd_password_file", "expected spam.rspamd_controller beside it"
    yield from _readable("spam.rspamd_password_file", spam.rspamd_password_file)
    if spam.clamd and not (spam.clamd.startswith("unix:/") or _host_port(spam.clamd)):
        yield "spam.clamd", "expected unix:/path or host:port, such as unix:/run/clamav/clamd.ctl"


def _ceilings(ceilings: Ceilings) -> Iterator[Problem]:
    for field in fields(ceilings):
        if not is_rate(getattr(ceilings, field.name)):
            yield f"ceilings.{field.name}", "expected a rate such as 100/hour (second, minute, hour, day)"


def _servers(key: str, servers: tuple[str, ...]) -> Iterator[Problem]:
    for server in servers:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", server):
            yield key, "expected the name that begins the server's Authentication-Results, such as mx.example.com"


def _http(http: Http) -> Iterator[Problem]:
    for listen in http.listen:
        if not (listen.startswith("unix:/") or _host_port(listen)):
            yield "http.listen", "expected unix:/path or host:port, such as 127.0.0.1:8080"
    spoken = ", ".join(DIALECTS)
    rated = [f"{dialect}.{kind}" for dialect, kinds in RATE_CLASSES.items() for kind in kinds]
    if http.root and http.root not in DIALECTS:
        yield "http.root", f"expected one of {spoken}"
    for host, dialect in http.hosts.items():
        if not re.fullmatch(r"\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+", host):
            yield f"http.hosts.{host}", "expected a host name alone, without a scheme, a port or a path"
        if dialect not in DIALECTS:
            yield f"http.hosts.{host}", f"expected one of {spoken}"
    for name, rate in http.rates.items():
        if name not in rated:
            yield f"http.rates.{name}", f"expected a dialect and a class, one of {', '.join(rated)}"
        if rate != "none" and not is_rate(rate):
            yield f"http.rates.{name}", "expected a rate such as 90/minute (second, minute, hour, day), or none"
    for proxy in http.trusted_proxies:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            yield "http.trusted_proxies", "expected addresses or networks, such as 127.0.0.1 or 10.0.0.0/8"
    yield from _tls("http", http.tls_certificate, http.tls_key)


def _is_store(url: str) -> bool:
    if not re.match(r"(sqlite|postgresql(\+psycopg)?)://", url):
        return False
    host = url.rpartition("@")[2].rpartition("://")[2].partition("/")[0].partition("?")[0]
    if host.count("[") != host.count("]"):
        return False
    return re.search(r":(?!\d{0,5}$)[^\]:,]*$", host) is None  # a port is a number


def _host_port(text: str) -> bool:
    match = _HOST_PORT.fullmatch(text)
    return match is not None and int(match[2]) <= 65535


def _blobs(blobs: BlobSettings) -> Iterator[Problem]:
    if not blobs.url:
        for key in ("endpoint", "region", "access_key_id", "secret_file"):
            if getattr(blobs, key):
                yield f"blobs.{key}", "expected blobs.url beside it: without one, blobs lie in a folder"
        return
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?", blobs.url):
        yield "blobs.url", "expected s3://bucket or s3://bucket/prefix"
    if find_spec("obstore") is None:
        yield "blobs.url", "expected the package obstore, which is not installed: pip install 'helpdeskd[s3]'"
    endpoint = re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?/?", blobs.endpoint)
    if blobs.endpoint and (endpoint is None or int(endpoint[2] or 0) > 65535):
        yield "blobs.endpoint", "expected https://host or https://host:port"
    if bool(blobs.access_key_id) != (blobs.secret_file is not None):
        yield (
            "blobs.access_key_id",
            "expected access_key_id and secret_file together, or both from the environment (AWS_*)",
        )
    yield from _readable("blobs.secret_file", blobs.secret_file)


def _tls(section: str, certificate: Path | None, key: Path | None) -> Iterator[Problem]:
    if (certificate is None) != (key is None):
        yield f"{section}.tls_certificate", "expected tls_certificate and tls_key together"
    yield from _readable(f"{section}.tls_certificate", certificate)
    yield from _readable(f"{section}.tls_key", key)


def _one_secret(section: str, secret: str, file: Path | None) -> Iterator[Problem]:
    if secret and file:
        yield f"{section}.password", "expected one of password and password_file, not both"
    yield from _readable(f"{section}.password_file", file)


def _readable(key: str, path: Path | None) -> Iterator[Problem]:
    if path is None:
        return
    try:
        if path.is_file():
            path.open("rb").close()
        else:
            yield key, f"expected a readable file; there is none at {path}"
    except OSError as error:
        yield key, f"expected a readable file; {path}: {error.strerror}"


def _dkim(config: Config, *, keys: bool) -> Iterator[Problem]:
    places: set[tuple[str, str]] = set()
    kinds: set[tuple[str, str]] = set()
    for n, entry in enumerate(config.dkim):
        domain, selector = entry.domain.lower(), entry.selector.lower()
        if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
            yield f"dkim.{n}.domain", "expected a domain such as example.com (an international one as xn--...)"
            continue
        if not _SELECTOR.fullmatch(selector) or len(selector) > 63:
            yield f"dkim.{n}.selector", "expected at most 63 letters, digits and dashes, in parts joined by dots"
            continue
        if (domain, selector) in places:
            yield f"dkim.{n}.selector", f"expected each selector once; {selector} of {domain} is here twice"
            continue
        places.add((domain, selector))
        if not keys:
            continue
        from helpdeskd.config import dkim  # cryptography is slow to load, and most installations begin without a key

        try:
            kind = type(dkim.read(config.dkim_file(entry))).__name__
        except dkim.BadKey as error:
            yield f"dkim.{n}.key", str(error)
            continue
        if (domain, kind) in kinds:
            yield f"dkim.{n}.key", f"expected one key of each kind for {domain} at most: one RSA, one Ed25519"
        kinds.add((domain, kind))


def _server(text: str) -> bool:
    match = re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?|([^:]+)(?::(\d{1,5}))?|(.+)", text)
    if match is None or not 0 < int(match[2] or match[4] or 1) <= 65535:
        return False
    try:
        ip_address(match[1] or match[3] or match[5])
    except ValueError:
        return False
    return True


def _mailboxes(mailboxes: tuple[Mailbox, ...]) -> Iterator[Problem]:
    watched: dict[tuple[str, str, str], str] = {}
    names: set[str] = set()
    for n, box in enumerate(mailboxes):
        key = f"mailbox.{n}"
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", box.name):
            yield f"{key}.name", "expected 1 to 64 letters, digits, dots, dashes: it names files"
        if box.name in names:
            yield f"{key}.name", f"expected a name of its own; another mailbox is called {box.name}"
        names.add(box.name)
        if not box.folders:
            yield f"{key}.folders", "expected at least one folder"
        for folder in box.folders:
            place = _place(box, folder)
            if place in watched:
                yield f"{key}.folders", f"expected each folder once; {folder} is already watched by {watched[place]}"
            watched[place] = box.name
        for name, texts in (
            ("host", (box.host,)),
            ("user", (box.user,)),
            ("folders", box.folders),
            ("move_to", (box.move_to,)),
        ):
            # A line end in a folder's name would be a command of its own to the server.
            if any(not text.isprintable() for text in texts):
                yield f"{key}.{name}", "expected no control characters"
        yield from _one_secret(key, box.password, box.password_file)
        ways = [bool(box.password or box.password_file), bool(box.oauth2_token_file), bool(box.oauth2_command)]
        if sum(ways) != 1:
            yield (
                f"{key}.password",
                "expected exactly one of password, password_file, oauth2_token_file, oauth2_command",
            )
        if box.backfill not in {"none", "all", "unseen"} and not _is_date(box.backfill):
            yield f"{key}.backfill", "expected none, all, unseen or a date such as 2026-01-31"
        if (box.after == "move") != bool(box.move_to):
            yield f"{key}.move_to", 'expected move_to with after = "move", and only then'
    for n, box in enumerate(mailboxes):
        if box.after == "move" and _place(box, box.move_to) in watched:
            yield f"mailbox.{n}.move_to", f"expected a folder that is not itself watched; {box.move_to} is"


def _place(box: Mailbox, folder: str) -> tuple[str, str, str]:
    """What makes two folders the same. INBOX is so in any case (RFC 3501 section 5.1)."""
    return box.host.lower(), box.user.lower(), "INBOX" if folder.upper() == "INBOX" else folder


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
