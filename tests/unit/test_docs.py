"""What the documents say is there is there, and what is there they say."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import click
import pytest

from helpdeskd import cli, metrics
from helpdeskd.alarms.conditions import CONDITIONS, AlarmKind
from helpdeskd.audit.differences import ABOUT, Kind
from helpdeskd.config import Config
from helpdeskd.desk.authority import TABLE, listed
from helpdeskd.desk.commands import HELP
from helpdeskd.log import Event
from helpdeskd.model.mail import Verdict
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.routing import Outcome, Reason

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> dict[str, click.Command]:
    """Every command by its words: `ticket list`."""
    found: dict[str, click.Command] = {}
    for name, (module, _) in cli.COMMANDS.items():
        command = importlib.import_module(module).command
        if isinstance(command, click.Group):
            found.update({f"{name} {each}": one for each, one in command.commands.items()})
        else:
            found[name] = command
    return found


def described() -> dict[str, str]:
    """Each row of docs/cli.md's table of commands: its words, and the row."""
    table = read("docs/cli.md").split("| command |", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| `([a-z]+(?: [a-z]+)?)(?=[ `])[^\n]*$", table, re.MULTILINE)
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == len(lines)
    return dict(zip(rows, lines, strict=True))


def test_every_command_is_described_and_every_described_command_exists():
    assert sorted(described()) == sorted(commands())


def test_every_option_that_is_described_exists():
    for words, line in described().items():
        options = {
            option for parameter in commands()[words].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert set(re.findall(r"--[a-z][a-z0-9-]+", line)) <= options, words


def test_options_named_anywhere_exist():
    known = {
        option
        for command in commands().values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    known |= {"--config", "--help", "--version"}
    for name in ("docs/cli.md", "docs/mail.md", "README.md"):
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", read(name))) <= known, name


def test_every_command_helps_itself():
    for words, command in commands().items():
        assert command.help, words
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{words}: {parameter.name}"


@pytest.mark.parametrize("name", ["EX_REFUSED", "EX_ALARM", "EX_SOFTWARE", "EX_TEMPFAIL", "EX_CONFIG"])
def test_exit_codes(name):
    code = getattr(cli, name)
    assert re.search(rf"^\| {code} \| \w", read("docs/cli.md"), re.MULTILINE)
    assert re.search(rf"^{code}\s+\w", cli.__doc__ or "", re.MULTILINE)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained(reason):
    assert f"| `{reason}` |" in read("docs/mail.md")


def test_no_reason_is_made_up():
    rows = re.findall(r"^\| `([a-z-]+)` \|", read("docs/mail.md"), re.MULTILINE)
    assert sorted(rows) == sorted(reason.value for reason in Reason)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_named(outcome):
    assert f"`{outcome}`" in read("docs/mail.md")


def test_every_staff_command_is_shown():
    block = re.findall(r"#([a-z]+)", read("docs/mail.md"))
    assert set(block) == {name.value for name in HELP}


def test_every_notice_is_described():
    rows = re.findall(r"^\| `([a-z_]+)` \|", read("docs/templates.md"), re.MULTILINE)
    assert {name.value for name in NoticeName} <= set(rows)
    assert {folder.name for folder in (ROOT / "templates/mail").iterdir() if folder.is_dir()} == set(NoticeName)


def table(name: str, header: str) -> dict[str, list[str]]:
    """A table's rows by what stands in backquotes in their first cell: the other cells."""
    rows = read(name).split(f"| {header} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first.strip("`"): rest for first, *rest in cells}


def test_every_difference_is_explained_and_has_a_remedy():
    assert list(table("docs/operations.md", "difference")) == list(Kind)
    assert list(ABOUT) == list(Kind)
    for kind, (_, helps) in table("docs/operations.md", "difference").items():
        assert ("--refetch" in helps or helps == "the same; and look at the disk") == ABOUT[Kind(kind)].refetch, kind


def test_every_alarm_is_explained():
    assert list(table("docs/operations.md", "alarm")) == list(AlarmKind) == [condition.kind for condition in CONDITIONS]


def test_every_event_is_explained():
    assert list(table("docs/operations.md", "event")) == list(Event)


def test_every_metric_is_explained():
    exposed = {}
    families: list[Any] = list(metrics.REGISTRY._collector_to_names)
    for family in families:
        (described,) = family.describe()
        name = described.name + ("_total" if described.type == "counter" else "")
        exposed[name] = [described.type, ", ".join(family._labelnames)]
    documented = {name: cells[:2] for name, cells in table("docs/operations.md", "metric").items()}
    assert documented == exposed


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_readme_leads_to_every_document():
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= set(
        re.findall(r"\]\(([^)]+)\)", read("README.md"))
    )


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_settings_in_examples_exist(path):
    """`section.key` in backquotes, and [section] blocks of indented examples."""
    text = path.read_text(encoding="utf-8")
    names = (
        "paths",
        "store",
        "blobs",
        "spool",
        "smtp",
        "submission",
        "lmtp",
        "outgoing",
        "desk",
        "keep",
        "audit",
        "alarms",
        "metrics",
        "http",
        "log",
    )
    sections = {name: getattr(Config(), name) for name in names}
    for section, key in re.findall(r"`(\w+)\.(\w+)(?: = [^`]+)?`", text):
        module = ROOT / "helpdeskd" / section / key
        there = module.is_dir() or module.with_suffix(".py").exists()
        if section in sections and key not in {"put", "py", "md"} and not there:
            assert hasattr(sections[section], key), f"{section}.{key}"
    for section, block in re.findall(r"^    \[(\w+)\]\n((?:    \w.*\n)+)", text, re.MULTILINE):
        for key in re.findall(r"^    (\w+) = ", block, re.MULTILINE):
            assert hasattr(sections[section], key), f"[{section}] {key}"


def test_make_targets_in_the_readme_exist():
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"\bmake ([a-z]+)", read(name))) <= targets


def test_units_call_what_exists():
    for unit in (ROOT / "systemd").glob("*.service"):
        line = re.search(r"^ExecStart=/opt/helpdeskd/bin/helpdeskd ([a-z]+)(.*)$", unit.read_text(), re.MULTILINE)
        assert line, unit.name
        options = {
            option
            for parameter in commands()[line[1]].params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert set(re.findall(r"--[a-z]+", line[2])) <= options


def test_every_test_that_is_named_exists():
    """`test_x.py::test_y`, wherever a document names it."""
    known = {
        f"{path.name}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = {
        (path.name, each)
        for path in DOCS
        for each in re.findall(r"test_\w+\.py::test_\w+", path.read_text(encoding="utf-8"))
    }
    assert named
    assert not [(document, each) for document, each in named if each not in known]


def test_who_may_do_what():
    """The table that people read is the one that the program asks."""
    rows = read("docs/trust.md").split("| who From names |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    written = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    asked = [
        [", ".join(row.who), ", ".join(row.tie), *(listed(row.by(verdict)) for verdict in Verdict)] for row in TABLE
    ]
    assert written == asked
    assert list(Verdict) == [Verdict.PASS, Verdict.NONE, Verdict.FAIL]
