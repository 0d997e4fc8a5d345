"""The submission door: staff log in over TLS (RFC 4954, RFC 6409) and write to departments, in their own name alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import ClassVar

from helpdeskd.errors import Temporary
from helpdeskd.sources.smtp_crowd import Stage
from helpdeskd.sources.smtp_data import Content
from helpdeskd.sources.smtp_rules import LoggedIn, Refusal, path
from helpdeskd.sources.smtp_talk import Talk

_LONGEST = 12288  # bytes of an answer to 334 (RFC 4954 section 4)
_HEAD = 1 << 20  # bytes of a mail in which From must stand


class _Bad(Exception):
    """An answer to 334 that is none; the words are the reply."""


class SubmissionTalk(Talk):
    """Nothing is taken before TLS and AUTH. Whoever has logged in is `user`, their address as the store has it."""

    name = "submission"
    _known: LoggedIn | None = None

    def extensions(self) -> list[str]:
        assert self.session is not None
        return [*super().extensions(), *(["AUTH PLAIN LOGIN"] if self.session.ssl is not None else [])]

    async def _login(self, arg: str) -> None:
        """AUTH. What a name or a password was wrong by is never told, nor whether there is such a name."""
        assert self.session is not None
        assert self.envelope is not None
        mechanism, _, initial = arg.partition(" ")
        if self.session.ssl is None:
            await self.refuse(Refusal.SEQUENCE, "538 5.7.11 STARTTLS first")
        elif not self.session.host_name or self.user or self.envelope.mail_from is not None:
            await self.refuse(Refusal.SEQUENCE, "503 5.5.1 once, after EHLO and before MAIL")
        elif mechanism.upper() not in _MECHANISMS:
            await self.refuse(Refusal.SYNTAX, "504 5.5.4 PLAIN and LOGIN alone")
        else:
            try:
                name, password = await _MECHANISMS[mechanism.upper()](self, initial.strip())
            except _Bad as error:
                await self.refuse(Refusal.SYNTAX, str(error))
                return
            await self._try(name, password)

    async def _try(self, name: str, password: str) -> None:
        try:
            known = await self.house.log_in(name, password, self.peer)
        except Temporary:
            await self.refuse(Refusal.LOG_IN, "454 4.7.0 nobody can log in from there now, please try again later")
            return
        if known is None:
            await self.refuse(Refusal.LOG_IN, "535 5.7.8 wrong name or password")
            return
        self._known, self.user = known, known.address
        self.moved(Stage.KNOWN)
        await self.push("235 2.7.0 welcome")

    async def _plain(self, initial: str) -> tuple[str, str]:
        """RFC 4616: authorisation identity, name and password, with NULs between them."""
        parts = _text(initial or await self._asked("334 ")).split("\0")
        if len(parts) != 3:
            raise _Bad("501 5.5.2 expected three parts with a NUL between them")
        if parts[0] not in {"", parts[1]}:
            raise _Bad("535 5.7.8 nobody acts for another here")
        return parts[1], parts[2]

    async def _name_and_password(self, initial: str) -> tuple[str, str]:
        """LOGIN, which no RFC has: "Username:" and "Password:" in base64."""
        name = _text(initial or await self._asked("334 VXNlcm5hbWU6"))
        return name, _text(await self._asked("334 UGFzc3dvcmQ6"))

    async def _asked(self, challenge: str) -> str:
        await self.push(challenge)
        line = await self.next_line(_LONGEST)
        if line is None:
            raise _Bad("500 5.5.6 line too long")
        answer = line.decode("latin-1").strip()
        if answer == "*":
            raise _Bad("501 5.7.0 as you like")
        return answer or "="

    async def _mail(self, arg: str) -> None:
        if not self.user:
            await self.refuse(Refusal.SEQUENCE, "530 5.7.0 log in first: STARTTLS, then AUTH")
            return
        parsed = path(arg, "FROM:")
        if parsed is not None and parsed[0].lower() != self.user.lower():
            await self.refuse(Refusal.NOT_YOURS, "553 5.7.1 the sender must be your own address")
            return
        if not await self._still_in():
            return
        await super()._mail(arg)

    async def _still_in(self) -> bool:
        """A connection may last for days, and a password, a key or a person may end meanwhile."""
        assert self._known is not None
        try:
            if await self.house.still_in(self._known):
                return True
        except Temporary:
            await self.refuse(Refusal.TROUBLE, "451 4.3.0 trouble here, please try again later")
            return False
        await self.refuse(Refusal.LOG_IN, "421 4.7.0 your log-in has ended, closing")
        self.finish()
        return False

    async def objection(self, content: Content) -> tuple[Refusal, str] | None:
        if content.trouble is not None:
            return None  # it cannot be kept, which is said in its own words
        from helpdeskd.mail.verify import sole_author  # an installation without this door need not load it here

        try:
            head = b""
            for piece in content.chunks():
                head += piece
                if len(head) >= _HEAD:
                    break
        except OSError:
            return None  # nor can it be kept
        if sole_author(head).lower() != self.user.lower():
            return Refusal.NOT_YOURS, "550 5.7.1 From must be your own address, and that alone"
        return None

    commands: ClassVar[dict[bytes, Callable[[Talk, str], Awaitable[None]]]] = {
        **Talk.commands,
        b"AUTH": _login,  # type: ignore[dict-item]  # its self is a SubmissionTalk
        b"MAIL": _mail,  # type: ignore[dict-item]  # its self is a SubmissionTalk
    }


_MECHANISMS: dict[str, Callable[[SubmissionTalk, str], Awaitable[tuple[str, str]]]] = {
    "PLAIN": SubmissionTalk._plain,  # noqa: SLF001  # one room
    "LOGIN": SubmissionTalk._name_and_password,  # noqa: SLF001  # one room
}


def _text(encoded: str) -> str:
    """What base64 says in UTF-8; "=" is nothing (RFC 4954 section 4)."""
    try:
        return "" if encoded == "=" else base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):  # UnicodeError is one, too
        raise _Bad("501 5.5.2 expected base64 of UTF-8") from None
