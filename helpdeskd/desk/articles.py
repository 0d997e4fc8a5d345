"""Articles of the knowledge base: written, changed, removed, listed, read.

Customers (`staff=False`) see none that is for staff only, nor any in a private topic or in a department they do not see. Its words
come as a `bodies.Body`, made in the caller's thread before the writer is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, false, func, insert, or_, select, update

from helpdeskd.desk import bodies, departments, messages, rows, tags, topics
from helpdeskd.desk.bodies import Body
from helpdeskd.desk.catalogue import GUESTED
from helpdeskd.desk.context import Desk, Part
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Attachment
from helpdeskd.store import schema

_a, _d, _t, _tag, _f = (
    schema.article.c,
    schema.department.c,
    schema.topic.c,
    schema.article_tag.c,
    schema.attachment.c,
)
_TAGS = (
    select(func.aggregate_strings(_tag.tag, ",")).where(_tag.article_id == _a.id).scalar_subquery()
)  # none has a comma
_FILES = select(func.count()).where(_f.article_id == _a.id).scalar_subquery()
_LINES = (
    select(
        _a.id,
        _a.title,
        _a.topic_id,
        func.coalesce(_t.name, ""),
        _a.department_id,
        func.coalesce(_d.name, ""),
        _a.staff_only,
        _a.position,
        _a.views,
        _a.author_id,
        _a.created_at,
        _a.updated_at,
        _FILES,
        _TAGS,
        _a.html,
        _a.text,
    )
    .outerjoin(schema.topic, _t.id == _a.topic_id)
    .outerjoin(schema.department, _d.id == _a.department_id)
    .where(_a.removed_at.is_(None))
)
_WORDS = (_a.html, _a.text)
_FOR_CUSTOMERS = (
    _a.staff_only == false(),
    or_(_a.topic_id.is_(None), _a.topic_id.in_(topics.OPEN)),
    or_(_a.department_id.is_(None), (_d.staff_only == false()) & or_(_d.private == false(), GUESTED)),
)
_FILES_OF = select(_f.article_id, *rows.ATTACHMENT).order_by(_f.article_id, _f.position, _f.id)


@dataclass(frozen=True, slots=True)
class Article:
    """As lists show it."""

    id: int
    title: str
    topic_id: int | None
    topic: str  # "": in none
    department_id: int | None
    department: str  # "": of none
    staff_only: bool
    position: int  # in lists; then by age
    views: int
    author_id: int | None
    created_at: datetime
    updated_at: datetime
    files: int
    tags: tuple[str, ...]  # in alphabetical order


@dataclass(frozen=True, slots=True)
class Whole:
    """An article with its words and its files."""

    article: Article
    body: Body
    files: tuple[Attachment, ...]

    @property
    def draft(self) -> Draft:
        """What `dataclasses.replace` makes a change of."""
        a = self.article
        return Draft(a.title, self.body, a.topic_id, a.department_id, a.staff_only, a.position, a.tags)


@dataclass(frozen=True, slots=True)
class Draft:
    """What an article is to be."""

    title: str
    body: Body
    topic_id: int | None = None
    department_id: int | None = None
    staff_only: bool = False
    position: int = 0
    tags: tuple[str, ...] = ()  # as people write them


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; all that is given must hold."""

    topic_id: int | None = None
    department_id: int | None = None
    tag: str | None = None


def list(conn: Connection, wanted: Wanted = Wanted(), *, staff: bool) -> tuple[Article, ...]:  # noqa: A001  # articles.list reads as what it is; Wanted is frozen
    """In their order. Raises Refused("bad-tag")."""
    asked: dict[str, Any] = {"topic_id": wanted.topic_id, "department_id": wanted.department_id, "tag": wanted.tag}
    asked = {name: value for name, value in asked.items() if value is not None}
    if wanted.tag is not None:
        asked["tag"] = tags.name(wanted.tag)
    return tuple(_article(row) for row in conn.execute(listing(frozenset(asked), staff=staff), asked))


@cache
def listing(asked: frozenset[str], *, staff: bool) -> Select[Any]:
    """The one statement of a list, with what it is narrowed by as parameters of these names: topic_id, department_id, tag."""
    conditions = {
        "topic_id": _a.topic_id == bindparam("topic_id"),
        "department_id": _a.department_id == bindparam("department_id"),
        "tag": _a.id.in_(select(_tag.article_id).where(_tag.tag == bindparam("tag"))),
    }
    found: Select[Any] = _LINES.where(*(conditions[each] for each in sorted(asked)))
    found = found.with_only_columns(*(each for each in found.selected_columns if each not in set(_WORDS)))
    return (found if staff else found.where(*_FOR_CUSTOMERS)).order_by(_a.position, _a.id)


@cache
def _one(*, staff: bool) -> Select[Any]:
    return _LINES.where(_a.id == bindparam("article_id"), *(() if staff else _FOR_CUSTOMERS))


