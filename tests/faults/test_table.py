"""docs/trouble.md: every row of its table is held by a test that exists, and every test of a trouble under a daemon has its row."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HELD = re.compile(r"`(test_\w+\.py)` `(test_\w+)` \|$")


def rows() -> list[str]:
    table = (ROOT / "docs/trouble.md").read_text(encoding="utf-8").split("| --- |", 1)[1].split("\n\n", 1)[0]
    return [line for line in table.splitlines() if line.startswith("| ")]


def test_every_row_is_held_by_a_test():
    places = {path.name: path for folder in ("unit", "faults") for path in (ROOT / "tests" / folder).glob("test_*.py")}
    places |= {path.name: path for path in (ROOT / "tests/faults").glob("test_*.py")}
    assert rows()
    for row in rows():
        found = HELD.search(row)
        assert found, row
        assert f"def {found[2]}(" in places[found[1]].read_text(encoding="utf-8"), row


def test_every_trouble_has_its_row():
    said = "\n".join(rows())
    for name in ("test_troubles.py", "test_postgres.py", "test_full.py", "test_postfix.py", "test_injected.py"):
        tests = re.findall(
            r"^(?:async )?def (test_\w+)\(", (ROOT / "tests/faults" / name).read_text("utf-8"), re.MULTILINE
        )
        assert tests
        for test in tests:
            assert f"`{name}` `{test}`" in said, test
