"""The knowledge base as one person sees it."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from helpdeskd.desk import articles, bodies, departments, library, sight
from helpdeskd.desk.articles import Draft
from helpdeskd.desk.context import Part
from helpdeskd.errors import NotFound
from helpdeskd.store import schema

PICTURE = Part("a.png", "image/png", 3, "0" * 64)


def article(house, title, department=None, **more):
    draft = Draft(title, bodies.of("Words."), department_id=department and department.id, **more)
    given = (house.conn, house.desk, house.now)
    return articles.create(*given, draft=draft, parts=(PICTURE,), actor=house.ada)


def seen(house, person, department=None):
    found = library.shelf(house.conn, sight.of(house.conn, person), department and department.id)
    return [each.title for each in found.articles]


def test_who_sees_which(house):
    sales = house.department("Sales", "sales@example.org")
    lab = house.department("Lab", "lab@example.org")
    given = (house.conn, house.desk, house.now)
    departments.change(*given, department=lab, name="Lab", private=True)
    house.conn.execute(insert(schema.department_guest), {"department_id": sales.id, "person_id": house.bob.id})
    places = {"all": None, "support": house.support, "sales": sales, "lab": lab}
    made = {title: article(house, title, place) for title, place in places.items()}
    made["staff"] = article(house, "staff", staff_only=True)
    assert seen(house, house.ada) == ["all", "support", "sales", "lab", "staff"]
    assert seen(house, house.carol) == ["all", "support"]
    assert seen(house, house.carol, house.support) == ["support"]
    with pytest.raises(NotFound):
        seen(house, house.carol, lab)
    carol = sight.of(house.conn, house.carol)
    for title, whole in made.items():
        number, (file,) = whole.article.id, whole.files
        if title in {"all", "support"}:
            assert library.page(house.conn, carol, number).whole == whole
            assert library.file(house.conn, carol, file.id) == file
        else:
            for ask in (
                lambda number=number: library.page(house.conn, carol, number),
                lambda file=file: library.file(house.conn, carol, file.id),
            ):
                with pytest.raises(NotFound):
                    ask()


def test_tags_and_files_go_along(house):
    article(house, "one", tags=("Ink",))
    article(house, "two", tags=("ink", "Fire"))
    shelf = library.shelf(house.conn, sight.of(house.conn, house.carol))
    assert set(shelf.tags) == {"ink", "fire"}
    assert [len(shelf.files[each.id]) for each in shelf.articles] == [1, 1]
    assert library.shelf(house.conn, sight.of(house.conn, house.carol), house.support.id).tags == {}
    with pytest.raises(NotFound):
        library.file(house.conn, sight.of(house.conn, house.carol), 999)
