"""One connection to an IMAP server: imapclient, typed, with errors of ours. The only module that imports imapclient."""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import imapclient
from imapclient.exceptions import CapabilityError, LoginError

from helpdeskd.config import Mailbox
from helpdeskd.errors import Temporary
from helpdeskd.sources.imap_login import LoginFailed, Mechanism, OauthBearer, Plain, Secret, Xoauth2, read_secret
from helpdeskd.sources.imap_state import micros
from helpdeskd.sources.imap_uids import pack

_RENEW_SECONDS = 540  # RFC 2177 asks for under 29 minutes; routers forget sooner
_WINDOW = 80_000  # UIDs per SEARCH in a crowded folder: imaplib takes no line above 1,000,000 bytes
_UIDS_PER_COMMAND = 200
_PIECE = 1 << 20


class Lost(Temporary):
    """The connection is gone, or cannot be trusted to be in step. Connect again."""


class IdleLost(Lost):
    """The server ended or refused IDLE."""


class Refusal(Temporary):
    """The server said no to a command, or answered what makes no sense. The connection still works."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as SELECT described it."""

    uidvalidity: int
    uidnext: int
    exists: int
    writable: bool


@dataclass(frozen=True, slots=True)
class Meta:
    """Bytes by the server's count (a hint only), and INTERNALDATE in microseconds since 1970 UTC (0 = none)."""

    size: int
    internaldate: int


