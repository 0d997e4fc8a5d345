"""What a backup is: a folder that says what is in it, and can be checked without helpdeskd.

    manifest.json      what it is, and the SHA-256 of the next
    SHA256SUMS         the SHA-256 of every other file (`sha256sum --check SHA256SUMS`)
    helpdeskd.toml     the settings that were in force, without secrets
    store.sqlite3      the store, or store.pgdump (pg_dump's custom format)
    spool/             accepted mails that were not in the store yet, parked ones, and how far each mailbox was read
    blobs/             raw mails and attachments, where they live in a folder

The manifest is written last, into a folder that is called *.part until all of it is durable: a backup is complete or none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from helpdeskd.errors import Refused

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
SETTINGS = "helpdeskd.toml"
STORES = {"sqlite": "store.sqlite3", "postgresql": "store.pgdump"}
PART = ".part"
FORMAT = 1

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
# Only these are ever read or put back, whatever a file says.
_FILE = re.compile(
    r"helpdeskd\.toml|store\.(?:sqlite3|pgdump)|blobs/[0-9a-f]/[0-9a-f]/[0-9a-f]{64}"
    r"|spool/(?:new|cur|parked)/[0-9a-f-]+(?:\.[0-9]+|\.why)?|spool/mailboxes/[A-Za-z0-9._-]+\.state"
)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """manifest.json. `blobs` is empty where they are in the backup, else the place they were left at."""

    format: int = FORMAT
    made_by: str  # helpdeskd's version
    made_at: datetime
    schema: str
    dialect: Literal["sqlite", "postgresql"]
    store_sha256: str
    sums_sha256: str
    blobs: str
    spooled: int  # mails in spool/, parked ones among them
    unreadable: tuple[str, ...] = ()  # mails in the spool that could not be read
    rows: dict[str, int]  # of each table
    missing: tuple[str, ...] = ()  # blobs that the store needs and that were not there, or damaged, when it was made

    @property
    def store(self) -> str:
        return STORES[self.dialect]


@dataclass(frozen=True, slots=True)
class Found:
    """A backup whose files are those it was made of, but for `damaged`: blobs that are gone or are no longer what they were."""

    folder: Path
    manifest: Manifest
    files: tuple[str, ...]  # relative; without the damaged ones
    damaged: tuple[str, ...]

    def below(self, folder: str) -> Iterator[str]:
        return (file for file in self.files if file.startswith(f"{folder}/"))


def name_of(made_at: datetime) -> str:
    return f"{made_at:%Y-%m-%dT%H%M%SZ}"


def complete(target: Path) -> list[Path]:
    """The backups in this folder, oldest first."""
    return sorted(path.parent for path in target.glob(f"*/{MANIFEST}") if _NAME.fullmatch(path.parent.name))


def left_behind(target: Path) -> list[Path]:
    """What backups that were cut off have left in this folder."""
    return [path for path in target.glob(f"*{PART}") if _NAME.fullmatch(path.name.removesuffix(PART))]


def newest(folder: Path) -> Path:
    """`folder` where it is a backup itself, else the newest in it. Raises Refused."""
    if folder.name.endswith(PART):
        raise Refused("half-backup", f"{folder}: this backup was cut off: take another")
    if (folder / MANIFEST).is_file():
        return folder
    found = complete(folder)
    if not found:
        raise Refused("no-backup", f"{folder}: there is no backup here")
    return found[-1]


def check(folder: Path) -> Found:
    """Read every file of a backup. Raises Refused where it cannot be trusted; damaged blobs are only named."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise Refused("bad-backup", f"{folder / MANIFEST}: {error}") from error
    if manifest.format != FORMAT:
        raise Refused(
            "bad-backup", f"{folder}: written by another helpdeskd ({manifest.made_by}), in a form unknown here"
        )
    sums = (folder / SUMS).read_bytes()
    if hashlib.sha256(sums).hexdigest() != manifest.sums_sha256:
        raise Refused("bad-backup", f"{folder / SUMS}: it is not the one that was written")
    files, damaged = [], []
    for line in sums.decode("utf-8", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None or not _FILE.fullmatch(match[2]):
            raise Refused("bad-backup", f"{folder / SUMS}: {line!r} is no file of a backup")
        expected, file = match.groups()
        if _sha256(folder / file) == expected:
            files.append(file)
        elif file.startswith("blobs/"):
            damaged.append(file)
        else:
            raise Refused("bad-backup", f"{folder / file}: it is not the one that was written, or not there")
    if f"{manifest.store_sha256}  {manifest.store}" not in sums.decode().splitlines():
        raise Refused("bad-backup", f"{folder}: there is no store in it")
    return Found(folder, manifest, tuple(files), tuple(damaged))


def _sha256(path: Path) -> str:
    """Empty where there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
