"""The house's rules that no tool checks: where every error may be caught, who prints, ignores with reasons, short files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = sorted([*(ROOT / "helpdeskd").rglob("*.py"), ROOT / "pipe.py"])
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# The edges: where any error may end, how often at most, and why there. A handler that ends in a bare `raise` only tidies up on its way
# and may stand anywhere.
EDGES = {
    "helpdeskd/cli/__init__.py": (1, "the top of the command line: a fault of ours is one line, never a traceback"),
    "helpdeskd/daemon.py": (
        3,
        "a part that dies ends the daemon in order, or is started again; reload goes on with the next",
    ),
    "helpdeskd/http/endpoint.py": (1, "a fault of ours is a 500 in the dialect's shape; the loop lives"),
    "helpdeskd/http/pages.py": (1, "the same for a page"),
    "helpdeskd/intake/__init__.py": (
        6,
        "the loop lives; the mail's own fault is a strike, its bytes on the way to the disk never; parking needs no ledger",
    ),
    "helpdeskd/intake/checking.py": (1, "a verdict is never a reason to lose a mail: a fault of ours is none"),
    "helpdeskd/intake/scanning.py": (1, "no sign of spam is a reason to lose a mail: a fault of ours is noted"),
    "helpdeskd/outgoing/sender.py": (2, "one mail's trouble is its own; the loop lives"),
    "helpdeskd/outgoing/transport.py": (1, "what broke after the dot is remembered before it is raised again"),
    "helpdeskd/parser/__main__.py": (1, "whatever a mail makes a library raise is told to the daemon: a strike"),
    "helpdeskd/sources/imap.py": (4, "a pass for cron says what went wrong; the watcher's thread lives"),
    "helpdeskd/sources/smtp_put.py": (1, "the thread lives; the error goes to the session it concerns"),
    "helpdeskd/sources/smtp_talk.py": (3, "a session answers 451 to whatever fails; a handshake fails in many ways"),
    "helpdeskd/store/writer.py": (
        3,
        "what a command raises belongs to its own future; after COMMIT callers get their answers",
    ),
    "pipe.py": (2, "whatever goes wrong is 4.3.0 and 75; nobody may be listening to that line"),
}

# Files that may be longer than MOST lines of code and comments, and why they are not two.
MOST = 460
LONG = {
    "helpdeskd/outgoing/sender.py": "what becomes of a row, whatever happens, should be read in one place",
}
MOST_OF_TESTS = 800


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds
    )


def only_tidies_up(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def edges(path: Path) -> list[int]:
    """The lines of handlers in which any error ends."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and catches_all(node) and not only_tidies_up(node)
    ]


def test_every_error_is_caught_at_the_edges_only():
    found = {name(path): lines for path in OURS if (lines := edges(path))}
    assert set(found) == set(EDGES)
    assert {file: lines for file, lines in found.items() if len(lines) > EDGES[file][0]} == {}, (
        "more than the table allows"
    )


def test_each_edge_has_its_reason():
    assert all(reason.strip() for _, reason in EDGES.values())
    assert all(reason.strip() for reason in LONG.values())


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("try: x()\nexcept Exception: pass", [2]),
        ("try: x()\nexcept: pass", [2]),
        ("try: x()\nexcept (ValueError, BaseException) as e: log(e)", [2]),
        ("try: x()\nexcept BaseException:\n  undo()\n  raise", []),
        ("try: x()\nexcept Exception as e:\n  raise Other from e", [2]),
        ("try: x()\nexcept (ValueError, OSError): pass", []),
    ],
)
def test_what_counts_as_an_edge(tmp_path, code, found):
    file = tmp_path / "x.py"
    file.write_text(code)
    assert edges(file) == found


def calls(path: Path, *names: str) -> list[int]:
    text = path.read_text(encoding="utf-8")
    if not any(each in text for each in names):  # most files: no need to take them apart
        return []
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names
    ]


def test_nobody_prints():
    """The command line speaks through click, the rest through the log, and pipe.py writes to its own descriptor."""
    assert {name(path): lines for path in OURS if (lines := calls(path, "print"))} == {}


# Who may wait for a moment, and for what: other programs, which tell nobody when they are ready.
SLEEPERS = {
    "tests/live/machine.py": "the one helper that waits for a condition of real daemons",
    "tests/postgres.py": "a PostgreSQL that starts",
}


def test_no_test_sleeps():
    tests = [path for path in TESTS if "bench" not in path.parts]
    found = {name(path) for path in tests if calls(path, "time.sleep", "sleep", "asyncio.sleep")}
    zero = {name(path) for path in tests if calls(path, "asyncio.sleep") and not _sleeps_longer(path)}
    assert found - zero <= set(SLEEPERS), "wait for an event or with the helpers' conditions"


def _sleeps_longer(path: Path) -> bool:
    """`asyncio.sleep(0)` waits for nothing: it lets others have their turn."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"asyncio.sleep", "time.sleep", "sleep"}:
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and first.value == 0):
                return True
    return False


IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore).*")
GOOD_IGNORE = re.compile(r"# (?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\])(?P<rest>.*)")


def ignores(path: Path) -> list[tuple[int, str]]:
    return [
        (number, found[0])
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := IGNORE.search(line))
    ]


def test_every_ignore_names_its_rule_and_in_the_house_its_reason():
    bad = []
    for path in {*OURS, *TESTS} - {Path(__file__)}:
        for number, text in ignores(path):
            good = GOOD_IGNORE.fullmatch(text)
            if not good or (path in OURS and not re.search(r"\w{2,}", good["rest"])):
                bad.append(f"{name(path)}:{number}: {text}")
    assert not bad, "which rule, and (in the house) why?\n" + "\n".join(sorted(bad))


def test_every_file_says_what_belongs_in_it():
    texts = {path: path.read_text(encoding="utf-8") for path in [*OURS, *TESTS]}
    # an empty __init__.py holds nothing
    assert [name(path) for path, text in texts.items() if text and not ast.get_docstring(ast.parse(text))] == []


def test_no_file_is_long():
    lines = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*OURS, *TESTS]}
    long = {
        file: count for file, count in lines.items() if count > (MOST_OF_TESTS if file.startswith("tests/") else MOST)
    }
    assert set(long) == set(LONG), long
