"""A scripted object store on loopback that speaks what we use of S3: PUT, GET, DELETE of an object, ListObjectsV2, signatures.

with S3() as s3:
    blobs = s3.blobs()                       # as configured by `s3.settings`
    s3.say = "503 SlowDown"                  # until it is taken back: the answer to everything
    s3.say = SILENCE                         # takes the request and never answers
    s3.before("DELETE", act)                 # once, before the next request of that method is carried out
    s3.age(sha256, when)                     # as if its last put had been then

Signatures are checked as the Signature Version 4 says, so that a wrong secret is denied and a wrong region too.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from helpdeskd.config import BlobSettings
from helpdeskd.model.clock import Clock, now
from helpdeskd.store.bucket import BucketBlobs

SILENCE = "silence"
DROP = "drop"  # half an answer, then the end of the connection
KEY, SECRET, REGION, BUCKET = "AKTEST", "s3-secret-4711", "eu-test-1", "desk"


class S3:
    """`objects` is key -> (bytes, LastModified); `requests` is each one's method and path in order."""

    def __init__(self, folder: Path) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.requests: list[str] = []
        self.say = ""
        self.page = 1000
        self.gate = threading.RLock()
        self._hooks: dict[str, Callable[[], object]] = {}
        self._released = threading.Event()
        secret = folder / "s3-secret"
        secret.write_text(f"{SECRET}\n")
        handler = type("Handler", (_Handler,), {"s3": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="s3", daemon=True)
        self.settings = BlobSettings(
            url=f"s3://{BUCKET}/help/desk",
            endpoint=f"http://127.0.0.1:{self._server.server_port}",
            region=REGION,
            access_key_id=KEY,
            secret_file=secret,
        )

    @property
    def toml(self) -> str:
        """The section for a config file."""
        given = self.settings
        return (
            f'[blobs]\nurl = "{given.url}"\nendpoint = "{given.endpoint}"\nregion = "{REGION}"\n'
            f'access_key_id = "{KEY}"\nsecret_file = "{given.secret_file}"\n'
        )

    def blobs(self, clock: Clock = now, **more: Any) -> BucketBlobs:
        return BucketBlobs(self.settings, clock, **more)

    def before(self, method: str, act: Callable[[], object]) -> None:
        self._hooks[method] = act

    def keys(self) -> list[str]:
        """Without the prefix."""
        return [key.removeprefix("help/desk/") for key in sorted(self.objects)]

    def age(self, sha256: str, when: datetime) -> None:
        with self.gate:
            key = max((key for key in self.objects if f"/{sha256}/" in key), default=None)
            if key is not None:
                data, _ = self.objects.pop(key)
                self.objects[f"help/desk/{sha256[:2]}/{sha256}/{when.astimezone(UTC):%Y%m%dT%H}"] = (data, when)

    def spoil(self, sha256: str) -> None:
        for key, (_, when) in self.objects.items():
            if f"/{sha256}/" in key:
                self.objects[key] = (b"wrong", when)

    def hook(self, method: str) -> None:
        if act := self._hooks.pop(method, None):
            act()

    def wait(self) -> None:
        self._released.wait(60)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)


class _Handler(BaseHTTPRequestHandler):
    s3: S3
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        self._serve()

    do_GET = do_DELETE = do_PUT  # noqa: N815  # the names of http.server

    def _serve(self) -> None:
        s3, url = self.s3, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        s3.requests.append(f"{self.command} {url.path}")
        s3.hook(self.command)
        if s3.say == SILENCE:
            s3.wait()
            self.close_connection = True
        elif s3.say == DROP:
            self._answer(200, b"half", length=1000)
            self.close_connection = True
        elif s3.say:
            code, _, name = s3.say.partition(" ")
            self._refuse(int(code), name, "as scripted")
        elif why := self._wrong_signature(url.path, url.query, body):
            self._refuse(403, *why)
        else:
            self._act(url.path, dict(parse_qsl(url.query, keep_blank_values=True)), body)

    def _act(self, path: str, query: dict[str, str], body: bytes) -> None:
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        objects = self.s3.objects
        if bucket != BUCKET:
            self._refuse(404, "NoSuchBucket", "The specified bucket does not exist")
            return
        with self.s3.gate:
            if self.command == "PUT":
                objects[key] = (body, datetime.now(UTC))
                self._answer(200, etag=hashlib.md5(body).hexdigest())
            elif self.command == "DELETE":
                objects.pop(key, None)
                self._answer(204)
            elif query.get("list-type") == "2":
                self._answer(200, self._listing(query.get("prefix", ""), query.get("continuation-token", "")))
            elif key in objects:
                data, when = objects[key]
                self._answer(200, data, etag=hashlib.md5(data).hexdigest(), when=when)
            else:
                self._refuse(404, "NoSuchKey", "The specified key does not exist.")

    def _listing(self, prefix: str, after: str) -> bytes:
        found = [key for key in sorted(self.s3.objects) if key.startswith(prefix) and key > after]
        page, more = found[: self.s3.page], len(found) > self.s3.page
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.s3.objects[key][0])}</Size><ETag>x</ETag>"
            f"<LastModified>{self.s3.objects[key][1].astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
        ).encode()

    def _answer(
        self, code: int, body: bytes = b"", *, etag: str = "", when: datetime | None = None, length: int | None = None
    ) -> None:
        self.send_response(code)
        if etag:
            self.send_header("ETag", f'"{etag}"')
        if when:
            self.send_header("Last-Modified", when.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"))
        if code != 204:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, code: int, name: str, text: str) -> None:
        self._answer(
            code,
            f"<Error><Code>{name}</Code><Message>{text}</Message><AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>".encode(),
        )

    def _wrong_signature(self, path: str, query: str, body: bytes) -> tuple[str, str] | None:
        """AWS Signature Version 4, the header form."""
        given = self.headers.get("Authorization", "")
        words = dict(word.strip(" ,").split("=", 1) for word in given.split()[1:])
        key, day, region, *_ = words["Credential"].split("/")
        if key != KEY:
            return "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
        if region != REGION:
            return "AuthorizationHeaderMalformed", f"the region is wrong; expecting '{REGION}'"
        if self.headers["x-amz-content-sha256"] not in {hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"}:
            return (
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        pairs = sorted(
            (quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(query, keep_blank_values=True)
        )
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in words["SignedHeaders"].split(";"))
        request = "\n".join(
            (
                self.command,
                path,
                "&".join(f"{k}={v}" for k, v in pairs),
                headers,
                words["SignedHeaders"],
                self.headers["x-amz-content-sha256"],
            )
        )
        text = "\n".join(
            (
                "AWS4-HMAC-SHA256",
                self.headers["x-amz-date"],
                f"{day}/{region}/s3/aws4_request",
                hashlib.sha256(request.encode()).hexdigest(),
            )
        )
        sign = f"AWS4{SECRET}".encode()
        for part in (day, region, "s3", "aws4_request", text):
            sign = hmac.digest(sign, part.encode(), "sha256")
        if sign.hex() != words["Signature"]:
            return (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            )
        return None
