"""The OpenAPI document of a dialect, the page that shows it, and whether the dialect keeps to it."""

from __future__ import annotations

from helpdeskd.config import RATE_CLASSES
from helpdeskd.http.build import DIALECTS
from tests.unit.http.conform import conforms
from tests.unit.http.plain import PLAIN


def test_every_class_of_calls_has_a_rate_to_set_and_no_other() -> None:
    classes = {each.name: {route.rate for route in each.routes} for each in DIALECTS}
    assert {name: set(kinds) for name, kinds in RATE_CLASSES.items()} == classes


def test_the_dialect_keeps_to_its_document(serve, sqlite_store, record_property) -> None:
    client = serve(sqlite_store, PLAIN)
    made = conforms(
        PLAIN,
        str(client.base_url).rstrip("/"),
        {"token": "admin"},
        record_property,
        leave_out={"get-broken", "get-odd"},
    )
    print("made", made)
    assert made > 50
