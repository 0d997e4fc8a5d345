"""The knowledge base and canned responses: decode, call the desk, encode."""

from __future__ import annotations

from helpdeskd.desk import articles, bodies, canned, library
from helpdeskd.desk.articles import Draft
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_knowledge
from helpdeskd.http.jitbit.reach import actor, root, seeing
from helpdeskd.http.written import parts_of


def list_articles(call: Call) -> shapes_knowledge.Articles:
    """All articles that the caller sees, without their words, and the categories."""
    found = call.read(library.shelf, seeing(call), call.params.department_id or None)
    return shapes_knowledge.articles(found, root(call))


def show_article(call: Call) -> shapes_knowledge.ArticleDetail:
    """One article. It counts how often it is read."""
    found = call.read(library.page, seeing(call), call.params.id)
    if call.asked.method != "HEAD":
        call.note(articles.viewed, article_id=call.params.id)
    return shapes_knowledge.detail(found, root(call))


def create_article(call: Call) -> int:
    """Write an article. Its number comes back."""
    asked = call.params
    draft = Draft(
        asked.subject,
        bodies.of(asked.body),
        department_id=asked.department_id or None,
        staff_only=asked.staff_only,
        tags=tuple(tag for given in asked.tags for tag in given.split(",") if tag.strip()),
    )
    made = call.write(articles.create, draft=draft, parts=parts_of(call.files), actor=actor(call))
    return made.article.id


def list_templates(call: Call) -> list[shapes_knowledge.Template]:
    """Texts to answer with: the team's, then the caller's own."""
    return [shapes_knowledge.template(each) for each in call.read(canned.list, actor(call))]
