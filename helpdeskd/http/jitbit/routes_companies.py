"""Companies, and the departments that people belong to."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks_companies, shapes_companies, views_companies
from helpdeskd.http.jitbit.access import ADMINISTRATOR, TECHNICIAN

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Companies",    views_companies.list_companies, TECHNICIAN, asks_companies.Companies, (list[shapes_companies.Company],)),
    Route("POST", "/Company",          views_companies.create_company, ADMINISTRATOR, asks_companies.NewCompany, (int,)),
    Route("POST", "/UpdateCompany /UpdateCompany/{id}", views_companies.update_company, ADMINISTRATOR, asks_companies.ChangedCompany),
    Route("GET POST", "/Departments",  views_companies.list_departments, TECHNICIAN, result=(list[shapes_companies.Department],), inline=True),
)
# fmt: on
