"""The settings a command runs under, and whose rights it uses."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path

import click

from helpdeskd.config import Config
from helpdeskd.config.load import load
from helpdeskd.errors import Refused

USER = "helpdeskd"  # whom the daemon runs as, where the system has this user (systemd/helpdeskd.service)
WHO = "run this as root, or as the user whom the data folder belongs to"


def settings(ctx: click.Context, *, keys: bool = True) -> Config:
    """From the file of --config and the environment (see `load`). Raises ConfigError. Also quiets the log to warnings."""
    from helpdeskd import log

    config = load(ctx.find_root().obj, os.environ, keys=keys)
    log.configure(config.log.style, "warning")
    return config


def give_data(config: Config) -> None:
    """As root: a new data folder, which belongs to the user the daemon will run as."""
    if os.geteuid() != 0 or config.paths.data.exists():
        return
    with suppress(KeyError):
        user = pwd.getpwnam(USER)
        config.paths.data.mkdir(parents=True, mode=0o750)
        os.chown(config.paths.data, user.pw_uid, user.pw_gid)


def as_owner(config: Config) -> None:
    """As root, go on as the user whom the data folder belongs to: what root makes there the daemon could not use.

    For the rest of this process. Where the folder is root's own, or not there yet, nothing changes.
    """
    if os.geteuid() != 0:
        return
    try:
        folder = config.paths.data.stat()
    except OSError:
        return
    if folder.st_uid == 0:
        return
    try:
        os.initgroups(pwd.getpwuid(folder.st_uid).pw_name, folder.st_gid)
    except KeyError:  # an owner without a name, as in a container
        os.setgroups([])
    os.setgid(folder.st_gid)
    os.setuid(folder.st_uid)


def spool_of(config: Config) -> str:
    """The spool's folder, which must be there. Raises Refused."""
    root = config.paths.spool_dir
    try:
        there = root.is_dir()
    except OSError as error:
        raise Refused("no-spool", f"cannot use {root}: {error.strerror}; {WHO}") from error
    if not there:
        raise Refused("no-spool", f"there is no spool at {root}: run helpdeskd init, or give the right --config")
    return str(root)


def languages(config: Config) -> tuple[str, ...]:
    """The languages notices can be written in."""
    from helpdeskd import resources

    folders = [resources.find("templates"), *([config.paths.templates] if config.paths.templates else [])]
    return tuple(sorted({"en", *(file.stem.lower() for folder in folders for file in _catalogues(folder))}))


def _catalogues(folder: Path) -> list[Path]:
    return list((folder / "locale").glob("*.po"))
