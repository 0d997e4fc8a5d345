"""Departments, their addresses, people, and what a team sets at run time."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, false, text, true

from helpdeskd.store.schema.base import BigId, Json, Text, UtcTime, metadata, new_id

department = Table(
    "department",
    metadata,
    new_id(),
    Column("name", Text, nullable=False, unique=True),
    Column("sender_name", Text, nullable=False),
    Column("private", Boolean, nullable=False, server_default=false()),
    Column("follow_up_days", Integer),  # NULL = the team's setting
    Column("reply_tokens", Text, nullable=False, server_default="auto"),  # model.people.ReplyTokens
    Column("verp", Boolean, nullable=False, server_default=false()),
    Column("cc_participates", Boolean, nullable=False, server_default=true()),
    Column("language", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("section_id", BigId),  # section.id; NULL: in none
    Column("position", Integer, nullable=False, server_default="0"),  # in lists; then by id
    Column(
        "staff_only", Boolean, nullable=False, server_default=false()
    ),  # customers neither see it nor open tickets in it
    Column("removed_at", UtcTime),  # a tombstone: its tickets went with it, its name and addresses are free
    Column("files", Text, nullable=False, server_default="refuse"),  # model.files.FilePolicy
    Column("max_files", Integer),  # in one message; NULL: no limit of its own
    Column("max_file_mb", Integer),
    sqlite_autoincrement=True,
)

# A group of departments.
section = Table(
    "section",
    metadata,
    new_id(),
    Column("name", Text, nullable=False, unique=True),
    Column("position", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

# Who may open tickets in a department; no row of a department: everybody.
department_guest = Table(
    "department_guest",
    metadata,
    new_id(),
    Column("department_id", BigId, ForeignKey("department.id"), nullable=False, index=True),
    Column("person_id", BigId, ForeignKey("person.id")),  # one of the two
    Column("company_id", BigId, ForeignKey("company.id")),
    sqlite_autoincrement=True,
)

# The addresses a department is reached under; position 0 is the one its mail is sent from.
address = Table(
    "address",
    metadata,
    Column("email", Text, primary_key=True),  # lower case, without +detail
    Column("department_id", BigId, ForeignKey("department.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
)

_MUTED = text("muted_at IS NOT NULL")  # few ever are

person = Table(
    "person",
    metadata,
    new_id(),
    Column("kind", Text, nullable=False),  # model.people.PersonKind
    Column("customer_no", Integer, unique=True),  # counted apart from id, for dialects that count customers
    Column("staff_no", Integer, unique=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),  # lower case
    Column("level", Integer, nullable=False, server_default="0"),
    Column("language", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Column("removed_at", UtcTime),  # a tombstone: name and address are gone from the row, their tickets went with it
    Column("wants_mail", Boolean, nullable=False, server_default=true()),  # false: no notices go to them
    Column(
        "merged_into", BigId
    ),  # person.id: a tombstone that keeps its address, what is written from there is that one's
    Column("unreached_at", UtcTime),  # since when mails to them come back (`unreached`); NULL: they do not
    Column("muted_at", UtcTime),  # since when automatic mail to them is held back; NULL: it is not
    Column(
        "known_at", UtcTime
    ),  # since when something shows that the address is theirs; NULL: nothing does (desk.ceilings)
    Index("ix_person_merged_into", "merged_into"),
    Index("ix_person_kind_id", "kind", "id"),  # pages of lists
    Index("ix_person_disabled_at_id", "disabled_at", "id"),
    Index("ix_person_muted_at", "muted_at", sqlite_where=_MUTED, postgresql_where=_MUTED),
    sqlite_autoincrement=True,
)

# What is known of a person beyond what mail needs. No row: nothing.
profile = Table(
    "profile",
    metadata,
    Column("person_id", BigId, ForeignKey("person.id"), primary_key=True),
    Column("given_name", Text, nullable=False, server_default=""),  # person.name is what mail shows
    Column("family_name", Text, nullable=False, server_default=""),
    Column("company_id", BigId, ForeignKey("company.id")),
    Column("division_id", BigId, ForeignKey("division.id")),
    Column("manages", Boolean, nullable=False, server_default=false()),  # sees the tickets of their company
    Column("phone", Text, nullable=False, server_default=""),
    Column("location", Text, nullable=False, server_default=""),
    Column("notes", Text, nullable=False, server_default=""),  # of staff, about them
    Column("greeting", Text, nullable=False, server_default=""),
    Column("signature", Text, nullable=False, server_default=""),
    Column("out_of_office", Boolean, nullable=False, server_default=false()),
    Index("ix_profile_company_id_person_id", "company_id", "person_id"),
    Index("ix_profile_division_id_person_id", "division_id", "person_id"),
)

staff_department = Table(
    "staff_department",
    metadata,
    Column("person_id", BigId, ForeignKey("person.id"), primary_key=True),
    Column("department_id", BigId, ForeignKey("department.id"), primary_key=True),
    Column("notify", Boolean, nullable=False, server_default=true()),
    Index("ix_staff_department_department_id", "department_id"),
)

# Mails that failed hard since the last sign of life from their recipient; a few for each person (desk.mutes).
unreached = Table(
    "unreached",
    metadata,
    Column("outbox_id", BigId, ForeignKey("outbox.id"), primary_key=True, autoincrement=False),
    Column("person_id", BigId, ForeignKey("person.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
)

# Who was muted, and who no longer: each change. person.muted_at says what is so now.
mute = Table(
    "mute",
    metadata,
    new_id(),
    Column("person_id", BigId, ForeignKey("person.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("actor_id", BigId),  # person.id; NULL: it came by itself, or nobody said who
    Column("why", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Single-use links (set a password): only the hash is kept.
person_token = Table(
    "person_token",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("person_id", BigId, ForeignKey("person.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

# Team settings and what the daemon itself must remember (keys of reply tokens, result of `check mail`, ...).
setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Json, nullable=False),
)
