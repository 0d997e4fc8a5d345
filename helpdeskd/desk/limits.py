"""How many and how large files a department takes in one message. What a mail has beyond that stays in the mail, which is attached whole;
what is uploaded beyond it is refused.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, bindparam, select

from helpdeskd.desk import departments
from helpdeskd.desk.context import Part
from helpdeskd.errors import Refused
from helpdeskd.model.files import Danger, worst
from helpdeskd.model.mail import ORIGINAL, Inbound
from helpdeskd.model.people import Department
from helpdeskd.store import schema

_t = schema.ticket.c
_DEPARTMENT = select(_t.department_id).where(_t.id == bindparam("ticket_id"))


def within(inbound: Inbound, parts: tuple[Part, ...], department: Department) -> tuple[Inbound, tuple[Part, ...]]:
    """The mail as this department takes it: what is left out is said among its loose ends, as what other limits cut is."""
    kept, said = _fitting(parts, department, inbound.raw_sha256)
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
    _, large, many = _sorted(parts, department)
    if large:
        raise Refused("file-too-large", f"{large[0].name} is larger than {department.max_file_mb} MB")
    if many:
        raise Refused("too-many-files", f"a message may have {_counted(department.max_files or 0)} here")


def _fitting(parts: tuple[Part, ...], department: Department, whole: str = "") -> tuple[tuple[Part, ...], list[str]]:
    kept, large, many = _sorted(parts, department, whole)
    said = [f"{part.name} is larger than the {department.max_file_mb} MB that a file may have here" for part in large]
    if many:
        said.append(f"{_counted(many)} more than the {department.max_files} that a message may have here")
    return tuple(kept), said


def _counted(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _sorted(parts: tuple[Part, ...], department: Department, whole: str = "") -> tuple[list[Part], list[Part], int]:
    """(those within the limits, those that are too large, how many are beyond the number), in order. Pictures that stand in the text
    are part of it. `whole`: the digest of the mail itself, which is no file of its author's where it is among its own parts; any
    other file that holds a mail of ours is one."""
    kept: list[Part] = []
    large: list[Part] = []
    counted = 0
    for part in parts:
        if part.sha256 == whole:
            kept.append(part)
        elif department.max_file_mb is not None and part.size > department.max_file_mb * 1_000_000:
            large.append(part)
        elif part.inline and (part.found_type or "").startswith("image/"):
            kept.append(part)
        else:
            counted += 1
            kept += [part] if department.max_files is None or counted <= department.max_files else []
    many = 0 if department.max_files is None else max(0, counted - department.max_files)
    return kept, large, many
