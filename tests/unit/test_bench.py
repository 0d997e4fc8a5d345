"""The measurements themselves: they run, count what they should, and say whether a target was met."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import load, report

ROOT = Path(__file__).parents[2]


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_same_seed_gives_the_same_mails() -> None:
    assert load.mails(21, "stamp") == load.mails(21, "stamp")
    assert load.mail("1", 19, "a") != load.mail("1", 19, "b")


@pytest.mark.parametrize(
    ("at_least", "at_most", "met"), [(2.0, None, True), (2.1, None, False), (None, 2.0, True), (None, 1.9, False)]
)
def test_the_median_decides(
    capsys: pytest.CaptureFixture[str], at_least: float | None, at_most: float | None, met: bool
) -> None:
    assert report.target("ours / theirs", [1.0, 2.0, 9.0], at_least=at_least, at_most=at_most) is met
    line = capsys.readouterr().out
    assert line.startswith("TARGET | ours / theirs | at ")
    assert "| 2 (1 to 9) |" in line
    assert line.rstrip().endswith("met" if met else "MISSED")


def test_targets_are_gathered_from_what_a_script_says() -> None:
    said = "print('words'); print('TARGET | a | at least 1 | 2 (1 to 3) | met')"
    assert bench.run([sys.executable, "-c", said]) == ([["a", "at least 1", "2 (1 to 3)", "met"]], 0)
    assert bench.run([sys.executable, "-c", "raise SystemExit(3)"]) == ([], 3)


def test_memory_is_that_of_the_whole_family() -> None:
    words = [sys.executable, "-c", "print('here', flush=True); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"  # before that it may still be our own image
        assert child.pid in report.family(os.getpid())
        _, own = report.memory_mb(child.pid)
        _, all_of_us = report.memory_mb(os.getpid())
        child.communicate(b"\n")
    assert 1 < own < all_of_us


def test_intake(tmp_path: Path) -> None:
    said = run("tests.bench.intake", "--rounds", "1", "--count", "41", "--folder", str(tmp_path))
    assert "40 tickets, 41 messages" in said
    assert all(f"\n  {stage} " in said for stage in ("accept", "parse", "route", "write", "render", "send"))
    assert not list(tmp_path.iterdir())


def test_the_daemon(tmp_path: Path) -> None:
    words = ("--rounds", "1", "--connections", "2", "--per-connection", "3", "--flat", "4", "--folder", str(tmp_path))
    said = run("tests.bench.daemon", *words)
    assert "TARGET | memory at rest" in said
    assert "all answered and notified" in said
    assert "       4 mails" in said


def test_the_apis(tmp_path: Path) -> None:
    words = ("--tickets", "100", "--connections", "2", "--seconds", "0.1", "--rounds", "1", "--folder", str(tmp_path))
    said = run("tests.bench.api", *words)
    for name in ("list", "read", "search", "create", "comment"):
        assert f"TARGET | {name}, 2 connections, 100 tickets: of bare" in said
    assert not list(tmp_path.iterdir())