def _text(error: BaseException) -> str:
    text = re.sub(r"^b(['\"])(.*)\1$", r"\2", str(error)) or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:300]


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Turn every error imapclient, imaplib, ssl and socket can raise into Lost or Refusal."""
    try:
        yield
    except imaplib.IMAP4.abort as error:
        raise Lost(f"{what}: the connection was lost ({_text(error)})") from error
    except imaplib.IMAP4.error as error:
        raise Refusal(f"{what}: {_text(error)}") from error
    except ssl.SSLCertVerificationError as error:
        raise Lost(
            f"{what}: the server's certificate is not trusted ({error.verify_message}); "
            "ca_file can name a private authority"
        ) from error
    except OSError as error:
        raise Lost(f"{what}: {_text(error)}") from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Refusal(f"{what}: the server's answer makes no sense ({_text(error)})") from error


class Connection:
    """Logged in. One thread uses it; `kick` alone may be called from another."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._folder: str | None = None
        with _said("capability"):
            self._can = frozenset(bytes(name).upper() for name in client.capabilities())

    @classmethod
    def open(cls, mailbox: Mailbox) -> Connection:
        """Connect, TLS, log in. Lost or LoginFailed; Refusal where the server cannot do what the settings ask."""
        where = f"{mailbox.host}:{mailbox.port}"
        secret = read_secret(mailbox)
        with _said(f"connecting to {where}"):
            context = _tls(mailbox)
            client = imapclient.IMAPClient(
                mailbox.host,
                port=mailbox.port,
                ssl=mailbox.security == "tls",
                ssl_context=context,
                timeout=float(mailbox.timeout_seconds),
            )
        try:
            # imaplib sends a command in two pieces; Nagle would hold the second for 40 ms.
            client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.normalise_times = False
            if mailbox.security == "starttls":
                with _said(f"STARTTLS with {where}"):
                    client.starttls(context)
            _log_in(client, mailbox, secret)
            return cls(client)
        except BaseException:
            _shut(client)
            raise

    def can(self, capability: str) -> bool:
        return capability.upper().encode("ascii") in self._can

    def close(self) -> None:
        """Say goodbye if the server still listens; close in any case."""
        with suppress(Exception):
            self._client.logout()
        _shut(self._client)

    def drop(self) -> None:
        """Close without a word: for a connection that is out of step."""
        _shut(self._client)

    def kick(self) -> None:
        """Wake the thread that uses this connection, from another: its next or present read ends at once.

        The plain socket is shut beneath TLS and beneath imaplib's buffer: closing that buffer would wait for the read.
        """
        with suppress(OSError, AttributeError):
            socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)

    def select(self, folder: str, *, readonly: bool = False) -> Selected:
        """SELECT, or EXAMINE where the server allows reading only, or where that is all we want."""
        self._folder = None
        with _said(f"folder {folder}"):
            try:
                answer = self._client.select_folder(folder, readonly=readonly)
                writable = not readonly
            except imaplib.IMAP4.readonly:
                answer = self._client.select_folder(folder, readonly=True)
                writable = False
            uidvalidity = int(answer.get(b"UIDVALIDITY") or 0)
            exists = int(answer[b"EXISTS"])
            uidnext = int(answer.get(b"UIDNEXT") or 0)
            if not uidvalidity:
                raise Refusal(f"folder {folder}: the server gives no UIDVALIDITY, so its mails cannot be told apart")
            if not uidnext:
                # RFC 3501 section 7.1: a server that omits UIDNEXT leaves it to be found out.
                uidnext = max(self._client.search(["UID", "*"]) if exists else [0]) + 1
        self._folder = folder
        return Selected(uidvalidity, uidnext, exists, writable)

    def search(self, criteria: Sequence[str | date], low: int, selected: Selected) -> set[int]:
        """The UIDs from `low` on that meet the criteria (none: all)."""
        found: set[int] = set()
        with _said("search"):
            if selected.exists <= _WINDOW:
                # "n:*" always names the last mail, even below n (RFC 3501 section 6.4.8): hence the filter.
                found.update(self._client.search(["UID", f"{low}:*", *criteria]))
            else:
                for start in range(low, selected.uidnext, _WINDOW):
                    found.update(self._client.search(["UID", f"{start}:{start + _WINDOW - 1}", *criteria]))
        return {uid for uid in found if uid >= low}

    def still_there(self, uids: Iterable[int]) -> set[int]:
        with _said("search"):
            return {uid for some in _chunks(uids) for uid in self._client.search(["UID", pack(some)])} & set(uids)

    def meta(self, uids: Iterable[int]) -> dict[int, Meta]:
        """Size and INTERNALDATE of those the server answers for."""
        found: dict[int, Meta] = {}
        with _said("fetch of sizes"):
            for some in _chunks(uids):
                for uid, items in self._client.fetch(some, ["RFC822.SIZE", "INTERNALDATE"]).items():
                    size, arrived = items.get(b"RFC822.SIZE"), items.get(b"INTERNALDATE")
                    aware = isinstance(arrived, datetime) and arrived.tzinfo is not None
                    found[uid] = Meta(size if isinstance(size, int) else 0, micros(arrived) if aware else 0)
        return found

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Whole mails, unread marks untouched (BODY.PEEK). A mail without bytes is left out."""
        with _said("fetch"):
            answer = self._client.fetch(uids, ["BODY.PEEK[]"])
            bodies = {uid: items.get(b"BODY[]") for uid, items in answer.items()}
        return {uid: body for uid, body in bodies.items() if isinstance(body, bytes) and body}

    def pieces(self, uid: int) -> Iterator[bytes]:
        """One large mail in pieces, so that memory stays bounded. Ends where the server gives less than was asked."""
        offset = 0
        while True:
            with _said("fetch"):
                answer = self._client.fetch([uid], [f"BODY.PEEK[]<{offset}.{_PIECE}>"])
                items = answer.get(uid, {})
                piece = items.get(f"BODY[]<{offset}>".encode("ascii"))
                if piece is None and offset == 0:
                    return
                if not isinstance(piece, bytes):
                    # At the very end some servers answer NIL; anything else mid-way would cut the mail short.
                    if b"BODY[]<%d>" % offset in items:
                        return
                    raise Refusal(f"the server gave no bytes of mail {uid} from {offset} on")
            if piece:
                yield piece
            if len(piece) < _PIECE:
                return
            offset += len(piece)

    def mark_seen(self, uids: Iterable[int]) -> None:
        with _said("marking mails as read"):
            for some in _chunks(uids):
                self._client.add_flags(some, [imapclient.SEEN], silent=True)

    def delete(self, uids: Iterable[int]) -> None:
        r"""Flag \Deleted and expunge these UIDs only (RFC 4315); never EXPUNGE, which takes other people's flags along."""
        if not self.can("UIDPLUS"):
            raise Refusal('the server has no UIDPLUS, so mails cannot be deleted safely; use after = "seen"')
        with _said("deleting mails"):
            for some in _chunks(uids):
                self._client.add_flags(some, [imapclient.DELETED], silent=True)
                self._client.uid_expunge(some)

    def move(self, uids: Iterable[int], target: str) -> None:
        """MOVE (RFC 6851), or COPY and a UID EXPUNGE. A missing target is created.

        A crash between COPY and UID EXPUNGE leaves a second copy in the target; MOVE does not.
        """
        if not (self.can("MOVE") or self.can("UIDPLUS")):
            raise Refusal(
                'the server has neither MOVE nor UIDPLUS, so mails cannot be moved safely; use after = "seen"'
            )
        for some in _chunks(uids):
            try:
                self._move(some, target)
            except Refusal as refusal:
                if "TRYCREATE" not in str(refusal):
                    raise
                with _said(f"creating folder {target}"):
                    self._client.create_folder(target)
                self._move(some, target)

    def _move(self, uids: list[int], target: str) -> None:
        with _said(f"moving mails to {target}"):
            if self.can("MOVE"):
                self._client.move(uids, target)
            else:
                self._client.copy(uids, target)
                self._client.add_flags(uids, [imapclient.DELETED], silent=True)
                self._client.uid_expunge(uids)

    def idle(self, seconds: float) -> bool:
        """Wait in IDLE for at most `seconds` (renewed before the server tires). True: new mail. IdleLost, Lost.

        idle_check hides a closed connection: it answers [] at once, for ever. So [] before its time means dead.
        """
        deadline = time.monotonic() + seconds
        try:
            with _said("idle"):
                while (left := deadline - time.monotonic()) > 0:
                    if self._idle_once(min(left, _RENEW_SECONDS)):
                        return True
        except IdleLost:
            raise
        except (Lost, Refusal) as error:
            raise IdleLost(str(error)) from error  # whatever it was, IDLE is not properly ended
        return False

    def _idle_once(self, seconds: float) -> bool:
        try:
            self._client.idle()
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            # A refusal, or an untagged line before the "+": either way the dialogue is out of step now.
            raise IdleLost(f"the server did not enter IDLE ({_text(error)})") from error
        news = self._read_ahead()
        deadline = time.monotonic() + seconds
        while not news and (left := deadline - time.monotonic()) > 0:
            responses = self._client.idle_check(timeout=left)
            if not responses and time.monotonic() < deadline - min(0.5, left / 2):
                raise IdleLost("the server closed the connection during IDLE")
            if any(response[:1] == (b"BYE",) for response in responses):
                raise IdleLost("the server said BYE during IDLE")
            news = _new_mail(responses)
        _, responses = self._client.idle_done()
        return news or _new_mail(responses)

    def _read_ahead(self) -> bool:
        """The lines that imaplib has read together with the "+": poll() would never tell of them. True: new mail."""
        news = False
        while self._buffered():
            line = self._client._imap.readline().upper()  # noqa: SLF001 - imapclient offers no other way to it
            if not line.startswith(b"* ") or line.startswith(b"* BYE"):
                raise IdleLost("the server ended IDLE")
            news = news or line.split()[2:3] == [b"EXISTS"]
        return news

    def _buffered(self) -> bool:
        imap = self._client._imap  # noqa: SLF001 - as above
        pending = getattr(imap, "_readbuf", None)  # Python 3.14 has a list of its own, earlier ones a BufferedReader
        if pending is not None:
            return bool(b"".join(pending))
        sock = self._client.socket()
        before = sock.gettimeout()
        sock.setblocking(False)
        try:
            return bool(imap.file.peek(1))
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        finally:
            sock.settimeout(before)


