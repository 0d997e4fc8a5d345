"""Who may come in: passwords, one-time codes, sessions, API keys, and who has tried too often. Of secrets only hashes are kept,
but for the seed of one-time codes, which must be computed with."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from helpdeskd.store.schema.base import BigId, Json, Text, UtcTime, metadata, new_id

login = Table(
    "login",
    metadata,
    Column("person_id", BigId, ForeignKey("person.id"), primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False, unique=True),  # as desk.accounts.name_key has it
    Column("password_hash", Text, nullable=False, server_default=""),  # as guard.passwords has it; empty: none is set
    Column("password_at", UtcTime),
    Column("totp_seed", Text, nullable=False, server_default=""),  # base32; empty: not switched on
    Column("totp_step", Integer, nullable=False, server_default="0"),  # the last step used: no code counts twice
    Column("last_at", UtcTime),
    Column("last_address", Text, nullable=False, server_default=""),
)

# What lets somebody in whose authenticator is gone; a row goes when its code is used.
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("person_id", BigId, ForeignKey("person.id"), primary_key=True),
    Column("code_sha256", Text, primary_key=True),  # of person and code: desk.recovery
)

# Wrong log-ins and wrong one-time codes in a row, and links to set a password that were asked for.
login_failure = Table(
    "login_failure",
    metadata,
    Column("kind", Text, primary_key=True),  # desk.accounts.Kind
    Column("key", Text, primary_key=True),  # a person or a name, or an IP address
    Column("count", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
)

# Of log-ins by a page; no dialect has one, so nothing writes here.
session = Table(
    "session",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("person_id", BigId, ForeignKey("person.id"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)

api_key = Table(
    "api_key",
    metadata,
    new_id(),
    Column("name", Text, nullable=False),
    Column("dialect", Text, nullable=False),  # helpdeskz, jitbit, ...
    Column("token_sha256", Text, nullable=False, unique=True),
    Column("permissions", Json, nullable=False),  # list of the dialect's names
    Column("allow_ip", Json, nullable=False),  # list as given; empty: from everywhere
    Column("person_id", BigId, ForeignKey("person.id")),  # in whose name; NULL: nobody's
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("used_at", UtcTime),  # to the minute
    Column("revoked_at", UtcTime),
    Index("ix_api_key_person_id", "person_id"),
    sqlite_autoincrement=True,
)
