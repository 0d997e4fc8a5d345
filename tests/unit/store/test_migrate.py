"""Migrations: the same schema by any way, a snapshot before, all or nothing, one at a time, never backwards."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from helpdeskd.desk import changes, removal, search, tags, tickets
from helpdeskd.desk.accounts import name_key
from helpdeskd.desk.context import Part, Words
from helpdeskd.errors import ConfigError, HelpdeskdError, StoreDown
from helpdeskd.model.mail import Verdict
from helpdeskd.store import migrations
from helpdeskd.store.engine import Store, open_store
from helpdeskd.store.schema import login, metadata, person, ticket
from tests.desks import a_desk
from tests.postgres import Postgres
from tests.unit.desk.conftest import House
from tests.unit.store.helpers import NOON, PATIENCE, add_department, put


def _empty(store: Store) -> None:
    with store.engine.begin() as conn:
        metadata.drop_all(conn)
        conn.execute(text("DROP TABLE alembic_version"))


# SQLite's tables behind its index of words, and PostgreSQL's index.
ENGINES_OWN = {"ix_search_words", "search_index", *(f"search_index_{name}" for name in ("config", "data", "idx"))}


def test_the_newest_script_is_head() -> None:
    scripts = sorted((migrations.SCRIPTS / "versions").glob("[0-9]*.py"))
    assert scripts[-1].name.partition("_")[0] == migrations.HEAD
    assert len({script.name.partition("_")[0] for script in scripts}) == len(scripts)


def test_the_migrated_schema_is_the_declared_one(store: Store) -> None:
    from alembic.autogenerate import compare_metadata

    with store.engine.connect() as conn:
        # Alembic misjudges the defaults '' and identity on SQLite; the next test compares every word there.
        options = {
            "compare_type": True,
            "compare_server_default": store.dialect == "postgresql",
            "include_object": lambda _, name, *__: store.dialect == "postgresql" or name not in ENGINES_OWN,
        }
        context = MigrationContext.configure(conn, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_migrated_schema_is_a_fresh_one_to_the_last_word(store: Store) -> None:
    """What Alembic does not compare: identity, AUTOINCREMENT, names of keys, order of columns."""
    migrated = _dump(store.engine)
    _empty(store)
    assert _dump(store.engine) == {}
    with store.engine.begin() as conn:
        metadata.create_all(conn)
    declared = _dump(store.engine)
    migrated.pop("alembic_version")
    assert migrated == declared
    assert len(declared) > 15


def _dump(engine: Engine) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with engine.connect() as conn:
        look = inspect(conn)
        for table in look.get_table_names():
            sql = ""
            if engine.dialect.name == "sqlite":
                sql = conn.execute(
                    text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table}
                ).scalar_one()
            found[table] = {
                "columns": [{**column, "type": repr(column["type"])} for column in look.get_columns(table)],
                "primary": look.get_pk_constraint(table),
                "foreign": sorted(look.get_foreign_keys(table), key=lambda key: str(key["name"])),
                "unique": sorted(look.get_unique_constraints(table), key=lambda key: str(key["name"])),
                "indexes": sorted(map(_plain, look.get_indexes(table)), key=lambda index: str(index["name"])),
                # A column that was added stands on the line of the one before it; a table that was rebuilt has its name in
                # quotation marks, and brackets around its defaults.
                "sql": {
                    line.strip(" ,\t").replace(f'"{table}"', table).replace("('')", "''")
                    for line in sql.replace(", ", ",\n").splitlines()
                },
            }
    return found


def _plain(index: Any) -> dict[str, Any]:
    """The words of a partial index: two expressions are never equal."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def test_the_postgres_dump_is_a_fresh_one_too(postgres: Postgres, postgres_url: str) -> None:
    migrated = _pg_dump(postgres, postgres_url)
    store = open_store(postgres_url)
    try:
        _empty(store)
        with store.engine.begin() as conn:
            metadata.create_all(conn)
    finally:
        store.close()
    declared = _pg_dump(postgres, postgres_url)
    assert [line for line in migrated if "alembic_version" not in line and "version_num" not in line] == declared
    assert len(declared) > 200


def _pg_dump(postgres: Postgres, url: str) -> list[str]:
    out = postgres.run("pg_dump", "--schema-only", "--no-comments", url)
    wanted = (line.strip().rstrip(",") for line in out.splitlines())
    return sorted(line for line in wanted if line and not line.startswith(("--", "\\", ");")))


FIRST = migrations.SCRIPTS
HEAD = migrations.HEAD
NEXT = f"{int(HEAD) + 1:04d}"


# A second schema, to have somewhere to go

_SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{head}"


def upgrade():
    with op.batch_alter_table("person", recreate="auto") as batch:
        batch.add_column(sa.Column("phone", sa.Text(), nullable=False, server_default="none"))
        batch.alter_column("level", type_=sa.BigInteger(), existing_type=sa.Integer())
    {more}