def _new_mail(responses: Iterable[Any]) -> bool:
    return any(isinstance(response, tuple) and b"EXISTS" in response[1:2] for response in responses)


def _chunks(uids: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(uids)
    for start in range(0, len(ordered), _UIDS_PER_COMMAND):
        yield ordered[start : start + _UIDS_PER_COMMAND]


def _tls(mailbox: Mailbox) -> ssl.SSLContext | None:
    if mailbox.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=str(mailbox.ca_file) if mailbox.ca_file else None)
    except OSError as error:
        raise Lost(f"ca_file {mailbox.ca_file} cannot be used: {error.strerror or _text(error)}") from error


def _log_in(client: Any, mailbox: Mailbox, secret: Secret) -> None:
    with _said("capability"):
        can = frozenset(bytes(name).upper() for name in client.capabilities())
    mechanism: Mechanism | None = None
    if secret.token:
        if b"AUTH=OAUTHBEARER" in can and b"AUTH=XOAUTH2" not in can:
            mechanism = OauthBearer(mailbox.user, secret.value, mailbox.host, mailbox.port)
        else:
            mechanism = Xoauth2(mailbox.user, secret.value)
    elif b"AUTH=PLAIN" in can:
        mechanism = Plain(mailbox.user, secret.value)
    elif b"LOGINDISABLED" in can:
        raise LoginFailed("the server takes no password on this connection; use security = tls or starttls")
    elif not (mailbox.user.isascii() and secret.value.isascii()):
        raise LoginFailed("the server has no AUTH=PLAIN, and its LOGIN takes no user or password beyond ASCII")
    try:
        if mechanism is not None:
            client.sasl_login(mechanism.name, mechanism)
        else:
            # imaplib quotes the password, not the user.
            quoted = mailbox.user.replace("\\", "\\\\").replace('"', '\\"')
            client.login(f'"{quoted}"', secret.value)
    except (LoginError, CapabilityError) as error:
        if isinstance(error.__context__, imaplib.IMAP4.abort):
            raise Lost(f"login: the connection was lost ({secret.scrub(_text(error))})") from None
        said = mechanism.refusal() if mechanism is not None else ""
        raise LoginFailed(
            f"the server refused the login of {mailbox.user}: {secret.scrub(_text(error))}"
            + (f" ({said})" if said else "")
        ) from None
    except (OSError, imaplib.IMAP4.error, ValueError) as error:
        raise Lost(f"login: {secret.scrub(_text(error))}") from None


def _shut(client: Any) -> None:
    with suppress(Exception):
        client.shutdown()
