"""An opened installation for one command, to look at or to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import make_url

from helpdeskd.cli.settings import WHO, as_owner, settings
from helpdeskd.config import Config
from helpdeskd.errors import Refused
from helpdeskd.installation import Installation, is_held, open_installation


@contextmanager
def opened(config: Config) -> Iterator[Installation]:
    """The installation of these settings, which must be there. Its tables stay as they are: an old daemon may be at work.

    Raises Refused where there is none, ConfigError where its tables are not of this version, Temporary where the store is down.
    """
    as_owner(config)
    _there(config)
    installation = open_installation(config, migrate=False)
    try:
        yield installation
    finally:
        installation.close()


@contextmanager
def reading(ctx: click.Context) -> Iterator[Installation]:
    """An installation to look at."""
    with opened(settings(ctx)) as installation:
        yield installation


@contextmanager
def writing(ctx: click.Context) -> Iterator[Installation]:
    """An installation to change; the daemon, if one runs, is woken afterwards.

    Raises Refused where a second writer would not be safe: SQLite with the WAL-reset bug while the daemon runs.
    """
    config = settings(ctx)
    with opened(config) as installation:
        if installation.store.wal_bug and is_held(config):
            raise Refused(
                "old-sqlite",
                "this SQLite (below 3.51.3) can lose data with two writers, and the daemon runs: stop it first, "
                "or install a newer SQLite",
            )
        yield installation
        installation.ring()


def _there(config: Config) -> None:
    url = config.store_url
    if not url.startswith("sqlite"):
        return  # the server's schema is looked at when it is opened
    path = Path(make_url(url).database or "")
    try:
        there = path.is_file()
    except OSError as error:
        raise Refused("no-store", f"cannot use {path}: {error.strerror}; {WHO}") from error
    if not there:
        raise Refused("no-store", f"there is no store at {path}: run helpdeskd init, or give the right --config")
