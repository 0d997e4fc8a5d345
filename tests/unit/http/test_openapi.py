"""The OpenAPI document of a dialect, the page that shows it, and whether the dialect keeps to it."""

from __future__ import annotations

from tests.unit.http.conform import conforms
from tests.unit.http.plain import PLAIN


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
