"""The knowledge base as one person sees it: staff all of it; others what is for customers, and of departments only those in which they
may open tickets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from helpdeskd.desk import articles, catalogue
from helpdeskd.desk.articles import Article, Wanted, Whole
from helpdeskd.desk.catalogue import Place
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import NotFound
from helpdeskd.model.ticket import Attachment
from helpdeskd.store import schema

_f, _tag = schema.attachment.c, schema.tag.c
_ARTICLE_OF = select(_f.article_id).where(_f.id == bindparam("file_id"), _f.article_id.is_not(None))


@dataclass(frozen=True, slots=True)
class Shelf:
    """Articles in their order. `files` of those that have any, by the article's id; `tags`: name -> id of all that they have."""

    places: tuple[Place, ...]
    articles: tuple[Article, ...]
    files: Mapping[int, tuple[Attachment, ...]]
    tags: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Page:
    """One article; `tags` as a shelf has them."""

    whole: Whole
    tags: Mapping[str, int]


def shelf(conn: Connection, who: Sight, department_id: int | None = None) -> Shelf:
    """All that they see, or that of one department. Raises NotFound where that is none in which they may open tickets."""
    places = catalogue.shown(conn, who)
    if department_id is not None and department_id not in {each.department.id for each in places}:
        raise NotFound("department", department_id)
    found = articles.list(conn, Wanted(department_id=department_id), staff=who.staff)
    seen = tuple(each for each in found if _stands(each, who, places))
    files = articles.files(conn, (each.id for each in seen if each.files))
    return Shelf(places, seen, files, _numbers(conn, seen))


def page(conn: Connection, who: Sight, article_id: int) -> Page:
    """Raises NotFound."""
    whole = articles.get(conn, article_id, staff=who.staff)
    if not _stands(whole.article, who, () if who.staff else catalogue.shown(conn, who)):
        raise NotFound("article", article_id)
    return Page(whole, _numbers(conn, (whole.article,)))


def file(conn: Connection, who: Sight, file_id: int) -> Attachment:
    """A file of an article that they see. Raises NotFound."""
    article_id = conn.execute(_ARTICLE_OF, {"file_id": file_id}).scalar()
    try:
        files = () if article_id is None else page(conn, who, article_id).whole.files
    except NotFound:
        files = ()
    for each in files:
        if each.id == file_id:
            return each
    raise NotFound("file", file_id)


def _stands(article: Article, who: Sight, places: Iterable[Place]) -> bool:
    return who.staff or article.department_id in {None, *(each.department.id for each in places)}


def _numbers(conn: Connection, found: Iterable[Article]) -> dict[str, int]:
    names = sorted({name for each in found for name in each.tags})
    if not names:
        return {}
    return {row.name: row.id for row in conn.execute(select(_tag.name, _tag.id).where(_tag.name.in_(names)))}
