"""The doors that listen: SMTP and LMTP, on TCP and unix sockets, inside the running loop."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast

from helpdeskd import config, listening, metrics, spool
from helpdeskd import log as logs
from helpdeskd.errors import ConfigError
from helpdeskd.log import Event
from helpdeskd.sources.smtp_crowd import KnownSlow, whom
from helpdeskd.sources.smtp_data import Content
from helpdeskd.sources.smtp_link import Link
from helpdeskd.sources.smtp_put import Job, Putters
from helpdeskd.sources.smtp_rules import Limits, LoggedIn, Refusal
from helpdeskd.sources.smtp_submit import SubmissionTalk
from helpdeskd.sources.smtp_talk import LmtpTalk, Talk
from helpdeskd.threads import Few

log = logs.get("smtp")

BACKLOG = 1024
ROOM_SECONDS = 0.2  # how long a look at the free room holds for MAIL; put() looks for itself
FINISH_SECONDS = 30.0  # how long stop() waits for mails under way
LOG_IN_THREADS = 4
LOG_INS_WAITING = 50
NOWHERE = config.Submission()


class Doors:
    """Listen, take mail, make it durable, say so.

    `accepts` says whether an address is ours; it is called in the loop, must be quick, and may raise Temporary. `log_in` gives the
    staff member whose name and password these are at a client's address, or None; it may block, and raise Temporary.
    `listening` holds "smtp 127.0.0.1:2525" and "lmtp unix:/path" with the real ports. `counts` holds accepted and
    refused.<reason> since the start.
    """

    def __init__(
        self,
        *,
        smtp: config.Smtp,
        lmtp: config.Lmtp,
        spool_root: str,
        accepts: Callable[[str], bool],
        submission: config.Submission = NOWHERE,
        log_in: Callable[[str, str, str], LoggedIn | None] | None = None,
        put_threads: int = 8,
    ) -> None:
        self.spool_root = spool_root
        self.scratch = str(Path(spool_root, "tmp"))  # where large mails wait for their end
        self.hostname = smtp.hostname
        self.stopping = False
        self.listening: list[str] = []
        self.counts: Counter[str] = Counter()
        self.limits = Limits(
            size=smtp.max_message_mb * 1024 * 1024,
            recipients=smtp.max_recipients,
            errors=smtp.max_errors,
            idle_seconds=smtp.idle_seconds,
            data_seconds=smtp.data_seconds,
        )
        self._smtp = smtp
        self._lmtp = lmtp
        self._submission = submission
        self._accepts = accepts
        self._log_in = log_in
        self._log_ins = Few("log-in", LOG_IN_THREADS, LOG_INS_WAITING)
        self._tls: ssl.SSLContext | None = None
        self._servers: list[asyncio.Server] = []
        self._sockets: list[tuple[str, int]] = []  # path and inode of our unix sockets
        self._talks: set[Link] = set()
        self._clients: Counter[str] = Counter()
        self._slow = KnownSlow()
        self._put_threads = put_threads
        self._putters: Putters | None = None
        self._room_until = 0.0
        self._empty = asyncio.Event()
        self._empty.set()

    # -- opening and closing

    async def start(self) -> None:
        """Open all doors, or none: ConfigError names the ones that cannot be opened."""
        self._loop = asyncio.get_running_loop()
        if not self.hostname:
            self.hostname = await asyncio.to_thread(socket.getfqdn)
        self._putters = Putters(self.spool_root, self._put_threads, self._loop, self._kept)
        problems: list[str] = []
        try:
            self._tls = _tls_context(self._smtp)
        except ConfigError as error:
            problems += error.problems
        for kind, places in (
            (Talk, self._smtp.listen),
            (SubmissionTalk, self._submission.listen),
            (LmtpTalk, self._lmtp.listen),
        ):
            for place in places:
                try:
                    await self._open(kind, place)
                except (OSError, ValueError) as error:
                    why = error.strerror if isinstance(error, OSError) and error.strerror else error
                    problems.append(f"[{kind.name}] listen: {place}: {why}")
        if problems:
            await self.stop()
            raise ConfigError(tuple(problems))

    async def _open(self, kind: type[Talk], place: str) -> None:
        def talk() -> Talk:
            return kind(self, self._tls, self._loop)

        if place.startswith("unix:"):
            path = place.removeprefix("unix:")
            sock = _unix_socket(path, int(self._lmtp.socket_mode, 8))
            self._sockets.append((path, os.stat(path).st_ino))  # noqa: PTH116 - our own socket, just made
            server = await self._loop.create_unix_server(talk, sock=sock, backlog=BACKLOG)
            names = [f"unix:{path}"]
        else:
            host, port = _host_port(place)
            server = await self._loop.create_server(talk, host, port, backlog=BACKLOG)
            names = [listening.name(sock) for sock in server.sockets]
        self._servers.append(server)
        for name in names:
            self.listening.append(f"{kind.name} {name}")
            log.info(Event.LISTENING, door=kind.name, at=name)

    async def stop(self) -> None:
        """Take no more connections; let those in DATA finish (half a minute), and every put."""
        self.stopping = True
        for server in self._servers:
            server.close()
        for path, inode in self._sockets:
            _remove_socket(path, inode)
        for talk in tuple(self._talks):
            if not talk.in_data:
                self.refused(Refusal.STOPPING)
                talk.dismiss("421 4.3.2 shutting down, please try again later")
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self._empty.wait()
        except TimeoutError:
            for talk in tuple(self._talks):
                cast("asyncio.Transport", talk.transport).abort()
            await self._empty.wait()
        if self._putters is not None:
            await self._putters.stop()
        await asyncio.to_thread(self._log_ins.shutdown, wait=True)
        self._servers.clear()
        self._sockets.clear()
        self.listening.clear()

    def reload(self) -> None:
        """Read the certificate again, for new connections; a bad one is reported and the old one stays."""
        try:
            self._tls = _tls_context(self._smtp)
        except ConfigError as error:
            log.error(Event.TROUBLE, error=str(error))
        else:
            log.info(Event.RELOADED, what="certificate")

    # -- what a connection asks for (smtp_rules.House)

    def arrived(self, talk: Link) -> tuple[Refusal, str] | None:
        """Count a connection in; the refusal where it is one too many."""
        self._talks.add(talk)
        self._empty.clear()
        talk.known_slow = self._slow.has(talk.client, self._loop.time())
        if not talk.unix:
            self._clients[talk.client] += 1
        if self.stopping:
            return Refusal.STOPPING, "421 4.3.2 shutting down, please try again later"
        if not talk.unix and self._clients[talk.client] > self._smtp.max_connections_per_client:
            return Refusal.TOO_MANY_FROM_CLIENT, "421 4.7.0 too many connections from you, please try again later"
        return None if len(self._talks) <= self._smtp.max_connections else self._make_room(talk)

    def _make_room(self, talk: Link) -> tuple[Refusal, str] | None:
        """Somebody goes, or the new one does. Those on their way out have no place any more."""
        others = [each for each in self._talks if each is not talk and each.has_place]
        if len(others) < self._smtp.max_connections:
            return None
        now = self._loop.time()
        out = whom(others, now, known_slow=talk.known_slow)
        if out is None:
            return Refusal.TOO_MANY_CONNECTIONS, "421 4.3.2 too many connections, please try again later"
        self._slow.note(out.client, now)
        out.let_go()
        return None

    def left(self, talk: Link) -> None:
        if talk not in self._talks:
            return
        self._talks.discard(talk)
        if not talk.unix:
            self._clients[talk.client] -= 1
            if not self._clients[talk.client]:
                del self._clients[talk.client]
        if not self._talks:
            self._empty.set()

    def refused(self, reason: Refusal) -> None:
        self.counts[f"refused.{reason}"] += 1
        metrics.refused(reason.value)

    def wanted(self, recipient: str) -> bool:
        """Is this address ours? RFC 5321 section 4.5.1: a mail server knows its postmaster."""
        if recipient.lower() in {"postmaster", f"postmaster@{self.hostname.lower()}"}:
            return True
        return self._accepts(recipient)

    def log_in(self, name: str, password: str, peer: str) -> asyncio.Future[LoggedIn | None]:
        """In threads of their own: a hash takes its time, and a turn may have to be waited for. Raises Busy."""
        assert self._log_in is not None, "there is a submission door, so the daemon says who may come in"
        return asyncio.wrap_future(self._log_ins.submit(self._log_in, name, password, peer))

    def still_in(self, known: LoggedIn) -> asyncio.Future[bool]:
        """Not behind those who log in: it is a matter of two reads."""
        return self._loop.run_in_executor(None, known.holds)

    def check_room(self, *, anew: bool = False) -> None:
        """NoRoom at the disk's reserve; OSError when there is no spool. What was seen a moment ago will do, unless `anew`."""
        now = self._loop.time()
        if anew or now >= self._room_until:
            spool.check_room(self.spool_root)
            self._room_until = now + ROOM_SECONDS

    def keep(self, talk: Link, content: Content) -> asyncio.Future[str]:
        """Make a mail durable in a thread, whatever becomes of the connection; the result is the spool id."""
        assert self._putters is not None
        assert talk.envelope is not None
        assert talk.session is not None
        self._slow.forget(talk.client)
        envelope = spool.Envelope(
            id=spool.new_id(),
            door=talk.door,
            peer=talk.peer,
            helo=talk.session.host_name or "",
            hasty=" ".join(talk.hasty),
            auth=talk.user,
            sender=talk.envelope.mail_from or "",
            recipients=tuple(dict.fromkeys(talk.envelope.rcpt_tos)),
        )
        return self._putters.put(envelope, content)

    def _kept(self, jobs: list[Job]) -> None:
        self.counts["accepted"] += len(jobs)
        spool.ring(self.spool_root)
        for job in jobs:
            envelope = job.envelope
            metrics.received(envelope.door)
            log.info(
                Event.RECEIVED,
                spool=envelope.id,
                door=envelope.door,
                peer=envelope.peer,
                sender=envelope.sender,
                recipients=len(envelope.recipients),
                size=job.size,
            )


def _tls_context(smtp: config.Smtp) -> ssl.SSLContext | None:
    if smtp.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(smtp.tls_certificate, smtp.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError((f"[smtp] tls_certificate: {smtp.tls_certificate}: {error}",)) from error
    return context


def _host_port(place: str) -> tuple[str | None, int]:
    """host:port, [v6]:port, or :port and *:port for every address. ValueError."""
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError("expected host:port or unix:/path")
    host = host.removeprefix("[").removesuffix("]")
    return (host if host not in {"", "*"} else None), int(port)


def _unix_socket(path: str, mode: int) -> socket.socket:
    """A bound socket at `path`, whose folder is made where it is missing. OSError."""
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and not place.is_socket():
        raise OSError(errno.EEXIST, "something that is no socket is in the way")
    return listening.unix_socket(path, mode)


def _remove_socket(path: str, inode: int) -> None:
    place = Path(path)
    try:
        if place.stat().st_ino == inode:
            place.unlink()
    except OSError:
        pass  # gone, or another's
