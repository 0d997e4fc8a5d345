"""Jitbit keeps to its own OpenAPI document, whatever it is asked."""

from __future__ import annotations

from helpdeskd.http.jitbit import JITBIT
from tests.unit.http.conform import conforms
from tests.unit.http.jitbit.conftest import UNHURRIED, House

TOKEN = "key-of-ada-4711-abcdef"
# By these the caller may end: what they make of wrong values is held in test_hostile.
FATAL = {"post-update_user", "post-delete_user", "post-merge_users"}


def test_it_keeps_to_its_document(alone: House, record_property) -> None:
    alone.key("ada", TOKEN)
    base_url = str(alone.client.base_url.copy_with(path="")).rstrip("/")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    made = conforms(UNHURRIED, base_url, headers, record_property, examples=1, leave_out=FATAL | twice())
    assert made > 30
    assert alone.client.get("Authorization", headers=headers).status_code == 200


def twice() -> set[str]:
    """What GET has asked already."""
    return {f"post-{route.name}" for route in JITBIT.routes if route.methods == "GET POST"}
