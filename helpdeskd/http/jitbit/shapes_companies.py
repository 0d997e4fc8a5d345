"""Its JSON for companies, and for the departments that people belong to."""

from __future__ import annotations

import msgspec

from helpdeskd.desk import companies


class Company(msgspec.Struct):
    CompanyID: int
    Name: str
    Notes: str | None
    EmailDomain: str | None


class Department(msgspec.Struct):
    """Of people, not of tickets: those are categories."""

    DepartmentID: int
    Name: str


def company(found: companies.Company) -> Company:
    return Company(found.id, found.name, found.notes or None, ";".join(found.domains) or None)


def department(found: companies.Division) -> Department:
    return Department(found.id, found.name)
