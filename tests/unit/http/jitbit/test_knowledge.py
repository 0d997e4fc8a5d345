"""The knowledge base and canned responses: to the letter where it matters, and who sees what."""

from __future__ import annotations

from typing import Any

import pytest

from helpdeskd.desk import articles, bodies, canned, companies, departments, guests, topics
from helpdeskd.desk.articles import Draft
from tests.unit.http.jitbit.conftest import NOON, PICTURE, House

FILE = {"upload": ("a.png", PICTURE, "image/png")}


def article(house: House, title: str, place: str = "", **more: Any) -> int:
    department_id = house.places[place].id if place else None
    draft = Draft(title, bodies.of("Use <b>water</b>."), department_id=department_id, **more)
    return int(house.write(articles.create, draft=draft, actor=house.people["tina"]).article.id)


def listed(house: House, who: str, path: str = "Articles") -> list[str]:
    found = house.ask(who, "GET", path)
    assert found.status_code == 200, found.text
    return [each["Subject"] for each in found.json()["Articles"]]


def reads(house: House, who: str, number: int) -> int:
    return house.ask(who, "GET", f"Article/{number}").status_code


def test_an_article_to_the_letter(house: House):
    support, tina = house.places["support"], house.people["tina"]
    made = house.ask(
        "tina",
        "POST",
        "article",
        data={"Subject": "Fire  and water", "body": "<p>Use <b>water</b>.</p><script>x</script>", "tags": "Hot Stuff,ink",
              "categoryId": str(support.id)},
        files=FILE,
    )  # fmt: skip
    assert made.status_code == 200, made.text
    number = made.json()
    base = str(house.client.base_url).rstrip("/")
    found = house.ask("dan", "GET", f"Article/{number}").json()
    (file,) = found["Attachments"]
    assert [each["Name"] for each in found["Tags"]] == ["hot-stuff", "ink"]
    assert all(each["TagID"] > 0 for each in found["Tags"])
    assert found == {
        "ArticleId": number,
        "Subject": "Fire and water",
        "Body": "<!--html--><p>Use <b>water</b>.</p>",
        "ForTechsOnly": False,
        "CategoryID": support.id,
        "CategoryName": "Support",
        "TagString": "hot-stuff,ink",
        "Tags": found["Tags"],
        "DateCreated": NOON,
        "LastUpdated": NOON,
        "Url": f"{base}/Article/{number}",
        "Attachments": [file],
    }
    assert file == {
        "FileName": "a.png",
        "FileID": file["FileID"],
        "CommentID": 0,
        "CommentDate": NOON,
        "FileHash": file["FileHash"],
        "FileSize": len(PICTURE),
        "IssueID": 0,
        "UserID": tina.id,
        "GoogleDriveUrl": None,
        "ForTechsOnly": False,
        "Url": f"{base}/attachment?id={file['FileID']}",
    }
    assert house.ask("dan", "GET", file["Url"]).content == PICTURE
    assert house.ask("dan", "GET", f"article?ID={number}").json() == found
    shelf = house.ask("dan", "POST", "articles").json()
    assert list(shelf) == ["Articles", "Categories"]
    assert shelf["Categories"] == house.ask("dan", "GET", "categories").json()
    (summary,) = [each for each in shelf["Articles"] if each["ArticleId"] == number]
    assert summary == {name: value for name, value in found.items() if name != "Body"} | {"UrlId": None}
    assert house.read(articles.get, number, staff=True).article.views == 2


def test_one_for_all_categories(house: House):
    number = house.ask("tina", "POST", "Article", json={"subject": "Rules", "body": "Be\nkind."}).json()
    found = house.ask("carol", "GET", f"Article/{number}").json()
    assert (found["CategoryID"], found["CategoryName"], found["TagString"], found["Tags"]) == (None, "", None, [])
    assert found["Body"] == "<!--html--><p>Be<br>\nkind.</p>"


def test_one_category_alone(house: House):
    for place in ("support", "sales"):
        article(house, f"Only {place}", place)
    sales = house.places["sales"].id
    for query in (f"Articles?categoryId={sales}", f"articles?CategoryID={sales}"):
        assert listed(house, "dan", query) == ["Only sales"]
    assert {"Only support", "Only sales"} <= set(listed(house, "dan", "Articles?categoryId="))
    wrong = house.ask("dan", "GET", "Articles?categoryId=99")
    assert (wrong.status_code, wrong.text) == (404, "There is no department 99.")
    assert house.ask("dan", "GET", "Articles?categoryId=x").status_code == 400


