"""A real Postfix delivers through pipe.py, by pipe(8) and by an alias; whatever breaks, it waits and never bounces."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpdeskd import spool, tray
from tests.live import postfix
from tests.live.machine import public_folder

pytestmark = pytest.mark.live

SOURCE = Path(__file__).parents[2]


OWNER = "nobody"  # owns the spool, as helpdeskd would
GROUP_USER = "daemon"  # another user, whose group is the spool's
RAW = b"From: Anna <anna@x.example>\r\nSubject: hello\r\nMessage-ID: <1@x.example>\r\n\r\nbody\r\n.. \xe4\r\n"
BODY = b"\nbody\n.. \xe4\n"  # pipe(8) and local(8) hand over LF line ends
HEALTHY = "#!/usr/bin/python3"

# As docs/install.md gives them. soft_bounce: what Postfix itself takes for permanent (status 127 and the like) waits too.
SERVICE = """\
helpdeskd unix - n n - - pipe
  -o soft_bounce=yes
  flags=Rq user={user} argv={command} --spool {spool} --sender ${{sender}} -- ${{recipient}}
"""
ALIASES = """\
support: "|{command} --spool {spool} || exit 75"
plain: "|{command} --spool {spool}"
"""


class Site:
    """A Postfix, a spool that is not its own, and a pipe.py that can be broken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = str(folder / "spool")
        self.command = folder / "bin" / "pipe.py"
        spool.make(self.root)
        spool.set_reserve(self.root, 0, 0)
        for name in ("", *spool.DIRS, "bell", "reserve"):
            path = os.path.join(self.root, name)
            mode = os.stat(path).st_mode & 0o7777
            shutil.chown(path, OWNER, GROUP_USER)
            os.chmod(path, mode)
        package = self.command.parent / "helpdeskd"
        package.mkdir(parents=True)
        for name in ("__init__.py", "durable.py", "errors.py", "spool.py"):
            shutil.copy(SOURCE / "helpdeskd" / name, package / name)
        self.gate = folder / "gate"
        self.gate_pid = folder / "gate.pid"
        self.repair()
        self.mta = postfix.PostfixInstance(
            folder,
            domains=("desk.example",),
            default="helpdeskd:",
            local_domains=("local.example",),
            aliases=ALIASES.format(command=self.command, spool=self.root),
            aliases_owner=GROUP_USER,
            master=SERVICE.format(user=OWNER, command=self.command, spool=self.root),
            main={
                "virtual_alias_maps": "inline:{ {sales@desk.example=support@local.example} }",
                "allow_min_user": "yes",  # not the default; ours must stand without it
                "helpdeskd_destination_recipient_limit": "10",
            },
        )

    def repair(self) -> None:
        text = (SOURCE / "pipe.py").read_text()
        _, _, rest = text.partition("\n")
        self.install(f"{HEALTHY}\n{rest}")

    def install(self, text: str) -> None:
        """Put a script where Postfix looks for it, in one step."""
        new = self.command.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o755)
        new.rename(self.command)

    def close_gate(self) -> None:
        """From now on a pipe.py says its process id and waits at its start."""
        os.mkfifo(self.gate)
        os.mkfifo(self.gate_pid)
        for path in (self.gate, self.gate_pid):
            path.chmod(0o666)
        (self.command.parent / "helpdeskd" / "__init__.py").write_text(
            f"import os\n"
            f"with open({str(self.gate_pid)!r}, 'w') as file:\n"
            f"    file.write(str(os.getpid()))\n"
            f"with open({str(self.gate)!r}) as file:\n"
            f"    file.read()\n"
        )

    def waiting_at_the_gate(self) -> int:
        """The process id of the pipe.py that has come to the gate."""
        return int(self.gate_pid.read_text())

    def open_gate(self) -> None:
        """The one that waits goes on; no other will wait."""
        self.forget_gate()
        self.gate.write_text("")

    def forget_gate(self) -> None:
        shutil.copy(SOURCE / "helpdeskd" / "__init__.py", self.command.parent / "helpdeskd" / "__init__.py")

    def entries(self) -> list[tray.Entry]:
        found = [tray.claim(self.root, spool_id) for spool_id in tray.scan(self.root)]
        return [entry for entry in found if entry is not None]

    def arrive(self, count: int = 1) -> list[tray.Entry]:
        self.mta.wait_until(lambda: len(self.entries()) >= count)
        self.mta.wait_until(lambda: not self.mta.queue())  # and Postfix has heard of it
        found = self.entries()
        assert len(found) == count
        return found


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    postfix.require()
    if not os.path.exists("/usr/bin/python3"):
        pytest.skip("needs /usr/bin/python3, a Python that every user may start")
    with public_folder() as folder:
        site = Site(folder)
        try:
            with site.mta:
                yield site
        finally:
            site.forget_gate()


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """A whole site with nothing in the queue, the spool or (as far as a test looks) the log."""
    yield running
    running.forget_gate()
    for path in (running.gate, running.gate_pid):
        path.unlink(missing_ok=True)
    undo(running)
    running.mta.forget()
    for name in ("tmp", "new", "cur"):
        for path in Path(running.root, name).iterdir():
            path.unlink()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


