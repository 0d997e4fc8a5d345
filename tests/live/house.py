"""A running helpdeskd of a test's own: config file, real process, its command line, and two people to write mails."""

from __future__ import annotations

import copy
import email
import email.policy
import email.utils
import json
import os
import signal
import socket
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import msgspec

from helpdeskd.cli import EX_ALARM
from tests.desks import LIFTED
from tests.live.machine import free_port, wait_until
from tests.sink import Sink

_LIFTED = msgspec.structs.asdict(LIFTED).items()
ROOT = Path(__file__).resolve().parents[2]
SUPPORT = "support@desk.example"
STAFF = "ada@staff.example"
CUSTOMER = "grace@customer.example"


class House:
    """`with House(folder, store_url, sink) as house`: ready when it says so to its NOTIFY_SOCKET, as systemd would hear it."""

    def __init__(
        self,
        folder: Path,
        store_url: str,
        sink: Sink,
        *,
        extra: str = "",
        lmtp: str = "",
        templates: str = "",
        roles: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.roles = roles
        self.data = folder / "data"
        self.port = free_port()
        self.config = folder / "helpdeskd.toml"
        self.log = folder / "daemon.log"
        self.config.write_text(
            f'[paths]\ndata = "{self.data}"\n'
            + (f'templates = "{templates}"\n' if templates else "")
            + f'[store]\nurl = "{store_url}"\n'
            f"[spool]\nreserve_percent = 0.0\nreserve_mb = 1\n"
            f'[smtp]\nlisten = ["127.0.0.1:{self.port}"]\nhostname = "desk.example"\n'
            f'[lmtp]\nlisten = {json.dumps([lmtp] if lmtp else [])}\nsocket_mode = "0666"\n'
            f'[outgoing]\nrelay = "{sink.relay}"\nsecurity = "none"\n'
            f"{extra}"
            + (
                ""
                if "[ceilings]" in extra
                else "\n[ceilings]\n" + "".join(f'{key} = "{rate}"\n' for key, rate in _LIFTED)
            )
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    def cli(self, *words: str, stdin: bytes = b"", ok: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "helpdeskd", "--config", str(self.config), *words],
            input=stdin,
            capture_output=True,
            cwd=ROOT,
        )
        codes = {ok, EX_ALARM} if words[0] == "status" and not ok else {ok}  # an alarm may stand: it is no failure
        assert done.returncode in codes, (done.returncode, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode() + done.stderr.decode()

    def json(self, *words: str) -> Any:
        return json.loads(self.cli(*words, "--json"))

    def quiet(self) -> Any:
        """Its `status` once nothing waits in spool and outbox."""

        def settled() -> Any:
            status = self.json("status")
            waits = (
                status["spool"]["waiting"],
                *(status["outbox"][each] for each in ("queued", "sending", "deferred")),
            )
            return None if any(waits) else status

        return wait_until(settled, what="an empty spool and outbox")

    def init(self) -> None:
        self.cli("init", "--address", SUPPORT, "--admin", STAFF, "--admin-name", "Ada Lovelace")

    def beside(self, *roles: str) -> House:
        """Other roles of the same installation, as a process of their own."""
        other = copy.copy(self)
        other.roles, other.process = roles, None
        other.log = self.folder / f"{roles[0]}.log"
        return other

    def start(self) -> None:
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, self.log.open("ab") as log:
            told.bind(str(path))
            told.settimeout(60)
            words = [word for role in self.roles for word in ("--role", role)]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "helpdeskd", "--config", str(self.config), "run", *words],
                cwd=ROOT,
                env={**os.environ, "NOTIFY_SOCKET": str(path)},
                stdout=log,
                stderr=log,
            )
            assert told.recv(100) == b"READY=1", self.log.read_text()

    def stop(self, sig: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(sig)
        code = self.process.wait(60)
        self.process = None
        return code

    def __enter__(self) -> Self:
        if not self.data.exists():
            self.init()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.process is not None:
            code = self.stop(signal.SIGTERM if kind is None else signal.SIGKILL)
            assert code == 0 or kind is not None, self.log.read_text()


def mail(sender: str, recipient: str, subject: str, text: str, **headers: str) -> bytes:
    """A mail as a mail program writes it: CRLF, Date, Message-ID."""
    message = EmailMessage()
    message["From"] = f"{sender.partition('@')[0].title()} <{sender}>"
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = email.utils.localtime()
    message["Message-ID"] = email.utils.make_msgid(domain=sender.partition("@")[2])
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes(policy=email.policy.SMTP)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


def reply_address(message: EmailMessage) -> str:
    return email.utils.parseaddr(str(message["Reply-To"] or message["From"]))[1]


def reply(sender: str, to: EmailMessage, text: str) -> bytes:
    """As most mail programs do: the words above, the whole mail quoted below."""
    quoted = "".join(f"> {line}\n" for line in text_of(to).splitlines())
    return mail(
        sender,
        reply_address(to),
        f"Re: {to['Subject']}",
        f"{text}\n\nOn Sun, 22 Nov 2026 at 12:00, {to['From']} wrote:\n{quoted}",
        In_Reply_To=str(to["Message-ID"]),
        References=" ".join(filter(None, [to["References"], to["Message-ID"]])),
    )
