"""Settings as frozen records; each default stands here. config/helpdeskd.toml is their manual, load.py reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[int, Meta(ge=1)]
Amount = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Percent = Annotated[float, Meta(ge=0, le=90)]
Hours = Annotated[float, Meta(ge=0, le=8760)]
# A century at most: what is added to the time of a mail must still be a time.
Days = Annotated[float, Meta(gt=0, le=36500)]
WholeDays = Annotated[int, Meta(ge=0, le=36500)]
DaysFromOne = Annotated[int, Meta(ge=1, le=36500)]


# What [http] may speak; a package of helpdeskd/http each.
DIALECTS = ("helpdeskz", "jitbit")
RATE_CLASSES = {"helpdeskz": ("default",), "jitbit": ("default", "search")}  # of their calls


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the TOML file."""


class Paths(Section, frozen=True):
    data: Path = Path("/var/lib/helpdeskd")
    spool: Path | None = None  # None = data/spool
    blobs: Path | None = None  # None = data/blobs
    templates: Path | None = None  # a folder whose files win over ours

    @property
    def spool_dir(self) -> Path:
        return self.spool or self.data / "spool"

    @property
    def blob_dir(self) -> Path:
        return self.blobs or self.data / "blobs"


class Store(Section, frozen=True):
    url: str = ""  # empty = SQLite at paths.data/helpdeskd.sqlite3
    readers: Count = 4
    snapshots: Count = 3  # SQLite: how many copies made before migrations are kept
    risk_losing_mail: bool = False  # run on a database that may forget what it has committed


class BlobSettings(Section, frozen=True):
    url: str = ""  # s3://bucket/prefix; empty = the folder paths.blobs
    endpoint: str = ""  # empty = Amazon's
    region: str = ""
    access_key_id: str = ""
    secret_file: Path | None = None


class SpoolSettings(Section, frozen=True):
    reserve_percent: Percent = 5.0
    reserve_mb: Amount = 512


class Smtp(Section, frozen=True):
    listen: tuple[str, ...] = ("127.0.0.1:2525",)
    hostname: str = ""  # empty = the machine's name
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_message_mb: Count = 50
    max_connections: Count = 200
    max_connections_per_client: Count = 20
    max_recipients: Count = 100
    max_errors: Count = 10
    idle_seconds: Seconds = 300
    data_seconds: Seconds = 600


class Submission(Section, frozen=True):
    """Where staff log in and hand in mail."""

    listen: tuple[str, ...] = ()  # host:port; nowhere unless asked for


class Lmtp(Section, frozen=True):
    listen: tuple[str, ...] = ()
    socket_mode: str = "0660"


class Mailbox(Section, frozen=True):
    name: str
    host: str
    user: str
    port: Port = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: Path | None = None
    password: str = ""
    password_file: Path | None = None
    oauth2_token_file: Path | None = None
    oauth2_command: tuple[str, ...] = ()
    folders: tuple[str, ...] = ("INBOX",)
    department: str = ""  # empty = the first department
    poll_seconds: Seconds = 60
    idle: bool = True
    backfill: str = "none"  # none, all, unseen, or a date (2026-01-31)
    after: Literal["seen", "move", "delete"] = "seen"
    move_to: str = ""
    timeout_seconds: Seconds = 60
    authserv_ids: tuple[str, ...] = ()  # empty: nobody's are believed


class Trust(Section, frozen=True):
    """By what a mail's From is believed."""

    profile: Literal["default", "strict"] = "default"
    dns: bool = True
    seconds: Annotated[int, Meta(ge=1, le=60)] = 8
    authserv_ids: tuple[str, ...] = ()
    relays: tuple[str, ...] = ("127.0.0.0/8", "::1")
    arc_sealers: tuple[str, ...] = ()


class SpamSettings(Section, frozen=True):
    """Whose word makes a mail spam, or a virus. Nobody's unless told so: what is held, nobody sees who does not look for it."""

    headers_from: tuple[Literal["relays", "lmtp", "pipe", "mailboxes"], ...] = ()
    dnsbl: tuple[str, ...] = ()
    dnsbl_needed: Amount = 0  # listings that make spam; 0 = they are evidence only
    rspamd: str = ""  # http://host:port of a worker; empty = not asked
    rspamd_controller: str = ""  # of its controller, which learns
    rspamd_password_file: Path | None = None
    clamd: str = ""  # unix:/path or host:port; empty = not asked
    seconds: Annotated[int, Meta(ge=1, le=60)] = 8


class Smime(Section, frozen=True):
    """Files in PEM."""

    authorities: tuple[Path, ...] = ()  # certificates; whose own ones are believed
    keys: tuple[Path, ...] = ()  # a private key and its certificate each


class Openpgp(Section, frozen=True):
    """Files, armoured or not."""

    certificates: tuple[Path, ...] = ()  # of people whose signatures are known
    keys: tuple[Path, ...] = ()  # secret keys without a passphrase