def test_what_is_for_technicians_is_hidden_from_others(house: House):
    posted = {"subject": "Secret", "body": "Sh.", "forTechsOnly": "true"}
    number = house.ask("tina", "POST", "article", data=posted, files=FILE).json()
    given = {"name": "Inner", "private": True, "actor": None}
    topic = house.write(topics.create, **given)
    inner = article(house, "Inner life", topic_id=topic.id)
    (file,) = house.ask("sven", "GET", f"Article/{number}").json()["Attachments"]
    assert file["ForTechsOnly"]
    for each in (number, inner):
        assert [reads(house, who, each) for who in ("ada", "sven", "mona", "carol")] == [200, 200, 404, 404]
    path = f"attachment?id={file['FileID']}"
    assert [house.ask(who, "GET", path).status_code for who in ("sven", "carol")] == [200, 404]
    assert {"Secret", "Inner life"} <= set(listed(house, "sven"))
    assert not {"Secret", "Inner life"} & set(listed(house, "carol"))
    assert house.ask("carol", "GET", f"Article/{number}").text == f"There is no article {number}."


def test_articles_of_categories_that_are_not_for_everybody(fresh: House):
    support, sales = fresh.places["support"], fresh.places["sales"]
    fresh.write(departments.change, department=support, name="Support", private=True)
    fresh.write(guests.add, department=sales, guest=fresh.read(companies.at, "Acme"), actor=None)
    numbers = [article(fresh, name, name) for name in ("support", "sales")]
    seen = {who: listed(fresh, who) for who in ("tina", "carol", "dan")}
    assert seen == {"tina": ["support", "sales"], "carol": ["sales"], "dan": []}
    assert [[reads(fresh, who, each) for each in numbers] for who in seen] == [[200, 200], [404, 200], [404, 404]]
    assert fresh.ask("dan", "GET", f"Articles?categoryId={sales.id}").status_code == 404


@pytest.mark.parametrize(
    ("who", "given", "status", "words"),
    [
        ("tina", {"body": "x"}, 400, "Parameter subject is missing."),
        ("tina", {"subject": "x"}, 400, "Parameter body is missing."),
        ("tina", {"subject": "x" * 501, "body": "x"}, 400, "A title has 1 to 500 characters."),
        ("tina", {"subject": "x", "body": "<script>x</script>"}, 400, None),
        ("tina", {"subject": "x", "body": "x", "tags": "y" * 51}, 400, None),
        ("tina", {"subject": "x", "body": "x", "forTechsOnly": "perhaps"}, 400, None),
        ("tina", {"subject": "x", "body": "x", "categoryId": "99"}, 404, "There is no department 99."),
        ("carol", {"subject": "x", "body": "x"}, 403, "You are not permitted to do this."),
        ("mona", {"subject": "x", "body": "x"}, 403, "You are not permitted to do this."),
        ("", {"subject": "x", "body": "x"}, 401, None),
    ],
)
def test_what_no_article_is_made_of(house: House, who, given, status, words):
    before = listed(house, "ada")
    found = house.ask(who, "POST", "article", data=given)
    assert found.status_code == status, found.text
    assert words in {None, found.text}
    assert listed(house, "ada") == before


@pytest.mark.parametrize(("path", "status"), [("Article", 400), ("Article/x", 400), ("Article/9999", 404)])
def test_what_is_no_article(house: House, path, status):
    assert house.ask("carol", "GET", path).status_code == status


def test_canned_responses(house: House):
    tina = house.people["tina"]
    for title, owner in (("Mine", tina), ("Ours", None), ("Theirs", house.people["sven"])):
        house.write(canned.create, title=title, body=bodies.of("Use <b>sand</b>."), owner=owner, actor=None)
    found = house.ask("tina", "GET", "CommentTemplates").json()
    assert [(each["Name"], each["UserID"]) for each in found] == [("Ours", None), ("Mine", tina.id)]
    assert found[1] == {"TemplateID": 1, "Name": "Mine", "Body": "<!--html-->Use <b>sand</b>.", "UserID": tina.id}
    assert house.ask("tina", "POST", "commenttemplates").json() == found
    assert house.ask("carol", "GET", "CommentTemplates").status_code == 403
