"""helpdeskd check mail"""

from __future__ import annotations

import asyncio
import secrets
import time
from ipaddress import ip_address

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say
from helpdeskd.desk import departments
from helpdeskd.errors import Refused, Temporary
from helpdeskd.installation import PLUS_PROVED, Installation, is_held
from helpdeskd.intake.plus import CHECK_DETAIL, PLUS_SEEN
from helpdeskd.mail import ids
from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.mail.ids import ascii_domain
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import Ended, Sent
from helpdeskd.outgoing.signing import Signer
from helpdeskd.outgoing.standing import Domain, Finding, Mark, look
from helpdeskd.outgoing.transport import Relay
from helpdeskd.resolver import Dns
from helpdeskd.store import settings as stored

LOOK_SECONDS = 2


@click.group()
def command() -> None:
    """Try out what only the outside world can tell."""


@command.command()
@click.option(
    "--wait", type=click.IntRange(1), default=120, show_default=True, help="Seconds to wait for the mail to come back."
)
@click.option(
    "--address", "addresses", multiple=True, help="An IP address that our mail leaves from, as others see it."
)
@click.option("--no-dns", is_flag=True, help="Do not look at DNS.")
@click.option("--no-send", is_flag=True, help="Send no mail to ourselves.")
@json_option
@click.pass_context
def mail(
    ctx: click.Context, *, wait: int, addresses: tuple[str, ...], no_dns: bool, no_send: bool, as_json: bool
) -> None:
    """Is our mail believed, and do answers find their way back?

    First what DNS says of the departments' domains: MX, SPF, DKIM, DMARC, and PTR of each --address; with what to mend.
    Then a plus-addressed mail to ourselves through the relay, until the daemon has received it: when it comes back, replies may
    find their ticket by a token in the reply address. With --json DNS alone.

    Exit 1 where there is something to mend, 75 where DNS does not answer.
    """
    for address in addresses:
        _checked(address)
    sends = not (no_send or as_json)
    with (writing if sends else reading)(ctx) as here:
        found = _look(here, addresses) if as_json or not no_dns else []
        if as_json:
            echo_json(found)
        else:
            _print(found)
        if sends:
            _there_and_back(here, wait)
    if any(finding.mark is Mark.FIX for finding in found):
        ctx.exit(1)
    unknown = [finding for finding in found if finding.mark is Mark.UNKNOWN]
    if unknown:
        raise Temporary(unknown[0].words)


def _checked(address: str) -> None:
    try:
        ip_address(address)
    except ValueError as error:
        raise Refused("bad-ip", f"--address: {address} is no IP address") from error


def _look(here: Installation, addresses: tuple[str, ...]) -> list[Finding]:
    signer, dns = Signer(here.config), here.config.dns
    found = here.store.read(departments.list)
    sending = {each.address.rpartition("@")[2] for each in found if each.address}
    names = dict.fromkeys(email.rpartition("@")[2] for each in found for email in each.addresses)
    domains = [Domain(ascii_domain(name), name in sending, signer.keys(name)) for name in names]
    return look(domains, addresses, Dns(servers=dns.servers, seconds=dns.seconds))


def _print(found: list[Finding]) -> None:
    for finding in found:
        say(f"{finding.mark.value:7}  {finding.subject.value:5}  {finding.name}: {finding.words}")
        if finding.record:
            say(f"         publish: {finding.record}")


def _there_and_back(here: Installation, wait: int) -> None:
    """Raises Refused where nothing can be sent or received, or nothing has come back."""
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
    raw = Signer(here.config).sign(compose(draft), department.address, draft.date)
    sent = asyncio.run(_deliver(here, department.address, address, raw))
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