"""


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes this code one that knows one schema more, whose migration also runs the line given."""

    def make(more: str = "pass") -> None:
        folder = tmp_path / "scripts"
        shutil.copytree(FIRST, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        (folder / "versions" / f"{NEXT}_second.py").write_text(_SECOND.format(more=more, head=HEAD, next=NEXT))
        monkeypatch.setattr(migrations, "SCRIPTS", folder)
        monkeypatch.setattr(migrations, "HEAD", NEXT)

    return make


def _fill(url: str) -> None:
    store = open_store(url)
    department = add_department(store)
    store.writer.run(
        lambda conn: conn.execute(
            insert(person).values(
                kind="staff", name="Ada", email="a@b.example", email_key="a@b.example", created_at=NOON
            )
        )
    )
    store.writer.run(
        lambda conn: conn.execute(
            text("INSERT INTO staff_department (person_id, department_id) VALUES (1, :department)"),
            {"department": department},
        )
    )
    store.close()


def test_an_upgrade_keeps_every_row_and_what_it_refers_to(store_url: str, second: Any) -> None:
    _fill(store_url)
    second()
    store = open_store(store_url)
    try:
        rows = store.read(lambda conn: conn.execute(text("SELECT name, phone, level FROM person")).all())
        assert [tuple(row) for row in rows] == [("Ada", "none", 0)]
        with pytest.raises(DBAPIError):  # foreign keys hold as before
            store.writer.run(lambda conn: conn.execute(text("DELETE FROM person")))
        assert store.read(lambda conn: conn.scalar(text("SELECT version_num FROM alembic_version"))) == NEXT
    finally:
        store.close()
    open_store(store_url).close()


def test_the_words_of_what_is_there_are_indexed(store: Store) -> None:
    """The migration finds them by its own way, and as the desk does."""
    script = ScriptDirectory(str(migrations.SCRIPTS)).get_revision("0004").module
    with store.engine.connect() as conn:
        house = House(conn, a_desk())
        apples = house.open(words=Words("Äpfel", subject="Fruit", parts=(Part("list.txt", "x/y", 1, "a"),))).ticket
        pears = house.open(words=Words("pears", subject="Other", verdict=Verdict.FAIL)).ticket
        gone = house.open(words=Words("plums")).ticket
        given = (conn, house.desk, house.now)
        tickets.note(*given, ticket=apples, author=house.ada, words=Words("secret"))
        tags.add(*given, ticket=pears, tags=("ripe",), actor=house.ada)
        changes.merge(*given, ticket=pears, into=apples, actor=house.ada)
        removal.ticket(*given, ticket=gone, actor=house.ada)

        def found() -> dict[str, list[list[int]]]:
            asked = ("apfel", "fruit", "list", "pears ripe", "secret", "carol", "plums", f"{pears.number}", "ada")
            return {text: [_found(conn, text, internal=internal) for internal in (True, False)] for text in asked}

        before = found()
        assert before["pears ripe"] == [[apples.id, pears.id], []]
        if store.dialect == "sqlite":
            conn.exec_driver_sql("DROP TABLE search_index")
        conn.exec_driver_sql("DROP TABLE search")
        with Operations.context(MigrationContext.configure(conn)):
            script.upgrade()
        assert found() == before


def test_user_names_that_are_addresses_are_keyed_as_addresses_are(store: Store) -> None:
    script = ScriptDirectory(str(migrations.SCRIPTS)).get_revision("0005").module
    names = ("Straße", "Ceo@Straße.de", "ada@example.org")
    with store.engine.connect() as conn:
        for nth, name in enumerate(names, 1):
            conn.execute(
                insert(person).values(kind="customer", name="", email=name, email_key=f"{nth}", created_at=NOON)
            )
            conn.execute(insert(login).values(person_id=nth, username=name, username_key=name.casefold()))
        with Operations.context(MigrationContext.configure(conn)):
            script._user_names()
        keys = conn.execute(select(login.c.username_key).order_by(login.c.person_id)).scalars().all()
    assert keys == ["strasse", "ceo@straße.de", "ada@example.org"]
    assert keys == [name_key(name) for name in names]


def _found(conn: Connection, words: str, *, internal: bool) -> list[int]:
    condition = search.matching(words, internal=internal)
    return list(conn.execute(select(ticket.c.id).where(condition).order_by(ticket.c.id)).scalars())


def test_an_upgrade_is_all_or_nothing(store_url: str, second: Any) -> None:
    _fill(store_url)
    second('op.execute("INSERT INTO nowhere VALUES (1)")')
    with pytest.raises((DBAPIError, HelpdeskdError)):
        open_store(store_url)
    migrations.HEAD = HEAD  # the fixture puts it back
    store = open_store(store_url)
    try:
        columns = {column["name"] for column in inspect(store.engine).get_columns("person")}
        assert "phone" not in columns
        assert store.read(lambda conn: conn.scalar(text("SELECT name FROM person"))) == "Ada"
    finally:
        store.close()


def test_an_upgrade_that_would_orphan_rows_is_taken_back(sqlite_url: str, second: Any) -> None:
    _fill(sqlite_url)
    second('op.execute("DELETE FROM person")')
    with pytest.raises(StoreDown, match="nothing was changed"):
        open_store(sqlite_url)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
        assert raw.execute("SELECT count(*) FROM person").fetchall() == [(1,)]
    raw.close()


def test_a_snapshot_is_made_before_and_can_be_gone_back_to(sqlite_url: str, second: Any) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    _fill(sqlite_url)
    assert not (path.parent / "snapshots").exists()
    second()
    open_store(sqlite_url, clock=lambda: NOON).close()
    (snapshot,) = (path.parent / "snapshots").iterdir()
    assert snapshot.name == f"helpdeskd-20260301T120000000000-schema-{HEAD}.sqlite3"
    assert snapshot.stat().st_mode & 0o777 == 0o600
    # The way back, as docs/store.md has it: with the old version of the code.
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.copy(snapshot, path)
    migrations.HEAD = HEAD
    store = open_store(sqlite_url)
    try:
        assert store.read(lambda conn: conn.scalar(text("SELECT name FROM person"))) == "Ada"
        assert store.writer.run(lambda conn: conn.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
        store.writer.run(lambda conn: conn.execute(text("DELETE FROM staff_department")))
        assert _next_person(store) == 2  # numbers of the snapshot's sequences go on
    finally:
        store.close()


def _next_person(store: Store) -> int:
    def command(conn: Any) -> int:
        conn.execute(text("DELETE FROM person"))
        values = {"kind": "staff", "email": "x@y.example", "email_key": "x@y.example", "created_at": NOON}
        return int(conn.execute(insert(person).values(values).returning(person.c.id)).scalar_one())

    return store.writer.run(command)


def test_only_the_newest_snapshots_are_kept(sqlite_url: str, second: Any) -> None:
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent / "snapshots"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"helpdeskd-2025010{day}T000000000000-schema-{HEAD}.sqlite3").touch()
    (folder / "mine.sqlite3").touch()
    second()
    open_store(sqlite_url, snapshots=2, clock=lambda: NOON).close()
    assert sorted(path.name for path in folder.iterdir()) == [
        f"helpdeskd-20250103T000000000000-schema-{HEAD}.sqlite3",
        f"helpdeskd-20260301T120000000000-schema-{HEAD}.sqlite3",
        "mine.sqlite3",
    ]


def test_no_snapshot_no_upgrade(sqlite_url: str, second: Any) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    second()
    (path.parent / "snapshots").mkdir()
    taken = path.parent / "snapshots" / f"helpdeskd-{NOON:%Y%m%dT%H%M%S%f}-schema-{HEAD}.sqlite3"
    taken.mkdir()  # VACUUM INTO cannot write there
    with pytest.raises(StoreDown, match="no snapshot, so nothing was changed"):
        open_store(sqlite_url, clock=lambda: NOON)
    taken.rmdir()
    later = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(0)
    open_store(sqlite_url, clock=lambda: later).close()
    assert len(list((path.parent / "snapshots").iterdir())) == 1


def test_several_that_start_at_once_migrate_once(store_url: str, second: Any, tmp_path: Path) -> None:
    tally = tmp_path / "tally"
    second(f'with open({str(tally)!r}, "a") as file: file.write("x")')
    start = threading.Barrier(4)
    failed: list[BaseException] = []

    def open_it() -> None:
        try:
            start.wait(PATIENCE)
            open_store(store_url, busy_seconds=20).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert tally.read_text() == "x"


def test_several_that_make_the_first_schema_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.sqlite3"
    start = threading.Barrier(4)
    failed: list[BaseException] = []

    def open_it(n: int) -> None:
        try:
            start.wait(PATIENCE)
            store = open_store(url, busy_seconds=20)
            store.writer.run(put(f"key-{n}"))
            store.close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_a_store_of_a_newer_helpdeskd_is_refused_and_left_alone(store_url: str, second: Any) -> None:
    second()
    open_store(store_url).close()
    migrations.HEAD, migrations.SCRIPTS = HEAD, FIRST
    with pytest.raises(ConfigError, match=rf"newer helpdeskd \(schema {NEXT}, this one knows {HEAD}\)"):
        open_store(store_url)


def test_without_leave_to_migrate_an_old_store_is_refused(store_url: str, second: Any, tmp_path: Path) -> None:
    second()
    with pytest.raises(ConfigError, match=f"the schema is {HEAD}, this helpdeskd needs {NEXT}"):
        open_store(store_url, migrate=False)
    with pytest.raises(ConfigError, match="the schema is not there"):
        open_store(f"sqlite:///{tmp_path}/empty.sqlite3", migrate=False)


def test_an_up_to_date_store_opens_without_alembic(sqlite_url: str) -> None:
    """Its import costs most of a second, which every command line would pay."""
    import subprocess
    import sys

    code = f"import sys; from helpdeskd.store.engine import open_store; open_store({sqlite_url!r}).close(); print('alembic' in sys.modules, 'sqlalchemy.orm' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
