"""helpdeskd article add|list|show|set|remove"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, lines, moment, one_line, say, size, table
from helpdeskd.cli.ticket_work import actor_of, as_option, part_of, text_argument, text_of
from helpdeskd.desk import articles, bodies, departments, topics
from helpdeskd.desk.articles import Article, Draft, Wanted, Whole
from helpdeskd.errors import NotFound
from helpdeskd.installation import Installation
from helpdeskd.model.people import Person

article_argument = click.argument("article_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))


@click.group()
def command() -> None:
    """The knowledge base."""


@command.command()
@click.argument("title")
@text_argument
@click.option("--topic", help="The topic it stands in, made if there is none of that name.")
@click.option("--department", help="The department it is of.")
@click.option("--tag", "tags", multiple=True, help="A tag (again for more).")
@click.option("--staff-only", is_flag=True, help="Customers do not see it.")
@click.option(
    "--attach",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of it (again for more).",
)
@as_option
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    title: str,
    text: str | None,
    *,
    topic: str | None,
    department: str | None,
    tags: tuple[str, ...],
    staff_only: bool,
    files: tuple[Path, ...],
    who: str | None,
    as_json: bool,
) -> None:
    """Publish TEXT (or standard input), plain text or HTML, under TITLE."""
    body = bodies.of(text_of(text))
    read = [(file.name, file.read_bytes()) for file in files]
    with writing(ctx) as here:
        parts = tuple(part_of(here, name, data) for name, data in read)

        def act(conn: Connection) -> Whole:
            actor = actor_of(conn, who)
            topic_id = _topic_made(here, conn, topic, actor) if topic else None
            department_id = _department(conn, department) if department else None
            draft = Draft(title, body, topic_id, department_id, staff_only, tags=tags)
            return articles.create(conn, here.desk, here.clock(), draft=draft, parts=parts, actor=actor)

        whole = here.store.writer.run(act)
    if as_json:
        echo_json(whole)
    else:
        say(f"Article {whole.article.id}: {whole.article.title}")


def _topic(conn: Connection, name: str) -> int | None:
    found = topics.named(conn, name)
    return None if found is None else found.id


def _topic_made(here: Installation, conn: Connection, name: str, actor: Person) -> int:
    there = _topic(conn, name)
    return topics.create(conn, here.desk, here.clock(), name=name, actor=actor).id if there is None else there


def _department(conn: Connection, name: str) -> int:
    found = departments.by_name(conn, name)
    if found is None:
        raise NotFound("department", name)
    return found.id


@command.command(name="list")
@click.option("--topic", help="Only those of this topic.")
@click.option("--department", help="Only those of this department.")
@click.option("--tag", help="Only those with this tag.")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, topic: str | None, department: str | None, tag: str | None, as_json: bool) -> None:
    """All articles, or some."""

    def look(conn: Connection) -> tuple[Article, ...]:
        topic_id = _topic(conn, topic) if topic else None
        if topic and topic_id is None:
            raise NotFound("topic", topic)
        department_id = _department(conn, department) if department else None
        return articles.list(conn, Wanted(topic_id, department_id, tag), staff=True)

    with reading(ctx) as here:
        found = here.store.read(look)
    if as_json:
        echo_json(found)
        return
    rows = [
        (a.id, "staff" if a.staff_only else "all", a.topic, a.department, a.views, a.title, " ".join(a.tags))
        for a in found
    ]
    click.echo(table(rows, ("ID", "FOR", "TOPIC", "DEPARTMENT", "VIEWS", "TITLE", "TAGS")))


@command.command()
@article_argument
@json_option
@click.pass_context
def show(ctx: click.Context, article_id: int, *, as_json: bool) -> None:
    """One article, as text."""
    with reading(ctx) as here:
        whole = here.store.read(lambda conn: articles.get(conn, article_id, staff=True))
    if as_json:
        echo_json(whole)
        return
    article = whole.article
    click.echo(one_line(article.title))
    facts = [
        ("for", "staff only" if article.staff_only else "everybody"),
        ("topic", article.topic),
        ("department", article.department),
        ("tags", " ".join(article.tags)),
        ("changed", moment(article.updated_at)),
        ("views", str(article.views)),
        *(("file", f"{each.name} ({size(each.size)})") for each in whole.files),
    ]
    for name, value in facts:
        if value:
            click.echo(f"  {name}: {one_line(value)}")
    click.echo()
    click.echo(lines(whole.body.text))


@command.command(name="set")
@article_argument
@text_argument
@click.option("--title", help="Its new title.")
@click.option("--topic", help="The topic it stands in from now on, made if there is none of that name.")
@click.option("--staff-only/--no-staff-only", default=None, help="Whether customers see it.")
@as_option
@click.pass_context
def set_(
    ctx: click.Context,
    article_id: int,
    text: str | None,
    *,
    title: str | None,
    topic: str | None,
    staff_only: bool | None,
    who: str | None,
) -> None:
    """Change the article ID: its words to TEXT (- for standard input), its title, its topic, who sees it."""
    wanted: dict[str, Any] = {
        "title": title,
        "staff_only": staff_only,
        "body": None if text is None else bodies.of(text_of(text)),
    }
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if not wanted and topic is None:
        raise click.UsageError("say what is to be different")
    with writing(ctx) as here:

        def act(conn: Connection) -> Whole:
            actor = actor_of(conn, who)
            draft = replace(articles.get(conn, article_id, staff=True).draft, **wanted)
            if topic is not None:
                draft = replace(draft, topic_id=_topic_made(here, conn, topic, actor))
            return articles.change(conn, here.desk, here.clock(), article_id=article_id, draft=draft, actor=actor)

        whole = here.store.writer.run(act)
    say(f"Article {whole.article.id}: {whole.article.title}")


@command.command()
@article_argument
@click.pass_context
def remove(ctx: click.Context, article_id: int) -> None:
    """Remove the article ID with its files."""
    with writing(ctx) as here:
        here.store.writer.run(
            lambda conn: articles.remove(conn, here.desk, here.clock(), article_id=article_id, actor=None)
        )
    say(f"Removed article {article_id}.")
