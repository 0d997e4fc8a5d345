"""Files of tickets: decode, call the desk, encode."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import comments, files, library, sheets, sight
from helpdeskd.desk.context import SYSTEM, Desk, Words
from helpdeskd.desk.sight import Act, Sight
from helpdeskd.errors import NotFound
from helpdeskd.http.dialect import Answer, Call
from helpdeskd.http.download import download
from helpdeskd.http.jitbit import shapes_tickets
from helpdeskd.http.jitbit.reach import actor, deliberate, root, seeing, ticket
from helpdeskd.http.params import Invalid, Problem
from helpdeskd.http.written import parts_of
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Attachment


def list_files(call: Call) -> list[shapes_tickets.Attachment]:
    """Files of all that the caller may read in a ticket."""
    there, base = ticket(call, call.params.id), root(call)
    found = call.read(sheets.files, there.id, internal=sight.handles(seeing(call), there))
    return [shapes_tickets.attachment(each, there.id, base) for each in found]


def show_file(call: Call) -> Answer:
    """A file's bytes."""
    return download(call.read(_readable, seeing(call), call.params.id))


def _readable(conn: Connection, who: Sight, file_id: int) -> Attachment:
    """Of a ticket, or of an article, which is for whoever sees it."""
    try:
        file, there = sheets.file(conn, who, file_id)
    except NotFound:
        return library.file(conn, who, file_id)
    if not sight.handles(who, there):
        files.check_outside(conn, file.attachment, there)
    return file.attachment


def attach_files(call: Call) -> None:
    """Files for a ticket, as an entry of their own: nobody is mailed."""
    there = ticket(call, call.params.id, Act.EDIT)
    parts = parts_of(call.files)
    if not parts:
        raise Invalid((Problem("file", "", missing=True),))
    words = Words(", ".join(each.name for each in parts), reason=SYSTEM, parts=parts)
    call.write(comments.enter, ticket=there, author=actor(call), words=words, act=Act.EDIT)


def delete_file(call: Call) -> None:
    """Take a file away."""
    deliberate(call)
    call.write(_remove, who=seeing(call), file_id=call.params.id, actor=actor(call))


def _remove(conn: Connection, desk: Desk, now: datetime, *, who: Sight, file_id: int, actor: Person) -> None:
    file, there = sheets.file(conn, who, file_id)
    sight.check(conn, who, there, Act.WORK)
    files.remove(conn, desk, now, attachment_id=file.attachment.id, actor=actor)
