"""An IMAP server on loopback that misbehaves as told: what no real server can be asked to do.

It knows one folder, INBOX, and just the commands that helpdeskd uses. Every command line is kept in `lines`.
"""

from __future__ import annotations

import base64
import re
import socketserver
import threading
from collections.abc import Callable
from typing import Self


class Hangup(Exception):
    """Ends the connection without a word."""


class FakeImap:
    """Set the attributes, before or while it runs."""

    def __init__(self, *, capabilities: str = "IMAP4rev1 AUTH=PLAIN IDLE UIDPLUS MOVE") -> None:
        self.capabilities = capabilities
        self.mails: dict[int, bytes] = {}
        self.flags: dict[int, set[str]] = {}
        self.uidvalidity = 7
        self.uidnext = 1
        self.internaldate = "01-Jan-2026 12:00:00 +0000"  # of every mail
        self.read_only = False
        self.empty: set[int] = set()  # BODY[] ""
        self.bodiless: set[int] = set()  # no BODY[] in the answer
        self.silent: set[int] = set()  # no FETCH answer at all
        self.refused: set[int] = set()  # NO to any FETCH that names them
        self.deadly: set[int] = set()  # the connection ends in the middle of the body
        self.refused_commands: set[str] = set()  # NO
        self.on_idle: Callable[[Talk], None] | None = None  # None: waits for DONE
        self.token = ""  # what XOAUTH2 accepts
        self.login_answer = "OK LOGIN done"
        self.lines: list[str] = []
        self.connections = 0
        self.idles = 0
        self.arrived = threading.Condition()
        self._server = _Server(self)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def add(self, raw: bytes) -> int:
        """A new mail; a client in IDLE hears of it."""
        with self.arrived:
            uid = self.uidnext
            self.uidnext += 1
            self.mails[uid] = raw
            self.flags[uid] = set()
            self.arrived.notify_all()
        return uid

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, fake: FakeImap) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", 0), Talk)


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.fake = self.server.fake
        self.fake.connections += 1
        try:
            self.say(f"* OK [CAPABILITY {self.fake.capabilities}] fake")
            while line := self.rfile.readline():
                self._command(line.decode("utf-8").rstrip("\r\n"))
        except (Hangup, OSError):
            pass

    def say(self, *lines: str | bytes) -> None:
        """All lines in one segment."""
        self.wfile.write(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))

    def _command(self, line: str) -> None:
        fake = self.fake
        fake.lines.append(line)
        tag, command, *rest = line.split(" ", 2)
        argument = rest[0] if rest else ""
        command = command.upper()
        if command == "UID":
            command, _, argument = argument.partition(" ")
            command = f"UID {command.upper()}"
        if command in fake.refused_commands:
            self.say(f"{tag} NO not today")
            return
        match command:
            case "CAPABILITY":
                self.say(f"* CAPABILITY {fake.capabilities}", f"{tag} OK done")
            case "LOGIN":
                self.say(f"{tag} {fake.login_answer}")
            case "AUTHENTICATE":
                self._authenticate(tag, argument)
            case "SELECT" | "EXAMINE":
                self.say(
                    f"* {len(fake.mails)} EXISTS",
                    "* 0 RECENT",
                    f"* OK [UIDVALIDITY {fake.uidvalidity}] valid",
                    f"* OK [UIDNEXT {fake.uidnext}] next",
                    f"{tag} OK [READ-{'ONLY' if fake.read_only else 'WRITE'}] selected",
                )
            case "UID SEARCH":
                found = " ".join(map(str, self._named(argument)))
                self.say(f"* SEARCH {found}".rstrip(), f"{tag} OK done")
            case "UID FETCH":
                self._fetch(tag, argument)
            case "UID STORE":
                uids, flags = _parts(r"(\S+) \S+ \((.*)\)", argument)
                for uid in self._named(f"UID {uids}"):
                    fake.flags[uid] |= set(flags.split())
                self.say(f"{tag} OK done")
            case "UID EXPUNGE" | "UID MOVE":
                for uid in self._named(f"UID {argument.split()[0]}"):
                    del fake.mails[uid], fake.flags[uid]
                self.say(f"{tag} OK done")
            case "IDLE":
                self._idle(tag)
            case "LOGOUT":
                self.say("* BYE bye", f"{tag} OK done")
                raise Hangup
            case _:
                self.say(f"{tag} BAD unknown command")

    def _authenticate(self, tag: str, mechanism: str) -> None:
        self.say("+ ")
        answer = base64.b64decode(self.rfile.readline()).decode()
        self.fake.lines.append(f"{mechanism} {answer!r}")
        if mechanism == "XOAUTH2" and f"auth=Bearer {self.fake.token}\x01" not in answer:
            self.say("+ " + base64.b64encode(b'{"status":"invalid_token","schemes":"bearer"}').decode())
            self.fake.lines.append(f"answer to the error {self.rfile.readline()!r}")
            self.say(f"{tag} NO [AUTHENTICATIONFAILED] invalid credentials")
            return
        self.say(f"{tag} {self.fake.login_answer}")

    def _named(self, criteria: str) -> list[int]:
        """The UIDs that `UID <set>` names; other criteria are not looked at."""
        last = max(self.fake.mails, default=0)
        found: set[int] = set()
        for piece in _parts(r"UID (\S+).*", criteria)[0].split(","):
            low, _, high = piece.replace("*", str(last)).partition(":")
            span = sorted((int(low), int(high or low)))
            found |= {uid for uid in list(self.fake.mails) if span[0] <= uid <= span[1]}
        return sorted(found)

    def _fetch(self, tag: str, argument: str) -> None:
        fake = self.fake
        uids, items = _parts(r"(\S+) \((.*)\)", argument)
        named = self._named(f"UID {uids}")
        if fake.refused & set(named):
            self.say(f"{tag} NO [SERVERBUG] this mail cannot be read")
            return
        for number, uid in enumerate(sorted(fake.mails), 1):
            if uid not in named or uid in fake.silent:
                continue
            raw = fake.mails[uid]
            parts: list[bytes] = [b"UID %d" % uid]
            if "RFC822.SIZE" in items:
                parts.append(b'RFC822.SIZE %d INTERNALDATE "%s"' % (len(raw), fake.internaldate.encode()))
            if "BODY.PEEK[]" in items:
                if uid in fake.deadly:
                    self.wfile.write(
                        b"* %d FETCH (UID %d BODY[] {%d}\r\n%s" % (number, uid, len(raw), raw[: len(raw) // 2])
                    )
                    raise Hangup
                name = b"BODY[]"
                if piece := re.search(r"BODY\.PEEK\[\]<(\d+)\.(\d+)>", items):
                    start, count = int(piece[1]), int(piece[2])
                    raw = raw[start : start + count]
                    name = b"BODY[]<%d>" % start
                if uid in fake.empty:
                    parts.append(name + b' ""')
                elif uid not in fake.bodiless:
                    parts.append(b"%s {%d}\r\n%s" % (name, len(raw), raw))
            self.say(b"* %d FETCH (%s)" % (number, b" ".join(parts)))
        self.say(f"{tag} OK done")

    def _idle(self, tag: str) -> None:
        self.fake.idles += 1
        if self.fake.on_idle is not None:
            self.fake.on_idle(self)
        else:
            self.say("+ idling")
        if self.rfile.readline().strip().upper() != b"DONE":
            raise Hangup
        self.say(f"{tag} OK idle done")


def _parts(pattern: str, text: str) -> tuple[str, ...]:
    match = re.fullmatch(pattern, text)
    assert match is not None, f"the fake knows no {text!r}"
    return match.groups()
