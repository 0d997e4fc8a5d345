"""Its JSON for articles and canned responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from helpdeskd.desk.articles import Article
from helpdeskd.desk.canned import Canned
from helpdeskd.desk.library import Page, Shelf
from helpdeskd.http.jitbit.shapes_house import Category, category
from helpdeskd.http.jitbit.shapes_tickets import Attachment, Tag, tags
from helpdeskd.http.jitbit.words import HTML_MARK, moment
from helpdeskd.model import ticket


class ArticleSummary(msgspec.Struct):
    ArticleId: int
    Subject: str
    ForTechsOnly: bool
    CategoryID: int | None
    CategoryName: str
    TagString: str | None
    Tags: list[Tag]
    UrlId: str | None
    DateCreated: str
    LastUpdated: str
    Url: str
    Attachments: list[Attachment]


class ArticleDetail(msgspec.Struct):
    ArticleId: int
    Subject: str
    Body: str
    ForTechsOnly: bool
    CategoryID: int | None
    CategoryName: str
    TagString: str | None
    Tags: list[Tag]
    DateCreated: str
    LastUpdated: str
    Url: str
    Attachments: list[Attachment]


class Articles(msgspec.Struct):
    Articles: list[ArticleSummary]
    Categories: list[Category]


class Template(msgspec.Struct):
    """`UserID` is who keeps it for themselves; null: the team's."""

    TemplateID: int
    Name: str
    Body: str
    UserID: int | None


def articles(shelf: Shelf, root: str) -> Articles:
    return Articles(
        Articles=[summary(each, shelf.files.get(each.id, ()), shelf.tags, root) for each in shelf.articles],
        Categories=[category(each) for each in shelf.places],
    )


def summary(
    article: Article, files: Iterable[ticket.Attachment], numbers: Mapping[str, int], root: str
) -> ArticleSummary:
    """Of an article for all categories `CategoryID` is null."""
    return ArticleSummary(
        ArticleId=article.id,
        Subject=article.title,
        ForTechsOnly=article.staff_only,
        CategoryID=article.department_id,
        CategoryName=article.department,
        TagString=",".join(article.tags) or None,
        Tags=tags({name: numbers[name] for name in article.tags}),
        UrlId=None,
        DateCreated=moment(article.created_at),
        LastUpdated=moment(article.updated_at),
        Url=f"{root}/Article/{article.id}",
        Attachments=[_attachment(each, article, root) for each in files],
    )


def detail(page: Page, root: str) -> ArticleDetail:
    whole = page.whole
    found = msgspec.structs.asdict(summary(whole.article, whole.files, page.tags, root))
    return msgspec.convert(found | {"Body": HTML_MARK + whole.body.html}, ArticleDetail, from_attributes=True)


def _attachment(file: ticket.Attachment, article: Article, root: str) -> Attachment:
    """As a ticket's, of no ticket and no comment."""
    return Attachment(
        FileName=file.name,
        FileID=file.id,
        CommentID=0,
        CommentDate=moment(article.updated_at),
        FileHash=file.sha256,
        FileSize=file.size,
        IssueID=0,
        UserID=article.author_id,
        GoogleDriveUrl=None,
        ForTechsOnly=article.staff_only,
        Url=f"{root}/attachment?id={file.id}",
    )


def template(canned: Canned) -> Template:
    return Template(TemplateID=canned.id, Name=canned.title, Body=HTML_MARK + canned.body.html, UserID=canned.owner_id)
