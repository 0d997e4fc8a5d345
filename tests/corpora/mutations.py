"""Every file of every corpus, and twenty damaged copies of each, is read: no exception, no lost byte, no long wait. Each file and one of
its copies also goes by the whole way: from the spool through a real intake into a store, with its bytes."""

from __future__ import annotations

import random
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from helpdeskd import log, spool
from helpdeskd.config import Config, Paths, Trust
from helpdeskd.daemon import build_intake
from helpdeskd.desk import departments
from helpdeskd.installation import Installation, open_installation
from helpdeskd.store import arrivals
from tests.corpora import MAILS
from tests.corpora.structure import read
from tests.desks import LIFTED

COPIES = 20
BATCH = 100
SUPPORT = "support@desk.example"
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
    for path in _files():
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
    _say("read", right, total, wrong)
    with tempfile.TemporaryDirectory() as folder, closing(_installation(Path(folder))) as here:
        _say("accepted, stored and read", *_through(here))
    for line in slow[:_SHOWN]:
        print(f"    slow: {line}")


def _say(name: str, right: int, total: int, wrong: list[str]) -> None:
    print(f"{name:32} {right:5}/{total:<5} {100 * right / max(1, total):6.1f} %  (at least 100 %)")
    for line in wrong:
        print(f"    not as expected: {line}")


def _files() -> list[Path]:
    return sorted(one for one in MAILS.rglob("*") if one.is_file())


def _installation(folder: Path) -> Installation:
    log.configure("text", "error")
    made = open_installation(Config(paths=Paths(data=folder), trust=Trust(dns=False), ceilings=LIFTED))
    made.store.writer.run(
        lambda conn: departments.add(conn, made.desk, made.clock(), name="Support", addresses=(SUPPORT,))
    )
    made.refresh()
    return made


def _through(here: Installation) -> tuple[int, int, list[str]]:
    """(how many are right, of how many, what is wrong): each mail has an outcome in the ledger, and its bytes are among the blobs."""
    right = total = 0
    wrong: list[str] = []
    intake = build_intake(here)
    try:
        left = _by_the_door()
        while batch := list(islice(left, BATCH)):
            put = {}
            for name, raw in batch:
                envelope = spool.Envelope(door="lmtp", sender="someone@sender.example", recipients=(SUPPORT,))
                put[spool.put(here.spool_root, envelope, [raw])] = (name, raw)
            intake.once()
            for spool_id, (name, raw) in put.items():
                problem = _problem(here, spool_id, raw)
                right += not problem
                if problem:
                    wrong.append(f"{name}: {problem}")
            total += len(put)
    finally:
        intake.close()
    return right, total, wrong


def _problem(here: Installation, spool_id: str, raw: bytes) -> str:
    found = here.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
    if not found:
        return "it has no outcome"
    if any(row.outcome == "parked" for row in found):
        return "parked"
    return "" if all(here.blobs.get(row.raw_sha256) == raw for row in found) else "its bytes are others"


def _by_the_door() -> Iterator[tuple[str, bytes]]:
    """Each file, and one of its copies: another damage for each file."""
    for path in _files():
        raw = path.read_bytes()
        for number in (0, 1 + zlib.crc32(path.name.encode()) % COPIES):
            damage, damaged = _damaged(path, raw, number)
            yield f"{path.relative_to(MAILS)} ({damage} {number})", damaged


def _damaged(path: Path, raw: bytes, number: int) -> tuple[str, bytes]:
    """Copy 0 is the file itself. The same copies on every machine."""
    if not number or not raw:
        return "as it is", raw
    rng = random.Random(zlib.crc32(f"{path.relative_to(MAILS)} {number}".encode()))
    damage = DAMAGE[number % len(DAMAGE)]
    return damage.__name__, damage(raw, rng)


if __name__ == "__main__":
    main()
