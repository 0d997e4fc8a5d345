"""Blobs in an object store (S3, and what speaks its protocol), for several nodes. The one module that knows obstore.

A blob is an object PREFIX/3f/SHA256/HOUR; the hour (UTC) is that of its put: `3f/3fa9.../20261125T16`. An object store takes a whole
object or none, and has it for good when it says so; each of its answers is that of the newest state (S3: strong consistency).

**Why the hour: a deletion must not meet a put.** A sweep sees that a blob is old and that no row names it; then a mail brings
the same bytes again; then the deletion arrives, and COMMIT names what is gone. A file is renamed first and looked at once more.
An object cannot be renamed, nor deleted on the condition that nobody has rewritten it: its ETag is that of the same bytes, its
LastModified is no condition of S3, and a deletion that was sent twice may arrive when everything has been looked at. So what is
deleted and what is put never have the same key. A put writes to the key of this hour, whatever is there already: that is its
touch. A sweep deletes only keys whose hour is over since a day, whose LastModified is a day old as well (the server's clock
beside ours: a node whose clock is wrong is safe too), and which are not needed: no row names the blob, or it has a newer key.
A put would have to be under way for a day to be met, and it gives up after a minute or two. Two sweeps at once delete the same.

A reader asks for the keys and takes the newest; when that is deleted before it is read, there is a newer one, and it asks again.
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import BinaryIO

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from helpdeskd.config import BlobSettings
from helpdeskd.errors import ConfigError, NotFound, StoreDown
from helpdeskd.model.clock import Clock
from helpdeskd.store.blobs import KEPT_FOR, digest

CONNECT = timedelta(seconds=5)
REQUEST = timedelta(seconds=60)  # a mail of 50 MB needs 7 Mbit/s
CHECK = timedelta(seconds=15)  # at start: systemd, and the peers at the door, wait for us
RETRIES = 2  # of a refused connection or a 5xx, within half of REQUEST: then the caller waits, which has more patience
PAUSE = 2.0  # seconds after a failure in which nobody else waits for the same time-out
READS = 5

_NAME = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})/(\d{8}T\d{2})")
_HOUR = "%Y%m%dT%H"
_ERRORS = (BaseError, OSError, ValueError)  # what obstore raises: its own, FileNotFoundError, ValueError


@dataclass(frozen=True, slots=True)
class _Copy:
    """One object of a blob."""

    sha256: str
    hour: str
    modified: datetime  # by the server's clock

    @property
    def key(self) -> str:
        return f"{_stem(self.sha256)}/{self.hour}"

    def untouched_since(self, limit: datetime) -> bool:
        return self.hour < limit.strftime(_HOUR) and self.modified < limit


class BucketBlobs:
    """Blobs below `settings.url`. Safe for many threads, processes and nodes at once."""

    def __init__(
        self,
        settings: BlobSettings,
        clock: Clock,
        *,
        request: timedelta = REQUEST,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError when the secret cannot be read. Asks the server nothing: `check` does."""
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._request = request
        self._store = _connect(settings, request)
        self._trouble = ("", float("-inf"))  # what the last failure said, and when

    @property
    def folder(self) -> None:
        return None

    @property
    def where(self) -> str:
        return self._settings.url

    def check(self) -> None:
        store = _connect(self._settings, min(CHECK, self._request))
        key, data = f"check/{uuid.uuid4().hex}", b"helpdeskd"
        doing = "write"
        try:
            with _no_panic():
                obstore.put(store, key, data, use_multipart=False)
                doing = "list"
                list(obstore.list(store, "check"))
                doing = "read"
                read = bytes(obstore.get(store, key).bytes())
                doing = "delete"
                obstore.delete(store, key)
        except _ERRORS as error:
            said = f"cannot {doing} in {self.where}: {_words(error)}"
            if _needs_other_settings(error):
                raise ConfigError((f"blobs: {said}",)) from None
            raise StoreDown(said) from None
        if read != data:
            raise ConfigError((f"blobs: {self.where} gave back other bytes than it was given",))

    def exists(self, sha256: str) -> bool:
        return bool(self._copies(sha256))

    def get(self, sha256: str) -> bytes:
        for _ in range(READS):
            copies = self._copies(sha256)
            if not copies:
                raise NotFound("blob", sha256)
            with self._asking():
                try:
                    return bytes(obstore.get(self._store, copies[-1].key).bytes())
                except FileNotFoundError:  # swept meanwhile: either there is a newer one, or none
                    continue
        raise StoreDown(f"{self.where}: {sha256} is listed and cannot be read")

    def put(self, data: bytes, *, anew: bool = False) -> str:  # noqa: ARG002  # what is put is always written
        sha256 = hashlib.sha256(data).hexdigest()
        hour = self._clock().strftime(_HOUR)
        with self._asking():
            obstore.put(
                self._store, f"{_stem(sha256)}/{hour}", data, use_multipart=False
            )  # one request: whole or not at all
        return sha256

    def put_file(self, file: BinaryIO) -> str:
        sha256, _ = digest(file)
        hour = self._clock().strftime(_HOUR)
        with self._asking():
            obstore.put(
                self._store, f"{_stem(sha256)}/{hour}", file
            )  # in parts; nobody sees it before the last has come
        return sha256

    def names(self, shelf: str = "") -> Iterator[str]:
        for sha256, _ in groupby(self._all(shelf), lambda copy: copy.sha256):
            yield sha256

    def sweep(self, referenced: Callable[[str], bool], now: datetime, older_than: timedelta = KEPT_FOR) -> int:
        limit = now - older_than
        swept = 0
        for sha256, group in groupby(self._all(), lambda copy: copy.sha256):
            copies = sorted(group, key=lambda copy: copy.hour)
            old = [copy for copy in copies if copy.untouched_since(limit)]
            if old and old[-1] is copies[-1] and referenced(sha256):
                old.pop()
            for copy in old:
                with self._asking():
                    obstore.delete(self._store, copy.key)
            swept += len(old) == len(copies)
        return swept

    def _copies(self, sha256: str) -> list[_Copy]:
        """Of this blob, the newest last."""
        if not _NAME.fullmatch(sha256):
            raise NotFound("blob", sha256)
        return sorted(self._all(_stem(sha256)), key=lambda copy: copy.hour)

    def _all(self, below: str = "") -> Iterator[_Copy]:
        """Every copy, those of one blob together (S3 lists in the order of keys). What is not ours is passed over."""
        listed = iter(obstore.list(self._store, below or None, chunk_size=1000))
        while True:
            with self._asking():
                page = next(listed, None)
            if page is None:
                return
            for meta in page:
                if ours := _KEY.fullmatch(meta["path"]):
                    yield _Copy(ours[2], ours[3], meta["last_modified"])

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """One request. Where the store is down, those behind it in the line need not wait for a time-out each."""
        said, when = self._trouble
        if self._monotonic() - when < PAUSE:
            raise StoreDown(said)
        try:
            with _no_panic():
                yield
        except _ERRORS as error:
            said = f"{self.where}: {_words(error)}"
            self._trouble = (said, self._monotonic())
            raise StoreDown(said) from None  # the whole of it shows the request and the access key's id


