"""Companies, and the departments of people: decode, call the desk, encode."""

from __future__ import annotations

from helpdeskd.desk import companies
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_companies
from helpdeskd.http.jitbit.asks_companies import domains
from helpdeskd.http.jitbit.asks_users import PAGE
from helpdeskd.http.jitbit.reach import actor


def list_companies(call: Call) -> list[shapes_companies.Company]:
    """A page of companies, by name."""
    asked = call.params
    most = min(asked.count, PAGE)
    found = call.read(companies.page, limit=most, offset=(asked.page - 1) * most)
    return [shapes_companies.company(each) for each in found]


def create_company(call: Call) -> int:
    """A new company; where there is one of that name, that one. Its number."""
    asked = call.params
    found = call.write(companies.named, name=asked.name, domains=domains(asked.domains), actor=actor(call))
    return found.id


def update_company(call: Call) -> None:
    """Change a company's name, or the notes about it."""
    asked = call.params
    company = call.read(companies.get, asked.id)
    call.write(companies.change, company=company, name=asked.name, notes=asked.notes, actor=actor(call))


def list_departments(call: Call) -> list[shapes_companies.Department]:
    """The departments of people, by name."""
    return [shapes_companies.department(each) for each in call.read(companies.divisions)]
