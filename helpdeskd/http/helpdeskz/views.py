"""Users, departments and staff: decode, call the desk, encode."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from helpdeskd.desk import accounts, customers, departments, lists, removal
from helpdeskd.desk.accounts import Lockout
from helpdeskd.guard.login import Ended, Why
from helpdeskd.http.dialect import Answer, Call
from helpdeskd.http.helpdeskz import shapes
from helpdeskd.http.helpdeskz.asks import NUMERIC
from helpdeskd.http.helpdeskz.words import NotImplementedHere, Said, success

T = TypeVar("T")

USERS_A_PAGE = 25
LOCKOUT = Lockout(attempts=3, minutes=5)


_CAST = re.compile(r"[ \t-\r]*\+?([0-9]{1,18}(?:\.[0-9]*)?(?:e[0-9](?![0-9]))?)", re.ASCII | re.IGNORECASE)


def page_of(text: str) -> int:
    """The number of a page: what is no number is the first; 2.0 and 1e1 are numbers to the original. Raises Said."""
    if not NUMERIC.fullmatch(text):
        return 1
    number = float(text)
    if not 1 <= number < math.inf or number != int(number):
        raise Said("Page not found.")
    return min(int(number), 10**9)


def cast_page_of(text: str) -> int:
    """The number of a page as a cast finds it: that at the start of the text; the first page where there is none, or none above 0."""
    found = _CAST.match(text)
    return min(max(int(float(found.group(1)[:40])), 1), 10**9) if found else 1


def a_page(call: Call, fn: Callable[..., tuple[T, ...]], *args: Any, total: int, page: int, size: int) -> tuple[T, ...]:
    """What `fn(conn, *args, limit=, offset=)` finds for a page. Beyond the last, nobody looks: a store walks past all there is."""
    offset = (page - 1) * size
    return call.read(fn, *args, limit=size, offset=offset) if offset < total else ()


def create_user(call: Call) -> shapes.UserMade:
    """Add a customer."""
    asked = call.params
    made = call.write(customers.add, name=asked.fullname, email=asked.email, welcome=asked.notify)
    return shapes.UserMade(1, made.number, "User account was created.")


def list_users(call: Call) -> shapes.UserPage | shapes.UserFound:
    """Customers, the newest first; or the one with an address."""
    if call.params.email:
        found = call.read(customers.find, call.params.email)
        if found is None:
            raise Said("User not found.")
        return shapes.UserFound(1, shapes.user(found))
    page = page_of(call.params.page)
    total = call.read(customers.total)
    users = a_page(call, customers.page, total=total, page=page, size=USERS_A_PAGE)
    return shapes.UserPage(1, total, shapes.pages(total, USERS_A_PAGE), [shapes.user(each) for each in users])


def show_user(call: Call) -> shapes.UserFound:
    """One customer."""
    return shapes.UserFound(1, shapes.user(call.read(customers.get, call.params.user)))


def update_user(call: Call) -> shapes.Done:
    """Change a customer's address."""
    customer = call.read(customers.get, call.params.user)
    call.write(customers.change_email, customer=customer, email=call.params.new_email)
    return shapes.Done(1, "Email was changed.")


def delete_user(call: Call) -> shapes.Done:
    """Remove a customer, with all their tickets."""
    customer = call.read(customers.get, call.params.user)
    removal.customer(call.here.store, call.desk, call.here.clock, customer=customer)
    return shapes.Done(1, "Account was removed.")


def create_department(call: Call) -> shapes.DepartmentMade:
    """Add a department. It has no address: its mail is sent from another's."""
    made = call.write(departments.add, name=call.params.name, private=call.params.private, addresses=())
    return shapes.DepartmentMade(1, made.id, "Department was created.")


def list_departments(call: Call) -> shapes.DepartmentList:
    """All departments, private ones too."""
    return shapes.DepartmentList(1, [shapes.department(each) for each in call.read(departments.list)])


def show_department(call: Call) -> shapes.DepartmentFound:
    """One department."""
    return shapes.DepartmentFound(1, shapes.department(call.read(departments.get, call.params.department)))


def update_department(call: Call) -> shapes.Done:
    """Rename a department, or make it private or public."""
    department = call.read(departments.get, call.params.department)
    call.write(departments.change, department=department, name=call.params.name, private=call.params.private)
    return shapes.Done(1, "Department was updated.")


def delete_department(call: Call) -> shapes.Done:
    """Remove a department, with all its tickets."""
    department = call.read(departments.get, call.params.department)
    removal.department(call.here.store, call.desk, call.here.clock, department=department)
    return shapes.Done(1, "Department and its tickets were removed.")


def list_staff(call: Call) -> shapes.StaffRows:
    """Members of staff, disabled ones too; or the one with a user name."""
    wanted = accounts.name_key(call.params.username)
    found = call.read(lists.staff)
    return shapes.StaffRows(
        1, [shapes.staff(each) for each in found if wanted in {"", accounts.name_key(each.username)}]
    )


def show_staff(call: Call) -> shapes.StaffFound:
    """One member of staff."""
    found = call.read(lists.staff_member, call.params.staff)
    if found is None:
        raise Said("Staff ID not found.")
    return shapes.StaffFound(1, shapes.staff(found))


def auth(call: Call) -> shapes.Done:
    """Are these a member of staff's name and password (and one-time code)?"""
    asked = call.params
    ended = call.here.logins.log_in(
        asked.username, asked.password, asked.ip_address, LOCKOUT, code=asked.two_factor, staff=True
    )
    if ended.why is not Why.IN:
        raise Said(_why_not(ended))
    return shapes.Done(1, "You have been logged in.")


def _why_not(ended: Ended) -> str:
    count = f"(attempt: {ended.attempts} of {LOCKOUT.attempts})"
    match ended.why:
        case Why.LOCKED:
            most = LOCKOUT.attempts
            return f"Login locked for {LOCKOUT.minutes} minutes. (attempt: {most} of {most}%)"  # sic
        case Why.DISABLED:
            return "Account is locked."
        case Why.CODE_MISSING:
            return "Two-Factor code is missing."
        case Why.CODE_WRONG:
            return f"Two-Factor authentication failed. {count}"
        case _:  # nobody of that name, or another password: one answer, so that nobody learns which names there are
            return f"Invalid username or password. {count}"


def not_implemented(call: Call) -> Answer:
    """What the original's framework promises and its resources do not do."""
    action = call.asked.path.strip("/").split("/")[1:2] or ["index" if call.asked.method == "GET" else "create"]
    words = {"error": f'"{action[0]}" action not implemented.'}
    found = success(NotImplementedHere(501, 501, words))
    return Answer(found.body, 501)
