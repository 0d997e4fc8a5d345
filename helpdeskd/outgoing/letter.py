"""One row of the outbox as bytes: what the store knows of it, rendered and composed. Runs in a thread of the sender's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, select

from helpdeskd.desk import departments, rows
from helpdeskd.desk.context import Desk
from helpdeskd.desk.danger import flags, kept_back
from helpdeskd.mail import reply
from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.mail.html import to_text
from helpdeskd.mail.names import safe
from helpdeskd.model.mail import Address, Part
from helpdeskd.model.outgoing import NoticeName, OutboxRow
from helpdeskd.model.people import Department
from helpdeskd.model.ticket import Attachment, Message
from helpdeskd.outgoing.render import Renderer
from helpdeskd.outgoing.signing import Signer
from helpdeskd.store import schema

# Notices that show the message they speak of, with its files. The others say what happened in our own words alone: nothing
# that somebody wrote is mailed on to a third party (or to whoever a forged From named), but where staff say so (FORWARD).
SHOWS_MESSAGE = frozenset(
    {
        NoticeName.STAFF_REPLY,
        NoticeName.FORWARD,
        NoticeName.NEW_TICKET,
        NoticeName.CUSTOMER_REPLIED,
        NoticeName.ASSIGNED,
        NoticeName.KEPT_INTERNAL,
    }
)
_REPLIES = frozenset(
    {NoticeName.ACKNOWLEDGEMENT, NoticeName.FOLLOW_UP_REFUSED}
)  # answers to one mail: RFC 3834 section 5.1
_LOCAL_PART = 64  # octets, RFC 5321 section 4.5.3.1.1


_MESSAGE = select(*rows.MESSAGE).where(schema.message.c.id == bindparam("message_id"))
_FILES = (
    select(*rows.ATTACHMENT)
    .where(schema.attachment.c.message_id == bindparam("of"))
    .order_by(schema.attachment.c.position, schema.attachment.c.id)
)


class BlobSource(Protocol):
    def get(self, sha256: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Material:
    """What the store knows of a row: read in one transaction."""

    department: Department
    message: Message | None
    attachments: tuple[Attachment, ...]


def gather(conn: Connection, row: OutboxRow) -> Material:
    """Raises NotFound."""
    department = departments.get(conn, row.department_id)
    message: Message | None = None
    files: tuple[Attachment, ...] = ()
    if row.message_id is not None and row.notice in SHOWS_MESSAGE:
        found = conn.execute(_MESSAGE, {"message_id": row.message_id}).first()
        if found is not None:
            message = rows.message(found)
            files = tuple(rows.attachment(each) for each in conn.execute(_FILES, {"of": row.message_id}))
    return Material(department, message, files)


def write(
    row: OutboxRow,
    material: Material,
    *,
    renderer: Renderer,
    blobs: BlobSource,
    desk: Desk,
    signer: Signer,
    attachments_mb: int,
) -> bytes:
    """The mail's bytes, signed. They depend on nothing but the row, the store, the templates and the keys: no clock.

    Raises BrokenTemplate; NotFound for a blob that is gone; StoreDown.
    """
    department = material.department
    leaving = tuple(each for each in material.attachments if kept_back(department, each) is None)
    chosen = choose(leaving, attachments_mb * 1_000_000)
    message = material.message
    if message is not None:
        message = replace(message, html=_own_html(row, message))
    rendered = renderer.render(row.notice, row.language, context(row, material, message, chosen, desk))
    # A template, or a customer's words, may hold an address that lets its reader speak as somebody else (section 5 of the
    # design: no token of ours leaves in any text).
    text, html = desk.tokens.scrub(rendered.text), desk.tokens.scrub(rendered.html)
    person = row.context.get("person") or {}
    raw = compose(
        Draft(
            from_name=department.sender_name or department.name,
            from_address=department.address,
            to=(Address(str(person.get("name", "")), row.recipient),),
            reply_to=reply_address(row, department),
            subject=desk.tokens.scrub(rendered.subject),
            mail_id=row.mail_id,
            references=row.references,
            date=row.created_at,
            text=text,
            html=html,
            parts=tuple(_part(each, blobs, html) for each in chosen),
            auto_submitted=auto_submitted(row),
            instance=desk.instance,
            token=row.envelope_token,
        )
    )
    return signer.sign(raw, department.address, row.created_at)


def context(
    row: OutboxRow, material: Material, message: Message | None, chosen: tuple[Attachment, ...], desk: Desk
) -> Mapping[str, Any]:
    """The row's snapshot, completed with what is not fixed in it: the message, our marker, the department's signature."""
    department = material.department
    values: dict[str, Any] = {
        **row.context,
        "marker": desk.settings.marker,
        "department": {
            "name": department.name,
            "address": department.address,
            **row.context.get("department", {}),
            "sender_name": department.sender_name or department.name,
        },
    }
    if message is not None:
        attached = {each.id for each in chosen}
        values["message"] = {
            "text": _words(row, message),
            "html": message.html,
            "subject": message.subject,
            "verdict": message.verdict.value,
            "attachments": [
                {
                    "name": each.name,
                    "size": each.size,
                    "attached": each.id in attached,
                    "withheld": kept_back(department, each) or "",
                    "flags": flags(each),
                }
                for each in material.attachments
            ],
        }
    return values


def choose(files: tuple[Attachment, ...], limit: int) -> tuple[Attachment, ...]:
    """Those that go along: in order, as long as they fit into `limit` bytes together; one too large leaves room for the next."""
    chosen, total = [], 0
    for each in files:
        if total + each.size <= limit:
            chosen.append(each)
            total += each.size
    return tuple(chosen)


def envelope_sender(row: OutboxRow, department: Department) -> str:
    """Where bounces go: the department, or an address that names this very mail (VERP)."""
    if not department.verp:
        return department.address
    return _detailed(department.address, f"b-{row.envelope_token}")


def reply_address(row: OutboxRow, department: Department) -> str:
    """With the recipient's own token, where one was given at enqueue; else the plain address: our Message-ID ties the answer."""
    return _detailed(department.address, row.reply_token) if row.reply_token else department.address


