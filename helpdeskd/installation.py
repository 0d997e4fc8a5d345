"""One installation: its folders, store, blobs, keys and desk. What the daemon and the command line both stand on."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from helpdeskd import log, resources, spool
from helpdeskd.config import Config
from helpdeskd.desk.address_book import AddressBook
from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.log import Event
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.clock import Clock, now
from helpdeskd.model.mail import Door
from helpdeskd.model.trust import Profile
from helpdeskd.store import lock, settings
from helpdeskd.store.arrivals import last_door
from helpdeskd.store.blobs import Blobs, FolderBlobs
from helpdeskd.store.engine import Store, open_store
from helpdeskd.store.lock import DaemonLock

if TYPE_CHECKING:
    from helpdeskd.intake.checking import Checker
    from helpdeskd.parser.worker import Parser

INSTANCE = "instance"  # this installation's id, in the loop marker of all its mail
TOKEN_KEYS = "token_keys"  # the first signs, all read
OWN_DOORS = frozenset({Door.SMTP, Door.LMTP})  # where we see ourselves what reaches us
PLUS_PROVED = "plus_proved"  # `check mail` has sent itself a plus-addressed mail and received it

_log = log.get("daemon")


@dataclass(slots=True)
class Installation:
    """Everything opened. `desk` is read anew by `refresh`, so that what another process changed is seen."""

    config: Config
    clock: Clock
    store: Store
    blobs: Blobs
    book: AddressBook
    desk: Desk
    plus_proved: bool = False
    token_keys: list[str] = field(default_factory=list)  # as the store has them

    @property
    def spool_root(self) -> str:
        return str(self.config.paths.spool_dir)

    @property
    def templates(self) -> Path:
        return resources.find("templates")

    def desk_at(self, door: Door) -> Desk:
        """The desk for a mail that came by this door: an answer to it comes back the same way (reply_tokens = auto)."""
        return replace(self.desk, plus_works=self.plus_proved or door in OWN_DOORS)

    def refresh(self) -> None:
        """Addresses and what this installation has learnt of itself, from the store. Raises Temporary."""
        self.book.refresh(self.store)
        (self.plus_proved, works), keys = self.store.read(lambda conn: (_plus(conn), _keys(conn)))
        if keys and keys != self.token_keys:  # `rekey`
            self.desk.tokens.change(decoded(keys))
            self.token_keys = keys
        self.desk = replace(self.desk, plus_works=works)

    def parser(self) -> Parser:
        """A parser with a process of its own, once there is a mail; to be closed. Raises ConfigError: a key cannot be used."""
        from helpdeskd.parser.keys import configured
        from helpdeskd.parser.worker import Parser  # most commands parse nothing

        return Parser(
            instance=self.desk.instance,
            marker=self.config.desk.marker,
            limits=self.config.intake,
            keys=configured(self.config),
        )

    def checker(self) -> Checker:
        """What finds verdicts and spam, with DNS as [trust] and [spam] have it; to be closed."""
        from helpdeskd.intake.checking import Checker  # as above: DNS, cryptography, the public suffixes
        from helpdeskd.intake.scanning import Scanner
        from helpdeskd.lookups import Dns, network
        from helpdeskd.mail.verify.names import organisation
        from helpdeskd.resolver import server_of

        config = self.config
        servers = [server_of(text) for text in config.dns.servers]
        dns = Dns(network(servers), organisation) if config.trust.dns or config.spam.dnsbl else None
        return Checker(config, dns if config.trust.dns else None, Scanner(config, dns))

    def ring(self) -> None:
        """Wake the daemon of this machine, if there is one."""
        spool.ring(self.spool_root)

    def close(self) -> None:
        self.store.close()


ROLES = ("doors", "imap", "intake", "outgoing", "http")
RESTORING = "restoring"  # this file stands in the data folder until all of a backup is there
HALF_RESTORED = "a restore was cut off here; empty it, the spool, the blobs and the database, and restore again"
BACKUP = "backup"  # held like a role while a backup is made: no blob is swept meanwhile


@contextmanager
def held(config: Config, roles: Iterable[str]) -> Iterator[None]:
    """These roles are ours on this machine while the block runs: one process each. Raises Refused("already-running")."""
    config.paths.data.mkdir(parents=True, exist_ok=True, mode=0o750)
    with ExitStack() as stack:
        for role in sorted(roles):
            stack.enter_context(DaemonLock(config.paths.data / f"{role}.lock"))
        yield


def is_held(config: Config, role: str = "intake") -> bool:
    """Does a process on this machine have this role?"""
    return lock.is_held(config.paths.data / f"{role}.lock")


def held_since(config: Config, role: str) -> datetime | None:
    """Since when a process on this machine has this role: it writes its number into the lock as it begins. None: none has."""
    try:
        written = (config.paths.data / f"{role}.lock").stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(written, UTC) if is_held(config, role) else None


def node(folder: Path) -> str:
    """The name of this node among all that share a store: drawn once and kept in its data folder. Host names and paths are the same
    in many a container, and two nodes of one name would send each other's mails. Where it cannot be kept, one for today."""
    place, drawn = folder / "node", secrets.token_hex(8)
    try:
        kept = place.read_text("ascii").strip() if place.exists() else ""
        if not kept:
            fresh = place.with_suffix(".new")
            fresh.write_text(f"{drawn}\n", "ascii")
            fresh.replace(place)
        return kept or drawn
    except (OSError, UnicodeError) as error:
        _log.warning(Event.WARNING, warning=f"this node's name cannot be kept in {place}", error=str(error))
        return drawn


