"""Fixtures for everybody.

store         an open Store, fresh for each test; the test runs twice, on SQLite and on PostgreSQL
store_url     the address of a fresh database with the schema in it, for tests that open it themselves (or twice)
sqlite_store  one on SQLite only, for tests in which the database does not matter
postgres      the session's private server (tests.postgres.Postgres); starts when first asked for; skips where it is missing
blobs         a FolderBlobs in a fresh folder
alone         no settings from outside and no log, for commands that run in this process
parser        a Parser of limits as they are by default

A store's schema is made once for the session and copied, so that a test pays a few milliseconds for it.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from helpdeskd import log
from helpdeskd.config import Config
from helpdeskd.parser.worker import Parser
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.engine import Store, open_store
from tests import postgres as postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Postgres]:
    reason = postgres_server.why_not()
    if reason is not None:
        pytest.skip(reason)
    server = postgres_server.Postgres(in_memory=True)
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres: postgres_server.Postgres) -> str:
    name = postgres.create()
    open_store(postgres.url(name)).close()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "helpdeskd.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: postgres_server.Postgres, postgres_template: str) -> Iterator[str]:
    name = postgres.create(template=postgres_template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store_url(request: pytest.FixtureRequest, database: str) -> str:
    # Asked for by name here, so that a SQLite run needs no server.
    url: str = request.getfixturevalue("sqlite_url" if database == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was drawn by chance (`record_property("seed", ...)`), so that a run can be had again."""
    reports = [report for each in terminalreporter.stats.values() for report in each]
    for seed in sorted(
        {said for each in reports for name, said in getattr(each, "user_properties", ()) if name == "seed"}
    ):
        terminalreporter.write_line(seed)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For commands in this process: no settings from outside; and no log, which keeps the stream it was set up with, while a test's stream ends with it."""
    for name in os.environ:
        if name.startswith("HELPDESKD_"):
            monkeypatch.delenv(name)
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    monkeypatch.setattr(log, "configure", lambda *_: None)
    yield
    structlog.configure(**before)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    """One process for all tests of a file."""
    made = Parser(instance="test", marker=Config().desk.marker, limits=Config().intake)
    yield made
    made.close()
