"""The parser's process with bugs that a mail chooses: `poison:exit` anywhere in it, and the process exits.

command: (sys.executable, tests/poison.py), in place of helpdeskd.parser.worker.COMMAND
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

COMMAND = (sys.executable, str(Path(__file__).resolve()))


def letter(subject: str, poison: str = "", **headers: str) -> bytes:
    """A mail; its body holds the poison."""
    named = {
        "From": "Grace <grace@customer.example>",
        "To": "support@desk.example",
        "Subject": subject,
        "Date": "Mon, 02 Nov 2026 10:00:00 +0000",
        "Message-ID": f"<{subject.replace(' ', '.')}@customer.example>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{head}\r\nHello.\r\n{f'poison:{poison}' if poison else ''}\r\n".encode()


def main() -> None:
    from helpdeskd.mail import parse
    from helpdeskd.parser.__main__ import main as serve

    read = parse.parse

    def hang() -> None:
        while True:
            signal.pause()

    def fail() -> None:
        raise ValueError("cannot take this\x1b[31m \ud800")

    bugs = {
        b"exit": lambda: os._exit(0),
        b"abort": os.abort,
        b"killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
        b"fail": fail,
        b"hang": hang,
        b"starve": lambda: bytearray(1 << 40),
        b"chatter": lambda: os.write(1, b"not a frame"),
    }

    def parsed(raw: bytes, **more: object) -> object:
        for name, bug in bugs.items():
            if b"poison:" + name in raw:
                bug()
        inbound = read(raw, **more)  # type: ignore[arg-type]  # handed on
        if b"poison:lie" in raw:
            return replace(inbound, parts=tuple(replace(part, sha256="0" * 64) for part in inbound.parts))
        if b"poison:learnt" in raw:
            return replace(inbound, text=inbound.text.replace("Hello", "Good day"))
        return inbound

    parse.parse = parsed  # type: ignore[assignment]  # the bugs
    serve()


if __name__ == "__main__":
    main()
