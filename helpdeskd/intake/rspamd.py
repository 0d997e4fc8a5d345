"""rspamd over HTTP: is a mail spam (a worker's /checkv2), and learn this one (the controller's /learnspam, /learnham)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import Any, cast

import msgspec

from helpdeskd.config import SpamSettings
from helpdeskd.errors import Refused
from helpdeskd.intake.exchange import exchange
from helpdeskd.mail.spamsigns import plain
from helpdeskd.model.spam import By, Sign, Spam

MAX_RECIPIENTS = 100
CHUNK = 1 << 16
LEARN_SECONDS = 30.0

# What rspamd would have an MTA do. Its `soft reject` is about rates and greylisting, and any other is of its operator's own making:
# evidence, which changes nothing.
_SAYS = {
    "no action": Spam.HAM,
    "greylist": Spam.SUSPECT,
    "add header": Spam.SPAM,
    "rewrite subject": Spam.SPAM,
    "quarantine": Spam.SPAM,
    "reject": Spam.SPAM,
}


@dataclass(frozen=True, slots=True)
class About:
    """What is known beside the mail; empty where it is not."""

    spool_id: str
    client: str  # from outside
    helo: str
    sender: str | None  # envelope; "" is the null path
    recipients: tuple[str, ...]


class _Answer(msgspec.Struct):
    action: str
    score: float = 0.0
    required_score: float = 0.0


class _Learnt(msgspec.Struct):
    success: bool = False
    error: str = ""


def check(url: str, raw: bytes, about: About, until: float) -> Sign:
    """Raises OSError."""
    headers = [("Queue-Id", about.spool_id)]
    if about.sender is not None:
        headers.append(("From", f"<{about.sender}>"))
    headers += [("Rcpt", recipient) for recipient in about.recipients[:MAX_RECIPIENTS]]
    if about.client:
        headers += [("IP", about.client), ("Helo", about.helo)]
    status, said = _asked(url, "POST", "/checkv2", headers, raw, until)
    if status != 200:
        raise OSError(f"HTTP {status}: {plain(said.decode('utf-8', 'replace'))}")
    try:
        answer = msgspec.json.decode(said, type=_Answer)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise OSError(f"no answer of rspamd's: {plain(str(error))}") from error
    words = f"{plain(answer.action)}, {_points(answer.score)} of {_points(answer.required_score)}"
    return Sign(By.RSPAMD, _SAYS.get(answer.action, Spam.SUSPECT), words)


def _points(score: float) -> str:
    return f"{score:.1f}" if abs(score) < 1e6 else f"{score:.1e}"


def ping(url: str, until: float) -> None:
    """Raises OSError where it does not answer."""
    _asked(url, "GET", "/ping", [], b"", until)


def learn(settings: SpamSettings, raw: bytes, *, spam: bool) -> bool:
    """False: it knew that already. Raises Refused, OSError."""
    if not settings.rspamd_controller:
        raise Refused(
            "no-controller",
            "there is nobody to train: set spam.rspamd_controller to the address of rspamd's controller",
        )
    headers = []
    if settings.rspamd_password_file is not None:
        headers.append(("Password", settings.rspamd_password_file.read_text("utf-8").strip()))
    path = "/learnspam" if spam else "/learnham"
    until = monotonic() + LEARN_SECONDS
    try:
        status, said = _asked(settings.rspamd_controller, "POST", path, headers, raw, until)
        learnt = msgspec.json.decode(said, type=_Learnt)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refused(
            "not-learnt", f"what answers at {settings.rspamd_controller} is no controller of rspamd's"
        ) from error
    except OSError as error:
        raise Refused(
            "not-learnt", f"rspamd's controller at {settings.rspamd_controller}: {error.strerror or error}"
        ) from error
    if status == 200 and learnt.success:
        return True
    if "already learned" in learnt.error:
        return False
    raise Refused("not-learnt", f"rspamd does not learn it: {plain(learnt.error) or f'HTTP {status}'}")


def _asked(
    url: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes, until: float
) -> tuple[int, bytes]:
    """(status, body) of the answer. Raises OSError."""
    place = url.removeprefix("http://").removesuffix("/")
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {place}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {_value(value)}" for name, value in headers),
    ]
    head = "\r\n".join((*lines, "", "")).encode("utf-8")

    def pieces() -> Iterator[bytes]:
        yield head
        for start in range(0, len(body), CHUNK):
            yield body[start : start + CHUNK]

    said = exchange(place, pieces(), until)
    try:
        # HTTPResponse asks a socket for nothing but this file.
        answer = HTTPResponse(cast("Any", _Said(said)))
        answer.begin()
        return answer.status, answer.read()
    except (HTTPException, ValueError, OverflowError) as error:  # a length may be any number
        raise OSError(f"no answer over HTTP: {type(error).__name__}") from error


class _Said:
    def __init__(self, said: bytes) -> None:
        self._said = said

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._said)


def _value(text: str) -> str:
    """A client chooses its name and its sender: they must not become headers of ours."""
    return "".join(c if c.isprintable() else "?" for c in text)
