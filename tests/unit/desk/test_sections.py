"""Sections: groups of departments."""

from __future__ import annotations

import pytest

from helpdeskd.desk import sections
from helpdeskd.errors import Refused


def test_departments_in_sections(house):
    def create(name):
        return sections.create(house.conn, house.desk, house.now, name=name, actor=None)

    def put(department, section):
        sections.put(house.conn, house.desk, house.now, department=department, section=section, actor=None)

    sales = house.department("Sales", "sales@example.org")
    assert sections.places(house.conn) == {}
    shop, works = create(" The  shop"), create("Works")
    assert create("the SHOP") == shop == sections.named(house.conn, "the shop")
    assert sections.list(house.conn) == (shop, works)
    put(house.support, works)
    put(sales, works)
    assert sections.places(house.conn) == {house.support.id: works, sales.id: works}
    put(sales, shop)
    put(house.support, None)
    assert sections.places(house.conn) == {sales.id: shop}
    for name in (" ", "x" * 201):
        with pytest.raises(Refused) as refused:
            create(name)
        assert refused.value.reason == "bad-name"