class Intake(Section, frozen=True):
    batch: Count = 10
    max_parts: Count = 1000
    max_headers: Count = 2000
    max_header_kb: Count = 1024
    max_depth: Count = 100
    max_text_kb: Count = 2048
    max_mail_mb: Annotated[int, Meta(ge=1, le=2048)] = 100  # what fits into a frame to the parser
    parse_seconds: Annotated[int, Meta(ge=1, le=120)] = 20  # below what the watchdog takes for a standstill
    parse_memory_mb: Annotated[int, Meta(ge=256, le=1 << 20)] = 1024
    backlog_hours: Count = 24  # older mail from IMAP gets no automatic answer


class Outgoing(Section, frozen=True):
    relay: str = ""  # host or host:port; empty = nothing can be sent
    security: Literal["none", "starttls", "tls"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password: str = ""
    password_file: Path | None = None
    hold: bool = False
    connections: Count = 4
    timeout_seconds: Seconds = 60
    give_up_days: Days = 5.0
    lease_seconds: Seconds = 120
    attachments_mb: Amount = 20


class Ceilings(Section, frozen=True):
    """How much automatic mail may be queued, whatever comes in."""

    per_address: str = "10/hour"
    per_domain: str = "1000/hour"
    per_ticket: str = "30/hour"
    per_ticket_kept: str = "10/hour"
    total: str = "2000/hour"
    unknown_address: str = "3/day"
    unknown: str = "100/hour"
    staff_address: str = "1000/hour"
    staff: str = "30000/hour"
    people: str = "400/hour"


class Dkim(Section, frozen=True):
    domain: str
    selector: str
    key: Path | None = None  # None = paths.data/dkim/DOMAIN.SELECTOR.pem


class DnsSettings(Section, frozen=True):
    servers: tuple[str, ...] = ()  # empty = those of the system
    seconds: Seconds = 5


class Desk(Section, frozen=True):
    name: str = "Support"
    language: str = "en"
    public_url: str = ""
    follow_up_days: WholeDays = 30
    contact_days: WholeDays = 30
    quiet_days: DaysFromOne = 14
    marker: str = "## Please write your reply above this line ##"


class Keep(Section, frozen=True):
    """Days; 0 = for ever."""

    raw_days: WholeDays = 0
    automatic_days: WholeDays = 0
    outbox_days: WholeDays = 0
    spam_days: WholeDays = 30


class Audit(Section, frozen=True):
    hours: Hours = 1.0  # between two audits; 0 = only by hand


class Alarms(Section, frozen=True):
    to: str = ""  # the operators' address
    hook: tuple[str, ...] = ()


class Metrics(Section, frozen=True):
    listen: tuple[str, ...] = ()  # host:port; nowhere unless asked for


class Http(Section, frozen=True):
    listen: tuple[str, ...] = ()  # host:port or unix:/path; nowhere unless asked for
    root: str = ""  # the dialect that is served at /api too
    hosts: dict[str, str] = {}  # host name = dialect, served at /api there
    rates: dict[str, str] = {}  # dialect.class = "90/minute" or "none", in place of the dialect's own
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    max_connections: Count = 1000
    max_body_mb: Annotated[int, Meta(ge=1, le=1024)] = 30
    max_parts: Count = 200
    max_field_kb: Count = 1024
    body_seconds: Seconds = 120
    idle_seconds: Seconds = 30
    stop_seconds: Seconds = 10
    threads: Annotated[int, Meta(ge=1, le=64)] = 8


class LogSettings(Section, frozen=True):
    style: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section, frozen=True):
    """Everything an operator sets in a file. What a team sets at run time lives in the store."""

    paths: Paths = Paths()
    store: Store = Store()
    blobs: BlobSettings = BlobSettings()
    spool: SpoolSettings = SpoolSettings()
    smtp: Smtp = Smtp()
    submission: Submission = Submission()
    lmtp: Lmtp = Lmtp()
    mailbox: tuple[Mailbox, ...] = ()
    trust: Trust = Trust()
    spam: SpamSettings = SpamSettings()
    smime: Smime = Smime()
    openpgp: Openpgp = Openpgp()
    intake: Intake = Intake()
    outgoing: Outgoing = Outgoing()
    ceilings: Ceilings = Ceilings()
    dkim: tuple[Dkim, ...] = ()
    dns: DnsSettings = DnsSettings()
    desk: Desk = Desk()
    keep: Keep = Keep()
    audit: Audit = Audit()
    alarms: Alarms = Alarms()
    metrics: Metrics = Metrics()
    http: Http = Http()
    log: LogSettings = LogSettings()

    @property
    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.paths.data / 'helpdeskd.sqlite3'}"

    def dkim_file(self, entry: Dkim) -> Path:
        """Where the private key of this entry lies."""
        return entry.key or self.paths.data / "dkim" / f"{entry.domain.lower()}.{entry.selector}.pem"
