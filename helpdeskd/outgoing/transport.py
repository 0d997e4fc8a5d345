"""The relay: one mail to one recipient over SMTP, and what it said. The only module that knows aiosmtplib."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from helpdeskd import config
from helpdeskd.model.outgoing import Ended, Sent
from helpdeskd.outgoing import wire

_MAX_USES = 100  # mails over one connection; relays count them too
_MAX_AGE = 300.0  # seconds a connection may live
_MAX_IDLE = 20.0  # seconds it may wait for the next mail: a slot at the relay is not ours to keep
# RFC 5321 section 4.5.3.2.6: wait ten minutes for the answer to the final dot. Hanging up sooner is what makes duplicates.
_AFTER_DOT = 10  # times settings.timeout_seconds
# 5xx that speak of the login, not of the mail (RFC 4954 section 6).
_LOGIN_CODES = frozenset({530, 534, 535, 538})

BeforeDot = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    return


class _Trouble(Exception):
    """The session itself came to nothing: no connection, no TLS, no login. Never the mail's fault."""

    def __init__(self, words: str, code: int = 0) -> None:
        super().__init__(words)
        self.code = code


class _Stale(Exception):
    """A connection from the pool was dead before it took anything of this mail."""


@dataclass(slots=True, eq=False)
class _Link:
    smtp: aiosmtplib.SMTP
    born: float
    uses: int = 0
    expiry: asyncio.TimerHandle | None = None


