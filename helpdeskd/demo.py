"""The whole street on sample mails, in a throwaway folder: three doors in, a local sink instead of the world out."""

from __future__ import annotations

import asyncio
import email
import os
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path

from sqlalchemy import Connection

from helpdeskd import log, resources
from helpdeskd.config import Config, Desk, Lmtp, LogSettings, Outgoing, Paths, Smtp
from helpdeskd.daemon import Daemon
from helpdeskd.desk import departments, people, queries
from helpdeskd.installation import Installation, open_installation

SUPPORT = "support@desk.example"
ADA = "ada@staff.example"
CUSTOMERS = ("grace@customer.example", "linus@elsewhere.example", "margaret@orbit.example")
PATIENCE = 30.0  # seconds for one step; only a broken demo needs them

Say = Callable[[str], None]


@dataclass(slots=True)
class Sink:
    """A local SMTP server that keeps what it is given, so that no mail leaves this machine."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    port: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def wait_for(self, count: int) -> None:
        """Until so many mails have come in all."""
        async with self._arrived, asyncio.timeout(PATIENCE):
            await self._arrived.wait_for(lambda: len(self.mails) >= count)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        writer.write(b"220 demo.sink ESMTP\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    async with self._arrived:
                        self.mails.append((recipient, email.message_from_bytes(raw[:-3], policy=modern)))
                        self._arrived.notify_all()
                elif verb == b"RCPT":
                    recipient = line.decode(errors="replace").partition("<")[2].partition(">")[0]
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 kept\r\n")
                await writer.drain()
                if verb == b"QUIT":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def show(say: Say) -> None:
    """Run the demo until Ctrl-C, or to its end with DEMO_ONCE=1 in the environment."""
    with tempfile.TemporaryDirectory(prefix="helpdeskd-demo-") as folder:
        sink = Sink()
        await sink.start()
        config = _config(Path(folder), sink.port)
        log.configure("text", "warning")
        installation = await asyncio.to_thread(open_installation, config)
        await asyncio.to_thread(_people, installation)
        daemon = Daemon(config)
        serving = asyncio.create_task(daemon.run())
        await asyncio.to_thread(daemon.ready.wait, PATIENCE)
        try:
            await _play(say, daemon, sink, Path(folder))
            await asyncio.to_thread(_tell, say, installation)
            _answers(say, sink)
            if os.environ.get("DEMO_ONCE") != "1":
                _stay(say, daemon, config)
                await serving
        finally:
            daemon.stop()
            await serving
            await sink.stop()
            installation.close()
            say("The demo has ended; its folder is gone.")


def _config(folder: Path, relay_port: int) -> Config:
    return Config(
        paths=Paths(data=folder),
        smtp=Smtp(listen=("127.0.0.1:0",), hostname="desk.example"),
        lmtp=Lmtp(listen=(f"unix:{folder}/lmtp",)),
        outgoing=Outgoing(relay=f"127.0.0.1:{relay_port}", security="none"),
        desk=Desk(name="Desk"),
        log=LogSettings(level="warning"),
    )


def _people(installation: Installation) -> None:
    def make(conn: Connection) -> None:
        desk, now = installation.desk, installation.clock()
        support = departments.add(conn, desk, now, name="Support", addresses=(SUPPORT,), sender_name="Desk Support")
        people.add_staff(
            conn, desk, now, name="Ada Lovelace", email=ADA, level=3, departments=(support.id,), notify=True
        )

    installation.store.writer.run(make)


async def _play(say: Say, daemon: Daemon, sink: Sink, folder: Path) -> None:
    """A customer by each door, an answer by mail from staff, and a customer's answer to that."""
    smtp = next(place for place in daemon.listening if place.startswith("smtp "))
    port = int(smtp.rpartition(":")[2])
    await sink.wait_for(1)  # Ada's welcome

    say(f"1. {CUSTOMERS[0]} writes to {SUPPORT}, by SMTP.")
    await asyncio.to_thread(
        _by_smtp, port, CUSTOMERS[0], SUPPORT, _mail(CUSTOMERS[0], "My printer is on fire", "It really is. What now?")
    )
    say(f"2. {CUSTOMERS[1]} writes, by LMTP over a unix socket.")
    await asyncio.to_thread(
        _by_lmtp, folder / "lmtp", CUSTOMERS[1], _mail(CUSTOMERS[1], "Invoice 4711", "The sum is wrong, grüße.")
    )
    say(f"3. {CUSTOMERS[2]} writes, by pipe.py as an MTA would run it.")
    await asyncio.to_thread(
        _by_pipe, folder / "spool", CUSTOMERS[2], _mail(CUSTOMERS[2], "Which way is up?", "Asking for a friend.")
    )
    await sink.wait_for(1 + 6)  # for each an acknowledgement, and a notice to Ada

    notice = _newest(sink, ADA, "printer")
    say(f"4. Ada answers the notice from her own mail program, to {_shortened(_reply_address(notice))}.")
    await asyncio.to_thread(
        _by_smtp, port, ADA, _reply_address(notice), _reply(ADA, notice, "Please stand back and pull the plug.\n\nAda")
    )
    await sink.wait_for(1 + 6 + 1)

    answer = _newest(sink, CUSTOMERS[0], "printer")
    say(f"5. {CUSTOMERS[0]} answers that.")
    await asyncio.to_thread(
        _by_smtp, port, CUSTOMERS[0], _reply_address(answer), _reply(CUSTOMERS[0], answer, "That helped. Thank you!")
    )
    await sink.wait_for(1 + 6 + 1 + 1)


