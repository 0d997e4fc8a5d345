"""The parser's process: reads mails from standard input, writes what they say to standard output, ends with its parent.

Started by helpdeskd.parser.worker; not by people.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import BinaryIO

from helpdeskd.mail import parse
from helpdeskd.parser import wire

OOM_SCORE = 500  # of 1000, proc(5)
GRACE = 10  # seconds after the parent would have killed us: then there is no parent


def main() -> None:
    """Until standard input ends."""
    # Who stops the daemon stops it, not the mail in hand: systemd and Ctrl-C signal all of its processes.
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    faulthandler.enable()  # where a library crashes, standard error says where
    with os.fdopen(os.dup(0), "rb") as asked, os.fdopen(os.dup(1), "wb") as told:
        os.dup2(2, 1)  # what a library prints must not stand between frames
        first = _next(asked)
        if first is None:
            return
        hello = wire.read(first, wire.Hello)
        _confine(hello.limits.parse_memory_mb)
        _say(told, wire.frame(wire.Answer()))
        while (body := _next(asked)) is not None:
            signal.alarm(hello.limits.parse_seconds + GRACE)
            answer = _answer(hello, body)
            signal.alarm(0)
            _say(told, answer)


def _confine(memory_mb: int) -> None:
    """Little is needed: some memory, and to write to the descriptors that are open already."""
    with contextlib.suppress(
        OSError, ValueError
    ):  # where the whole system has no memory left, this process goes before the daemon
        score = Path("/proc/self/oom_score_adj")
        score.write_text(str(max(OOM_SCORE, int(score.read_text("ascii")))), "ascii")
    for what, most in (
        (resource.RLIMIT_AS, memory_mb << 20),
        (resource.RLIMIT_CORE, 0),  # it would hold people's mail
        (resource.RLIMIT_FSIZE, 1 << 20),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)  # noqa: PLW2901 - nobody may ask for more
        resource.setrlimit(what, (most, most))


def _answer(hello: wire.Hello, body: bytes) -> bytes:
    """The frame of an answer. Whatever the mail's trouble is, it is one."""
    try:
        mail = wire.read(body, wire.Mail)
        inbound = parse.parse(
            mail.raw,
            sender=mail.sender,
            instance=hello.instance,
            own_addresses=lambda _: False,  # the daemon knows them, and says so afterwards
            marker=hello.marker,
            limits=hello.limits,
            keys=hello.keys,
        )
        return wire.frame(wire.Answer(wire.lean(inbound)))
    except MemoryError:
        return wire.frame(wire.Answer(fault=wire.NO_MEMORY))
    except Exception as error:
        trace = traceback.format_exc().encode("utf-8", "backslashreplace").decode()
        return wire.frame(wire.Answer(fault=type(error).__name__, trace=trace))


def _next(asked: BinaryIO) -> bytes | None:
    """The next frame's body; None at the end."""
    length = asked.read(wire.LENGTH)
    if len(length) < wire.LENGTH:
        return None
    size = int.from_bytes(length, "big")
    body = asked.read(size)
    return body if len(body) == size else None


def _say(told: BinaryIO, frame: bytes) -> None:
    told.write(frame)
    told.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the parent is gone
        sys.exit(0)
