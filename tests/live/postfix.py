"""A real Postfix of a test's own: everything in one folder, on loopback, beside the machine's own if there is one."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import smtplib
import socket
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

from tests.live.machine import free_port, wait_until

PROGRAMS = ("postfix", "postconf", "postqueue", "postsuper", "postalias", "postmap")

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local{local_options}
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Why there can be no Postfix here, for a skip; empty when there can."""
    if os.geteuid() != 0:
        return "a private Postfix needs root"
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return f"Postfix is not installed (missing: {', '.join(absent)})"
    return ""


def require() -> None:
    """Skip the test where there can be no Postfix."""
    if why := missing():
        pytest.skip(why)


class PostfixInstance:
    """One Postfix.

    folder          where it lives: etc/, queue/, data/, mail.log. Must be reachable by every user (public_folder).
    domains         for which it takes mail; each address in them is taken
    transport       address or domain -> transport, e.g. {"desk.example": "lmtp:unix:/path", "a@b": "helpdeskd:"}
    default         the transport of `domains` where `transport` names none
    local_domains   domains of local(8), for aliases
    aliases         the text of the alias file; `aliases_owner` is the user whose rights its commands get
    relayhost       where mail to other domains goes, e.g. "[127.0.0.1]:2525"; without it such mail is refused for ever
    master          more lines of master.cf, e.g. a pipe(8) service
    main            more settings of main.cf
    local_options   more lines of the local service's entry, e.g. "\\n  -o soft_bounce=yes"
    """

    def __init__(
        self,
        folder: Path,
        *,
        domains: tuple[str, ...] = (),
        transport: Mapping[str, str] | None = None,
        default: str = "error:no such transport",
        local_domains: tuple[str, ...] = (),
        aliases: str = "",
        aliases_owner: str = "root",
        relayhost: str = "",
        master: str = "",
        main: Mapping[str, str] | None = None,
        local_options: str = "",
    ) -> None:
        self.folder = folder / "postfix"
        self.etc, self.spool, self.data = (self.folder / name for name in ("etc", "queue", "data"))
        self.log_file = self.folder / "mail.log"
        self.port = 0
        self._domains, self._transport, self._default = domains, dict(transport or {}), default
        self._local, self._aliases, self._owner = local_domains, aliases, aliases_owner
        self._relayhost, self._master, self._main = relayhost, master, dict(main or {})
        self._local_options = local_options
        self._running = False
        self._seen = 0  # bytes of the log that belong to what is over

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Write the configuration and start; returns when it answers."""
        for place in (self.etc, self.spool, self.data):
            place.mkdir(parents=True, exist_ok=True)
        shutil.chown(self.data, "postfix", "postfix")
        self.port = free_port()
        (self.etc / "master.cf").write_text(
            MASTER.format(port=self.port, local_options=self._local_options) + self._master
        )
        (self.etc / "transport").write_text("".join(f"{key} {value}\n" for key, value in self._transport.items()))
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": str(self.spool),
            "data_directory": str(self.data),
            "maillog_file": str(self.log_file),
            "maillog_file_prefixes": str(self.folder),
            "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "myhostname": "mta.example",
            "mydestination": ", ".join(self._local),
            "local_recipient_maps": "",
            "alias_maps": f"hash:{self.etc}/aliases" if self._aliases else "",
            "alias_database": "",
            "recipient_delimiter": "+",
            "virtual_mailbox_domains": ", ".join(self._domains),
            "virtual_mailbox_maps": "static:any",
            "virtual_transport": self._default,
            "transport_maps": f"texthash:{self.etc}/transport",
            "default_transport": "smtp" if self._relayhost else "error:no relay in this test",
            "relayhost": self._relayhost,
            "disable_dns_lookups": "yes",
            "smtp_dns_support_level": "disabled",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject",
            "smtpd_peername_lookup": "no",
            "biff": "no",
            # A test asks for the next attempt itself, by flush().
            "minimal_backoff_time": "300s",
            "queue_run_delay": "300s",
            "in_flow_delay": "0",
            **self._main,
        }
        (self.etc / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        self._write_aliases()
        done = subprocess.run(
            ["postfix", "-c", self.etc, "start"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            raise AssertionError(f"Postfix did not start: {done.stdout}\n{self.log()}")
        self._running = True
        wait_until(self._answers, what=f"Postfix on port {self.port}")

    def stop(self) -> None:
        if self._running:
            subprocess.run(["postfix", "-c", self.etc, "abort"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._running = False

    def send(self, sender: str, recipient: str | list[str], raw: bytes) -> str:
        """Hand a mail in by SMTP, as a stranger would. The queue id."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example", timeout=60) as client:
            client.ehlo()
            client.mail(sender)
            for one in [recipient] if isinstance(recipient, str) else recipient:
                code, text = client.rcpt(one)
                assert code == 250, text
            code, text = client.data(raw)
            assert code == 250, text
        found = re.search(rb"queued as ([0-9A-Za-z]+)", text)
        assert found, text
        return found[1].decode()

    def queue(self) -> list[dict[str, Any]]:
        """What waits, as `postqueue -j` says it: queue_name, queue_id, sender, recipients with delay_reason."""
        done = subprocess.run(["postqueue", "-c", self.etc, "-j"], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def deferred(self, queue_id: str) -> str:
        """The reason why this mail waits; empty when it does not (yet)."""
        for item in self.queue():
            if item["queue_id"] == queue_id and item["queue_name"] == "deferred":
                return str(item["recipients"][0].get("delay_reason", "no reason"))
        return ""

    def flush(self) -> None:
        """Try everything that waits again, now."""
        subprocess.run(["postqueue", "-c", self.etc, "-f"], check=True, capture_output=True)

    def log(self) -> str:
        with suppress(FileNotFoundError):
            return self.log_file.read_bytes()[self._seen :].decode(errors="replace")
        return ""

    def story(self, queue_id: str) -> str:
        """The log lines of one mail."""
        return "\n".join(line for line in self.log().splitlines() if f"{queue_id}:" in line)

    def bounced(self) -> list[str]:
        """The log lines that give a mail up."""
        return [line for line in self.log().splitlines() if "status=bounced" in line or "postfix/bounce" in line]

    def forget(self) -> None:
        """Empty the queue and begin the log anew, between two tests of one instance."""
        subprocess.run(["postsuper", "-c", self.etc, "-d", "ALL"], check=True, capture_output=True)
        with suppress(FileNotFoundError):
            self._seen = self.log_file.stat().st_size

    def wait_until(self, condition: Callable[[], Any], seconds: float = 60) -> Any:
        """The condition's first true value; on failure the log is part of the message."""
        try:
            return wait_until(condition, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.log()}") from None

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
            return s.recv(100).startswith(b"220")
        return False

    def _write_aliases(self) -> None:
        if not self._aliases:
            return
        path = self.etc / "aliases"
        path.write_text(self._aliases)
        subprocess.run(["postalias", "-c", self.etc, f"hash:{path}"], check=True, capture_output=True)
        uid = pwd.getpwnam(self._owner).pw_uid
        for name in ("aliases", "aliases.db"):  # local(8) gives a command the rights of the file's owner
            os.chown(self.etc / name, uid, -1)