def _by_smtp(port: int, sender: str, recipient: str, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.sendmail(sender, [recipient], raw)


def _by_lmtp(path: Path, sender: str, raw: bytes) -> None:
    with smtplib.LMTP(str(path), timeout=PATIENCE) as client:
        client.sendmail(sender, [SUPPORT], raw)


def _by_pipe(spool: Path, sender: str, raw: bytes) -> None:
    script = resources.find("pipe.py")
    package = str(Path(__file__).resolve().parent.parent)
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, str(script), "--spool", str(spool), "--sender", sender, SUPPORT],
        input=raw.replace(b"\r\n", b"\n"),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": package},
    )
    if done.returncode:
        raise RuntimeError(f"pipe.py exited with {done.returncode}: {done.stdout.decode(errors='replace')}")


def _mail(sender: str, subject: str, text: str, **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"{sender.partition('@')[0].title()} <{sender}>"
    mail["To"] = SUPPORT
    mail["Subject"] = subject
    mail["Date"] = email.utils.localtime()
    mail["Message-ID"] = email.utils.make_msgid(domain=sender.partition("@")[2])
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes(policy=email.policy.SMTP)


def _reply(sender: str, to: EmailMessage, text: str) -> bytes:
    """As a mail program would: Re:, In-Reply-To, and the whole mail quoted below."""
    quoted = "".join(f"> {line}\n" for line in _text(to).splitlines())
    return _mail(
        sender,
        f"Re: {to['Subject']}",
        f"{text}\n\nOn {to['Date']}, {to['From']} wrote:\n{quoted}",
        In_Reply_To=str(to["Message-ID"]),
        References=str(to["Message-ID"]),
    )


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def _newest(sink: Sink, recipient: str, word: str) -> EmailMessage:
    return next(mail for who, mail in reversed(sink.mails) if who == recipient and word in str(mail["Subject"]))


def _reply_address(mail: EmailMessage) -> str:
    return email.utils.parseaddr(str(mail["Reply-To"] or mail["From"]))[1]


def _shortened(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local[:20]}...{at}{domain}" if len(local) > 24 else address


def _tell(say: Say, installation: Installation) -> None:
    say("\nThe tickets:")
    shown = installation.store.read(
        lambda conn: [queries.show(conn, row.ticket.number) for row in queries.list_tickets(conn)]
    )
    for one in shown:
        ticket = one.ticket
        say(f"  #{ticket.number}  {ticket.state:<18} {one.requester.email:<26} {ticket.subject}")
        for item in one.messages:
            first = next((line for line in item.message.text.splitlines() if line.strip()), "")
            say(f"      {item.message.author_email or item.message.author_name:<26} {first[:60]}")


def _answers(say: Say, sink: Sink) -> None:
    say("\nThe answers and notices that went out (caught by the demo's sink):")
    for recipient, mail in sink.mails:
        say(f"  to {recipient:<26} {mail['Subject']}")
    say(f"\nAda's answer, as {CUSTOMERS[0]} got it:")
    for line in _text(_newest(sink, CUSTOMERS[0], "printer")).splitlines():
        say(f"  | {line}")


def _stay(say: Say, daemon: Daemon, config: Config) -> None:
    say("\nThe daemon goes on; write to it:")
    for place in daemon.listening:
        say(f"  {place}")
    say(f"  pipe.py --spool {config.paths.spool_dir} {SUPPORT} < mail")
    say(f"Look into it: HELPDESKD_PATHS__DATA={config.paths.data} {sys.executable} -m helpdeskd ticket list")
    say("Ctrl-C ends it.")
