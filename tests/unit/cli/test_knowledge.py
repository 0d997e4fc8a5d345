"""article, canned, and sections of departments at the command line."""

from __future__ import annotations

import pytest

from tests.unit.cli.house import SUPPORT


def test_articles(house):
    picture = house.folder / "fire.png"
    picture.write_bytes(b"png")
    said = house("article", "add", "Fire", "--topic", "Printers", "--department", "support", "--tag", "Hot Stuff", "--staff-only",
                 "--attach", str(picture), stdin=b"<p>Use <b>water</b>.</p><script>x</script>").ok()  # fmt: skip
    assert said == "Article 1: Fire\n"
    added = house("article", "add", "Ink", "Buy\nmore.", "--topic", "printers", "--json").json
    assert house("article", "list", "--json").json == [
        house("article", "show", "1", "--json").json["article"],
        added["article"],
    ]
    lines = house("article", "list").ok().splitlines()
    assert lines[0].split() == ["ID", "FOR", "TOPIC", "DEPARTMENT", "VIEWS", "TITLE", "TAGS"]
    assert lines[1].split() == ["1", "staff", "Printers", "Support", "0", "Fire", "hot-stuff"]
    assert lines[2].split() == ["2", "all", "Printers", "0", "Ink"]
    shown = house("article", "show", "1").ok()
    for words in ("Fire\n", "for: staff only", "tags: hot-stuff", "file: fire.png (3 B)", "\nUse water.\n"):
        assert words in shown
    assert "<" not in shown
    for narrowed, ids in (
        (("--topic", "PRINTERS"), [1, 2]),
        (("--department", "Support"), [1]),
        (("--tag", "#hot stuff"), [1]),
        (("--tag", "cold"), []),
    ):
        assert [each["id"] for each in house("article", "list", *narrowed, "--json").json] == ids
    assert (
        house("article", "set", "1", "--no-staff-only", "--topic", "Ink", "--title", "Blaze").ok()
        == "Article 1: Blaze\n"
    )
    assert house("article", "set", "1", "-", stdin=b"Use sand.").ok() == "Article 1: Blaze\n"
    changed = house("article", "show", "1", "--json").json
    assert [changed["article"][name] for name in ("topic", "department", "staff_only")] == ["Ink", "Support", False]
    assert (changed["body"]["text"], len(changed["files"])) == ("Use sand.", 1)
    assert house("article", "set", "1").code == 2
    assert house("article", "remove", "1").ok() == "Removed article 1.\n"
    assert house("article", "remove", "1").failed(1) == "there is no article 1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("article", "add", " ", "text"), "a title has 1 to 500 characters"),
        (("article", "add", "Fire", "<script>x</script>"), "there is nothing to show"),
        (("article", "add", "Fire", " "), "there is nothing to say"),
        (("article", "add", "Fire", "text", "--tag", "a,b"), "'a,b' is no tag"),
        (("article", "add", "Fire", "text", "--department", "Nowhere"), "there is no department Nowhere"),
        (("article", "add", "Fire", "text", "--as", "nobody"), "there is no member of staff called nobody"),
        (("article", "list", "--topic", "Nothing"), "there is no topic Nothing"),
        (("article", "show", "9"), "there is no article 9"),
        (("canned", "add", " ", "text"), "a title has 1 to 500 characters"),
        (("canned", "add", "Water", "text", "--for", "nobody"), "there is no member of staff called nobody"),
        (("canned", "remove", "9"), "there is no canned-response 9"),
        (("canned", "set", "9", "text"), "there is no canned-response 9"),
        (("article", "set", "9", "text"), "there is no article 9"),
        (("department", "set", "Support", "--guest", "nobody@x.example"), "there is no person nobody@x.example"),
        (("department", "set", "Support", "--guest", "Nobody"), "there is no company Nobody"),
        (("department", "set", "Support", "--no-guest", "ada@staff.example"), "ada@staff.example is no guest of"),
        (("department", "set", "Nowhere", "--no-section"), "there is no department Nowhere"),
        (("department", "set", "Support", "--section", " "), "a section needs a name"),
    ],
)
def test_what_cannot_be(house, words, said):
    assert house(*words).failed(1).startswith(said)


def test_canned_responses(house):
    assert house("canned", "add", "Water", "Use water.").ok() == "Canned response 1: Water\n"
    mine = house("canned", "add", "Sand", "--for", "Ada", "--json", stdin=b"<b>Use sand.</b>").json
    assert mine["body"] == {"html": "<b>Use sand.</b>", "text": "Use sand."}
    assert [each["title"] for each in house("canned", "list", "--json").json] == ["Water"]
    lines = house("canned", "list", "--for", "Ada").ok().splitlines()
    assert [line.split() for line in lines] == [
        ["ID", "OF", "TITLE", "TEXT"],
        ["1", "the", "team", "Water", "Use", "water."],
        ["2", "Ada", "Lovelace", "Sand", "Use", "sand."],
    ]
    assert house("canned", "set", "2", "Use more sand.", "--position", "-1").ok() == "Canned response 2: Sand\n"
    assert house("canned", "set", "2", "--title", "Dune").ok() == "Canned response 2: Dune\n"
    changed = house("canned", "list", "--for", "Ada", "--json").json[1]
    assert (changed["title"], changed["body"]["text"], changed["position"]) == ("Dune", "Use more sand.", -1)
    assert house("canned", "set", "2").code == 2
    assert house("canned", "remove", "2").ok() == "Removed canned response 2: Dune\n"
    assert len(house("canned", "list", "--for", "Ada", "--json").json) == 1


def test_sections(house):
    said = house("department", "set", "support", "--section", "The  house").ok()
    assert said == "Department Support is in the section The house.\n"
    added = house("department", "add", "Sales", "sales@desk.example", "--section", "the house", "--json").json
    assert added["section"] == "The house"
    lines = house("department", "list").ok().splitlines()
    assert lines[1].split() == ["1", "Support", "The", "house", "everybody", SUPPORT]
    assert house("department", "set", "Sales", "--no-section").ok() == "Department Sales is in no section.\n"
    assert [each["section"] for each in house("department", "list", "--json").json] == ["The house", None]
    assert house("department", "set", "Sales").code == 2
    assert house("department", "set", "Sales", "--section", "x", "--no-section").code == 2
