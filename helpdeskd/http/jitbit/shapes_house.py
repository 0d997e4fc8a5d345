"""Its JSON for categories: our departments, and the sections they stand in."""

from __future__ import annotations

import msgspec

from helpdeskd.desk.catalogue import Place


class Category(msgspec.Struct):
    CategoryID: int
    Name: str
    SectionID: int | None
    Section: str | None
    NameWithSection: str
    ForTechsOnly: bool
    FromAddress: str | None


def category(place: Place) -> Category:
    department = place.department
    return Category(
        CategoryID=department.id,
        Name=department.name,
        SectionID=place.section_id,
        Section=place.section or None,
        NameWithSection=f"{place.section} \\ {department.name}" if place.section else department.name,
        ForTechsOnly=place.for_staff,
        FromAddress=department.address or None,
    )
