"""Forty of the points of `make crash`, others each time: nothing is lost, nothing doubled, nothing left. CRASH_SEED=N brings a draw back."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash import strace, trial
from tests.crash.street import DOORS, Street, street
from tests.live.machine import public_folder

pytestmark = pytest.mark.crash

EACH = 5  # points by each door, on each store
SEED = int(os.environ.get("CRASH_SEED") or secrets.randbits(32))


@pytest.fixture(autouse=True)
def _strace() -> None:
    if why := strace.why_not():
        pytest.skip(why)


@pytest.mark.timeout(600)  # strace on a machine that has other work
@pytest.mark.parametrize("door", DOORS)
def test_killed_at_a_point(door, store_url, record_property):
    store = store_url.partition(":")[0]
    record_property("seed", f"CRASH_SEED={SEED}")
    chance = random.Random(f"{SEED} {door}/{store}")
    # The streets begin at different kinds of calls, so that together they meet them all.
    turn = EACH * (DOORS.index(door) + len(DOORS) * (store == "sqlite"))
    with public_folder() as folder, street(folder, door, store_url) as here:
        points = trial.record(here)
        reached = 0
        for point in trial.draw(points, EACH, chance, turn):
            result = trial.attempt(here, point)
            assert not result.found.faults, (
                f"CRASH_SEED={SEED}: killed at {point}\n{here.house.log.read_text()[-8000:]}"
            )
            reached += result.reached
        assert reached, "nothing was killed: not one of these points was reached again"


@pytest.fixture
def quiet_street(sqlite_url) -> Iterator[Street]:
    """Where a mail and its answers went their way, and nothing else happened."""
    with public_folder() as folder, street(folder, "pipe", sqlite_url) as here:
        yield here


def test_the_ledger_sees_what_is_wrong(quiet_street):
    """The measure itself: each kind of fault, made by hand, is found."""
    here = quiet_street

    def found():
        return here.findings(since=0)

    assert not found().faults
    assert not found().uncertain

    never = here.from_customer()
    here.mails.append(never)
    assert f"{never.mail_id}: outcomes []" in found().lost
    here.mails.remove(never)

    acknowledged = next(each for each in here.sink.mails if here.mails[0].sender in each.recipients)
    here.sink.mails.append(acknowledged)
    assert len(found().duplicated) == 1
    here.sink.mails[:] = [each for each in here.sink.mails if each is not acknowledged]
    (said,) = found().lost
    assert "0 times at the relay" in said
    here.sink.mails.append(acknowledged)

    (first,) = here.mails
    here.mails[:] = [replace(first, answers=frozenset())]
    assert len(found().duplicated) == 2, "an answer too many to the customer and one to the staff"
    here.mails[:] = [first]

    spool = here.house.spool
    (spool / "cur" / "left").touch()
    assert found().left == [f"{spool / 'cur' / 'left'} was left"]
    (spool / "cur" / "left").unlink()
    blob = next(path for path in (here.house.data / "blobs").rglob("*") if path.is_file())
    stray = blob.with_name("0" * 64)
    stray.write_bytes(b"of a commit that never came")
    assert not found().left, "the sweep takes it"
    assert not stray.exists()
    blob.unlink()
    assert found().left == [f"the blob {blob.name} is missing"]


def test_a_draw_meets_every_kind_and_no_point_twice():
    points = [
        strace.Point(role, call, k)
        for role, call, count in (
            ("main", "write", 50),
            ("put", "write", 3),
            ("put", "fsync", 2),
            ("writer", "fsync", 9),
        )
        for k in range(1, count + 1)
    ]
    for seed, turn in itertools.product(range(5), range(2)):
        drawn = trial.draw(points, 20, random.Random(seed), turn)
        assert len(set(drawn)) == 20
        assert {point.call for point in drawn[:2]} == {"write", "fsync"}
        assert drawn == trial.draw(list(reversed(points)), 20, random.Random(seed), turn)
    assert sorted(trial.draw(points, 100, random.Random(0))) == sorted(points)


def test_what_a_thread_is_called():
    assert [
        strace._role(name, main=False) for name in ("put-3", "blobs_0", "store-writer", "imap-desk", "python3")
    ] == [
        *("put", "blobs", "store-writer", "imap-desk"),
        "loop-pool",
    ]
    assert strace._role("python", main=True) == "main"


def test_strace_s_words_are_counted(tmp_path: Path):
    file = tmp_path / "trace"
    file.write_text(
        '101 write(1, ""..., 3) = 3\n102 fsync(7 <unfinished ...>\n101 write(1, ""..., 3 <unfinished ...>\n'
        "102 <... fsync resumed>) = 0\n101 +++ killed by SIGKILL +++\n"
    )
    assert strace.counts_of(file) == {"write": 2, "fsync": 1}


def test_a_child_is_of_the_family(tmp_path: Path):
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        try:
            _, child = strace.family(parent.pid)
            assert strace.roles(parent.pid) == {parent.pid: "main", child: "child"}
        finally:
            os.kill(child, 9)