BOTH = pytest.mark.parametrize("recipient", ["support@desk.example", "support@local.example"], ids=["pipe(8)", "alias"])


# -- it delivers


def test_pipe_delivers_the_envelope_and_every_byte(site):
    site.mta.send("anna@x.example", "support+tok@desk.example", RAW)
    [entry] = site.arrive()
    assert (entry.envelope.sender, entry.envelope.sender_known) == ("anna@x.example", True)
    assert entry.envelope.recipients == ("support+tok@desk.example",)
    assert entry.raw().startswith(b"Return-Path: <anna@x.example>\n")
    assert entry.raw().endswith(BODY)


def test_pipe_delivers_a_bounce_with_the_null_path(site):
    site.mta.send("", "support@desk.example", RAW)
    [entry] = site.arrive()
    assert (entry.envelope.sender, entry.envelope.sender_known) == ("", True)


def test_pipe_delivers_one_mail_to_two_recipients_once(site):
    site.mta.send("anna@x.example", ["support@desk.example", "billing@desk.example"], RAW)
    [entry] = site.arrive()
    assert sorted(entry.envelope.recipients) == ["billing@desk.example", "support@desk.example"]


def test_a_recipient_that_looks_like_an_option_is_a_recipient(site):
    site.mta.send("anna@x.example", "--spool=elsewhere@desk.example", RAW)
    [entry] = site.arrive()
    assert entry.envelope.recipients == ("--spool=elsewhere@desk.example",)


@pytest.mark.parametrize("name", ["support", "plain"])
def test_an_alias_delivers_as_another_user_of_the_group(site, name):
    site.mta.send("anna@x.example", f"{name}+tok@local.example", RAW)
    [entry] = site.arrive()
    assert os.stat(entry.path).st_uid != os.stat(site.root).st_uid
    assert (os.stat(entry.path).st_gid, os.stat(entry.path).st_mode & 0o777) == (os.stat(site.root).st_gid, 0o640)
    envelope = entry.envelope
    assert (envelope.sender, envelope.recipients) == ("anna@x.example", (f"{name}+tok@local.example",))
    assert (envelope.peer, envelope.helo) == ("127.0.0.1", "client.example")
    assert entry.raw().startswith(b"From anna@x.example ")
    assert entry.raw().endswith(BODY)


def test_an_alias_delivers_a_bounce_with_the_null_path(site):
    site.mta.send("", "support@local.example", RAW)
    [entry] = site.arrive()
    assert (entry.envelope.sender, entry.envelope.sender_known) == ("", True)


def test_behind_a_virtual_alias_the_address_the_customer_wrote_is_kept(site):
    site.mta.send("anna@x.example", "sales@desk.example", RAW)
    [entry] = site.arrive()
    assert entry.envelope.recipients == ("support@local.example",)
    assert entry.envelope.original == "sales@desk.example"


@BOTH
def test_thirty_mails_are_thirty_entries(site, recipient):
    raws = [RAW.replace(b"1@x", b"%d@x" % n) + os.urandom(30_000).hex().encode() + b"\r\n" for n in range(30)]
    for raw in raws:
        site.mta.send("anna@x.example", recipient, raw)
    bodies = {entry.raw().rpartition(b"\xe4\n")[2].strip() for entry in site.arrive(30)}
    assert bodies == {raw.rpartition(b"\xe4\r\n")[2].strip() for raw in raws}


# -- it breaks


def no_script(site: Site) -> None:
    site.command.unlink()


def no_interpreter(site: Site) -> None:
    site.install(site.command.read_text().replace(HEALTHY, "#!/nonexistent/bin/python3", 1))


def no_interpreter_in_the_path(site: Site) -> None:
    site.install(site.command.read_text().replace(HEALTHY, "#!/usr/bin/env no-such-python3", 1))


def not_executable(site: Site) -> None:
    site.command.chmod(0o644)


def killed(site: Site) -> None:
    site.install("#!/bin/sh\nkill -9 $$\n")


def stopped(site: Site) -> None:
    site.install("#!/bin/sh\nkill -15 $$\n")


def broken_script(site: Site) -> None:
    site.install(site.command.read_text() + "\nthis is no Python\n")


def no_package(site: Site) -> None:
    (site.command.parent / "helpdeskd").rename(site.command.parent / "away")


def no_spool(site: Site) -> None:
    os.rename(site.root, site.root + ".away")


def no_room(site: Site) -> None:
    spool.set_reserve(site.root, 100, 0)


