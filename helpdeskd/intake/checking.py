"""Verdicts beside the parser: a small pool of its own, and no mail waits for DNS beyond its deadline."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from time import monotonic
from typing import Any

from helpdeskd import log, spool
from helpdeskd.config import Config
from helpdeskd.desk.arrived import moment
from helpdeskd.intake.scanning import Scanner, Scanning
from helpdeskd.log import Event
from helpdeskd.lookups import Dns
from helpdeskd.mail.verify import Origin, Resolver, client, verify
from helpdeskd.model.mail import Door, Inbound, Verdict
from helpdeskd.model.trust import Checked, Why
from helpdeskd.threads import tell_name

MAX_THREADS = 32
# Seconds after the deadline that a verdict may still take: a question under way, a look whether our DNS server is there, a hash.
GRACE = 2.5
CLIENT_SECONDS = 2.0  # that the client's own names are asked for, which decide nothing

_log = log.get("intake")
_TROUBLE = Checked(Verdict.NONE, Why.TROUBLE)


@dataclass(frozen=True, slots=True)
class Checking:
    """A verdict under way. `begun` gets the deadline, by monotonic(), once a thread has taken it up."""

    spool_id: str
    future: Future[Checked] | None
    begun: Future[float]
    seconds: float
    scanning: Scanning = field(default_factory=Scanning)

    @property
    def futures(self) -> list[Future[Any]]:
        """Once these are done nobody waits for `result`."""
        asked: list[Future[Any]] = [future for _, future in self.scanning.asked]
        return asked if self.future is None else [*asked, self.future]

    def result(self) -> Checked:
        """The verdict, and whether the mail is wanted. Never raises for what a mail or others hold."""
        verdict = self._verdict()
        spam = self.scanning.result()
        return replace(verdict, spam=spam) if spam.signs else verdict

    def _verdict(self) -> Checked:
        """Waits for a thread, and then until the deadline; goes without thereafter. Never raises for what a mail or DNS holds."""
        if self.future is None:
            return _TROUBLE
        try:
            until = self.begun.result(self.seconds + GRACE)
        except (TimeoutError, CancelledError):
            self.future.cancel()
            return _TROUBLE
        try:
            return self.future.result(max(0.0, until + GRACE - monotonic()))
        except TimeoutError:
            return Checked(Verdict.NONE, Why.DNS)
        except CancelledError:
            return _TROUBLE


class Checker:
    """One for an intake. `dns` None: nothing is asked, and only what a trusted server says counts."""

    def __init__(self, config: Config, dns: Dns | None, scanner: Scanner | None = None) -> None:
        self._config = config
        self._scanner = scanner or Scanner(config, None)
        self._dns = dns
        # As many as a batch has mails: one that waits for a silent domain holds no other.
        threads = min(config.intake.batch, MAX_THREADS)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="verify", initializer=tell_name)

    def begin(self, envelope: spool.Envelope, raw: bytes, inbound: Inbound, files: Sequence[bytes] = ()) -> Checking:
        """Any thread. Where no thread is to be had the mail goes on without a verdict. `files`: the bytes of its parts, which
        `inbound` need not have."""
        origin = origin_of(envelope, self._config)
        scanning = self._scanner.begin(envelope, origin.client, raw, files if self._scanner.wants_files else ())
        begun: Future[float] = Future()
        seconds = self._config.trust.seconds
        try:
            future = self._pool.submit(self._verdict, envelope, raw, inbound, origin, begun)
        except RuntimeError as error:
            _log.warning(Event.WARNING, spool=envelope.id, warning="no verdict", error=str(error))
            return Checking(envelope.id, None, begun, seconds, scanning)
        future.add_done_callback(lambda _: begun.cancel())  # of use where no thread will ever take it up
        return Checking(envelope.id, future, begun, seconds, scanning)

    def _verdict(
        self, envelope: spool.Envelope, raw: bytes, inbound: Inbound, origin: Origin, begun: Future[float]
    ) -> Checked:
        until = monotonic() + self._config.trust.seconds  # from now: time in the queue is not the mail's
        begun.set_result(until)
        resolver: Resolver | None = None if self._dns is None else self._dns.until(until)
        checked = _TROUBLE
        try:
            # A signature that held when the mail came (RFC 6376 section 3.5, x=) is not too old for having waited here.
            came = moment(envelope.received)
            checked = verify(raw, inbound, origin, resolver, came, lambda: monotonic() > until)
            briefly = None if self._dns is None else self._dns.until(min(until, monotonic() + CLIENT_SECONDS))
            of_client = client.look(origin.client, origin.helo, origin.hasty, briefly)
            return replace(checked, checks=(*checked.checks, *of_client)) if of_client else checked
        except Exception as error:  # a verdict is never a reason to lose a mail
            _log.error(Event.TROUBLE, spool=envelope.id, part="verify", error=repr(error), exc_info=True)
            return checked

    def close(self) -> None:
        """What runs still ends by its own deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._scanner.close()


def files_of(inbound: Inbound) -> tuple[bytes, ...]:
    """The bytes of a mail's files. The whole mail, where it is one of them, is looked at anyway."""
    return tuple(part.data for part in inbound.files if part.sha256 != inbound.raw_sha256)


def origin_of(envelope: spool.Envelope, config: Config) -> Origin:
    """What the door knew, as far as it says something: the client of a relay of ours is not who sent the mail."""
    box = next((box for box in config.mailbox if box.name == envelope.account), None)
    auth = envelope.auth if envelope.door == Door.SMTP else ""
    outside = envelope.door == Door.SMTP and not auth and not is_relay(envelope.peer, config.trust.relays)
    # What comes straight from a stranger has met no server of ours, nor has what lies in a mailbox: results in its name are forged.
    if envelope.door == Door.IMAP:
        servers = box.authserv_ids if box else ()
    else:
        servers = () if outside or auth else config.trust.authserv_ids
    return Origin(
        client=envelope.peer if outside else "",
        helo=envelope.helo,
        hasty=envelope.hasty,
        auth=auth,
        sender=envelope.sender,
        servers=frozenset(server.lower() for server in servers),
        sealers=frozenset(sealer.lower() for sealer in config.trust.arc_sealers),
    )


def is_relay(peer: str, relays: tuple[str, ...]) -> bool:
    """Is this client one of our own servers? What is no address (a unix socket) is."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return True
    return any(address in network for network in _networks(relays))


@cache
def _networks(relays: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(relay, strict=False) for relay in relays)
