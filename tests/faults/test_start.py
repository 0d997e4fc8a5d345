"""A start that fails half way, with the doors open already, ends in one line and an exit code: systemd must hear of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.house import House
from tests.sink import Sink

pytestmark = pytest.mark.live


@pytest.mark.parametrize(("what", "code"), [("the bell", 1), ("a catalogue", 78), ("the disk", 75)])
def test_a_start_that_fails_ends_the_process(folder: Path, sqlite_url: str, sink: Sink, what: str, code: int) -> None:
    templates = folder / "templates"
    house = House(folder, sqlite_url, sink, templates=str(templates))
    (templates / "locale").mkdir(parents=True)
    house.init()
    match what:
        case "the bell":
            (house.spool / "bell").unlink()
            (house.spool / "bell").touch()
        case "a catalogue":
            (templates / "locale" / "de.po").write_text('msgid "a\n')
        case "the disk":
            Path(sqlite_url.removeprefix("sqlite:///")).write_bytes(b"no database at all" * 1000)
    said = house.cli("run", ok=code)
    assert "Traceback" not in said