def get(conn: Connection, article_id: int, *, staff: bool) -> Whole:
    """Raises NotFound: it is not there, not any more, or not for customers."""
    row = conn.execute(_one(staff=staff), {"article_id": article_id}).one_or_none()
    if row is None:
        raise NotFound("article", article_id)
    return Whole(_article(row), Body(*row[-2:]), files(conn, (article_id,)).get(article_id, ()))


def files(conn: Connection, article_ids: Iterable[int]) -> dict[int, tuple[Attachment, ...]]:
    """The files of each that has any."""
    found: dict[int, tuple[Attachment, ...]] = {}
    for article_id, *row in conn.execute(_FILES_OF.where(_f.article_id.in_(sorted(article_ids)))):
        found[article_id] = (*found.get(article_id, ()), rows.attachment(row))
    return found


def viewed(conn: Connection, desk: Desk, now: datetime, *, article_id: int) -> None:
    """One view more; nothing else changes."""
    conn.execute(update(schema.article).where(_a.id == article_id).values(views=_a.views + 1))


def create(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    draft: Draft,
    parts: Sequence[Part] = (),
    actor: Person | None,
) -> Whole:
    """`parts` are its files. Raises Refused: bad-title, bad-tag, too-many-tags, no-such-topic, no-such-department."""
    values, names = _checked(conn, draft)
    values |= {"author_id": None if actor is None else actor.id, "created_at": now, "updated_at": now}
    article_id: int = conn.execute(insert(schema.article).returning(_a.id), values).scalar_one()
    _set_tags(conn, article_id, names)
    _add_files(conn, article_id, parts)
    return get(conn, article_id, staff=True)


def change(
    conn: Connection, desk: Desk, now: datetime, *, article_id: int, draft: Draft, actor: Person | None
) -> Whole:
    """It becomes as `draft` says. Raises Refused: no-such-article, and as `create` does."""
    before = _locked(conn, article_id)
    values, names = _checked(conn, draft)
    if values == _values(before.draft) and names == before.article.tags:
        return before
    conn.execute(update(schema.article).where(_a.id == article_id).values(**values, updated_at=now))
    if names != before.article.tags:
        _set_tags(conn, article_id, names)
    return get(conn, article_id, staff=True)


def remove(conn: Connection, desk: Desk, now: datetime, *, article_id: int, actor: Person | None) -> None:
    """What stays is that there was one: words, tags and files are gone, their bytes with the next sweep. Raises NotFound."""
    _locked(conn, article_id)
    conn.execute(delete(schema.article_tag).where(_tag.article_id == article_id))
    conn.execute(delete(schema.attachment).where(_f.article_id == article_id))
    conn.execute(update(schema.article).where(_a.id == article_id).values(title="", html="", text="", removed_at=now))


def leave_department(conn: Connection, department_id: int) -> None:
    """The department is being removed: its articles stay, of none. Those that not every customer saw become staff's."""
    hidden = select(_d.private | _d.staff_only | GUESTED).where(_d.id == department_id)
    values: dict[str, Any] = {"department_id": None}
    if conn.execute(hidden).scalar():
        values["staff_only"] = True
    conn.execute(update(schema.article).where(_a.department_id == department_id).values(**values))


def _locked(conn: Connection, article_id: int) -> Whole:
    conn.execute(select(_a.id).where(_a.id == article_id).with_for_update())
    return get(conn, article_id, staff=True)


def _checked(conn: Connection, draft: Draft) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The row's values and the tags."""
    values = _values(draft) | {"title": bodies.title(draft.title)}
    names = tuple(sorted({tags.name(each) for each in draft.tags}))
    if len(names) > tags.MAX_TAGS:
        raise Refused("too-many-tags", f"an article has at most {tags.MAX_TAGS} tags")
    if draft.topic_id is not None:
        topics.get(conn, draft.topic_id)
    if draft.department_id is not None and departments.there(conn, draft.department_id) is None:
        raise NotFound("department", draft.department_id)
    return values, names


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "title": draft.title,
        "html": draft.body.html,
        "text": draft.body.text,
        "topic_id": draft.topic_id,
        "department_id": draft.department_id,
        "staff_only": draft.staff_only,
        "position": draft.position,
    }


def _set_tags(conn: Connection, article_id: int, names: tuple[str, ...]) -> None:
    conn.execute(delete(schema.article_tag).where(_tag.article_id == article_id))
    if names:
        tags.numbered(conn, names)
        conn.execute(insert(schema.article_tag), [{"article_id": article_id, "tag": each} for each in names])


def _add_files(conn: Connection, article_id: int, parts: Sequence[Part]) -> None:
    if parts:
        conn.execute(
            insert(schema.attachment),
            [{"article_id": article_id, **messages.file_columns(part, n)} for n, part in enumerate(parts)],
        )


def _article(row: rows.Row) -> Article:
    names = tuple(sorted(row[13].split(","))) if row[13] else ()
    return Article(*(*row[:13], names))