def _stem(sha256: str) -> str:
    """What the keys of a blob begin with. The first two digits come before it, so that a 256th of all can be listed alone."""
    return f"{sha256[:2]}/{sha256}"


@contextmanager
def _no_panic() -> Iterator[None]:
    """A panic of obstore's Rust (it meets an endpoint that it cannot parse so) is a BaseException, of a type that nobody can import."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise ValueError(f"{_PANIC}: {error}") from None
        raise


def _connect(settings: BlobSettings, request: timedelta) -> S3Store:
    """What is not set comes from the environment (AWS_*), as obstore reads it, or from the machine's role."""
    bucket, _, prefix = settings.url.removeprefix("s3://").partition("/")
    given = {"endpoint": settings.endpoint.rstrip("/"), "region": settings.region}
    if settings.secret_file:
        try:
            secret = settings.secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise ConfigError(
                (f"blobs.secret_file: {settings.secret_file} cannot be read: {_reason(error)}",)
            ) from None
        given |= {"access_key_id": settings.access_key_id, "secret_access_key": secret}
    try:
        return S3Store(
            bucket,
            prefix=prefix.strip("/") or None,
            config={key: value for key, value in given.items() if value},  # type: ignore[arg-type]  # keys from the table above
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "connect_timeout": CONNECT,
                "timeout": request,
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": request / 2},
            disable_bulk_delete=True,  # not every server has it
        )
    except _ERRORS as error:
        raise ConfigError((f"blobs: {_words(error)} (among the settings, or AWS_* in the environment)",)) from None


def _reason(error: OSError | UnicodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "expected UTF-8 text"


_PANIC = "obstore panicked"
_METADATA = "169.254.169.254"  # asked for the machine's role when no key is given


def _words(error: Exception) -> str:
    """What the server said, or what kept us from asking it, in one line. obstore shows far more."""
    text = str(error)
    if _METADATA in text:
        return (
            "there is no access key: none is set (blobs.access_key_id, AWS_ACCESS_KEY_ID), and this machine has no role"
        )
    if code := re.search(r"<Code>(.*?)</Code>", text):
        said = re.search(r"<Message>(.*?)</Message>", text, re.DOTALL)
        words = f"{code[1]}: {said[1]}" if said else code[1]
    elif status := re.search(r"status code: (\d{3}[^:\n]*)", text):
        words = status[1]
    elif "kind: Timeout" in text:
        words = "no answer in time"
    else:
        causes = re.findall(r'ConnectError\(\s*"([^"]+)"|message: "([^"]+)"', text)
        words = ", ".join(a or b for a, b in causes) or text.partition("\n")[0]
    return " ".join(words.split())[:300]


def _needs_other_settings(error: Exception) -> bool:
    """Denied, no such bucket, another region: 4xx but for "too slow" and "too many" (RFC 9110 section 15.5.9, RFC 6585 section 4)."""
    text = str(error)
    if _METADATA in text or _PANIC in text or "incorrectly configured region" in text:
        return True
    status = re.search(r"status code: (4\d\d)", text)
    return status is not None and status[1] not in {"408", "429"}
