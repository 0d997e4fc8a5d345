"""Fixtures of the command line: `empty`, a folder with nothing in it; `house`, with the department Support and Ada."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpdeskd import log, spool
from helpdeskd.installation import Installation
from helpdeskd.parser import worker
from helpdeskd.parser.worker import Parser
from tests.unit.cli.house import ADA, SUPPORT, House


@pytest.fixture(autouse=True)
def _alone(alone: None) -> None:
    """All of them run commands in this process."""


class Shared(Parser):
    """One process for all commands of the session: its start is most of what a command would cost."""

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def parsers() -> Iterator[dict[object, Shared]]:
    made: dict[object, Shared] = {}
    yield made
    for parser in made.values():
        Parser.close(parser)


@pytest.fixture(autouse=True)
def _one_parser(parsers: dict[object, Shared], monkeypatch: pytest.MonkeyPatch) -> None:
    def parser(here: Installation) -> Parser:
        known = here.desk.instance, here.config.desk.marker, here.config.intake, worker.COMMAND
        if known not in parsers:
            parsers[known] = Shared(instance=known[0], marker=known[1], limits=known[2])
        return parsers[known]

    monkeypatch.setattr(Installation, "parser", parser)


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the department Support and Ada, for copying."""
    house = House(tmp_path_factory.mktemp("house"))
    house.write_config()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "configure", lambda *_: None)
        house("init", "--address", SUPPORT, "--admin", ADA, "--admin-name", "Ada Lovelace").ok()
    return house.data / "helpdeskd.sqlite3"


@pytest.fixture
def empty(tmp_path: Path) -> House:
    """Nothing yet, not even a config."""
    return House(tmp_path)


@pytest.fixture
def house(tmp_path: Path, furnished: Path) -> House:
    made = House(tmp_path)
    made.write_config()
    made.data.mkdir()
    shutil.copy(furnished, made.data)
    spool.make(made.root)
    return made
