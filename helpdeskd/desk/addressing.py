"""Which departments a mail is for, and who else it is addressed to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from helpdeskd.desk import departments, facts
from helpdeskd.desk.context import Desk
from helpdeskd.mail import ids
from helpdeskd.model.mail import Address, Inbound
from helpdeskd.model.people import Department

MAX_BYSTANDERS = 40  # a mail to half a town must not let half a town receive every answer

Book = Mapping[str, int]  # our addresses (lower case, without +detail) and their departments' ids


@dataclass(frozen=True, slots=True)
class Stop:
    """One department a mail goes to, with the recipients that lead there."""

    department: Department
    recipients: tuple[str, ...]
    book: Book


def is_ours(book: Book, address: str) -> bool:
    """Does this reach one of our departments, with +detail or without?"""
    lowered = address.strip().lower()
    return lowered in book or ids.split_detail(lowered)[0] in book


def names_us(book: Book, inbound: Inbound, original: str) -> bool:
    """Does its author say that it is for us? `original`, an alias of the MTA that led here, is ours as well."""
    shown = (address.email for address in (*inbound.to, *inbound.cc))
    return any(is_ours(book, each) or (original and each.lower() == original.lower()) for each in shown)


def addressed(
    conn: Connection, desk: Desk, inbound: Inbound, envelope: tuple[str, ...], original: str, default: str
) -> tuple[Stop, ...]:
    """The departments this mail is for, those first that a reply token names; none only where there is no department at all.

    The envelope decides; without one (IMAP), or where nothing in it is ours (an alias of the MTA), the headers that name one
    of our addresses; else the account's department, else the first. A token leads to where its ticket is now, and speaks for
    the address it is the detail of: that address alone opens nothing beside it.
    """
    book = departments.address_book(conn)
    wanted: dict[int, list[str]] = {}
    for recipients in (envelope, (original,) if original else (), _named(inbound)):
        wanted = _where(conn, desk, book, recipients)
        # Postmaster is ours without being in the book (RFC 5321 section 4.5.1); it is the first department's.
        if wanted or any(recipient.lower().startswith("postmaster@") for recipient in recipients):
            break
    if not wanted:
        fallback = (departments.by_name(conn, default) if default else None) or departments.first(conn)
        return () if fallback is None else (Stop(fallback, envelope, book),)
    return tuple(Stop(departments.get(conn, each), tuple(via), book) for each, via in wanted.items())


def _where(conn: Connection, desk: Desk, book: Book, recipients: Iterable[str]) -> dict[int, list[str]]:
    """Department id -> recipients, tokens first."""
    found: dict[int, list[str]] = {}
    plain: dict[int, list[str]] = {}
    spoken_for: set[int] = set()
    tokens = {recipient: facts.tokens_in(desk, (recipient,)) for recipient in dict.fromkeys(recipients)}
    asked = {ticket_id for read in tokens.values() for ticket_id, _ in read}
    leads = facts.resolve(conn, asked).by_id if asked else {}
    for recipient, read in tokens.items():
        lowered = recipient.strip().lower()
        home = book.get(lowered, book.get(ids.split_detail(lowered)[0]))
        ticket = leads.get(read[0][0]) if read else None
        if ticket is not None:
            found.setdefault(ticket.department_id, []).append(recipient)
            if home is not None:
                spoken_for.add(home)
        elif home is not None:
            plain.setdefault(home, []).append(recipient)
    for home, via in plain.items():
        if home in found:
            found[home] += via
        elif home not in spoken_for:
            found[home] = via
    return found


def _named(inbound: Inbound) -> tuple[str, ...]:
    shown = (address.email for address in (*inbound.to, *inbound.cc))
    return tuple(dict.fromkeys((*inbound.delivered_to, *shown)))


def bystanders(inbound: Inbound, book: Book) -> tuple[Address, ...]:
    """The other people in To and Cc: everybody but the author and us.

    Nobody where none of our addresses stands there: then it was a blind copy, or reached us through an address we do not know,
    which would send our own answers back to us.
    """
    shown = {address.key: address for address in reversed((*inbound.to, *inbound.cc))}
    others = {key: address for key, address in reversed(shown.items()) if not is_ours(book, key)}
    if len(others) == len(shown):
        return ()
    if inbound.author is not None:
        others.pop(inbound.author.key, None)
    return tuple(address for address in others.values() if facts.is_usable(address.email))[:MAX_BYSTANDERS]
