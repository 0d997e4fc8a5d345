"""What tickets are searched by: an index of their words, and the words of those that are there."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from helpdeskd.model.folding import words

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

PAGE = 200  # tickets that are in memory at once
MOST = 6_000  # words of one

_FTS5 = """
CREATE VIRTUAL TABLE search_index USING fts5(words, content = '', tokenize = "ascii tokenchars '~'", detail = 'none', columnsize = 0)
"""
_PUT = "INSERT INTO search (ticket_id, words) VALUES (:id, :words)"
_PUT_VECTOR = "INSERT INTO search (ticket_id, words) VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))"
_INDEX = "INSERT INTO search_index (rowid, words) SELECT ticket_id, words FROM search WHERE ticket_id BETWEEN :first AND :last"
_TICKETS = """
SELECT id FROM ticket WHERE id > :after AND removed_at IS NULL ORDER BY id LIMIT :page
"""
# Of each ticket, and of those that were merged into it: whether the public reads it, and the words.
_WORDS = """
WITH part AS (
    SELECT id AS whole, id AS ticket_id FROM ticket WHERE id IN :ids
    UNION ALL
    SELECT merged_into, id FROM ticket WHERE merged_into IN :ids AND removed_at IS NULL
)
SELECT whole, 1, number || ' ' || subject FROM part JOIN ticket ON ticket.id = ticket_id
UNION ALL
SELECT whole, 1, name || ' ' || email FROM part JOIN ticket ON ticket.id = ticket_id JOIN person ON person.id = requester_id
UNION ALL
SELECT whole, 0, name || ' ' || email FROM part JOIN participant ON participant.ticket_id = part.ticket_id
JOIN person ON person.id = person_id
UNION ALL
SELECT whole, 1, tag FROM part JOIN ticket_tag ON ticket_tag.ticket_id = part.ticket_id
UNION ALL
SELECT whole, CASE visibility WHEN 'public' THEN 1 ELSE 0 END, name FROM part JOIN message ON message.ticket_id = part.ticket_id
JOIN attachment ON message_id = message.id
UNION ALL
SELECT whole, CASE visibility WHEN 'public' THEN 1 ELSE 0 END, text FROM part JOIN message ON message.ticket_id = part.ticket_id
"""


def upgrade() -> None:
    conn = op.get_bind()
    sqlite = conn.dialect.name == "sqlite"
    op.create_table(
        "search",
        sa.Column("ticket_id", ID, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_search"),
    )
    if sqlite:
        op.execute(_FTS5)
    read = sa.text(_WORDS).bindparams(sa.bindparam("ids", expanding=True))
    after = 0
    while page := list(conn.execute(sa.text(_TICKETS), {"after": after, "page": PAGE}).scalars()):
        texts: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
        for ticket_id, public, text in conn.execute(read, {"ids": page}):
            texts[ticket_id, public].append(text)
        rows = []
        for ticket_id in page:
            found = words(" ".join(texts[ticket_id, 1]), MOST)
            found += [f"~{word}" for word in words(" ".join(texts[ticket_id, 0]), MOST - len(found))]
            rows.append({"id": ticket_id, "words": " ".join(found)})
        conn.execute(sa.text(_PUT if sqlite else _PUT_VECTOR), rows)
        if sqlite:
            conn.execute(sa.text(_INDEX), {"first": page[0], "last": page[-1]})
        after = page[-1]
    if not sqlite:
        op.create_index("ix_search_words", "search", ["words"], postgresql_using="gin")


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
