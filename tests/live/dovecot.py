"""A private Dovecot for tests: real binaries, own configuration, loopback ports, Maildir, gone at the end. Root only.

with DovecotInstance() as server:
    server.deliver("desk@example.org", raw)
    server.port, server.tls_port, server.password
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Self

import imapclient

from tests.live.machine import free_port, wait_until

# What Dovecot 2.3 tells after login, so that a test can take words out of it.
CAPABILITIES = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT THREAD=REFERENCES MULTIAPPEND URL-PARTIAL CATENATE UNSELECT "
    "CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH "
    "LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY LITERAL+ NOTIFY SPECIAL-USE"
)
_LIBRARIES = Path("/usr/lib/dovecot")
_TOKEN_KEY = b"a key of the test's own, for signing tokens"


def why_not() -> str | None:
    """Why Dovecot cannot run here; None when it can."""
    if os.geteuid() != 0:
        return "Dovecot switches users: it needs root"
    if shutil.which("dovecot") is None or not (_LIBRARIES / "imap").exists():
        return "Dovecot is not installed (Debian: dovecot-imapd)"
    return None


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and 127.0.0.1, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


def access_token(user: str, *, lifetime: int = 3600) -> str:
    """A JWT (RFC 7519) that the instance accepts for XOAUTH2; with a negative lifetime, one that has expired."""
    now = int(time.time())
    claims = {"sub": user, "iat": now - 7200, "exp": now + lifetime, "azp": "default"}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT", "kid": "default"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(_TOKEN_KEY, signed, hashlib.sha256)).rstrip(b"=")
    return (signed + b"." + signature).decode()


class DovecotInstance:
    """`without` names capabilities to hide (IDLE, MOVE, UIDPLUS); `tls` and `oauth2` switch those on."""

    password = "a päss wörd"

    def __init__(
        self,
        users: tuple[str, ...] = ("desk@example.org",),
        *,
        without: tuple[str, ...] = (),
        tls: bool = False,
        oauth2: bool = False,
    ) -> None:
        # Not pytest's tmp_path: Dovecot's own users must get in, and socket paths must be short.
        self.root = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.root.chmod(0o755)
        self.port = free_port()
        self.tls_port = free_port()
        self.certificate: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._config = self.root / "dovecot.conf"
        (self.root / "mail").mkdir()
        shutil.chown(self.root / "mail", "nobody", "nogroup")
        (self.root / "users").write_text("".join(f"{user}:{{PLAIN}}{self.password}::::::\n" for user in users))
        self._write_config(without, tls=tls, oauth2=oauth2)

    def _write_config(self, without: tuple[str, ...], *, tls: bool, oauth2: bool) -> None:
        capabilities = " ".join(word for word in CAPABILITIES.split() if word not in without)
        ssl = "ssl = no"
        if tls:
            self.certificate, key = make_certificate(self.root)
            ssl = f"ssl = yes\nssl_cert = <{self.certificate}\nssl_key = <{key}"
        passdb = f"passdb {{\n driver = passwd-file\n args = scheme=PLAIN username_format=%u {self.root}/users\n}}"
        mechanisms = "plain login"
        if oauth2:
            mechanisms += " xoauth2 oauthbearer"
            keys = self.root / "keys" / "default" / "HS256"
            keys.mkdir(parents=True)
            (keys / "default").write_bytes(base64.b64encode(_TOKEN_KEY))
            (self.root / "oauth2.conf").write_text(
                "introspection_mode = local\n"
                f"local_validation_key_dict = fs:posix:prefix={self.root}/keys/\n"
                "username_attribute = sub\n"
            )
            passdb = (
                f"passdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {self.root}/oauth2.conf\n}}\n"
                + passdb
            )
        self._config.write_text(f"""\
base_dir = {self.root}/run
state_dir = {self.root}/state
log_path = {self.root}/dovecot.log
protocols = imap
listen = 127.0.0.1
{ssl}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0 secs
first_valid_uid = 1
mail_uid = nobody
mail_gid = nogroup
mail_max_userip_connections = 100
mail_location = maildir:~/Maildir
{passdb}
userdb {{
 driver = static
 args = uid=nobody gid=nogroup home={self.root}/mail/%u
}}
namespace inbox {{
 inbox = yes
}}
service imap-login {{
 inet_listener imap {{
  port = {self.port}
 }}
 inet_listener imaps {{
  port = {self.tls_port if tls else 0}
  ssl = yes
 }}
}}
service anvil {{
 unix_listener anvil-auth-penalty {{
  mode = 0
 }}
}}
protocol imap {{
 imap_capability = {capabilities}
}}
""")

    def start(self) -> None:
        """Runs and answers when this returns."""
        self._process = subprocess.Popen(["dovecot", "-F", "-c", str(self._config)], start_new_session=True)
        wait_until(self._answers, what="Dovecot's greeting")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Dovecot ended: {self.log()}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
                return sock.recv(4) == b"* OK"
        except OSError:
            return False

    def stop(self) -> None:
        """The server and its sessions are gone when this returns; the mail stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            # Sessions outlive the master for as long as their client talks.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def log(self) -> str:
        path = self.root / "dovecot.log"
        return path.read_text() if path.exists() else "(no log)"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.root)

    # -- what the tests do with mail

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX") -> None:
        """As an MTA would, unread, arrived now."""
        self.doveadm("save", "-u", user, "-m", folder, stdin=raw)

    def doveadm(self, *args: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(["doveadm", "-c", str(self._config), *args], input=stdin, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    @contextmanager
    def client(self, user: str):
        """Another mail program, logged in."""
        client = imapclient.IMAPClient("127.0.0.1", port=self.port, ssl=False, timeout=30)
        try:
            client.plain_login(user, self.password)
            yield client
        finally:
            client.logout()

    def append(
        self,
        user: str,
        raw: bytes,
        folder: str = "INBOX",
        *,
        flags: tuple[bytes, ...] = (),
        arrived: datetime | None = None,
    ) -> None:
        with self.client(user) as client:
            client.append(folder, raw, flags, arrived)

    def flags(self, user: str, folder: str = "INBOX") -> dict[int, set[bytes]]:
        """UID -> flags."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            uids = client.search(["ALL"])
            return {uid: set(flags) - {rb"\Recent"} for uid, flags in client.get_flags(uids).items()}

    def uidvalidity(self, user: str, folder: str = "INBOX") -> int:
        with self.client(user) as client:
            return int(client.folder_status(folder, ["UIDVALIDITY"])[b"UIDVALIDITY"])

    def forget_uids(self, user: str) -> None:
        """As after a restore: the INBOX's mails stay, with a new UIDVALIDITY and UIDs from 1."""
        maildir = self.root / "mail" / user / "Maildir"
        for path in (
            *maildir.glob("dovecot-uidlist*"),
            *maildir.glob("dovecot.index*"),
            *maildir.glob("dovecot.list.index*"),
        ):
            path.unlink()
