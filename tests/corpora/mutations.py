"""Every file of every corpus, and twenty damaged copies of each, is accepted and read: no exception, no lost byte, no long wait."""

from __future__ import annotations

import random
import time
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.corpora import MAILS
from tests.corpora.structure import read

COPIES = 20
SLOW = 5.0  # seconds of CPU: said, not failed
_SHOWN = 20


def bits(raw: bytes, rng: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(max(1, min(200, len(out) // 50))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut(raw: bytes, rng: random.Random) -> bytes:
    return raw[: rng.randrange(len(raw))]


def nuls(raw: bytes, rng: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(20):
        at = rng.randrange(len(out))
        out[at:at] = b"\0" * rng.randrange(1, 5)
    return bytes(out)


def bare_cr(raw: bytes, rng: random.Random) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", rng.choice([b"\r", b"\r\r\n", b"\n\r"]))


def header_storm(raw: bytes, rng: random.Random) -> bytes:
    name = rng.choice([b"X-Storm", b"To", b"References", b"Content-Type", b"Subject", b"Received"])
    return b"".join(b"%b: value %d; a=b <x%d@example.org>\r\n" % (name, n, n) for n in range(5000)) + raw


def deep(raw: bytes, rng: random.Random) -> bytes:
    levels = 1000
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=d%d\r\n\r\n--d%d\r\n" % (n, n) for n in range(levels))
    closing = b"".join(b"\r\n--d%d--" % n for n in reversed(range(levels))) if rng.random() < 0.5 else b""
    return b"Subject: deep\r\n" + opening + raw + closing


def shuffled(raw: bytes, rng: random.Random) -> bytes:
    lines = raw.split(b"\n")
    for _ in range(10):
        a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(bits, cut, nuls, bare_cr, header_storm, deep, shuffled, bits, cut, bits),
)


def main() -> None:
    right = total = 0
    wrong: list[str] = []
    slow: list[str] = []
    for path in sorted(one for one in MAILS.rglob("*") if one.is_file()):
        raw = path.read_bytes()
        for number in range(COPIES + 1):
            damage, damaged = _damaged(path, raw, number)
            total += 1
            started = time.process_time()
            try:
                mail = read(damaged)
                problem = "" if mail.size == len(damaged) else "its size is another"
            except Exception:
                problem = traceback.format_exc(limit=-3).strip().replace("\n", " | ")
            took = time.process_time() - started
            right += not problem
            if problem:
                wrong.append(f"{path.relative_to(MAILS)} ({damage} {number}): {problem}")
            if took > SLOW:
                slow.append(f"{path.relative_to(MAILS)} ({damage} {number}): {took:.1f} s for {len(damaged)} bytes")
    print(f"{'accepted and read':32} {right:5}/{total:<5} {100 * right / max(1, total):6.1f} %  (at least 100 %)")
    for line in wrong:
        print(f"    not as expected: {line}")
    for line in slow[:_SHOWN]:
        print(f"    slow: {line}")


def _damaged(path: Path, raw: bytes, number: int) -> tuple[str, bytes]:
    """Copy 0 is the file itself. The same copies on every machine."""
    if not number or not raw:
        return "as it is", raw
    rng = random.Random(zlib.crc32(f"{path.relative_to(MAILS)} {number}".encode()))
    damage = DAMAGE[number % len(DAMAGE)]
    return damage.__name__, damage(raw, rng)


if __name__ == "__main__":
    main()
