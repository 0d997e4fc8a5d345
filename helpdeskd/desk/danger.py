"""What files may do to whoever opens them, and to whom a department gives them. Pure."""

from __future__ import annotations

from enum import StrEnum

from helpdeskd.desk.context import Part
from helpdeskd.mail import fileclaims, filetypes
from helpdeskd.model.files import Danger, Withheld, withheld
from helpdeskd.model.people import Department
from helpdeskd.model.ticket import Attachment


class Flag(StrEnum):
    """What staff are told of a file. Those of its danger have the danger's own names."""

    EXECUTABLE = Danger.EXECUTABLE.value
    MACROS = Danger.MACROS.value
    ENCRYPTED = Danger.ENCRYPTED.value
    ACTIVE = Danger.ACTIVE.value
    HIDDEN = "hidden"  # its name hides what opens it: invoice.pdf.exe
    OTHER = "other"  # what it says it is, it is not


WORDS = {
    Flag.EXECUTABLE: "may run a program",
    Flag.MACROS: "has macros",
    Flag.ENCRYPTED: "encrypted",
    Flag.ACTIVE: "may run scripts",
    Flag.HIDDEN: "the name hides what it is",
    Flag.OTHER: "not what it says",
}
WITHHELD = {Withheld.HELD: "held", Withheld.REFUSED: "not passed on"}


def look(file: Attachment | Part) -> filetypes.Look:
    """What it is; of one that nobody has looked at, what it says it is."""
    if file.found_type is None or file.danger is None:
        return filetypes.by_name(file.name, file.content_type)
    return filetypes.Look(file.found_type, file.danger)


def flags(file: Attachment | Part) -> tuple[Flag, ...]:
    """Empty for most."""
    danger = look(file).danger
    found = [Flag(danger.value)] if danger is not Danger.NONE else []
    if filetypes.hides_its_ending(file.name):
        found.append(Flag.HIDDEN)
    if file.found_type is not None and fileclaims.pretends(file.content_type, file.found_type):
        found.append(Flag.OTHER)
    return tuple(found)


def kept_back(department: Department, file: Attachment | Part) -> Withheld | None:
    """Why it is not given to anybody but staff; None where it is."""
    return withheld(department.files, look(file).danger, released=file.released_at is not None)
