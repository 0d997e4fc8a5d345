"""The index that tickets are searched by: number, subject, people, tags, names of files, and what is said.

One row for each ticket, and on SQLite the index of FTS5 beside it. They are written in the transaction of the act that changes the words:
an opening puts them, a message adds its own to what is there, without anybody reading that; anything rarer writes the row anew
(`rebuild`). Internal words are marked as such, so that nobody finds a ticket by what they may not read; the names of those who take part
are internal. A merged ticket keeps its row, and what
it says leads to its target too; a removed one has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    select,
    update,
)

from helpdeskd.desk.context import Words
from helpdeskd.model.folding import words as folded
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket, Visibility
from helpdeskd.store import memo, schema
from helpdeskd.store.schema.search import INTERNAL, found, vector, with_words

# Of one act so many different words; a ticket that has more than so many takes no more. What is over is not found by, nothing else.
# A vector of PostgreSQL has a megabyte: (MAX_TICKET + MAX_ACT) words of folding.MAX_LENGTH letters of four bytes fit.
MAX_ACT = 2_000
MAX_TICKET = 6_000
_LETTERS = 8 * MAX_TICKET  # what SQLite counts in their place

MAX_ASKED = 20  # words of one question
SHORTEST_START = 3  # letters from which the last word of a question may be the start of one
PAGE = 200  # tickets read at once
RENAMED = 100  # tickets of somebody with a new name or address that are found by it: the newest

_s, _t, _m, _p = schema.search.c, schema.ticket.c, schema.message.c, schema.person.c
_f, _tag, _part = schema.attachment.c, schema.ticket_tag.c, schema.participant.c

_PUT = insert(schema.search).values(ticket_id=bindparam("id"), words=vector(bindparam("found")))
_DROP = delete(schema.search).where(_s.ticket_id == bindparam("id"))
_LONGER = (
    update(schema.search)
    .values(words=with_words(_s.words, bindparam("found")))
    .where(func.length(_s.words) <= bindparam("most"))
)
_SAY = _LONGER.where(_s.ticket_id == bindparam("id"))
_ASKED = select(_t.id).where(_t.requester_id == bindparam("person_id")).order_by(_t.id.desc()).limit(RENAMED)
_TAKES_PART = (
    select(_part.ticket_id)
    .where(_part.person_id == bindparam("person_id"))
    .order_by(_part.ticket_id.desc())
    .limit(RENAMED)
)
_RENAME_ASKED, _RENAME_JOINED = (
    _LONGER.where(_s.ticket_id.in_(select(each.subquery().c[0]))).returning(_s.ticket_id)
    for each in (_ASKED, _TAKES_PART)
)
# The index of SQLite, in so many words: a mail pays for each statement that SQLAlchemy makes.
_INDEX_PUT = "INSERT INTO search_index (rowid, words) VALUES (?, ?)"
_INDEX_DROP = """
INSERT INTO search_index (search_index, rowid, words) SELECT 'delete', ticket_id, words FROM search WHERE ticket_id = ?
"""


def put(
    conn: Connection, ticket: Ticket, requester: Person, joined: Iterable[Person], visibility: Visibility, words: Words
) -> None:
    """The row of a new ticket."""
    head, text = f"{ticket.number} {ticket.subject} {_names((requester,))}", _text(words)
    if visibility is Visibility.PUBLIC:
        _put(conn, ticket.id, _marked(f"{head} {text}", _names(joined), MAX_ACT))
    else:
        _put(conn, ticket.id, _marked(head, f"{_names(joined)} {text}", MAX_ACT))


def say(conn: Connection, ticket_id: int, visibility: Visibility, words: Words, joined: Iterable[Person] = ()) -> None:
    """What a message adds, and who joined by it."""
    text = _text(words)
    public, internal = (text, "") if visibility is Visibility.PUBLIC else ("", text)
    found = _marked(public, f"{_names(joined)} {internal}", MAX_ACT)
    if not found:
        return
    added = conn.execute(_SAY, {"id": ticket_id, "found": found, "most": _most(conn)})
    if added.rowcount and _fts5(conn):
        conn.exec_driver_sql(_INDEX_PUT, (ticket_id, found), memo.ELSEWHERE)


def rename(conn: Connection, person: Person, of: int | None = None) -> None:
    """Their newest tickets are found by what they are called now, and by what they were. `of`: whose tickets are to become theirs."""
    name = _names((person,))
    for statement, said in ((_RENAME_ASKED, _marked(name, "", MAX_ACT)), (_RENAME_JOINED, _marked("", name, MAX_ACT))):
        asked = {"person_id": of or person.id, "found": said, "most": _most(conn)}
        renamed = conn.execute(statement, asked).scalars().all()
        if renamed and _fts5(conn):
            conn.exec_driver_sql(_INDEX_PUT, [(ticket_id, said) for ticket_id in renamed], memo.ELSEWHERE)


def drop(conn: Connection, ticket_id: int) -> None:
    """It is found no more."""
    if _fts5(conn):
        conn.exec_driver_sql(_INDEX_DROP, (ticket_id,), memo.ELSEWHERE)
    conn.execute(_DROP, {"id": ticket_id})


def rebuild(conn: Connection, *ticket_ids: int) -> None:
    """Index tickets anew, as they are."""
    wanted = sorted(set(ticket_ids))
    for start in range(0, len(wanted), PAGE):
        _rebuild(conn, wanted[start : start + PAGE])


def _rebuild(conn: Connection, wanted: list[int]) -> None:
    # A merged ticket's words are its target's too.
    owners = {row.id: (row.id, row.merged_into) for row in conn.execute(_PARTS, {"ids": wanted})}
    ids = sorted(owners)
    public: defaultdict[int, list[str]] = defaultdict(list)
    internal: defaultdict[int, list[str]] = defaultdict(list)
    for statement in (_HEADS, _REQUESTERS, _TAGS):
        for ticket_id, *head in conn.execute(statement, {"ids": ids}):
            public[ticket_id] += map(str, head)
    for ticket_id, *names in conn.execute(_JOINED, {"ids": ids}):
        internal[ticket_id] += names
    for statement in (_FILES, _TEXTS):
        for ticket_id, visibility, text in conn.execute(statement, {"ids": ids}):
            (public if visibility == Visibility.PUBLIC else internal)[ticket_id].append(text)
    for ticket_id in wanted:
        drop(conn, ticket_id)
        if ticket_id in owners:
            of = [each for each in ids if ticket_id in owners[each]]
            said, noted = ([word for each in of for word in texts[each]] for texts in (public, internal))
            _put(conn, ticket_id, _marked(" ".join(said), " ".join(noted), MAX_TICKET))


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PARTS = select(_t.id, _t.merged_into).where(_t.id.in_(_IDS) | _t.merged_into.in_(_IDS), _t.removed_at.is_(None))
_HEADS = select(_t.id, _t.number, _t.subject).where(_t.id.in_(_IDS))
_REQUESTERS = select(_t.id, _p.name, _p.email).join(schema.person, _p.id == _t.requester_id).where(_t.id.in_(_IDS))
_JOINED = (
    select(_part.ticket_id, _p.name, _p.email)
    .join(schema.person, _p.id == _part.person_id)
    .where(_part.ticket_id.in_(_IDS))
)
_TAGS = select(_tag.ticket_id, _tag.tag).where(_tag.ticket_id.in_(_IDS))
_FILES = (
    select(_m.ticket_id, _m.visibility, _f.name)
    .join(schema.message, _m.id == _f.message_id)
    .where(_m.ticket_id.in_(_IDS))
)
_TEXTS = select(_m.ticket_id, _m.visibility, _m.text).where(_m.ticket_id.in_(_IDS)).order_by(_m.id)


def _put(conn: Connection, ticket_id: int, found: str) -> None:
    conn.execute(_PUT, {"id": ticket_id, "found": found})
    if _fts5(conn):
        conn.exec_driver_sql(_INDEX_PUT, (ticket_id, found), memo.ELSEWHERE)


def _marked(public: str, internal: str, most: int) -> str:
    """The words of both, at most so many, with a space between each two."""
    found = folded(public, most)
    if internal:
        found += [f"{INTERNAL}{word}" for word in folded(internal, most - len(found))]
    return " ".join(found)


def _text(words: Words) -> str:
    return " ".join([words.text, *(part.name for part in words.parts)]) if words.parts else words.text


def _names(people: Iterable[Person]) -> str:
    return " ".join(f"{person.name} {person.email}" for person in people)


def _most(conn: Connection) -> int:
    return _LETTERS if _fts5(conn) else MAX_TICKET


def _fts5(conn: Connection) -> bool:
    return conn.dialect.name == "sqlite"


def matching(words: str, *, internal: bool) -> ColumnElement[bool]:
    """Tickets in which every word stands; the last one may go on. `internal`: customers do not read it all. None for no words."""
    asked = folded(words, MAX_ASKED)
    return found(_t.id, literal(_match(asked, internal)), literal(_tsquery(asked, internal))) if asked else false()


# Nothing in a word is syntax of either engine: it has letters and digits.


def _match(asked: list[str], internal: bool) -> str:
    return " AND ".join(
        "(" + " OR ".join(f'"{form}"{" *" if goes_on else ""}' for form in forms) + ")"
        for forms, goes_on in _forms(asked, internal)
    )


def _tsquery(asked: list[str], internal: bool) -> str:
    return " & ".join(
        "(" + " | ".join(f"'{form}'{':*' if goes_on else ''}" for form in forms) + ")"
        for forms, goes_on in _forms(asked, internal)
    )


def _forms(asked: list[str], internal: bool) -> list[tuple[tuple[str, ...], bool]]:
    """Of each word: as what it is indexed, and whether it may go on."""
    last = len(asked) - 1
    return [
        ((word, f"{INTERNAL}{word}") if internal else (word,), n == last and len(word) >= SHORTEST_START)
        for n, word in enumerate(asked)
    ]
