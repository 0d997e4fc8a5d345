"""How many and how large files a department takes in one message. What a mail has beyond that stays in the mail, which is attached whole;
what is uploaded beyond it is refused.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, bindparam, select

from helpdeskd.desk import departments
from helpdeskd.desk.context import Part
from helpdeskd.errors import Refused
from helpdeskd.mail.parse import ORIGINAL
from helpdeskd.model.files import Danger, worst
from helpdeskd.model.mail import Inbound
from helpdeskd.model.people import Department
from helpdeskd.store import schema

_t = schema.ticket.c
_DEPARTMENT = select(_t.department_id).where(_t.id == bindparam("ticket_id"))


def within(inbound: Inbound, parts: tuple[Part, ...], department: Department) -> tuple[Inbound, tuple[Part, ...]]:
    """The mail as this department takes it: what is left out is said among its loose ends, as what other limits cut is."""
    kept, said = _fitting(parts, department)
    if not said:
        return inbound, parts
    if not any(part.sha256 == inbound.raw_sha256 for part in kept):
        danger = worst(*(part.danger or Danger.NONE for part in parts))
        whole = Part(
            ORIGINAL,
            "message/rfc822",
            inbound.size,
            inbound.raw_sha256,
            ours=True,
            found_type="message/rfc822",
            danger=danger,
        )
        kept = (*kept, whole)
    return replace(inbound, loose_ends=(*inbound.loose_ends, *said)), kept


def inner(parts: tuple[Part, ...], department: Department) -> tuple[Part, ...]:
    """Those files of an attached mail that this department takes. The others stay in that mail, which is a file itself."""
    return _fitting(parts, department)[0]


def check(conn: Connection, ticket_id: int, parts: tuple[Part, ...]) -> None:
    """Files for a message of this ticket. Raises Refused: file-too-large, too-many-files."""
    department = departments.get(conn, conn.execute(_DEPARTMENT, {"ticket_id": ticket_id}).scalar_one())
    large, many = _too_large(parts, department), _too_many(parts, department)
    if large:
        raise Refused("file-too-large", f"{large[0].name} is larger than {department.max_file_mb} MB")
    if many:
        raise Refused("too-many-files", f"a message may have {_counted(department.max_files or 0)} here")


def _fitting(parts: tuple[Part, ...], department: Department) -> tuple[tuple[Part, ...], list[str]]:
    large = _too_large(parts, department)
    parts = tuple(part for part in parts if part not in large)
    many = _too_many(parts, department)
    said = [f"{part.name} is larger than the {department.max_file_mb} MB that a file may have here" for part in large]
    if many:
        said.append(f"{_counted(len(many))} more than the {department.max_files} that a message may have here")
    return tuple(part for part in parts if part not in many), said


def _counted(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _too_large(parts: tuple[Part, ...], department: Department) -> list[Part]:
    """The whole mail among its own parts is no file of its author's."""
    most = department.max_file_mb
    return [] if most is None else [part for part in parts if part.size > most * 1_000_000 and not part.ours]


def _too_many(parts: tuple[Part, ...], department: Department) -> list[Part]:
    """Those beyond the limit, in order. Pictures that stand in the text are part of it."""
    if department.max_files is None:
        return []
    counted = [
        part for part in parts if not part.ours and not (part.inline and (part.found_type or "").startswith("image/"))
    ]
    return counted[department.max_files :]