class Relay:
    """A pool of connections to the configured relay, used from one event loop. The relay never makes `send` raise; cancelling passes through."""

    def __init__(self, settings: config.Outgoing, *, helo: str = "", after_dot_seconds: float | None = None) -> None:
        self.settings = settings
        self.host, self.port = wire.address(settings)
        self.opened = 0  # connections opened so far, for status and tests
        self._helo = helo
        self._timeout = float(settings.timeout_seconds)
        self._after_dot = self._timeout * _AFTER_DOT if after_dot_seconds is None else after_dot_seconds
        self._slots = asyncio.Semaphore(max(1, settings.connections))
        self._idle: list[_Link] = []
        self._tls: ssl.SSLContext | None = None

    @property
    def configured(self) -> bool:
        return bool(self.host)

    async def send(self, sender: str, recipient: str, raw: bytes, before_dot: BeforeDot = _nothing) -> Sent:
        """Hand one mail to the relay. `raw` has CRLF line ends. Which end means what: model.outgoing.Ended.

        `before_dot` is awaited when all but the final dot has left: until then the relay has no mail (RFC 5321 section
        4.1.1.4). What it raises breaks the connection off and is raised here.
        RETRY: 4xx, or any trouble before the final dot went out. REFUSED: 5xx to MAIL, RCPT, DATA or the dot.
        UNCERTAIN: the final dot may have been received and no readable answer came (RFC 1047).
        """
        if not self.configured:
            return Sent(Ended.RETRY, 0, "no relay is configured (outgoing.relay)")
        try:
            mail = wire.envelope(sender, recipient)
        except ValueError as why:
            return Sent(Ended.REFUSED, 0, str(why))
        if (
            b"\0" in raw
        ):  # RFC 5322 knows none, and a server that drops it may find the end of data where we have put none
            return Sent(Ended.REFUSED, 0, "a NUL stands in the mail")
        async with self._slots:
            try:
                return await self._send(mail, raw, before_dot)
            except _Trouble as why:
                return Sent(Ended.RETRY, why.code, wire.clean(str(why)))

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(self._quit(link) for link in idle))

    def reload(self) -> None:
        """Read the CA file again at the next connection (SIGHUP). The password file is read at each anyway."""
        self._tls = None

    # The pool

    async def _send(self, mail: wire.Envelope, raw: bytes, before_dot: BeforeDot) -> Sent:
        while self._idle:
            link = self._idle.pop()
            if link.expiry:
                link.expiry.cancel()
            if not link.smtp.is_connected:
                continue
            if link.uses >= _MAX_USES or time.monotonic() - link.born > _MAX_AGE:
                await self._quit(link)
                continue
            try:
                return await self._over(link, mail, raw, before_dot, reused=True)
            except _Stale:  # nothing of this mail was taken: not an attempt. The next one, or a fresh one.
                continue
        link = await self._open()
        try:
            return await self._over(link, mail, raw, before_dot, reused=False)
        except _Stale as why:  # cannot be: only a re-used link is stale
            raise _Trouble(str(why)) from why

    async def _over(self, link: _Link, mail: wire.Envelope, raw: bytes, before_dot: BeforeDot, *, reused: bool) -> Sent:
        """Send over this connection, then keep it or close it."""
        keep = False
        try:
            sent = await self._dialogue(link.smtp, mail, raw, before_dot, reused=reused)
            keep = sent.ended is Ended.SENT or (
                sent.ended is not Ended.UNCERTAIN and sent.code >= 400 and await self._reset(link.smtp)
            )
            return sent
        finally:
            link.uses += 1
            if keep and link.smtp.is_connected:
                link.expiry = asyncio.get_running_loop().call_later(_MAX_IDLE, self._expire, link)
                self._idle.append(link)
            else:
                link.smtp.close()

    def _expire(self, link: _Link) -> None:
        if link in self._idle:
            self._idle.remove(link)
            link.smtp.close()

    async def _quit(self, link: _Link) -> None:
        if link.expiry:
            link.expiry.cancel()
        try:
            await link.smtp.quit(timeout=min(self._timeout, 5.0))
        except (aiosmtplib.SMTPException, OSError):
            pass
        finally:
            link.smtp.close()

    async def _reset(self, smtp: aiosmtplib.SMTP) -> bool:
        """After a refusal the relay forgets the envelope, or the connection is of no more use."""
        try:
            return smtp.is_connected and (await smtp.execute_command(b"RSET")).code == 250
        except (aiosmtplib.SMTPException, OSError):
            return False

    # A new connection

    async def _open(self) -> _Link:
        where = f"{self.host}:{self.port}"
        password = await asyncio.to_thread(self._password) if self.settings.user else ""
        secure = self.settings.security
        if not self._helo:
            self._helo = await asyncio.to_thread(socket.getfqdn)
        if secure != "none" and self._tls is None:
            self._tls = await asyncio.to_thread(self._context)
        smtp = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            local_hostname=self._helo,
            timeout=self._timeout,
            use_tls=secure == "tls",
            start_tls=False,  # done below, step by step, for words that say what is wrong
            tls_context=self._tls if secure != "none" else None,
        )
        try:
            await smtp.connect()
            await smtp.ehlo()
            if secure == "starttls":
                if not smtp.supports_extension("starttls"):
                    raise _Trouble(f'{where} offers no STARTTLS, which outgoing.security = "starttls" demands')
                await smtp.starttls()
                await smtp.ehlo()
            if self.settings.user:
                await self._login(smtp, where, password)
        except BaseException as why:
            smtp.close()
            trouble = _session_trouble(why, where)
            if trouble is None:
                raise
            raise trouble from why
        self.opened += 1
        return _Link(smtp, time.monotonic())

    async def _login(self, smtp: aiosmtplib.SMTP, where: str, password: str) -> None:
        user = self.settings.user
        if not smtp.supported_auth_methods:
            raise _Trouble(f"{where} offers no login that we speak (PLAIN, LOGIN, CRAM-MD5), but outgoing.user is set")
        try:
            await smtp.login(user, password)
        except aiosmtplib.SMTPAuthenticationError as why:
            # The reply is the server's; the password is not in it, and is never ours to repeat.
            raise _Trouble(f"{why.code} {why.message} (login at {where} as {user})", why.code) from why

    def _password(self) -> str:
        file = self.settings.password_file
        if file is None:
            return self.settings.password
        try:
            return file.read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeError) as why:
            raise _Trouble(f"outgoing.password_file {file} cannot be read: {_reason(why)}") from why

    def _context(self) -> ssl.SSLContext:
        file = self.settings.ca_file
        try:
            return ssl.create_default_context(cafile=str(file) if file else None)
        except (OSError, ssl.SSLError) as why:
            raise _Trouble(f"outgoing.ca_file {file} cannot be used: {_reason(why)}") from why

    # One mail

    async def _dialogue(
        self, smtp: aiosmtplib.SMTP, mail: wire.Envelope, raw: bytes, before_dot: BeforeDot, *, reused: bool
    ) -> Sent:
        """MAIL, RCPT, DATA, step by step: only so do we know whether the final dot can have gone out."""
        if mail.utf8 and not smtp.supports_extension("smtputf8"):
            # RFC 6531 section 3.2: such a mail cannot go this way at all.
            return Sent(Ended.REFUSED, 0, f"the relay does not offer SMTPUTF8, which an address needs: {mail.shown}")
        options = []
        if smtp.supports_extension("size"):
            options.append(b"SIZE=%d" % len(raw))
        if smtp.supports_extension("8bitmime") and not raw.isascii():
            options.append(b"BODY=8BITMIME")
        if mail.utf8:
            options.append(b"SMTPUTF8")
        steps = (
            ((b"MAIL", b"FROM:<" + mail.sender + b">", *options), 250),
            ((b"RCPT", b"TO:<" + mail.recipient + b">"), 250),
            ((b"DATA",), 354),
        )
        for command, good in steps:
            try:
                code, message = await smtp.execute_command(*command)
            except (aiosmtplib.SMTPException, OSError) as why:
                if reused and isinstance(why, ConnectionError):
                    raise _Stale from why
                return Sent(Ended.RETRY, 0, wire.clean(f"{_reason(why)} (at {_verb(command)})"))
            if code == 421 and reused:
                raise _Stale
            if code != good and not (command[0] == b"RCPT" and code == 251):
                return _said(code, message, _verb(command))
        return await self._data(smtp, raw, before_dot)

    async def _data(self, smtp: aiosmtplib.SMTP, raw: bytes, before_dot: BeforeDot) -> Sent:
        """The bytes, and when all of them have left, the dot. What the relay says before the dot never makes a SENT."""
        protocol = smtp.protocol
        transport = cast("asyncio.WriteTransport | None", smtp.transport)
        if protocol is None or transport is None or transport.is_closing():
            return Sent(Ended.RETRY, 0, "connection lost (at DATA)")
        transport.set_write_buffer_limits(high=0)  # paused until the kernel has taken everything
        reply = asyncio.ensure_future(protocol.read_response())
        dotted = False
        try:
            # One turn of the loop: the reader has to stand before the first byte leaves, or an early answer is dropped.
            await asyncio.sleep(0)
            protocol.write(wire.stuffed(raw))
            if transport.get_write_buffer_size():
                # SMTPProtocol is a copy of asyncio's FlowControlMixin; this is its half of StreamWriter.drain().
                drained = asyncio.ensure_future(protocol._drain_helper())  # noqa: SLF001  # no public call waits for this
                try:
                    await asyncio.wait({reply, drained}, timeout=self._after_dot, return_when=asyncio.FIRST_COMPLETED)
                    if not drained.done():
                        if reply.done():
                            return self._early(reply)
                        return Sent(Ended.RETRY, 0, "the relay stopped reading before the end of the mail")
                finally:
                    drained.cancel()
                    await asyncio.gather(drained, return_exceptions=True)
            if not reply.done():
                await before_dot()
            if reply.done():
                return self._early(reply)
            dotted = True
            protocol.write(b".\r\n")
            code, message = await asyncio.wait_for(asyncio.shield(reply), self._after_dot)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as why:
            if dotted:
                return Sent(Ended.UNCERTAIN, 0, wire.clean(f"{_reason(why)} (after the final dot)"))
            return Sent(Ended.RETRY, 0, wire.clean(f"{_reason(why)} (at DATA)"))
        finally:
            if not dotted or not reply.done():
                # Half a mail on the wire, or an answer still due. abort: close would first wait for the rest to be read.
                reply.cancel()
                transport.abort()
                smtp.close()
            await asyncio.gather(reply, return_exceptions=True)
        if 200 <= code < 300:
            return Sent(Ended.SENT, code, wire.clean(f"{code} {message}"), wire.server_id(message))
        if 400 <= code < 600:
            return _said(code, message, "the final dot")
        smtp.close()
        return Sent(Ended.UNCERTAIN, code, wire.clean(f"{code} {message} (no answer to the final dot that we know)"))

    @staticmethod
    def _early(reply: asyncio.Future[aiosmtplib.SMTPResponse]) -> Sent:
        """The relay spoke before the dot: a refusal at most. A 2xx here is no acceptance (RFC 5321 section 4.1.1.4)."""
        try:
            code, message = reply.result()
        except (aiosmtplib.SMTPException, OSError) as why:
            return Sent(Ended.RETRY, 0, wire.clean(f"{_reason(why)} (at DATA)"))
        if code < 400:
            return Sent(Ended.RETRY, 0, wire.clean(f"{code} {message} (out of turn, before the final dot)"))
        return _said(code, message, "DATA")


