"""A large mail takes memory in bounds: under four times its size in all, the mail itself counted, whatever it consists of."""

from __future__ import annotations

import base64
import random
import subprocess
import sys

import pytest

SIZE = 25 << 20
MOST = 4
HEAD = (
    b"From: ann@example.org\r\nTo: support@example.com\r\nSubject: large\r\nMessage-ID: <large@example.org>\r\n"
    b"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
)
LINE = b"The quick brown fox jumps over the lazy dog, and runs.\r\n"
_NOISE = random.Random(1).randbytes(1 << 20)


def _full(unit: bytes) -> bytes:
    return unit * (SIZE // len(unit))


def _file(headers: bytes, body: bytes) -> bytes:
    return b"".join(
        [
            HEAD,
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n--b\r\nContent-Disposition: attachment; filename=a.bin\r\n",
            headers,
            b"\r\n\r\n",
            body,
            b"\r\n--b--\r\n",
        ]
    )


SHAPES = {
    "a file in base64": lambda: _file(
        b"Content-Transfer-Encoding: base64",
        base64.encodebytes(_NOISE).replace(b"\n", b"\r\n") * 18,
    ),
    "a file of eight bits": lambda: _file(b"Content-Type: application/octet-stream", _full(_NOISE)),
    "an attached mail": lambda: _file(b"Content-Type: message/rfc822", HEAD + b"\r\n" + _full(LINE)),
    "a uuencoded file": lambda: HEAD + b"\r\nbegin 644 a.bin\r\n" + _full(b"M" + b"A" * 60 + b"\r\n") + b"`\r\nend\r\n",
    "text": lambda: HEAD + b"\r\n" + _full(LINE),
    "text of a Latin charset": lambda: (
        HEAD + b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" + _full("Grüße über älles\r\n".encode("latin-1"))
    ),
    "HTML": lambda: HEAD + b"Content-Type: text/html\r\n\r\n" + _full(b"<p>hello <b>world</b></p>\r\n"),
    "CR alone": lambda: (HEAD + b"\r\n" + _full(LINE)).replace(b"\r\n", b"\r"),
    "CR CR LF": lambda: (HEAD + b"\r\n" + _full(LINE)).replace(b"\r\n", b"\r\r\n"),
    "empty lines": lambda: HEAD + b"\r\n" + _full(b"\n"),
    "one header": lambda: b"Subject: " + _full(b"word ") + b"\r\n" + HEAD + b"\r\nhello\r\n",
    "many headers": lambda: _full(b"X-Header: value\r\n") + HEAD + b"\r\nhello\r\n",
    "many parts": lambda: HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + _full(b"--b\r\n\r\nx\r\n"),
}


_READ = """
import sys
from pathlib import Path
from helpdeskd.config import Intake
from helpdeskd.mail.parse import parse

def peak():  # of this program alone: what getrusage says began with the parent's
    (said,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(said.split()[1])

def read(raw):
    return parse(raw, sender=None, instance="desk", own_addresses=lambda _: False, marker="## above ##", limits=Intake())

read(b"Subject: a small one, so that everything is loaded\\r\\n\\r\\nhello\\r\\n")
before = peak()
raw = sys.stdin.buffer.read(int(sys.argv[1]))
assert read(raw).size == len(raw)
print(peak() - before)
"""


@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_mail_takes_less_than_four_times_its_size(shape: str) -> None:
    raw = SHAPES[shape]()
    read = subprocess.run([sys.executable, "-c", _READ, str(len(raw))], input=raw, capture_output=True, check=True)
    taken = int(read.stdout) << 10
    assert len(raw) < taken < MOST * len(raw)
