"""Settings that are each well-formed but do not go together, or cannot mean anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from helpdeskd.config import Config, Mailbox

Problem = tuple[str, str]  # (key, what was expected)

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|\*?):(\d{1,5})")


def contradictions(config: Config) -> Iterator[Problem]:
    """Every problem that one key alone does not show, as (key, what was expected)."""
    for listen in config.smtp.listen:
        if not _host_port(listen):
            yield "smtp.listen", "expected host:port, such as 127.0.0.1:25 or [::1]:25"
    for listen in config.lmtp.listen:
        if not (listen.startswith("unix:/") or _host_port(listen)):
            yield "lmtp.listen", "expected unix:/path or host:port"
    if not re.fullmatch(r"0[0-7]{3}", config.lmtp.socket_mode):
        yield "lmtp.socket_mode", 'expected an octal mode in quotes, such as "0660"'
    yield from _tls(config)
    if config.outgoing.relay and not re.fullmatch(
        r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?", config.outgoing.relay
    ):
        yield "outgoing.relay", "expected host or host:port"
    yield from _one_secret("outgoing", config.outgoing.password, config.outgoing.password_file)
    if config.outgoing.user and not (config.outgoing.password or config.outgoing.password_file):
        yield "outgoing.password", "expected password or password_file beside user"
    if config.store.url and not re.match(r"(sqlite|postgresql(\+psycopg)?)://", config.store.url):
        yield "store.url", "expected sqlite:///path or postgresql://user@host/name"
    if config.desk.public_url and not re.match(r"https?://", config.desk.public_url):
        yield "desk.public_url", "expected a URL that starts with https:// or http://"
    if len(config.desk.marker.strip()) < 20 or "\n" in config.desk.marker:
        yield "desk.marker", "expected one line of at least 20 characters, so that it is never met by chance"
    yield from _mailboxes(config.mailbox)


def _host_port(text: str) -> bool:
    match = _HOST_PORT.fullmatch(text)
    return match is not None and int(match[2]) <= 65535


def _tls(config: Config) -> Iterator[Problem]:
    if (config.smtp.tls_certificate is None) != (config.smtp.tls_key is None):
        yield "smtp.tls_certificate", "expected tls_certificate and tls_key together"
    for key, path in (("smtp.tls_certificate", config.smtp.tls_certificate), ("smtp.tls_key", config.smtp.tls_key)):
        if path is not None and not path.is_file():
            yield key, f"expected a readable file; there is none at {path}"


def _one_secret(section: str, secret: str, file: Path | None) -> Iterator[Problem]:
    if secret and file:
        yield f"{section}.password", "expected one of password and password_file, not both"
    if file is not None and not file.is_file():
        yield f"{section}.password_file", f"expected a readable file; there is none at {file}"


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
            place = (box.host.lower(), box.user.lower(), folder)
            if place in watched:
                yield f"{key}.folders", f"expected each folder once; {folder} is already watched by {watched[place]}"
            watched[place] = box.name
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
        if box.after == "move" and (box.host.lower(), box.user.lower(), box.move_to) in watched:
            yield f"mailbox.{n}.move_to", f"expected a folder that is not itself watched; {box.move_to} is"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