def _said(code: int, message: str, where: str) -> Sent:
    """A negative (or odd) reply to MAIL, RCPT, DATA or the dot. The server's words stay as they are; `where` is added for people."""
    refused = 500 <= code < 600 and code not in _LOGIN_CODES
    words = wire.clean(f"{code} {message} (at {where})")
    return Sent(Ended.REFUSED if refused else Ended.RETRY, code, words, to_rcpt=where == "RCPT")


def _session_trouble(why: BaseException, where: str) -> _Trouble | None:
    """What went wrong before the mail came into it, in words; None: not ours to explain."""
    if isinstance(why, _Trouble):
        return why
    if isinstance(why, aiosmtplib.SMTPResponseException):
        return _Trouble(f"{why.code} {why.message} (from {where}, before the mail)", why.code)
    cause: BaseException | None = why
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _Trouble(f"the certificate of {where} is not trusted: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return _Trouble(f"TLS with {where} failed: {_reason(cause)}")
        cause = cause.__cause__
    if isinstance(why, (aiosmtplib.SMTPException, OSError, ValueError)):
        return _Trouble(f"no connection to {where}: {_reason(why)}")
    return None


def _verb(command: tuple[bytes, ...]) -> str:
    return command[0].decode("ascii")


def _reason(why: BaseException) -> str:
    if isinstance(why, aiosmtplib.SMTPResponseException):
        return f"unreadable reply: {why.message}"
    if isinstance(why, OSError) and why.strerror:
        return why.strerror
    return str(why) or ("timed out" if isinstance(why, TimeoutError) else type(why).__name__)
