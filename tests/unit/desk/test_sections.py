"""Sections: groups of departments."""

from __future__ import annotations

import pytest

from helpdeskd.desk import catalogue, sections
from helpdeskd.errors import Refused


def places(house):
    found = catalogue.every(house.conn)
    return {each.department.id: each.section_id for each in found if each.section_id is not None}


def test_departments_in_sections(house):
    def create(name):
        return sections.create(house.conn, house.desk, house.now, name=name, actor=None)

    def put(department, section):
        sections.put(house.conn, house.desk, house.now, department=department, section=section, actor=None)

    sales = house.department("Sales", "sales@example.org")
    assert places(house) == {}
    shop, works = create(" The  shop"), create("Works")
    assert create("the SHOP") == shop == sections.named(house.conn, "the shop")
    assert sections.list(house.conn) == (shop, works)
    put(house.support, works)
    put(sales, works)
    assert places(house) == {house.support.id: works.id, sales.id: works.id}
    put(sales, shop)
    put(house.support, None)
    assert places(house) == {sales.id: shop.id}
    for name in (" ", "x" * 201):
        with pytest.raises(Refused) as refused:
            create(name)
        assert refused.value.reason == "bad-name"
