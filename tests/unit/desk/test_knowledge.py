"""The knowledge base: what is kept, what customers see of it, and that lists are answered by indexes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select, text, update

from helpdeskd.desk import articles, bodies, files, guests, library, removal, sight, topics
from helpdeskd.desk.articles import Draft, Wanted
from helpdeskd.desk.context import Part
from helpdeskd.errors import NotFound, Refused
from helpdeskd.store import schema
from tests.unit.desk.conftest import House

PLAIN = bodies.of("Turn it off.\nTurn it on.\n\nStill burning? Use water.")
SHOT = Part("shot.png", "image/png", 3, "a" * 64)
LOG = Part("log.txt", "text/plain", 5, "b" * 64)


@pytest.mark.parametrize(
    ("words", "html", "plain"),
    [
        (
            "one\r\ntwo\n \n\nthree & four",
            "<p>one<br>\ntwo</p>\n<p>three &amp; four</p>",
            "one\ntwo\n \n\nthree & four",
        ),
        ("<p>Hi</p><script>alert(1)</script>", "<p>Hi</p>", "Hi"),
        ('<i onclick="y()">Hi</i>', "<i>Hi</i>", "Hi"),
        ("a < b", "<p>a &lt; b</p>", "a < b"),
        ('<img src="cid:a">', '<img src="cid:a">', ""),
    ],
)
def test_bodies(words, html, plain):
    body = bodies.of(words)
    assert (body.html, body.text) == (html, plain)


@pytest.mark.parametrize("words", ["", " \n", "<script>x</script>", "<p> </p>", "a" * (2 * 1024 * 1024 + 1)])
def test_bodies_that_show_nothing(words):
    with pytest.raises(Refused) as refused:
        bodies.of(words)
    assert refused.value.reason == "bad-text"


class Base:
    """Topics and articles of a house, by their names."""

    def __init__(self, house):
        self.house = house
        self.secret = house.department("Secret", "secret@example.org", private=True)
        self.hidden = house.department("Hidden", "hidden@example.org")
        house.conn.execute(
            update(schema.department).where(schema.department.c.id == self.hidden.id).values(staff_only=True)
        )

    def topic(self, name, parent=None, **more):
        h = self.house
        return topics.create(h.conn, h.desk, h.now, name=name, parent_id=parent and parent.id, actor=h.ada, **more)

    def article(self, title="Fire", body=PLAIN, parts=(), **more):
        h = self.house
        return articles.create(h.conn, h.desk, h.now, draft=Draft(title, body, **more), parts=parts, actor=h.ada)

    def change(self, whole, **more):
        h = self.house
        draft = replace(whole.draft, **more)
        return articles.change(h.conn, h.desk, h.now, article_id=whole.article.id, draft=draft, actor=h.bob)

    def titles(self, wanted=Wanted(), *, staff=True):  # noqa: B008
        return [each.title for each in articles.list(self.house.conn, wanted, staff=staff)]


@pytest.fixture
def base(house):
    return Base(house)


def test_an_article_is_kept_as_it_was_written(base):
    house = base.house
    printers = base.topic("Printers")
    made = base.article(
        " Fire  in the\nprinter ",
        parts=(SHOT, LOG),
        topic_id=printers.id,
        department_id=house.support.id,
        position=3,
        tags=("#Hot Stuff", "hot  stuff", "a"),
    )
    assert made == articles.get(house.conn, made.article.id, staff=False)
    assert made.body == PLAIN
    assert [(each.name, each.size, each.sha256, each.message_id) for each in made.files] == [
        ("shot.png", 3, "a" * 64, None),
        ("log.txt", 5, "b" * 64, None),
    ]
    article = made.article
    assert (article.title, article.topic, article.department) == ("Fire in the printer", "Printers", "Support")
    assert (article.tags, article.files, article.views) == (("a", "hot-stuff"), 2, 0)
    assert (article.author_id, article.created_at, article.updated_at) == (house.ada.id, house.now, house.now)
    assert articles.list(house.conn, staff=False) == (article,)
    assert articles.files(house.conn, (article.id, article.id + 1)) == {article.id: made.files}


def test_a_change_to_what_already_is_leaves_no_trace(base):
    house = base.house
    made = base.article(tags=("a",))
    house.later(hours=1)
    assert base.change(made, title=" Fire ", tags=("A", "#a")) == made
    changed = base.change(made, title="Water", tags=("b",), staff_only=True)
    assert (changed.article.title, changed.article.tags, changed.article.staff_only) == ("Water", ("b",), True)
    assert changed.article.updated_at == house.now > changed.article.created_at
    assert base.change(changed, tags=()).article.tags == ()


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ({"title": " "}, "bad-title"),
        ({"title": "x" * 501}, "bad-title"),
        ({"tags": ("a,b",)}, "bad-tag"),
        ({"tags": tuple(f"t{n}" for n in range(51))}, "too-many-tags"),
        ({"topic_id": 99}, "no-such-topic"),
        ({"department_id": 99}, "no-such-department"),
    ],
)
def test_articles_that_cannot_be(base, draft, reason):
    made = base.article()
    for act in (lambda: base.article(**draft), lambda: base.change(made, **draft)):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.reason == reason
    assert articles.list(base.house.conn, staff=True) == (made.article,)


def test_lists_in_their_order_narrowed_by_all_that_is_given(base):
    one, other = base.topic("One"), base.topic("Other")
    support = base.house.support.id
    base.article("c", topic_id=one.id, tags=("x", "y"))
    base.article("a", topic_id=one.id, department_id=support, tags=("x",), position=-1)
    base.article("b", topic_id=other.id, department_id=support)
    for wanted, titles in (
        (Wanted(), "a c b"),
        (Wanted(topic_id=one.id), "a c"),
        (Wanted(department_id=support), "a b"),
        (Wanted(tag=" #X "), "a c"),
        (Wanted(topic_id=one.id, department_id=support, tag="x"), "a"),
        (Wanted(topic_id=other.id, tag="x"), ""),
    ):
        assert base.titles(wanted) == base.titles(wanted, staff=False) == titles.split()


def test_what_customers_do_not_see(base):
    private = base.topic("Private", private=True)
    below = base.topic("Below", private)
    shown = base.topic("Shown")
    hidden = {
        "for staff": {"staff_only": True},
        "private topic": {"topic_id": private.id},
        "below it": {"topic_id": below.id},
        "private department": {"department_id": base.secret.id},
        "staff's department": {"department_id": base.hidden.id},
    }
    made = [base.article(title, **more) for title, more in hidden.items()]
    base.article("seen", topic_id=base.topic("Deeper", shown).id, department_id=base.house.support.id)
    base.article("seen too")
    assert base.titles(staff=False) == ["seen", "seen too"]
    assert base.titles() == [*hidden, "seen", "seen too"]
    assert [each.name for each in topics.list(base.house.conn, staff=False)] == ["Shown", "Deeper"]
    for each in made:
        with pytest.raises(NotFound):
            articles.get(base.house.conn, each.article.id, staff=False)
        with pytest.raises(NotFound):
            articles.read(base.house.conn, base.house.desk, base.house.now, article_id=each.article.id, staff=False)
        assert articles.get(base.house.conn, each.article.id, staff=True) == each


def test_views_are_counted_and_change_nothing_else(base):
    house = base.house
    made = base.article()
    house.later(hours=1)
    for n in (1, 2):
        seen = articles.read(house.conn, house.desk, house.now, article_id=made.article.id, staff=n == 1)
        assert seen == replace(made, article=replace(made.article, views=n))


def test_files_come_and_go(base):
    house = base.house
    made = base.article(parts=(SHOT, LOG))
    assert [(each.name, each.position) for each in made.files] == [("shot.png", 0), ("log.txt", 1)]
    files.remove(house.conn, house.desk, house.now, attachment_id=made.files[0].id, actor=house.ada)
    assert [each.name for each in articles.get(house.conn, made.article.id, staff=False).files] == ["log.txt"]


def test_a_removed_article_is_a_tombstone(base):
    house = base.house
    made = base.article(parts=(SHOT,), tags=("a",))
    articles.remove(house.conn, house.desk, house.now, article_id=made.article.id, actor=house.ada)
    assert base.titles() == base.titles(Wanted(tag="a")) == []
    for act in (
        lambda: articles.get(house.conn, made.article.id, staff=True),
        lambda: articles.remove(house.conn, house.desk, house.now, article_id=made.article.id, actor=None),
        lambda: base.change(made, title="Again"),
    ):
        with pytest.raises(NotFound):
            act()
    row = house.conn.execute(select(schema.article)).one()
    assert (row.title, row.html, row.text, row.removed_at) == ("", "", "", house.now)
    for table in (schema.article_tag, schema.attachment):
        assert house.conn.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_a_private_department_with_guests_keeps_its_articles_for_them(base):
    house = base.house
    guests.add(house.conn, house.desk, house.now, department=base.secret, guest=house.carol, actor=None)
    base.article("theirs", department_id=base.secret.id)
    dan = house.customer("dan@customer.example")
    for person, titles in ((house.carol, ["theirs"]), (dan, [])):
        shelf = library.shelf(house.conn, sight.of(house.conn, person))
        assert [each.title for each in shelf.articles] == titles


@pytest.mark.parametrize("guested", [False, True])
@pytest.mark.parametrize(("name", "hidden"), [("support", False), ("secret", True), ("hidden", True)])
def test_articles_outlive_their_department_and_nothing_gets_into_the_open(base, name, hidden, guested):
    house = base.house
    department = house.support if name == "support" else getattr(base, name)
    if guested:
        guests.add(house.conn, house.desk, house.now, department=department, guest=house.carol, actor=None)
    made = base.article(department_id=department.id)
    articles.leave_department(base.house.conn, department.id)
    after = articles.get(base.house.conn, made.article.id, staff=True).article
    assert (after.department_id, after.staff_only) == (None, hidden or guested)


def test_removing_a_department_keeps_its_articles(store, desk):
    def furnish(conn):
        house = House(conn, desk)
        other = house.department("Other", "other@example.org")
        draft = Draft("Fire", PLAIN, department_id=other.id)
        articles.create(conn, desk, house.now, draft=draft, actor=None)
        return other, house.now

    other, now = store.writer.run(furnish)
    removal.department(store, desk, lambda: now, department=other)
    (left,) = store.read(lambda conn: articles.list(conn, staff=False))
    assert (left.title, left.department_id, left.department) == ("Fire", None, "")


def change_topic(base, topic, **more):
    return topics.change(base.house.conn, base.house.desk, base.house.now, topic=replace(topic, **more), actor=None)


def test_topics_are_a_tree(base):
    conn = base.house.conn
    a = base.topic(" Printers  and more", position=2)
    b = base.topic("Scanners")
    below = base.topic("printers and more", b)
    assert topics.list(conn, staff=True) == (b, below, a)
    assert topics.named(conn, "PRINTERS and  more") == a
    assert topics.named(conn, "Printers and More", b.id) == below
    moved = change_topic(base, below, name="Ink", parent_id=a.id, private=True)
    assert topics.get(conn, below.id) == moved == replace(below, name="Ink", parent_id=a.id, private=True)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"name": ""}, "bad-name"),
        ({"name": "x" * 201}, "bad-name"),
        ({"name": "OTHER"}, "name-taken"),
        ({"parent_id": 99}, "no-such-topic"),
        ({"parent_id": "below"}, "below-itself"),
        ({"parent_id": "itself"}, "below-itself"),
    ],
)
def test_topics_that_cannot_be(base, more, reason):
    topic = base.topic("Topic")
    below = base.topic("Below", base.topic("Between", topic))
    base.topic("Other")
    places = {"below": below.id, "itself": topic.id}
    more = {name: places.get(value, value) for name, value in more.items()}
    with pytest.raises(Refused) as refused:
        change_topic(base, topic, **more)
    assert refused.value.reason == reason
    if reason != "below-itself":
        with pytest.raises(Refused) as refused:
            topics.create(base.house.conn, base.house.desk, base.house.now, actor=None, **{"name": "New", **more})
        assert refused.value.reason == reason


@pytest.mark.parametrize("private", [False, True])
def test_what_is_in_a_removed_topic_moves_up_and_stays_as_hidden_as_it_was(base, private):
    house = base.house
    top = base.topic("Top")
    middle = base.topic("Middle", top, private=private)
    low = base.topic("Low", middle)
    inside, lower = base.article("inside", topic_id=middle.id), base.article("lower", topic_id=low.id)
    before = base.titles(staff=False)
    topics.remove(house.conn, house.desk, house.now, topic_id=middle.id, actor=None)
    assert base.titles(staff=False) == before == ([] if private else ["inside", "lower"])
    assert topics.get(house.conn, low.id).parent_id == top.id
    assert articles.get(house.conn, inside.article.id, staff=True).article.topic_id == top.id
    assert articles.get(house.conn, lower.article.id, staff=True).article.topic_id == low.id
    with pytest.raises(NotFound):
        topics.remove(house.conn, house.desk, house.now, topic_id=middle.id, actor=None)


@pytest.mark.parametrize("staff", [True, False])
@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"topic_id": 1}, "ix_article_topic_id"),
        ({"department_id": 1}, "ix_article_department_id"),
        ({"tag": "a"}, "ix_article_tag_tag"),
        ({}, ""),
    ],
)
def test_lists_are_answered_by_indexes(conn, asked, index, staff):
    statement = articles.listing(frozenset(asked), staff=staff).params(**asked)
    sql = str(statement.compile(conn.engine, compile_kwargs={"literal_binds": True}))
    if conn.dialect.name == "sqlite":
        plan = " ".join(row[3] for row in conn.execute(text(f"EXPLAIN QUERY PLAN {sql}")))
        assert index in plan
        scanned = "SCAN "
    else:  # which of two indexes PostgreSQL takes depends on what is in the tables: here nothing is
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        plan = " ".join(row[0] for row in conn.execute(text(f"EXPLAIN {sql}")))
        scanned = "Seq Scan on "
    assert f"{scanned}attachment" not in plan
    assert f"{scanned}article_tag" not in plan
    assert "ix_attachment_article_id" in plan
