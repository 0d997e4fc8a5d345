"""helpdeskd token create|list|revoke: keys for API clients"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, moment, say, table
from helpdeskd.desk import api_keys, bearer, people
from helpdeskd.guard import addresses
from helpdeskd.model.api import PERMISSIONS, ApiKey
from helpdeskd.model.people import Person


@click.group()
def command() -> None:
    """Keys for API clients, and for mail programs."""


@command.command()
@click.option("--dialect", type=click.Choice(tuple(PERMISSIONS)), required=True, help="The API, or the door, it opens.")
@click.option("--name", default="", help="What you will know it by.")
@click.option("--permission", "chosen", multiple=True, help="One of the dialect's (again for more).")
@click.option("--all", "everything", is_flag=True, help="All of the dialect's permissions.")
@click.option(
    "--allow-ip", "places", multiple=True, help="From there alone: 192.0.2.7, 192.0.2.0/24, 192.0.2.* (again for more)."
)
@click.option("--person", "whose", help="The address of the person whose rights it carries.")
@click.option("--expires", "days", type=click.IntRange(1, 3650), help="Days until it opens nothing any more.")
@click.option(
    "--token-stdin",
    is_flag=True,
    help="Take a token that exists from standard input, so that an old client needs no new one.",
)
@click.pass_context
def create(
    ctx: click.Context,
    *,
    dialect: str,
    name: str,
    chosen: tuple[str, ...],
    everything: bool,
    places: tuple[str, ...],
    whose: str | None,
    days: int | None,
    token_stdin: bool,
) -> None:
    """Make a key. Its token is shown once, and kept nowhere."""
    if bool(chosen) == everything and PERMISSIONS[dialect]:
        raise click.UsageError("say which --permission, or --all")
    for place in places:
        addresses.parse(place)
    token = sys.stdin.readline().strip() if token_stdin else api_keys.PREFIX + bearer.draw(secrets.token_bytes)
    with writing(ctx) as here:

        def act(conn: Connection) -> ApiKey:
            person = people.at(conn, whose) if whose else None
            now = here.clock()
            return api_keys.create(
                conn,
                here.desk,
                now,
                dialect=dialect,
                name=name,
                token=token,
                permissions=PERMISSIONS[dialect] if everything else chosen,
                allow_ip=places,
                person_id=person.id if person else None,
                expires_at=now + timedelta(days=days) if days else None,
            )

        key = here.store.writer.run(act)
    click.echo(f"Key {key.id} for {dialect} is made.", err=True)
    if not token_stdin:
        click.echo("Its token, which is shown only now:", err=True)
        click.echo(token)


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All keys, without their tokens."""
    with reading(ctx) as here:
        now = here.clock()
        found = here.store.read(api_keys.list)
        named = here.store.read(lambda conn: people.several(conn, [key.person_id for key in found if key.person_id]))
    if as_json:
        echo_json([{"key": key, "good": _state(key, named, now) == "good"} for key in found])
        return
    rows = [
        (
            key.id,
            key.name,
            key.dialect,
            _state(key, named, now),
            named[key.person_id].email if key.person_id else _permissions(key),
            ", ".join(key.allow_ip) or "everywhere",
            moment(key.used_at) if key.used_at else "never",
        )
        for key in found
    ]
    click.echo(table(rows, ("ID", "NAME", "DIALECT", "STATE", "MAY", "FROM", "USED")))


def _state(key: ApiKey, named: Mapping[int, Person], now: datetime) -> str:
    if not key.is_good(now):
        return "revoked" if key.revoked_at else "expired"
    return "disabled" if key.person_id and named[key.person_id].disabled_at else "good"


def _permissions(key: ApiKey) -> str:
    known = PERMISSIONS.get(key.dialect, {})
    return "everything" if key.permissions >= set(known) else ", ".join(sorted(key.permissions))


@command.command()
@click.argument("key_id", type=int, metavar="ID")
@click.pass_context
def revoke(ctx: click.Context, key_id: int) -> None:
    """The key ID opens nothing from now on."""
    with writing(ctx) as here:
        key = here.store.writer.run(lambda conn: api_keys.revoke(conn, here.desk, here.clock(), key_id=key_id))
    say(f"Key {key.id} is revoked.")
