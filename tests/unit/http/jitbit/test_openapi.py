"""Jitbit keeps to its own OpenAPI document, whatever it is asked."""

from __future__ import annotations

from tests.unit.http.conform import conforms
from tests.unit.http.jitbit.conftest import UNHURRIED, House, basic


def test_it_keeps_to_its_document(fresh: House, record_property) -> None:
    base_url = str(fresh.client.base_url.copy_with(path="")).rstrip("/")
    made = conforms(UNHURRIED, base_url, {"Authorization": basic("ada")}, record_property, examples=3)
    assert made > 10
