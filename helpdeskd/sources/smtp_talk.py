"""What is said over one SMTP or LMTP connection: commands in, replies out, each accepted mail handed to the house."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar, cast

from aiosmtpd.smtp import Envelope

from helpdeskd import log as logs
from helpdeskd.errors import NoRoom, Temporary
from helpdeskd.log import Event
from helpdeskd.sources.smtp_crowd import Stage
from helpdeskd.sources.smtp_data import Content, Overflow, read_content
from helpdeskd.sources.smtp_link import Link
from helpdeskd.sources.smtp_rules import House, Refusal, path, possible, shown

log = logs.get("smtp")

MAX_IDLE_COMMANDS = 100  # commands that bring no mail nearer (NOOP, RSET, ...) between two mails
MAX_COMMANDS = 2000  # of any sort between two mails: recipients that are put off (452) again and again, for one
_BROWSER = frozenset((b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"HOST:"))
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")  # RFC 3461 section 4; "<>" where nobody is named
_TROUBLE = "451 4.3.0 trouble here, please try again later"
_NO_ROOM = "452 4.3.1 no room here, please try again later"


class Talk(Link):
    """SMTP."""

    hello = "EHLO"

    def __init__(self, house: House, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(house, tls, loop)
        self._commands = 0
        self._idle_commands = 0

    async def handle_exception(self, error: Exception) -> str:
        """Whatever happens here is our trouble and never the mail's fault. aiosmtpd would say 500."""
        self.house.refused(Refusal.TROUBLE)
        log.error(Event.TROUBLE, door=self.name, peer=self.peer, error=repr(error), exc_info=error)
        return _TROUBLE

    # -- the conversation; overrides aiosmtpd's loop, which connection_made() starts as a task

    async def _handle_client(self) -> None:
        try:
            await self._converse()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # hung up
        finally:
            self.finish()

    async def _converse(self) -> None:
        if self._sent_away is not None:
            await self.refuse(*self._sent_away)
            return
        await self.push(f"220 {self.house.hostname} {'LMTP' if self.name == 'lmtp' else 'ESMTP'} helpdeskd")
        commands = self.commands
        while True:
            line = await self.next_line()
            self._commands += 1
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
            if self.ending:
                return
            if self._errors >= self.house.limits.errors:
                await self.refuse(Refusal.TOO_MANY_ERRORS, "421 4.7.0 too many errors, closing")
                return
            if self._idle_commands > MAX_IDLE_COMMANDS or self._commands > MAX_COMMANDS:
                await self.refuse(Refusal.TOO_MANY_COMMANDS, "421 4.7.0 too many commands, closing")
                return
            if self.house.stopping:
                await self.refuse(Refusal.STOPPING, "421 4.3.2 shutting down, please try again later")
                return

    # -- greetings and small talk

    async def _ehlo(self, arg: str) -> None:
        if not await self._greeted(arg):
            return
        lines = [self.house.hostname, *self.extensions(), "ENHANCEDSTATUSCODES"]
        await self.push("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def extensions(self) -> list[str]:
        assert self.session is not None
        offered = [f"SIZE {self.house.limits.size}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        return [*offered, "STARTTLS"] if self.tls_context is not None and self.session.ssl is None else offered

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
        self.moved(Stage.GREETED)
        self._was_hasty(self.hello)
        return True

    def _was_hasty(self, verb: str) -> None:
        """Note where the client goes on before it can have read our answer: evidence, no more. Spammers' programs do so."""
        if self.ahead and verb not in self.hasty:
            self.hasty.append(verb)

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
        self.finish()

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
            self.finish()
            return
        try:
            # says 220, then clears the reader once more when the handshake is done (aiosmtpd, CVE-2024-34083)
            await super().smtp_STARTTLS("")
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:  # a handshake fails in many ways, none of them ours
            self._note(Refusal.TLS_FAILED, error=repr(error.__cause__ or error))
            cast("asyncio.Transport", self._original_transport).abort()
        if not self.private and self.transport is not None:  # it failed, or we broke it off
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
            elif key == "AUTH" and self.user and _XTEXT.fullmatch(value):
                pass  # RFC 4954 section 5; whom it names says nothing, since we know who has logged in
            elif param == "SMTPUTF8":
                utf8 = True
            elif key in {"SIZE", "BODY", "SMTPUTF8"} or (key == "AUTH" and self.user):
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
        self.moved(Stage.MAIL)
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
        self.moved(Stage.RECIPIENT)
        await self.push("250 2.1.5 Ok")

    async def _data(self, arg: str) -> None:
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self._refuse_content(Refusal.SEQUENCE, "503 5.5.1 no recipient yet")
            return
        if arg:
            await self._refuse_content(Refusal.SYNTAX, "501 5.5.4 DATA takes no parameter")
            return
        self._was_hasty("DATA")
        self.moved(Stage.DATA)
        self._data_until = self.loop.time() + self.house.limits.data_seconds
        self.in_data = True
        self._reset_timeout()
        try:
            await self._take_mail(self.answers())
        finally:
            self.in_data = False
            self.envelope = Envelope()
            self._reset_timeout()

    async def _bdat(self, _arg: str) -> None:
        # Its content comes unasked (RFC 3030 section 2), if not yet, then in a moment.
        await self.refuse(Refusal.INJECTION, "502 5.5.1 not offered here, closing")
        self.finish()

    async def _refuse_content(self, reason: Refusal, reply: str) -> None:
        """Say no where content would follow. What is here already was sent as content, by whomever it was written: read as commands it
        could be a mail in the client's name (SMTP smuggling), so nothing of it is read."""
        if not self.ahead:
            await self.refuse(reason, reply)
            return
        await self.refuse(Refusal.INJECTION, f"{reply}; nothing may follow before its reply, closing")
        self.finish()

    def answers(self) -> int:
        """How many replies the end of data gets."""
        return 1

    async def _take_mail(self, times: int) -> None:
        content = Content(self.house.limits.size, self.house.scratch, partial(self.house.check_room, anew=True))
        try:
            await self.push("354 end with <CR><LF>.<CR><LF>")
            await read_content(self._reader, content)
        except Overflow:
            await self.refuse(Refusal.TOO_LARGE, "552 5.3.4 the mail is too large, closing", times, size=content.fed)
            self.finish()
            return
        except BaseException:
            content.close()
            raise
        if content.too_large:
            await self.refuse(Refusal.TOO_LARGE, "552 5.3.4 the mail is too large", times, size=content.fed)
            return
        objection = await self.objection(content)
        if objection is not None:
            content.close()
            await self.refuse(*objection, times)
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
        self._errors = self._commands = self._idle_commands = 0
        self.start_over()
        await self.push("\r\n".join([f"250 2.0.0 kept as {spool_id}"] * times))

    async def objection(self, _content: Content) -> tuple[Refusal, str] | None:
        """What speaks against taking this content."""
        return None

    commands: ClassVar[dict[bytes, Callable[[Talk, str], Awaitable[None]]]] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"BDAT": _bdat,
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

    name = door = "lmtp"
    hello = "LHLO"

    def answers(self) -> int:
        assert self.envelope is not None
        return len(self.envelope.rcpt_tos)

    commands: ClassVar[dict[bytes, Callable[[Talk, str], Awaitable[None]]]] = {
        **{verb: command for verb, command in Talk.commands.items() if verb not in {b"EHLO", b"HELO"}},
        b"LHLO": Talk.commands[b"EHLO"],
    }