def no_permission(site: Site) -> None:
    os.chmod(os.path.join(site.root, "tmp"), 0o000)
    os.chmod(site.root, 0o000)


def undo(site: Site) -> None:
    if os.path.exists(site.root + ".away"):
        os.rename(site.root + ".away", site.root)
    if (site.command.parent / "away").exists():
        (site.command.parent / "away").rename(site.command.parent / "helpdeskd")
    os.chmod(site.root, 0o3770)
    os.chmod(os.path.join(site.root, "tmp"), 0o3770)
    spool.set_reserve(site.root, 0, 0)
    site.repair()


BREAKS: list[Callable[[Site], None]] = [
    no_script,
    no_interpreter,
    no_interpreter_in_the_path,
    not_executable,
    killed,
    stopped,
    broken_script,
    no_package,
    no_spool,
    no_room,
    no_permission,
]


@BOTH
@pytest.mark.parametrize("break_it", BREAKS, ids=lambda f: f.__name__)
def test_whatever_is_broken_the_mail_waits_and_then_comes_once(site, recipient, break_it):
    break_it(site)
    queue_id = site.mta.send("anna@x.example", recipient, RAW)
    reason = site.mta.wait_until(lambda: site.mta.deferred(queue_id))
    if break_it in (no_package, no_spool, no_room, no_permission):
        # pipe.py spoke for itself, and Postfix understood its 4.3.0 and shows the rest
        assert reason.startswith("helpdeskd: "), reason
    undo(site)
    assert site.entries() == []
    site.mta.flush()
    [entry] = site.arrive()
    assert BODY in entry.raw()
    assert site.mta.bounced() == []


@BOTH
def test_a_pipe_killed_at_work_is_tried_again_and_comes_once(site, recipient):
    site.close_gate()
    queue_id = site.mta.send("anna@x.example", recipient, RAW)
    pid = site.waiting_at_the_gate()
    site.forget_gate()
    os.kill(pid, signal.SIGKILL)
    site.mta.wait_until(lambda: site.mta.deferred(queue_id))
    assert site.entries() == []
    site.mta.flush()
    [entry] = site.arrive()
    assert BODY in entry.raw()
    assert site.mta.bounced() == []


@pytest.mark.parametrize(
    "recipient",
    ["support@desk.example", "support@local.example", "plain@local.example"],
    ids=["pipe(8)", "alias with a shell", "alias"],
)
def test_a_postfix_process_killed_in_mid_mail_leaves_no_half_mail(site, recipient):
    """The kernel closes the pipe as if the mail had ended there; pipe.py sees that its MTA is gone."""
    body = os.urandom(1 << 20).hex()
    raw = RAW + "\r\n".join(body[n : n + 76] for n in range(0, len(body), 76)).encode() + b"\r\n"
    site.close_gate()
    site.mta.send("anna@x.example", recipient, raw)
    pid = site.waiting_at_the_gate()
    agent = parent_of(pid)
    if Path(f"/proc/{agent}/comm").read_text().strip() == "sh":
        agent = parent_of(agent)
    assert Path(f"/proc/{agent}/comm").read_text().strip() in {"pipe", "local"}
    os.kill(agent, signal.SIGKILL)  # 2 MB do not fit a pipe: it is in the middle of its writing
    site.mta.wait_until(lambda: not Path(f"/proc/{agent}").exists() or parent_of(pid) != agent)
    site.open_gate()
    site.mta.wait_until(lambda: not Path(f"/proc/{pid}").exists())
    assert site.entries() == []
    # the queue manager takes a dead agent for a passing trouble
    site.mta.wait_until(lambda: site.mta.queue() and site.mta.queue()[0]["queue_name"] == "deferred")
    site.mta.flush()
    [entry] = site.arrive()
    assert entry.raw().replace(b"\r", b"").rstrip().endswith(raw.replace(b"\r", b"").rstrip()[-2_000_000:])
    assert site.mta.bounced() == []


@BOTH
def test_each_run_that_succeeds_makes_one_whole_entry(site, recipient):
    """Postfix repeats what it believes to have failed; that both are one mail is for the intake to find."""
    site.install(site.command.read_text().replace("    status = 75\n", "    status = 75\n    os._exit = late\n").replace(
        "USAGE =", "def late(_status):\n    os.kill(os.getpid(), 9)\n\n\nUSAGE =", 1
    ))  # fmt: skip
    queue_id = site.mta.send("anna@x.example", recipient, RAW)
    site.mta.wait_until(lambda: site.mta.deferred(queue_id))
    site.repair()
    site.mta.flush()
    first, second = site.arrive(2)
    assert first.raw().endswith(BODY)
    assert first.raw().partition(b"\n\n")[2] == second.raw().partition(b"\n\n")[2]
    assert first.envelope.recipients == second.envelope.recipients
    assert site.mta.bounced() == []
