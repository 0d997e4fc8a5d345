"""What pipe.py loads: each module is paid for at every mail, and a new one is a new way to fail."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from helpdeskd import spool, tray

PIPE = Path(__file__).parents[2] / "pipe.py"

# Of ours, and of the standard library what is not in every Python from its start.
ALLOWED = {"helpdeskd", "helpdeskd.durable", "helpdeskd.errors", "helpdeskd.spool"}
FREE_ANYWHERE = {"errno", "time", "__future__", "_signal"}  # built in, or a few lines

SCRIPT = """
import os, sys
before = set(sys.modules)
def leave(status):
    os.write(2, repr([status, sorted(set(sys.modules) - before)]).encode())
    real(status)
real, os._exit = os._exit, leave
pipe, *sys.argv[1:] = sys.argv[1:]
with open(pipe) as file:
    exec(compile(file.read(), pipe, "exec"), {"__name__": "__main__", "__file__": pipe})
"""


def loaded(*args: str) -> tuple[int, set[str]]:
    """The exit status and what a Python without site-packages has loaded at the exit beyond what it starts with."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT, str(PIPE), *args], input=b"Subject: x\n\n", capture_output=True
    )
    status, names = ast.literal_eval(done.stderr.decode())
    assert done.returncode == status
    return status, set(names)


def test_a_delivery_loads_nothing_but_the_spool(tmp_path):
    root = str(tmp_path / "spool")
    spool.make(root)
    spool.set_reserve(root, 0, 0)
    status, names = loaded("--spool", root, "--sender", "jürgen@x", "b@y")
    assert status == 0
    assert len(tray.scan(root)) == 1
    assert names >= ALLOWED
    assert names - ALLOWED - FREE_ANYWHERE == set()


def test_a_failure_loads_nothing_more():
    status, names = loaded("--spool", "/nonexistent", "b@y")
    assert status == 75
    assert names - ALLOWED - FREE_ANYWHERE == set()


def test_the_package_itself_is_empty():
    assert not (PIPE.parent / "helpdeskd" / "__init__.py").read_bytes().strip()
