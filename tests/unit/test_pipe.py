"""The pipe door as an MTA sees it: exit 0 and the mail is kept, or a line with 4.3.0 and exit 75; never anything else."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpdeskd import spool, tray

PIPE = Path(__file__).parents[2] / "pipe.py"
RAW = b"From someone@example.org Thu Jan  1 00:00:00 1970\nSubject: hello\r\n\r\nbody\n\xff\x00\n.\n"
OTHER = 65534  # nobody
GROUP = 64999  # of no user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes users or mounts: needs root")


@pytest.fixture
def root(tmp_path: Path) -> str:
    path = str(tmp_path / "spool")
    spool.make(path)
    spool.set_reserve(path, 0, 0)
    return path


def pipe(*args: str, raw: bytes = RAW, env: dict[str, str] | None = None, python: tuple[str, ...] = (), **more):
    """One run, with nothing of our own environment but the path."""
    more.setdefault("input", raw)
    if more.get("stdin") is not None:
        more.pop("input")
    more.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*(python or (sys.executable,)), str(PIPE), *args],
        env={"PATH": os.environ["PATH"], **(env or {})},
        stderr=subprocess.PIPE,
        timeout=60,
        **more,
    )


def entries(root: str) -> list[tray.Entry]:
    found = [tray.claim(root, spool_id) for spool_id in tray.scan(root)]
    assert None not in found
    return [entry for entry in found if entry is not None]


def kept(done, root: str) -> tray.Entry:
    """The run said nothing, exited 0 and left exactly this mail."""
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    [entry] = entries(root)
    assert entry.raw() == RAW
    return entry


def deferred(done, word: str = "") -> None:
    assert (done.returncode, done.stderr) == (75, b""), done
    assert done.stdout.startswith(b"4.3.0 ")
    assert done.stdout.count(b"\n") == 1
    assert done.stdout.endswith(b"\n")
    assert b"Traceback" not in done.stdout
    assert word in done.stdout.decode("ascii")


def leftovers(root: str) -> list[str]:
    return os.listdir(os.path.join(root, "tmp")) + os.listdir(os.path.join(root, "new"))


# -- taken


def test_a_mail_is_kept_byte_for_byte_and_nothing_is_said(root):
    entry = kept(pipe("--spool", root, "--sender", "a@x.example", "b@y.example", "c@y.example"), root)
    assert entry.envelope.door == "pipe"
    assert (entry.envelope.sender, entry.envelope.sender_known) == ("a@x.example", True)
    assert entry.envelope.recipients == ("b@y.example", "c@y.example")


def test_the_script_itself_is_executable(root):
    assert os.access(PIPE, os.X_OK)
    done = subprocess.run(
        [str(PIPE), "--spool", root, "b@y"], input=RAW, capture_output=True, env={"PATH": os.environ["PATH"]}
    )
    kept(done, root)


def test_the_spool_from_the_environment_and_the_argument_wins(root, tmp_path):
    kept(pipe("b@y", env={"HELPDESKD_SPOOL": root}), root)
    other = str(tmp_path / "other")
    spool.make(other)
    spool.set_reserve(other, 0, 0)
    kept(pipe(f"--spool={other}", "b@y", env={"HELPDESKD_SPOOL": root}), other)


def test_an_empty_mail_is_kept(root):
    done = pipe("--spool", root, "b@y", raw=b"")
    assert (done.returncode, done.stdout) == (0, b"")
    assert [entry.raw() for entry in entries(root)] == [b""]


def test_a_big_mail_is_kept(root):
    raw = os.urandom(1 << 20) * 20
    done = pipe("--spool", root, "b@y", raw=raw)
    assert done.returncode == 0
    assert entries(root)[0].raw() == raw


def test_the_bell_rings(root):
    fd = spool.open_bell(root)
    try:
        kept(pipe("--spool", root, "b@y"), root)
        assert os.read(fd, 10) == b"!"
    finally:
        os.close(fd)


@pytest.mark.parametrize("bell", ["missing", "file", "directory", "full"])
def test_whatever_the_bell_is_the_mail_is_kept(root, bell):
    path = os.path.join(root, "bell")
    fd = -1
    if bell == "full":
        fd = spool.open_bell(root)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(fd, b"!" * 4096)
    else:
        os.unlink(path)
        if bell == "file":
            Path(path).touch()
        elif bell == "directory":
            os.mkdir(path)
    try:
        kept(pipe("--spool", root, "b@y"), root)
    finally:
        if fd >= 0:
            os.close(fd)


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2)])
def test_closed_outputs_change_nothing(root, closed):
    def close() -> None:
        for fd in closed:
            os.close(fd)

    kept(pipe("--spool", root, "b@y", preexec_fn=close), root)


def test_an_output_nobody_reads_changes_nothing(root):
    for args, status in ((("--spool", root, "b@y"), 0), (("--nonsense",), 75)):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            done = pipe(*args, stdout=writing)
        finally:
            os.close(writing)
        assert (done.returncode, done.stderr) == (status, b"")
    assert len(entries(root)) == 1


def test_a_full_output_changes_nothing(root):
    with open("/dev/full", "wb") as full:
        assert pipe("--spool", root, "b@y", stdout=full).returncode == 0
        assert pipe("--nonsense", stdout=full).returncode == 75


def test_odd_bytes_in_arguments_survive(root):
    odd = b"\xff\xc3\n\\;@y".decode("utf-8", "surrogateescape")
    entry = kept(pipe("--spool", root, "--sender", odd, "--", odd), root)
    assert (entry.envelope.sender, entry.envelope.recipients) == (odd, (odd,))


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "nonsense"])
def test_the_locale_changes_nothing(root, locale):
    entry = kept(pipe("--spool", root, "jürgen@y", env={"LC_ALL": locale}), root)
    assert entry.envelope.recipients == ("jürgen@y",)


def test_fifty_at_once_are_fifty_entries(root):
    raws = [b"Subject: %d\n\n%s" % (n, os.urandom(50_000)) for n in range(50)]
    runs = [
        subprocess.Popen(
            [sys.executable, str(PIPE), "--spool", root, f"r{n}@y"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for n in range(50)
    ]
    feeders = [threading.Thread(target=run.communicate, args=(raw,)) for run, raw in zip(runs, raws, strict=True)]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join()
    assert [run.returncode for run in runs] == [0] * 50
    assert {(e.envelope.recipients[0], e.raw()) for e in entries(root)} == {(f"r{n}@y", raws[n]) for n in range(50)}
    assert len(entries(root)) == 50


# -- the envelope


@pytest.mark.parametrize(
    ("env", "sender", "recipients", "original"),
    [
        pytest.param(
            # Exim's pipe transport: RECIPIENT lacks prefix and suffix
            {
                "LOCAL_PART": "support",
                "LOCAL_PART_SUFFIX": "+tok",
                "DOMAIN": "y.example",
                "RECIPIENT": "support@y.example",
                "SENDER": "a@x.example",
                "LOGNAME": "helpdeskd",
                "MESSAGE_ID": "1abcde-000000-00",
                "QUALIFY_DOMAIN": "host.example",
            },
            "a@x.example",
            ("support+tok@y.example",),
            "",
            id="exim",
        ),
        pytest.param(
            {"LOCAL_PART": "support", "DOMAIN": "y.example", "RECIPIENT": "support@y.example", "SENDER": ""},
            "",
            ("support@y.example",),
            "",
            id="exim, a bounce",
        ),
        pytest.param(
            # Postfix's local(8), behind a virtual alias
            {
                "RECIPIENT": "helpdesk+tok@mail.example",
                "EXTENSION": "tok",
                "LOCAL": "helpdesk+tok",
                "USER": "helpdesk",
                "DOMAIN": "mail.example",
                "ORIGINAL_RECIPIENT": "support+tok@y.example",
                "SENDER": "a@x.example",
                "CLIENT_ADDRESS": "192.0.2.7",
                "CLIENT_HELO": "x.example",
            },
            "a@x.example",
            ("helpdesk+tok@mail.example",),
            "support+tok@y.example",
            id="postfix local",
        ),
        pytest.param(
            {"RECIPIENT": "support@y.example", "EXTENSION": "tok", "SENDER": "MAILER-DAEMON"},
            "",
            ("support+tok@y.example",),
            "",
            id="the extension apart, a bounce",
        ),
        pytest.param(
            {"RECIPIENT": "support", "EXTENSION": "tok", "SENDER": "a@x.example"},
            "a@x.example",
            ("support",),
            "",
            id="sendmail, a bare name",
        ),
        pytest.param(
            {"RECIPIENT": "<support@y.example>", "SENDER": "<>"}, "", ("support@y.example",), "", id="angle brackets"
        ),
    ],
)
def test_the_envelope_from_the_environment(root, env, sender, recipients, original):
    envelope = kept(pipe("--spool", root, env=env), root).envelope
    assert (envelope.sender, envelope.sender_known) == (sender, True)
    assert (envelope.recipients, envelope.original) == (recipients, original)
    assert (envelope.peer, envelope.helo) == (env.get("CLIENT_ADDRESS", ""), env.get("CLIENT_HELO", ""))


def test_arguments_win_over_the_environment(root):
    env = {"RECIPIENT": "e@y", "SENDER": "s@e", "ORIGINAL_RECIPIENT": "o@y", "LOCAL_PART": "l", "DOMAIN": "d"}
    envelope = kept(pipe("--spool", root, "--sender", "a@x", "b@y", env=env), root).envelope
    assert (envelope.sender, envelope.recipients, envelope.original) == ("a@x", ("b@y",), "")


@pytest.mark.parametrize("null", ["", "<>", "MAILER-DAEMON"])
def test_the_null_path_as_an_argument(root, null):
    envelope = kept(pipe("--spool", root, "--sender", null, "b@y", env={"SENDER": "s@e"}), root).envelope
    assert (envelope.sender, envelope.sender_known) == ("", True)


def test_a_sender_nobody_told_is_unknown(root):
    envelope = kept(pipe("--spool", root, "b@y"), root).envelope
    assert (envelope.sender, envelope.sender_known) == ("", False)


def test_a_recipient_is_never_taken_for_an_option(root, tmp_path):
    envelope = kept(pipe("--spool", root, "--", f"--spool={tmp_path}@y", "-x@y"), root).envelope
    assert envelope.recipients == (f"--spool={tmp_path}@y", "-x@y")


def test_after_the_first_recipient_there_are_no_options(root):
    assert kept(pipe("--spool", root, "b@y", "--sender"), root).envelope.recipients == ("b@y", "--sender")


# -- refused for now


@pytest.mark.parametrize(
    "args",
    [(), ("--spool",), ("--sender",), ("--spool=", "b@y"), ("--help",), ("-h",), ("--", ""), ("-b@y",), ("--spool=x",)],
)
def test_wrong_usage_is_a_deferral(args):
    deferred(pipe(*args), "usage: pipe.py")


def test_no_recipient_is_a_deferral(root):
    deferred(pipe("--spool", root), "no recipient")
    deferred(pipe("--spool", root, ""), "no recipient")
    assert leftovers(root) == []


@pytest.mark.parametrize("place", ["/nonexistent/spool", "/dev/null", "/proc", "a\nb"])
def test_a_missing_spool_is_a_deferral(place):
    deferred(pipe("--spool", place, "b@y"))


def test_a_spool_without_its_directories_is_a_deferral(root):
    shutil.rmtree(os.path.join(root, "new"))
    deferred(pipe("--spool", root, "b@y"), "No such file")
    assert os.listdir(os.path.join(root, "tmp")) == []


def test_the_disk_at_its_reserve_is_a_deferral(root):
    spool.set_reserve(root, 100, 0)
    deferred(pipe("--spool", root, "b@y"), "reserve")
    assert leftovers(root) == []


def test_a_file_size_limit_is_a_deferral(root):
    import resource

    done = pipe(
        "--spool",
        root,
        "b@y",
        raw=b"x" * 100_000,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    deferred(done, "File too large")
    assert leftovers(root) == []


def test_a_closed_stdin_is_a_deferral(root):
    deferred(pipe("--spool", root, "b@y", input=None, preexec_fn=lambda: os.close(0)))
    assert leftovers(root) == []


def test_an_stdin_that_cannot_be_read_is_a_deferral(root, tmp_path):
    fd = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    try:
        deferred(pipe("--spool", root, "b@y", stdin=fd), "Bad file descriptor")
    finally:
        os.close(fd)
    assert leftovers(root) == []


def test_a_package_that_cannot_be_imported_is_a_deferral(root, tmp_path):
    copy = tmp_path / "elsewhere" / "pipe.py"
    copy.parent.mkdir()
    shutil.copy(PIPE, copy)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(copy), "--spool", root, "b@y"], input=RAW, capture_output=True
    )
    deferred(done, "cannot import helpdeskd")


@pytest.mark.parametrize(
    "broken",
    ["raise ImportError('x')", "import nonsense", "1/0", "def", "raise SystemExit(1)", "raise KeyboardInterrupt"],
)
def test_a_broken_package_is_a_deferral(root, tmp_path, broken):
    (tmp_path / "helpdeskd").mkdir()
    (tmp_path / "helpdeskd" / "__init__.py").touch()
    (tmp_path / "helpdeskd" / "spool.py").write_text(broken)
    shutil.copy(PIPE, tmp_path / "pipe.py")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "pipe.py"), "--spool", root, "b@y"], input=RAW, capture_output=True
    )
    deferred(done)


def test_an_isolated_python_finds_the_checkout(root):
    kept(pipe("--spool", root, "b@y", python=(sys.executable, "-I", "-S")), root)


def test_the_wheels_own_copy_finds_its_package(root, tmp_path):
    package = tmp_path / "site" / "helpdeskd"
    (package / "_data").mkdir(parents=True)
    for name in ("__init__.py", "durable.py", "errors.py", "spool.py"):
        shutil.copy(PIPE.parent / "helpdeskd" / name, package / name)
    copy = shutil.copy(PIPE, package / "_data" / "pipe.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", copy, "--spool", root, "b@y"], input=RAW, capture_output=True, cwd=tmp_path
    )
    kept(done, root)


# -- a person


def test_a_person_at_a_terminal_is_told_the_usage(root):
    ours, theirs = pty.openpty()
    try:
        for args in ((), ("--spool", root, "b@y"), ("--nonsense",)):
            done = pipe(*args, stdin=theirs)
            assert (done.returncode, done.stderr) == (64, b"")
            assert done.stdout.startswith(b"usage: ")
    finally:
        os.close(ours)
        os.close(theirs)
    assert leftovers(root) == []


# -- killed and stopped


def started(root: str, **more) -> subprocess.Popen[bytes]:
    """A pipe.py that has taken the first bytes and waits for more."""
    run = subprocess.Popen(
        [sys.executable, str(PIPE), "--spool", root, "b@y"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more
    )
    assert run.stdin is not None
    run.stdin.write(RAW)
    run.stdin.flush()
    wait_for_half_a_file(root)
    return run


def wait_for_half_a_file(root: str) -> None:
    """Until a file in tmp/ holds the mail's first bytes; the whole test's timeout is the bound."""
    while not any(RAW in path.read_bytes() for path in Path(root, "tmp").iterdir()):
        os.sched_yield()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM, signal.SIGXCPU])
def test_a_signal_in_mid_mail_is_a_deferral_and_leaves_nothing(root, number):
    run = started(root)
    run.send_signal(number)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 75
    assert out == b"4.3.0 helpdeskd: stopped by signal %d\n" % number
    assert leftovers(root) == []


def test_an_ignored_signal_stays_ignored(root):
    run = started(root, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    run.send_signal(signal.SIGHUP)
    out, _ = run.communicate(timeout=60)
    assert (run.returncode, out) == (0, b"")
    assert len(entries(root)) == 1


def test_a_killed_pipe_leaves_nothing_to_be_seen(root):
    run = started(root)
    run.kill()
    run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL
    assert tray.scan(root) == []


def test_a_signal_after_the_mail_is_kept_changes_nothing(root, tmp_path):
    """A flush of new/ that sends us every signal: the mail is visible by then."""
    hook = tmp_path / "sitecustomize.py"
    hook.write_text(
        "import os, stat\n"
        "real = os.fsync\n"
        "def fsync(fd):\n"
        "    real(fd)\n"
        "    if stat.S_ISDIR(os.fstat(fd).st_mode):\n"
        "        for number in (1, 2, 3, 10, 12, 14, 15, 24):\n"
        "            os.kill(os.getpid(), number)\n"
        "os.fsync = fsync\n"
    )
    kept(pipe("--spool", root, "b@y", env={"PYTHONPATH": str(tmp_path)}), root)


MTA = """
import os, subprocess, sys
run = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=int(sys.argv[1]), pass_fds=[int(sys.argv[1])])
run.stdin.write(sys.stdin.buffer.read())
run.stdin.flush()
print("written", flush=True)
os.read(int(os.environ["HOLD"]), 1)
"""


@pytest.mark.parametrize("shell", [False, True])
def test_a_mail_cut_off_by_a_killed_mta_is_dropped(root, shell):
    """The pipe ends as if the mail had ended; only the parent's absence tells. A shell between them hides it once."""
    hold, _held = os.pipe()
    reading, writing = os.pipe()
    command = [sys.executable, str(PIPE), "--spool", root, "b@y"]
    if shell:
        command = ["/bin/sh", "-c", '"$@" || exit 75', "sh", *command]
    mta = subprocess.Popen(
        [sys.executable, "-c", MTA, str(writing), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[writing, hold],
        env={**os.environ, "HOLD": str(hold)},
    )
    os.close(writing)
    assert mta.stdin is not None
    assert mta.stdout is not None
    mta.stdin.write(RAW)
    mta.stdin.close()
    assert mta.stdout.readline() == b"written\n"
    wait_for_half_a_file(root)
    mta.kill()
    mta.wait()
    mta.stdout.close()
    with os.fdopen(reading, "rb") as said:  # ends when pipe.py has ended
        assert said.read() == b"4.3.0 helpdeskd: the program that sent the mail is gone; what it sent may be cut off\n"
    os.close(hold)
    os.close(_held)
    assert leftovers(root) == []


# -- other users, real disks


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[str]:
    """A spool of one user, with a group that another is in; reachable by both."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    path = str(tmp_path / "spool")
    spool.make(path)
    spool.set_reserve(path, 0, 0)
    for name in ("", *spool.DIRS, "bell", "reserve"):
        at = os.path.join(path, name)
        mode = stat.S_IMODE(os.stat(at).st_mode)
        os.chown(at, GROUP, GROUP)
        os.chmod(at, mode)
    yield path
    shutil.rmtree(path)


def as_user(groups: list[int]) -> tuple[str, ...]:
    listed = ",".join(map(str, groups))
    how = f"--groups={listed}" if groups else "--clear-groups"
    return ("setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", how, *interpreter())


def interpreter() -> tuple[str, ...]:
    """A Python that any user may start; the tests' own may lie in a private home."""
    return ("/usr/bin/python3", "-B")


needs_setpriv = pytest.mark.skipif(
    not shutil.which("setpriv") or not os.path.exists("/usr/bin/python3"), reason="needs setpriv and /usr/bin/python3"
)


@pytest.fixture
def public_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pipe.py and its package where any user can read them."""
    place = tmp_path / "public"
    (place / "helpdeskd").mkdir(parents=True)
    for name in ("__init__.py", "durable.py", "errors.py", "spool.py", "tray.py"):
        shutil.copy(PIPE.parent / "helpdeskd" / name, place / "helpdeskd" / name)
    shutil.copy(PIPE, place / "pipe.py")
    place.chmod(0o755)
    (place / "helpdeskd").chmod(0o755)
    monkeypatch.setattr(sys.modules[__name__], "PIPE", place / "pipe.py")


@as_root
@needs_setpriv
@pytest.mark.usefixtures("public_pipe")
def test_another_user_of_the_group_delivers_and_the_owner_can_read_and_remove(shared):
    done = pipe("--spool", shared, "b@y", python=as_user([GROUP]), umask=0o777)
    kept(done, shared)
    [spool_id] = tray.scan(shared)
    about = os.stat(os.path.join(shared, "new", spool_id))
    assert (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) == (OTHER, GROUP, 0o640)
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from helpdeskd import tray;"
        "[i] = tray.scan(sys.argv[1]); e = tray.begin(tray.claim(sys.argv[1], i)); e.raw(); tray.done(e)"
    )
    owner = ("setpriv", f"--reuid={GROUP}", f"--regid={GROUP}", "--clear-groups", *interpreter())
    subprocess.run([*owner, "-c", script, shared, str(PIPE.parent)], check=True)
    assert tray.scan(shared) == []


@as_root
@needs_setpriv
@pytest.mark.usefixtures("public_pipe")
def test_the_group_cannot_remove_anothers_mail(shared):
    kept(pipe("--spool", shared, "b@y", python=interpreter()), shared)
    [spool_id] = tray.scan(shared)
    script = "import os, sys; os.unlink(sys.argv[1])"
    done = subprocess.run(
        [*as_user([GROUP]), "-c", script, os.path.join(shared, "new", spool_id)], stderr=subprocess.PIPE
    )
    assert b"PermissionError" in done.stderr
    assert tray.scan(shared) == [spool_id]


@as_root
@needs_setpriv
@pytest.mark.usefixtures("public_pipe")
def test_a_user_outside_the_group_is_a_deferral(shared):
    deferred(pipe("--spool", shared, "b@y", python=as_user([])), "Permission denied")
    assert leftovers(shared) == []


@as_root
@needs_setpriv
@pytest.mark.usefixtures("public_pipe")
def test_without_the_setgid_bit_the_group_is_given_or_the_mail_is_deferred(shared):
    """A mail its owner could not read would be stuck in silence."""
    for name in ("tmp", "new"):
        os.chmod(os.path.join(shared, name), 0o1777)
    os.chmod(shared, 0o755)
    deferred(pipe("--spool", shared, "b@y", python=as_user([])), "setgid")
    assert leftovers(shared) == []
    kept(pipe("--spool", shared, "b@y", python=as_user([GROUP])), shared)
    [spool_id] = tray.scan(shared)
    assert os.stat(os.path.join(shared, "new", spool_id)).st_gid == GROUP


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError) as e:
        pytest.skip(f"cannot mount a tmpfs here: {e}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@as_root
def test_a_small_disk_keeps_its_reserve_and_then_takes_mail_again(small_disk):
    root = str(small_disk / "spool")
    spool.make(root)
    spool.set_reserve(root, 0, 1)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (5 << 19))  # 2.5 of 4 MB
    kept(pipe("--spool", root, "b@y"), root)
    # more than is left above the reserve: stopped on the way, and nothing remains
    deferred(pipe("--spool", root, "b@y", raw=b"x" * (8 << 20)), "reserve")
    assert os.listdir(os.path.join(root, "tmp")) == []
    assert len(tray.scan(root)) == 1
    with ballast.open("ab") as file:
        file.write(b"x" * (1 << 19))
    deferred(pipe("--spool", root, "b@y"), "reserve")
    ballast.unlink()
    assert pipe("--spool", root, "b@y").returncode == 0
    assert len(tray.scan(root)) == 2


@as_root
def test_a_full_disk_is_a_deferral(small_disk):
    root = str(small_disk / "spool")
    spool.make(root)
    spool.set_reserve(root, 0, 0)
    deferred(pipe("--spool", root, "b@y", raw=b"x" * (8 << 20)))
    assert leftovers(root) == []


@as_root
def test_a_read_only_spool_is_a_deferral(small_disk):
    root = str(small_disk / "spool")
    spool.make(root)
    spool.set_reserve(root, 0, 0)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    deferred(pipe("--spool", root, "b@y"), "Read-only file system")
