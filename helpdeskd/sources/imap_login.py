"""How a mailbox is logged in to: where the secret comes from, and what SASL wants of it. The secret is never in an error."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from helpdeskd.config import Mailbox
from helpdeskd.errors import Temporary

_COMMAND_SECONDS = 60


class LoginFailed(Temporary):
    """The server, or the place where the secret is kept, refused. Tried again, but slowly: accounts get locked."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A password, or an OAuth2 access token."""

    value: str = field(repr=False)
    token: bool

    def scrub(self, text: str) -> str:
        """The text without the secret, should a server have echoed it."""
        return text.replace(self.value, "***") if self.value else text


def read_secret(mailbox: Mailbox) -> Secret:
    """The secret as it is now: files and commands are read at each login, since tokens expire within the hour."""
    if mailbox.oauth2_command:
        return Secret(_token(_run(mailbox.oauth2_command, mailbox.timeout_seconds), "oauth2_command"), token=True)
    if mailbox.oauth2_token_file is not None:
        return Secret(_token(_read(mailbox.oauth2_token_file, "oauth2_token_file"), "oauth2_token_file"), token=True)
    if mailbox.password_file is not None:
        password = _read(mailbox.password_file, "password_file").rstrip("\r\n")
    else:
        password = mailbox.password
    if not password:
        raise LoginFailed("there is no password: set password, password_file, oauth2_token_file or oauth2_command")
    if any(ord(char) < 32 for char in password):
        raise LoginFailed("the password holds control characters; expected one line")
    return Secret(password, token=False)


def _read(path: Path, key: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LoginFailed(f"{key} {path} cannot be read: {why}") from None


def _run(command: tuple[str, ...], seconds: int) -> str:
    # Neither output nor errors of the command go into a message: both may hold the token.
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, a list, no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=min(seconds, _COMMAND_SECONDS),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LoginFailed(f"oauth2_command {command[0]} gave no token in {min(seconds, _COMMAND_SECONDS)} s") from None
    except OSError as error:
        raise LoginFailed(f"oauth2_command {command[0]} cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise LoginFailed(f"oauth2_command {command[0]} ended with exit code {done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def _token(text: str, key: str) -> str:
    words = text.split()
    # RFC 6750 section 2.1: a bearer token is one word of printable ASCII.
    if len(words) != 1 or not (words[0].isascii() and words[0].isprintable()):
        raise LoginFailed(f"{key} gave no single access token")
    return words[0]


class Mechanism(Protocol):
    """A SASL mechanism's client side, as imaplib calls it: challenge in, response out."""

    name: str

    def __call__(self, challenge: bytes) -> bytes: ...

    def refusal(self) -> str:
        """What the server's error challenge said, or nothing."""


class Plain:
    """RFC 4616. Preferred to LOGIN, which cannot carry a password beyond ASCII."""

    name = "PLAIN"

    def __init__(self, user: str, password: str) -> None:
        self._answer = b"\0".join((b"", user.encode(), password.encode()))

    def __call__(self, challenge: bytes) -> bytes:
        del challenge
        return self._answer

    def refusal(self) -> str:
        return ""


class _Bearer:
    """The token first; then, if the server objects with a JSON challenge, `_last`, so that it can say NO."""

    name = ""
    _last = b""

    def __init__(self, first: bytes) -> None:
        self._first = first
        self._started = False
        self._challenge = b""

    def __call__(self, challenge: bytes) -> bytes:
        if not self._started:
            self._started = True
            return self._first
        self._challenge = challenge
        return self._last

    def refusal(self) -> str:
        try:
            said = json.loads(self._challenge)
        except ValueError:
            return ""
        return f"status {said['status']}" if isinstance(said, dict) and "status" in said else ""


class Xoauth2(_Bearer):
    """Google's and Microsoft's mechanism: an error challenge is answered by an empty line."""

    name = "XOAUTH2"

    def __init__(self, user: str, token: str) -> None:
        super().__init__(f"user={user}\x01auth=Bearer {token}\x01\x01".encode())


class OauthBearer(_Bearer):
    """RFC 7628; an error challenge is answered by one control-A (section 3.2.3)."""

    name = "OAUTHBEARER"
    _last = b"\x01"

    def __init__(self, user: str, token: str, host: str, port: int) -> None:
        # RFC 5801 section 4: "," and "=" are escaped in the authorization identity.
        name = user.replace("=", "=3D").replace(",", "=2C")
        super().__init__(f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01".encode())
