"""The knowledge base, and texts to answer with."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, asks_knowledge, shapes_knowledge, views_knowledge
from helpdeskd.http.jitbit.access import TECHNICIAN

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Articles",                views_knowledge.list_articles, params=asks_knowledge.Articles, result=(shapes_knowledge.Articles,)),
    Route("GET",      "/Article /Article/{id}",   views_knowledge.show_article, params=asks.OneById, result=(shapes_knowledge.ArticleDetail,)),
    Route("POST",     "/Article",                 views_knowledge.create_article, TECHNICIAN, asks_knowledge.NewArticle, (int,), files=True),
    Route("GET POST", "/CommentTemplates",        views_knowledge.list_templates, TECHNICIAN, result=(list[shapes_knowledge.Template],)),
)
# fmt: on