def auto_submitted(row: OutboxRow) -> AutoSubmitted:
    """RFC 3834 section 5: a person's own words are no automatic mail."""
    if not row.automatic:
        return AutoSubmitted.NO
    return AutoSubmitted.REPLIED if row.notice in _REPLIES else AutoSubmitted.GENERATED


def _detailed(address: str, detail: str) -> str:
    local, _, domain = address.rpartition("@")
    whole = f"{local}+{detail}"
    return f"{whole}@{domain}" if len(whole.encode()) <= _LOCAL_PART else address


def _own_html(row: OutboxRow, message: Message) -> str:
    """The author's HTML, where it says the same as the text.

    The text is what was cut at the marker and freed of commands and of a signature. An HTML part that says anything more may hold
    the notice it answered, with things that are none of the customer's business: then the mail is made from the text.
    """
    if row.notice is not NoticeName.STAFF_REPLY or not message.html or message.quote:
        return ""
    same = _letters(to_text(message.html)) == _letters(message.text) == _letters(_words(row, message))
    return message.html if same else ""


def _words(row: OutboxRow, message: Message) -> str:
    """What is passed on of a message: of one that came as mail neither its signature behind `-- ` nor what it quotes with `>` above
    its answer; what only may be such goes along. What staff forward, and what was not written in a mail program, goes as it is."""
    if message.raw_sha256 is None or row.notice is NoticeName.FORWARD:
        return message.text.strip("\n")
    return reply.said(message.text, reply.SURE)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _part(file: Attachment, blobs: BlobSource, html: str) -> Part:
    inline = file.inline and bool(file.content_id) and f"cid:{file.content_id}" in html
    return Part(
        name=safe(file.name),
        content_type=file.content_type,
        data=blobs.get(file.sha256),
        sha256=file.sha256,
        content_id=file.content_id if inline else "",
        inline=inline,
    )
