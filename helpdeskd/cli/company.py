"""helpdeskd company add|list|show|set|manager"""

from __future__ import annotations

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, lines, one_line, say, table
from helpdeskd.desk import companies, people, people_list, profiles
from helpdeskd.desk.companies import Company
from helpdeskd.desk.directory import Entry

_PAGE = 500  # rows of one statement


@click.group()
def command() -> None:
    """The companies that customers come from."""


_DOMAINS = click.option(
    "--domain", "domains", multiple=True, help="Whoever first writes from it belongs to the company (again for more)."
)


@command.command()
@click.argument("name")
@_DOMAINS
@json_option
@click.pass_context
def add(ctx: click.Context, name: str, *, domains: tuple[str, ...], as_json: bool) -> None:
    """Add the company NAME."""
    with writing(ctx) as here:
        made = here.store.writer.run(
            lambda conn: companies.add(conn, here.desk, here.clock(), name=name, domains=domains, actor=None)
        )
    if as_json:
        echo_json(made)
    else:
        say(_said(made))


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All companies, by name."""

    def look(conn: Connection) -> list[Company]:
        found: list[Company] = []
        while more := companies.page(conn, limit=_PAGE, offset=len(found)):
            found += more
        return found

    with reading(ctx) as here:
        every = here.store.read(look)
    if as_json:
        echo_json(every)
        return
    click.echo(table([(c.id, c.name, ", ".join(c.domains)) for c in every], ("ID", "NAME", "DOMAINS")))


@command.command()
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """The company NAME and its people; managers see the tickets of all of them."""

    def look(conn: Connection) -> tuple[Company, list[Entry]]:
        company = companies.at(conn, name)
        found: list[Entry] = []
        while more := people_list.page(conn, company_id=company.id, limit=_PAGE, offset=len(found)):
            found += more
        return company, found

    with reading(ctx) as here:
        company, found = here.store.read(look)
    if as_json:
        people_of = [{"name": e.person.name, "email": e.person.email, "manages": e.manages} for e in found]
        echo_json({"company": company, "people": people_of})
        return
    click.echo(one_line(company.name))
    if company.domains:
        click.echo(f"  domains: {one_line(', '.join(company.domains))}")
    if company.notes:
        click.echo(lines(company.notes))
    click.echo()
    rows = [(e.person.name, e.person.email, "manager" if e.manages else "") for e in found]
    click.echo(table(rows, ("NAME", "ADDRESS", "")))


@command.command(name="set")
@click.argument("name")
@_DOMAINS
@click.option("--no-domains", is_flag=True, help="It has no domains any more.")
@click.option("--name", "new_name", help="What it is called from now on.")
@click.pass_context
def set_(ctx: click.Context, name: str, *, domains: tuple[str, ...], no_domains: bool, new_name: str | None) -> None:
    """Change the company NAME: these domains in place of those before, or another name. Who is there already stays."""
    if domains and no_domains:
        raise click.UsageError("say --domain or --no-domains")
    if not domains and not no_domains and new_name is None:
        raise click.UsageError("say what is to be different")
    with writing(ctx) as here:
        changed = here.store.writer.run(
            lambda conn: companies.change(
                conn,
                here.desk,
                here.clock(),
                company=companies.at(conn, name),
                name=new_name,
                domains=domains if domains or no_domains else None,
                actor=None,
            )
        )
    say(_said(changed))


@command.command()
@click.argument("address")
@click.argument("switch", type=click.Choice(["on", "off"]))
@click.pass_context
def manager(ctx: click.Context, address: str, switch: str) -> None:
    """Whether the person at ADDRESS sees, and answers, the tickets of everybody in their company."""
    with writing(ctx) as here:

        def act(conn: Connection) -> Entry:
            person = people.at(conn, address)
            profiles.change(conn, here.desk, here.clock(), person=person, manages=switch == "on", actor=None)
            return people_list.one(conn, person.id)

        entry = here.store.writer.run(act)
    say(f"{entry.person.shown} {f'manages {entry.company}' if entry.manages else 'manages no company'}.")


def _said(company: Company) -> str:
    domains = "the domains " + ", ".join(company.domains) if company.domains else "no domains"
    return f"Company {company.name} has {domains}."