def prepare_folders(config: Config) -> None:
    """Data, spool and blob folders, made where they are missing. Raises Refused naming the one that cannot be."""
    try:
        for folder in (config.paths.data, *([] if config.blobs.url else [config.paths.blob_dir])):
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        root = str(config.paths.spool_dir)
        spool.make(root)
        spool.set_reserve(root, config.spool.reserve_percent, config.spool.reserve_mb)
    except OSError as error:
        raise Refused("no-folder", f"cannot make or write {error.filename}: {error.strerror}") from error


def open_blobs(config: Config, clock: Clock = now) -> Blobs:
    """Where this installation keeps raw mails and attachments. Raises ConfigError."""
    if not config.blobs.url:
        return FolderBlobs(config.paths.blob_dir)
    from helpdeskd.store.bucket import BucketBlobs  # obstore is there when its URL is: the settings were checked for it

    return BucketBlobs(config.blobs, clock)


def open_installation(config: Config, *, migrate: bool = True, clock: Clock = now) -> Installation:
    """Open the store (upgrading its tables when `migrate`) and everything beside it.

    Raises Refused when folders cannot be used or hold half of a restored backup, StoreDown when the database cannot be
    reached, ConfigError when it is not set up to keep what it commits.
    """
    if (config.paths.data / RESTORING).exists():
        raise Refused("half-restored", f"{config.paths.data}: {HALF_RESTORED}")
    prepare_folders(config)
    store = open_store(
        config.store_url,
        readers=config.store.readers,
        snapshots=config.store.snapshots,
        migrate=migrate,
        clock=clock,
        risk_losing_mail=config.store.risk_losing_mail,
    )
    try:
        instance, keys = _known(store)
        installation = Installation(
            config=config,
            clock=clock,
            store=store,
            blobs=open_blobs(config, clock),
            book=AddressBook(),
            desk=Desk(
                settings=config.desk,
                tokens=TokenKeys(keys),
                instance=instance,
                plus_works=False,  # until refreshed
                rng=secrets.token_bytes,
                intake=config.intake,
                profile=Profile(config.trust.profile),
                ceilings=config.ceilings,
            ),
        )
        installation.refresh()
    except BaseException:
        store.close()
        raise
    return installation


@contextmanager
def opened(config: Config) -> Iterator[Installation]:
    """An installation for one command: opened, and closed after it."""
    installation = open_installation(config)
    try:
        yield installation
    finally:
        installation.close()


def _known(store: Store) -> tuple[str, tuple[bytes, ...]]:
    """The instance's id and keys, made at first sight: once, whichever node comes first."""
    instance: str
    keys: list[str]
    instance, keys = store.read(lambda conn: (settings.get(conn, INSTANCE, ""), settings.get(conn, TOKEN_KEYS, [])))
    if not (instance and keys):

        def make(conn: Connection) -> tuple[str, list[str]]:
            return settings.once(conn, INSTANCE, secrets.token_hex(8)), settings.once(conn, TOKEN_KEYS, [fresh_key()])

        instance, keys = store.writer.run(make)
    return instance, decoded(keys)


def fresh_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def decoded(keys: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(key) for key in keys)


def _keys(conn: Connection) -> list[str]:
    return settings.get(conn, TOKEN_KEYS, [])


def _plus(conn: Connection) -> tuple[bool, bool]:
    """Has `check mail` proved that plus-addresses reach us? Do they, as far as we know (proved, or the last mail came by a
    door of our own)?"""
    proved = bool(settings.get(conn, PLUS_PROVED, default=False))
    return proved, proved or last_door(conn) in {None, *OWN_DOORS}
