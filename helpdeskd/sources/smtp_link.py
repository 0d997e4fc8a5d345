"""One connection of a door: its life, its clock, what it has come to, its replies. What is said over it is in smtp_talk.py.

A thin subclass of aiosmtpd's protocol. Of aiosmtpd we use the connection's life, STARTTLS and its records; the command
loop, MAIL, RCPT and DATA are ours, because aiosmtpd's answer permanently (500) to trouble of our own, spend most of
their time on logging and parsing, drop a mail whose sender hangs up after the dot, and know no caps.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import cast

from aiosmtpd.smtp import SMTP

from helpdeskd import log as logs
from helpdeskd.log import Event
from helpdeskd.sources.smtp_crowd import PIECE, Stage
from helpdeskd.sources.smtp_rules import House, Refusal, one_client

log = logs.get("smtp")
# aiosmtpd formats lines for its own log at each connection; ours tells the same with our words.
logging.getLogger("mail.log").disabled = True

COMMAND_LIMIT = 2048  # bytes; RFC 5321 section 4.5.3.1.4 asks for 512 and more where extensions have parameters
FLUSH_SECONDS = 10.0  # for a last word to reach a client that reads slowly


class Link(SMTP):
    """`peer` is the client's IP address, "" on a unix socket; `name` is the listener's, `door` what its mails are said to have come by.

    What we know of aiosmtpd's inside (1.4.6), all of it: `_handle_client` is the task that connection_made() starts and
    connection_lost() cancels; `_reader` and `_writer` are its streams, before and after STARTTLS; `_original_transport`
    is the plain one under TLS; `_reset_timeout`, `_timeout_cb` and `_timeout_handle` are its timer. Of StreamReader: `_buffer`.
    """

    name = "smtp"
    door = "smtp"
    # StreamReader's limit: how much of a content may come in one piece. aiosmtpd refuses longer lines (RFC 5321 wants
    # 1000 bytes); people's programs send 10 KB and more in one.
    line_length_limit = 64 * 1024

    def __init__(self, house: House, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> None:
        self.house = house
        self.peer = ""
        self.client = ""  # what counts as one client: of IPv6 a /64, which is what one house has (RFC 6177)
        self.known_slow = False
        self.unix = False
        self.in_data = False  # from DATA's 354 to its reply: the time in which stopping waits for us
        self.stage = Stage.MET
        self.moved_at = loop.time()
        self.user = ""  # the address of whoever has logged in
        self.hasty: list[str] = []  # whose answers the client did not wait for, where it must (RFC 2920 section 3.1)
        self._keeping = False
        self._errors = 0
        self._met = False
        self._hung_up = False
        self._sent_away: tuple[Refusal, str] | None = None
        self._quiet_until = 0.0
        self._data_until = 0.0
        self._piece = 0  # bytes of content since the last step
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
                self.client = one_client(self.peer)
            else:
                self.unix = True
            self._sent_away = self.house.arrived(self)
        self.forget()
        super().connection_made(transport)

    def forget(self) -> None:
        """RFC 3207 section 4.2: after the handshake nothing counts that was known before. aiosmtpd forgets session and envelope."""
        self.user = ""
        self.hasty.clear()

    def connection_lost(self, error: Exception | None) -> None:
        self.house.left(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.in_data:
            self._reset_timeout()
            self._piece += len(data)
            if self._piece >= PIECE:
                self._piece = 0
                self.moved_at = self.loop.time()
        super().data_received(data)

    def eof_received(self) -> bool | None:
        # aiosmtpd cancels the conversation here, and with it a mail whose dot is in the buffer. The reader's end of
        # file ends the conversation when all that came before it has been answered.
        self._hung_up = True
        asyncio.StreamReaderProtocol.eof_received(self)
        return self.session is not None and self.session.ssl is None

    @property
    def private(self) -> bool:
        """Is it under TLS, the handshake done?"""
        return self.session is not None and self.session.ssl is not None

    @property
    def ahead(self) -> bool:
        """Has the client sent more than we have read?"""
        return bool(self._reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001  # StreamReader has no public look at it

    # -- its place at the door (smtp_crowd.Guest)

    def moved(self, stage: Stage) -> None:
        """A step nearer to a mail."""
        if stage > self.stage:
            self.stage = stage
            self._piece = 0
            self.moved_at = self.loop.time()

    def start_over(self) -> None:
        """A mail is ours: the next one begins where a greeting leads."""
        self.stage = min(self.stage, Stage.GREETED)
        self.moved_at = self.loop.time()

    def let_go(self) -> None:
        """Make room for another."""
        self._note(Refusal.CROWDED_OUT)
        self.dismiss("421 4.3.2 the door is full and others wait, please try again later")

    @property
    def has_place(self) -> bool:
        """Does it count as one of those at the door?"""
        return self._sent_away is None and not self.ending

    @property
    def stays(self) -> bool:
        return self._keeping

    @property
    def ending(self) -> bool:
        transport = cast("asyncio.Transport | None", self.transport)
        return transport is None or transport.is_closing()

    # -- its clock

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
        if self.ending:  # it does not even read its last word
            cast("asyncio.Transport", self.transport).abort()
            return
        reason = Refusal.TOO_SLOW if self.in_data and now >= self._data_until else Refusal.IDLE
        self._note(reason)
        self.dismiss("421 4.4.2 timeout, closing")

    def dismiss(self, reply: str) -> None:
        """Say a last word and close; a peer that does not even read is cut off."""
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is None or transport.is_closing():
            return
        plain = cast("asyncio.Transport", self._original_transport or transport)
        # Asked before: uvloop writes at the end of its turn, so that what is written now waits in any case.
        if transport.get_write_buffer_size() or plain.get_write_buffer_size():
            transport.abort()
            return
        transport.write(reply.encode() + b"\r\n")
        if transport is not plain and transport.get_write_buffer_size():  # in the midst of a handshake
            transport.abort()
        else:
            self.finish()

    def finish(self) -> None:
        """Close when all is said. Under TLS without waiting for the other side's goodbye, which may take half a minute of a place."""
        if self.ending:
            return
        self._writer.close()
        if self._original_transport is not None:
            cast("asyncio.Transport", self._original_transport).close()
        self._reset_timeout(FLUSH_SECONDS)

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
        log.info(Event.REFUSED, door=self.name, peer=self.peer, reason=reason, **facts)

    # -- commands, line by line

    async def next_line(self, limit: int = COMMAND_LIMIT) -> bytes | None:
        """The next line, None when it was too long."""
        long = False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as overrun:
                await self._reader.readexactly(overrun.consumed)
                long = True
            else:
                return None if long or len(line) > limit else line
