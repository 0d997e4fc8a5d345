"""One SMTP or LMTP connection: commands in, replies out, each accepted mail handed to the house.

A thin subclass of aiosmtpd's protocol. Of aiosmtpd we use the connection's life, STARTTLS and its records; the command
loop, MAIL, RCPT and DATA are ours, because aiosmtpd's answer permanently (500) to trouble of our own, spend most of
their time on logging and parsing, drop a mail whose sender hangs up after the dot, and know no caps.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import ClassVar, cast

from aiosmtpd.smtp import SMTP, Envelope

from helpdeskd import log as logs
from helpdeskd.errors import NoRoom, Temporary
from helpdeskd.log import Event
from helpdeskd.sources.smtp_data import Content, Overflow, read_content
from helpdeskd.sources.smtp_rules import House, Refusal, path, possible, shown

log = logs.get("smtp")
# aiosmtpd formats lines for its own log at each connection; ours tells the same with our words.
logging.getLogger("mail.log").disabled = True

COMMAND_LIMIT = 2048  # bytes; RFC 5321 section 4.5.3.1.4 asks for 512 and more where extensions have parameters
MAX_IDLE_COMMANDS = 100  # commands that bring no mail nearer (NOOP, RSET, ...) between two mails
_BROWSER = frozenset((b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"HOST:"))
_TROUBLE = "451 4.3.0 trouble here, please try again later"
_NO_ROOM = "452 4.3.1 no room here, please try again later"


class Talk(SMTP):
    """SMTP. `peer` is the client's IP address, "" on a unix socket.

    What we know of aiosmtpd's inside (1.4.6), all of it: `_handle_client` is the task that connection_made() starts and
    connection_lost() cancels; `_reader` and `_writer` are its streams, before and after STARTTLS; `_original_transport`
    is the plain one under TLS; `_reset_timeout`, `_timeout_cb` and `_timeout_handle` are its timer.
    """

    door = "smtp"
    hello = "EHLO"
    # StreamReader's limit: how much of a content may come in one piece. aiosmtpd refuses longer lines (RFC 5321 wants
    # 1000 bytes); people's programs send 10 KB and more in one.
    line_length_limit = 64 * 1024

    def __init__(self, house: House, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> None:
        self.house = house
        self.peer = ""
        self.unix = False
        self.in_data = False  # from DATA's 354 to its reply: the time in which stopping waits for us
        self._keeping = False
        self._errors = 0
        self._idle_commands = 0
        self._met = False
        self._hung_up = False
        self._sent_away: tuple[Refusal, str] | None = None
        self._quiet_until = 0.0
        self._data_until = 0.0
        super().__init__(
            None,
            data_size_limit=house.limits.size,
            enable_SMTPUTF8=True,
            hostname=house.hostname,
            tls_context=tls,
            timeout=house.limits.idle_seconds,
            loop=loop,
        )

    # -- the connection's life

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._met:  # aiosmtpd comes here again after STARTTLS
            self._met = True
            name = transport.get_extra_info("peername")
            if isinstance(name, tuple):
                self.peer = str(name[0]).removeprefix("::ffff:")
            else:
                self.unix = True
            self._sent_away = self.house.arrived(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.house.left(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.in_data:
            self._reset_timeout()
        super().data_received(data)

    def eof_received(self) -> bool | None:
        # aiosmtpd cancels the conversation here, and with it a mail whose dot is in the buffer. The reader's end of
        # file ends the conversation when all that came before it has been answered.
        self._hung_up = True
        asyncio.StreamReaderProtocol.eof_received(self)
        return self.session is not None and self.session.ssl is None

    # aiosmtpd sets a new timer at each command. This one is looked at when it fires, and only then moved on.
    def _reset_timeout(self, duration: float | None = None) -> None:
        self._quiet_until = self.loop.time() + (duration or self.house.limits.idle_seconds)
        if self.in_data:
            self._quiet_until = min(self._quiet_until, self._data_until)
        timer = self._timeout_handle
        if timer is None or timer.when() > self._quiet_until:
            if timer is not None:
                timer.cancel()
            self._timeout_handle = self.loop.call_at(self._quiet_until, self._timeout_cb)

    def _timeout_cb(self) -> None:
        now = self.loop.time()
        if self._keeping:
            self._quiet_until = now + self.house.limits.idle_seconds  # it is we who are slow
        if now < self._quiet_until:
            self._timeout_handle = self.loop.call_at(self._quiet_until, self._timeout_cb)
            return
        reason = Refusal.TOO_SLOW if self.in_data and now >= self._data_until else Refusal.IDLE
        self._note(reason)
        self.dismiss("421 4.4.2 timeout, closing")

    def dismiss(self, reply: str) -> None:
        """Say a last word and close; a peer that does not even read is cut off."""
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is None or transport.is_closing():
            return
        transport.write(reply.encode() + b"\r\n")
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()

    # -- replies

    async def push(self, status: str | bytes) -> None:
        """Send one reply. ConnectionError when nobody is there."""
        self._writer.write((status if isinstance(status, bytes) else status.encode()) + b"\r\n")
        await self._writer.drain()

    async def refuse(self, reason: Refusal, reply: str, times: int = 1, **facts: object) -> None:
        """Say no and note why; `times` as LMTP wants it, once per recipient."""
        self._note(reason, reply=reply, **facts)
        if reply.startswith("5"):
            self._errors += 1
        await self.push("\r\n".join([reply] * times))

    def _note(self, reason: Refusal, **facts: object) -> None:
        self.house.refused(reason)
        log.info(Event.REFUSED, door=self.door, peer=self.peer, reason=reason, **facts)

    async def handle_exception(self, error: Exception) -> str:
        """Whatever happens here is our trouble and never the mail's fault. aiosmtpd would say 500."""
        self.house.refused(Refusal.TROUBLE)
        log.error(Event.TROUBLE, door=self.door, peer=self.peer, error=repr(error), exc_info=error)
        return _TROUBLE

    # -- the conversation; overrides aiosmtpd's loop, which connection_made() starts as a task

    async def _handle_client(self) -> None:
        try:
            await self._converse()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # hung up
        finally:
            self._writer.close()

    async def _converse(self) -> None:
        if self._sent_away is not None:
            await self.refuse(*self._sent_away)
            return
        await self.push(f"220 {self.house.hostname} {'LMTP' if self.door == 'lmtp' else 'ESMTP'} helpdeskd")
        commands = self.commands
        while True:
            line = await self._next_line()
            if line is None:
                await self.refuse(Refusal.SYNTAX, "500 5.5.6 line too long")
            else:
                verb, _, rest = line.strip().partition(b" ")
                verb = verb.upper()
                if verb in _BROWSER:
                    # a web page made a browser send this; what follows may look like commands
                    await self.refuse(Refusal.NOT_MAIL, "421 4.7.0 this is a mail server, closing")
                    return
                command = commands.get(verb)
                if command is None:
                    await self.refuse(Refusal.UNKNOWN_COMMAND, "500 5.5.1 unknown command")
                else:
                    self._reset_timeout()
                    try:
                        await command(self, rest.strip().decode("utf-8", "surrogateescape"))
                    except (ConnectionError, asyncio.IncompleteReadError):
                        raise
                    except Exception as error:
                        await self.push(await self.handle_exception(error))
            if self.transport is None or self.transport.is_closing():
                return
            if self._errors >= self.house.limits.errors:
                await self.refuse(Refusal.TOO_MANY_ERRORS, "421 4.7.0 too many errors, closing")
                return
            if self._idle_commands > MAX_IDLE_COMMANDS:
                await self.refuse(Refusal.TOO_MANY_COMMANDS, "421 4.7.0 too many commands, closing")
                return
            if self.house.stopping:
                await self.refuse(Refusal.STOPPING, "421 4.3.2 shutting down, please try again later")
                return

    async def _next_line(self) -> bytes | None:
        """The next line, None when it was too long."""
        long = False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as overrun:
                await self._reader.readexactly(overrun.consumed)
                long = True
            else:
                return None if long or len(line) > COMMAND_LIMIT else line

    # -- greetings and small talk

    async def _ehlo(self, arg: str) -> None:
        if not await self._greeted(arg):
            return
        assert self.session is not None
        lines = [self.house.hostname, f"SIZE {self.house.limits.size}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        if self.tls_context is not None and self.session.ssl is None:
            lines.append("STARTTLS")
        lines.append("ENHANCEDSTATUSCODES")
        await self.push("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def _helo(self, arg: str) -> None:
        if await self._greeted(arg):
            await self.push(f"250 {self.house.hostname}")

    async def _greeted(self, name: str) -> bool:
        self._idle_commands += 1
        if not name:
            await self.refuse(Refusal.SYNTAX, f"501 5.5.4 {self.hello} wants a name")
            return False
        assert self.session is not None
        self.session.host_name = name
        self.envelope = Envelope()
        return True

    async def _noop(self, _arg: str) -> None:
        self._idle_commands += 1
        await self.push("250 2.0.0 Ok")

    async def _rset(self, _arg: str) -> None:
        self._idle_commands += 1
        self.envelope = Envelope()
        await self.push("250 2.0.0 Ok")

    async def _vrfy(self, _arg: str) -> None:
        self._idle_commands += 1
        await self.push("252 2.0.0 will not verify, but will take mail for addresses of ours")

    async def _help(self, _arg: str) -> None:
        self._idle_commands += 1
        await self.push(f"214 2.0.0 {' '.join(verb.decode() for verb in self.commands)}")

    async def _expn(self, _arg: str) -> None:
        await self.refuse(Refusal.UNKNOWN_COMMAND, "502 5.5.1 not offered here")

    async def _auth(self, _arg: str) -> None:
        await self.refuse(Refusal.UNKNOWN_COMMAND, "502 5.5.1 not offered here")

    async def _quit(self, _arg: str) -> None:
        await self.push("221 2.0.0 Bye")
        self._writer.close()

    async def _starttls(self, arg: str) -> None:
        assert self.session is not None
        self._idle_commands += 1
        if self.tls_context is None or self.session.ssl is not None:
            await self.refuse(Refusal.UNKNOWN_COMMAND, "502 5.5.1 not offered here")
            return
        if arg:
            await self.refuse(Refusal.SYNTAX, "501 5.5.4 STARTTLS takes no parameter")
            return
        # What already waits behind the command was sent in the clear, by whomever (RFC 3207 section 6). The line end
        # fed here makes the read return at once.
        if self._hung_up:
            return
        self._reader.feed_data(b"\n")
        if await self._reader.read(2 * self.line_length_limit) != b"\n":
            await self.refuse(Refusal.INJECTION, "501 5.5.1 nothing may follow STARTTLS before its reply, closing")
            self._writer.close()
            return
        try:
            # says 220, then clears the reader once more when the handshake is done (aiosmtpd, CVE-2024-34083)
            await super().smtp_STARTTLS("")
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:  # a handshake fails in many ways, none of them ours
            self._note(Refusal.TLS_FAILED, error=repr(error.__cause__ or error))
            cast("asyncio.Transport", self._original_transport).abort()
            if self.transport is not None:
                self.connection_lost(None)  # SSLProtocol tells us only of connections that it had announced

    # -- one mail

    async def _mail(self, arg: str) -> None:
        assert self.session is not None
        assert self.envelope is not None
        if not self.session.host_name:
            await self.refuse(Refusal.SEQUENCE, f"503 5.5.1 send {self.hello} first")
            return
        if self.envelope.mail_from is not None:
            await self.refuse(Refusal.SEQUENCE, "503 5.5.1 a mail is under way; send RSET to drop it")
            return
        parsed = path(arg, "FROM:")
        if parsed is None:
            await self.refuse(Refusal.SYNTAX, "501 5.5.4 syntax: MAIL FROM:<address>")
            return
        address, params = parsed
        if not possible(address):
            await self.refuse(Refusal.BAD_ADDRESS, "553 5.1.7 no such address can be")
            return
        utf8 = False
        for param in params.upper().split():
            key, _, value = param.partition("=")
            if key == "SIZE" and value.isascii() and value.isdigit():
                if int(value[:20]) > self.house.limits.size:  # RFC 1870 section 6.1
                    await self.refuse(Refusal.TOO_LARGE, "552 5.3.4 the mail is too large", size=int(value[:20]))
                    return
            elif key == "BODY" and value in {"7BIT", "8BITMIME"}:
                pass  # both come through as they are
            elif param == "SMTPUTF8":
                utf8 = True
            elif key in {"SIZE", "BODY", "SMTPUTF8"}:
                await self.refuse(Refusal.SYNTAX, f"501 5.5.4 wrong value of {key}")
                return
            else:
                await self.refuse(Refusal.SYNTAX, "555 5.5.4 unknown parameter")
                return
        try:
            self.house.check_room()
        except NoRoom:
            await self.refuse(Refusal.NO_ROOM, _NO_ROOM)
            return
        self.envelope.mail_from = address
        self.envelope.smtp_utf8 = utf8
        await self.push("250 2.1.0 Ok")

    async def _rcpt(self, arg: str) -> None:
        assert self.envelope is not None
        if self.envelope.mail_from is None:
            await self.refuse(Refusal.SEQUENCE, "503 5.5.1 send MAIL first")
            return
        parsed = path(arg, "TO:")
        if parsed is None:
            await self.refuse(Refusal.SYNTAX, "501 5.5.4 syntax: RCPT TO:<address>")
            return
        address, params = parsed
        if not address or not possible(address):
            await self.refuse(Refusal.BAD_ADDRESS, "553 5.1.3 no such address can be")
            return
        if params:
            await self.refuse(Refusal.SYNTAX, "555 5.5.4 unknown parameter")
            return
        if len(self.envelope.rcpt_tos) >= self.house.limits.recipients:
            await self.refuse(Refusal.TOO_MANY_RECIPIENTS, "452 4.5.3 too many recipients")
            return
        try:
            wanted = self.house.wanted(address)
        except Temporary as error:
            await self.refuse(Refusal.TROUBLE, _TROUBLE, recipient=shown(address), error=str(error))
            return
        if not wanted:
            await self.refuse(Refusal.UNKNOWN_RECIPIENT, "550 5.1.1 no such address here", recipient=shown(address))
            return
        self.envelope.rcpt_tos.append(address)
        await self.push("250 2.1.5 Ok")

    async def _data(self, arg: str) -> None:
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.refuse(Refusal.SEQUENCE, "503 5.5.1 no recipient yet")
            return
        if arg:
            await self.refuse(Refusal.SYNTAX, "501 5.5.4 DATA takes no parameter")
            return
        self._data_until = self.loop.time() + self.house.limits.data_seconds
        self.in_data = True
        self._reset_timeout()
        try:
            await self._take_mail(self.answers())
        finally:
            self.in_data = False
            self.envelope = Envelope()
            self._reset_timeout()

    def answers(self) -> int:
        """How many replies the end of data gets."""
        return 1

    async def _take_mail(self, times: int) -> None:
        content = Content(self.house.limits.size, self.house.scratch)
        try:
            await self.push("354 end with <CR><LF>.<CR><LF>")
            await read_content(self._reader, content)
        except Overflow:
            await self.refuse(Refusal.TOO_LARGE, "552 5.3.4 the mail is too large, closing", times, size=content.fed)
            self._writer.close()
            return
        except BaseException:
            content.close()
            raise
        if content.too_large:
            await self.refuse(Refusal.TOO_LARGE, "552 5.3.4 the mail is too large", times, size=content.fed)
            return
        self._keeping = True
        try:
            # The hand-over owns the content from here. When the peer hangs up this task is cancelled; the mail is kept.
            spool_id = await self.house.keep(self, content)
        except NoRoom:
            await self.refuse(Refusal.NO_ROOM, _NO_ROOM, times)
            return
        except Exception as error:
            await self.push("\r\n".join([await self.handle_exception(error)] * times))
            return
        finally:
            self._keeping = False
        self._errors = self._idle_commands = 0
        await self.push("\r\n".join([f"250 2.0.0 kept as {spool_id}"] * times))

    commands: ClassVar[dict[bytes, Callable[[Talk, str], Awaitable[None]]]] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"VRFY": _vrfy,
        b"HELP": _help,
        b"QUIT": _quit,
        b"STARTTLS": _starttls,
        b"EXPN": _expn,
        b"AUTH": _auth,
    }


class LmtpTalk(Talk):
    """LMTP (RFC 2033): another greeting, and one answer per recipient."""

    door = "lmtp"
    hello = "LHLO"

    def answers(self) -> int:
        assert self.envelope is not None
        return len(self.envelope.rcpt_tos)

    commands: ClassVar[dict[bytes, Callable[[Talk, str], Awaitable[None]]]] = {
        **{verb: command for verb, command in Talk.commands.items() if verb not in {b"EHLO", b"HELO"}},
        b"LHLO": Talk.commands[b"EHLO"],
    }
