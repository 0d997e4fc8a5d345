"""helpdeskd check mail"""

from __future__ import annotations

import asyncio
import secrets
import time

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import writing
from helpdeskd.cli.output import say
from helpdeskd.desk import departments
from helpdeskd.errors import Refused, Temporary
from helpdeskd.installation import PLUS_PROVED, Installation, is_held
from helpdeskd.intake import CHECK_DETAIL, PLUS_SEEN
from helpdeskd.mail import ids
from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import Ended, Sent
from helpdeskd.outgoing.transport import Relay
from helpdeskd.store import settings as stored

LOOK_SECONDS = 2


@click.group()
def command() -> None:
    """Try out what only the outside world can tell."""


@command.command()
@click.option(
    "--wait", type=click.IntRange(1), default=120, show_default=True, help="Seconds to wait for the mail to come back."
)
@click.pass_context
def mail(ctx: click.Context, *, wait: int) -> None:
    """Send a plus-addressed mail to ourselves through the relay, and wait until the daemon has received it.

    When it comes back, replies may find their ticket by a token in the reply address.
    """
    with writing(ctx) as here:
        if not here.config.outgoing.relay:
            raise Refused("no-relay", "outgoing.relay is not set: nothing can be sent")
        if not is_held(here.config):
            raise Refused("no-daemon", "no daemon runs here to receive the mail: start it first")
        detail, address = _send(here)
        say(f"Sent a mail to {address}; waiting for it, {wait} seconds at most.")
        deadline = time.monotonic() + wait
        while here.store.read(lambda conn: stored.get(conn, PLUS_SEEN, "")) != detail:
            if time.monotonic() > deadline:
                raise Refused(
                    "not-back",
                    f"the mail to {address} has not come back after {wait} s: plus-addresses may not reach us "
                    "(Postfix: recipient_delimiter = +), or mail is slow; tokens stay where they are",
                )
            time.sleep(LOOK_SECONDS)

        def prove(conn: Connection) -> None:
            stored.put(conn, PLUS_PROVED, value=True)

        here.store.writer.run(prove)
    click.echo("It came back: plus-addresses reach us, and reply addresses will carry the token.")


def _send(here: Installation) -> tuple[str, str]:
    department = here.store.read(departments.first)
    if department is None:
        raise Refused("no-department", "there is no department yet: helpdeskd init, or helpdeskd department add")
    detail = f"{CHECK_DETAIL}{secrets.token_hex(10)}"
    local, _, domain = department.address.partition("@")
    address = f"{local}+{detail}@{domain}"
    draft = Draft(
        from_name=department.sender_name,
        from_address=department.address,
        to=(Address("", address),),
        subject="helpdeskd check mail",
        mail_id=ids.new_mail_id(secrets.token_bytes, domain),
        date=here.clock(),
        text="This mail was sent by `helpdeskd check mail` to find out whether plus-addresses reach the help desk.\n",
        auto_submitted=AutoSubmitted.GENERATED,
        instance=here.desk.instance,
    )
    sent = asyncio.run(_deliver(here, department.address, address, compose(draft)))
    if sent.ended in {Ended.RETRY, Ended.UNCERTAIN}:
        raise Temporary(f"the relay {here.config.outgoing.relay} has not taken the mail: {sent.words}")
    if sent.ended is not Ended.SENT:
        raise Refused("not-sent", f"the relay {here.config.outgoing.relay} refuses the mail: {sent.words}")
    return detail, address


async def _deliver(here: Installation, sender: str, recipient: str, raw: bytes) -> Sent:
    relay = Relay(here.config.outgoing)
    try:
        return await relay.send(sender, recipient, raw)
    finally:
        await relay.close()
