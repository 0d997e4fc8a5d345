"""The index that tickets are searched by: number, subject, people, tags, names of files, and what is said.

One row for each ticket. It is written in the transaction of the act that changes the words: at the opening in one statement, by each
message in another, which the store appends to what is there without our reading it; anything rarer writes the row anew (`rebuild`).
Internal words stand apart, so that nobody finds a ticket by what they may not read. A merged ticket keeps its row, and what
it says leads to its target too; a removed one has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from helpdeskd.desk.context import Words
from helpdeskd.model.folding import words as folded
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket, Visibility
from helpdeskd.store import schema
from helpdeskd.store.schema.search import holds, holds_public, vector, with_words

# Of one act so many different words; a ticket that has more than so many takes no more. What is over is not found by, nothing else.
# A vector of PostgreSQL has a megabyte: (MAX_TICKET + MAX_ACT) words of folding.MAX_LENGTH letters of four bytes fit.
MAX_ACT = 2_000
MAX_TICKET = 6_000
_LETTERS = 8 * MAX_TICKET  # what SQLite counts in their place

MAX_ASKED = 20  # words of one question
SHORTEST_START = 3  # letters from which the last word of a question may be the start of one
RENAMED = 100  # tickets of somebody with a new name or address that are found by it: the newest

_s, _t, _m, _p = schema.search.c, schema.ticket.c, schema.message.c, schema.person.c
_f, _tag, _part = schema.attachment.c, schema.ticket_tag.c, schema.participant.c

_PUT = insert(schema.search).values(
    rowid=bindparam("ticket_id"), public=vector(bindparam("said")), internal=vector(bindparam("noted"))
)
_DROP = delete(schema.search).where(_s.rowid == bindparam("ticket_id"))


def _append(name: str) -> Any:
    longer = update(schema.search).values({name: with_words(_s[name], bindparam("words"))})
    return longer.where(func.length(_s[name]) <= bindparam("most"))


_SAY = {
    public: _append("public" if public else "internal").where(_s.rowid == bindparam("ticket_id"))
    for public in (True, False)
}
_THEIRS = (
    select(_t.id).where(_t.requester_id == bindparam("person_id")).order_by(_t.id.desc()).limit(RENAMED),
    select(_part.ticket_id)
    .where(_part.person_id == bindparam("person_id"))
    .order_by(_part.ticket_id.desc())
    .limit(RENAMED),
)
_RENAME = _append("public").where(_s.rowid.in_(union_all(*(select(each.subquery().c[0]) for each in _THEIRS))))


def put(
    conn: Connection, ticket: Ticket, requester: Person, joined: Iterable[Person], visibility: Visibility, words: Words
) -> None:
    """The row of a new ticket."""
    said = f"{ticket.number} {ticket.subject} {_names((requester, *joined))}"
    text = _text(words)
    if visibility is Visibility.PUBLIC:
        _put(conn, ticket.id, f"{said} {text}", "")
    else:
        _put(conn, ticket.id, said, text)


def say(conn: Connection, ticket_id: int, visibility: Visibility, words: Words, joined: Iterable[Person] = ()) -> None:
    """What a message adds, and who joined by it."""
    public = visibility is Visibility.PUBLIC
    found = folded(f"{_text(words)} {_names(joined)}", MAX_ACT)
    if found:
        conn.execute(_SAY[public], {"ticket_id": ticket_id, "words": " ".join(found), "most": _most(conn)})


def rename(conn: Connection, person: Person) -> None:
    """Their newest tickets are found by what they are called now, and by what they were."""
    found = " ".join(folded(_names((person,)), MAX_ACT))
    conn.execute(_RENAME, {"person_id": person.id, "words": found, "most": _most(conn)})


def drop(conn: Connection, ticket_id: int) -> None:
    """It is found no more."""
    conn.execute(_DROP, {"ticket_id": ticket_id})


def rebuild(conn: Connection, *ticket_ids: int) -> None:
    """Index tickets anew, as they are."""
    wanted = sorted(set(ticket_ids))
    if not wanted:
        return
    # A merged ticket's words are its target's too.
    owners = {row.id: (row.id, row.merged_into) for row in conn.execute(_PARTS, {"ids": wanted})}
    ids = sorted(owners)
    public: defaultdict[int, list[str]] = defaultdict(list)
    internal: defaultdict[int, list[str]] = defaultdict(list)
    for statement in (_HEADS, _PEOPLE, _TAGS):
        for ticket_id, *said in conn.execute(statement, {"ids": ids}):
            public[ticket_id] += map(str, said)
    for statement in (_FILES, _TEXTS):
        for ticket_id, visibility, said in conn.execute(statement, {"ids": ids}):
            (public if visibility == Visibility.PUBLIC else internal)[ticket_id].append(said)
    for ticket_id in wanted:
        of = [each for each in ids if ticket_id in owners[each]]
        drop(conn, ticket_id)
        if ticket_id in owners:
            said, noted = (" ".join(word for each in of for word in found[each]) for found in (public, internal))
            _put(conn, ticket_id, said, noted, MAX_TICKET)


_IDS = bindparam("ids", expanding=True)
_PARTS = select(_t.id, _t.merged_into).where(_t.id.in_(_IDS) | _t.merged_into.in_(_IDS), _t.removed_at.is_(None))
_HEADS = select(_t.id, _t.number, _t.subject).where(_t.id.in_(_IDS))
_PEOPLE = union_all(
    select(_t.id, _p.name, _p.email).join(schema.person, _p.id == _t.requester_id).where(_t.id.in_(_IDS)),
    select(_part.ticket_id, _p.name, _p.email)
    .join(schema.person, _p.id == _part.person_id)
    .where(_part.ticket_id.in_(_IDS)),
)
_TAGS = select(_tag.ticket_id, _tag.tag).where(_tag.ticket_id.in_(_IDS))
_FILES = (
    select(_m.ticket_id, _m.visibility, _f.name)
    .join(schema.message, _m.id == _f.message_id)
    .where(_m.ticket_id.in_(_IDS))
)
_TEXTS = select(_m.ticket_id, _m.visibility, _m.text).where(_m.ticket_id.in_(_IDS)).order_by(_m.id)


def _put(conn: Connection, ticket_id: int, public: str, internal: str, most: int = MAX_ACT) -> None:
    said, noted = (" ".join(folded(text, most)) if text else "" for text in (public, internal))
    conn.execute(_PUT, {"ticket_id": ticket_id, "said": said, "noted": noted})


def _text(words: Words) -> str:
    return " ".join([words.text, *(part.name for part in words.parts)]) if words.parts else words.text


def _names(people: Iterable[Person]) -> str:
    return " ".join(f"{person.name} {person.email}" for person in people)


def _most(conn: Connection) -> int:
    return _LETTERS if conn.dialect.name == "sqlite" else MAX_TICKET


def found(words: str, *, internal: bool) -> ColumnElement[bool]:
    """Rows of `schema.search` in which every word stands; the last one may go on. No word at all finds nothing.

    For a list that is to stop after a page: joined by `schema.search.c.rowid == schema.ticket.c.id`, and in the order of that
    rowid, nothing beyond the page is looked at. Everybody else: `matching`.
    """
    asked = folded(words, MAX_ASKED)
    if not asked:
        return false()
    *whole, last = asked
    goes_on = len(last) >= SHORTEST_START
    query = " AND ".join(f'"{word}"' for word in asked) + (" *" if goes_on else "")
    lexemes = [f"'{word}'" for word in whole] + [f"'{last}'" + (":*" if goes_on else "")]
    # Nothing in them is syntax of either: a word has only letters and digits.
    if internal:
        return holds(literal(query), *map(literal, lexemes))
    return holds_public(literal(f"{{public}} : ({query})"), *map(literal, lexemes))


def matching(words: str, *, internal: bool) -> ColumnElement[bool]:
    """Tickets in which every word stands. `internal`: in what customers do not read too."""
    return _t.id.in_(select(_s.rowid).where(found(words, internal=internal)))
