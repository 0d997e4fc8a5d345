"""The daemon's side of the parser's process: started on demand, killed when a mail takes too long, ended when idle."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import msgspec

from helpdeskd.config import Intake
from helpdeskd.errors import BadMail, Temporary
from helpdeskd.mail import parse, prepare
from helpdeskd.model.mail import Inbound
from helpdeskd.model.seals import Keys
from helpdeskd.parser import wire
from helpdeskd.parser.wire import Mail

COMMAND = (sys.executable, "-P", "-m", "helpdeskd.parser")  # -P: nothing is imported from wherever we were started
START_SECONDS = 60.0  # a third of a second on an idle machine
IDLE_SECONDS = 60.0
AHEAD, AHEAD_BYTES = 20, 1 << 20  # mails, and bytes of them, sent before their turn: the parser works while we write
PIPE_BYTES = 1 << 20  # what a pipe holds at most (pipe(7)), so that neither side waits for the other
MARGIN_BYTES = 64 << 20  # what an answer may be longer than its mail fourfold; no honest one is


class Crashed(BadMail):
    """The parser failed on this mail. `reason` is a name: of what it raised, or `parser-died`, `parser-hung`, `parser-starved`."""

    def __init__(self, reason: str, trace: str) -> None:
        super().__init__(f"{reason}: {trace.strip().rpartition(chr(10))[2]}" if trace.strip() else reason)
        self.reason = reason
        self.trace = trace


class _Late(Exception):
    """There is no answer yet."""


class _Died(Exception):
    """The process has ended, or says what it must not."""


_NO_KEYS = Keys()


@dataclass(slots=True)
class _Turn:
    """A mail that waits for its answer. Where a limit was met (`limit` says which), its headers alone are asked about."""

    mail: Mail
    limit: str = ""
    killed: bool = False  # its process was, once

    def asked(self, limits: Intake) -> Mail:
        return Mail(prepare.head(self.mail.raw, limits), self.mail.sender) if self.limit else self.mail

    def read(self, inbound: Inbound) -> Inbound:
        inbound = wire.whole(inbound, self.mail.raw)
        return parse.headers_only(self.mail.raw, inbound, self.limit) if self.limit else inbound


class Parser:
    """One process at most. One thread at a time; `close` when done."""

    def __init__(
        self, *, instance: str, marker: str, limits: Intake, keys: Keys = _NO_KEYS, command: Sequence[str] = ()
    ) -> None:
        self._hello = wire.Hello(instance, marker, limits, keys)
        self._limits = limits
        self._command = command or COMMAND
        self._waiting: deque[_Turn] = deque()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = -1  # what it writes to standard error
        self._ready = False
        self._out: deque[memoryview] = deque()
        self._in = bytearray()
        self._last = monotonic()

    def parse(self, mails: Iterable[Mail]) -> Generator[Inbound | Crashed]:
        """What each mail says, in order: as mail.parse has it, but that no address is known to be ours.

        Mails are drawn ahead, as far as AHEAD and AHEAD_BYTES. One beyond a limit (bytes, seconds, memory) is read by its headers. Raises
        Temporary where no process can be started; no mail is to blame then.
        """
        coming = iter(mails)
        self._look()
        try:
            self._draw(coming)
            while self._waiting:
                outcome = self._outcome()
                self._waiting.popleft()
                self._draw(coming)
                yield outcome
        finally:
            if self._waiting:  # its answers would be taken for others'
                self._waiting.clear()
                self._end()
            self._last = monotonic()

    def start(self) -> None:
        """See that there is a process, and that it is ready. Raises Temporary."""
        self._look()
        if self._process is None:
            self._start()
        self._be_ready()

    def one(self, mail: Mail) -> Inbound:
        """Raises Crashed, Temporary."""
        (outcome,) = self.parse([mail])
        if isinstance(outcome, Crashed):
            raise outcome
        return outcome

    def rest(self) -> None:
        """End the process where it had nothing to do for IDLE_SECONDS."""
        if self._process is not None and monotonic() - self._last > IDLE_SECONDS:
            self._end()

    def close(self) -> None:
        """End the process; the next mail starts another."""
        self._end()

    # -- one mail

    def _draw(self, coming: Iterator[Mail]) -> None:
        while len(self._waiting) < AHEAD and sum(len(turn.mail.raw) for turn in self._waiting) < AHEAD_BYTES:
            mail = next(coming, None)
            if mail is None:
                return
            turn = _Turn(Mail(mail.raw, _sayable(mail.sender)))
            if len(mail.raw) > self._limits.max_mail_mb << 20:
                turn.limit = f"it is larger than {self._limits.max_mail_mb} MB"
            self._waiting.append(turn)
            if self._process is not None:
                self._ask(turn.asked(self._limits))

    def _outcome(self) -> Inbound | Crashed:
        """Of the first that waits."""
        turn = self._waiting[0]
        if self._process is None:
            self._start()
        try:
            self._be_ready()
            answer = self._answer(self._limits.parse_seconds)
            if answer.inbound is not None:
                return turn.read(answer.inbound)
            if answer.fault != wire.NO_MEMORY:
                return Crashed(answer.fault or "parser-died", answer.trace)
            limit, name = f"it takes more than {self._limits.parse_memory_mb} MB of memory to take apart", "starved"
        except _Late:
            limit, name = f"it takes longer than {self._limits.parse_seconds} seconds to take apart", "hung"
        except _Died as died:
            # Nothing that a mail does ends its reader by this signal: it comes from a system out of memory, or from a person.
            killed = self._process is not None and self._process.poll() == -signal.SIGKILL
            said = f"{died}\n{self._end()}".strip()
            if not killed or turn.limit:
                return Crashed("parser-died", said)
            if not turn.killed:
                turn.killed = True
                return self._outcome()
            limit, name = "whoever takes it apart is killed, as where the system has no memory left", "died"
        said = self._end()
        if turn.limit:
            return Crashed(f"parser-{name}", said or limit)
        turn.limit = limit
        return self._outcome()

    # -- the process

    def _look(self) -> None:
        """Has it ended while it had nothing to do? Then that was no mail's fault."""
        if self._process is not None and self._process.poll() is not None:
            self._end()

    def _start(self) -> None:
        """Also says again what those that wait ask. Raises Temporary."""
        try:
            self._errors = os.memfd_create("parser-errors")
        except OSError as error:
            raise Temporary(f"the parser cannot be started: {error}") from error
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                env={"PYTHONPATH": _found_at()},  # and no secret of ours
                cwd="/",
            )
        except OSError as error:
            os.close(self._errors)
            raise Temporary(f"the parser cannot be started: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for pipe in (self._process.stdin, self._process.stdout):
            os.set_blocking(pipe.fileno(), False)
            with suppress(OSError):  # a user may have had their share of pipes: then they stay small
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._ask(self._hello)
        for turn in self._waiting:
            self._ask(turn.asked(self._limits))

    def _end(self) -> str:
        """End the process, whatever it does. Returns what it wrote to standard error."""
        if self._process is None:
            return ""
        process, self._process = self._process, None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        said = os.pread(self._errors, 1 << 16, max(0, os.fstat(self._errors).st_size - (1 << 16)))
        os.close(self._errors)
        self._ready = False
        self._out.clear()
        self._in.clear()
        return said.decode("utf-8", "replace")

    def _be_ready(self) -> None:
        """Until it has read anything a fault is no mail's. Raises Temporary."""
        if self._ready:
            return
        try:
            self._answer(START_SECONDS)
        except (_Late, _Died) as trouble:
            raise Temporary(f"the parser does not start: {trouble} {self._end()[-2000:]}") from trouble
        self._ready = True

    def _ask(self, message: wire.Hello | Mail) -> None:
        self._out.append(memoryview(wire.frame(message)))
        self._push()

    def _push(self) -> None:
        """As much as the pipe takes now."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            while self._out:
                written = os.write(self._process.stdin.fileno(), self._out[0])
                if written == len(self._out[0]):
                    self._out.popleft()
                else:
                    self._out[0] = self._out[0][written:]
        except BlockingIOError:
            return
        except BrokenPipeError:  # we read of its end
            self._out.clear()

    def _answer(self, seconds: float) -> wire.Answer:
        """The next one. Raises _Late after so long, _Died."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        deadline = monotonic() + seconds
        out, into = self._process.stdout.fileno(), self._process.stdin.fileno()
        while True:
            taken = self._taken()
            if taken is not None:
                return taken
            left = deadline - monotonic()
            if left <= 0:
                raise _Late(f"no answer in {seconds:g} seconds")
            poll = select.poll()
            poll.register(out, select.POLLIN)
            if self._out:
                poll.register(into, select.POLLOUT)
            poll.poll(left * 1000)
            self._push()
            try:
                more = os.read(out, PIPE_BYTES)
            except BlockingIOError:
                continue
            if not more:
                raise _Died(f"the parser ended with {_ended(self._process)}")
            self._in += more

    def _taken(self) -> wire.Answer | None:
        """A whole frame of what was read so far."""
        if len(self._in) < wire.LENGTH:
            return None
        end = wire.LENGTH + int.from_bytes(self._in[: wire.LENGTH], "big")
        if end > MARGIN_BYTES + 4 * (len(self._waiting[0].mail.raw) if self._waiting else 0):
            raise _Died("an answer was too long to be one")
        if len(self._in) < end:
            return None
        with memoryview(self._in) as view:
            body = bytes(view[wire.LENGTH : end])
        del self._in[:end]
        try:
            return wire.read(body, wire.Answer)
        except msgspec.MsgspecError as error:
            raise _Died(f"an answer was none: {error}") from error


def _sayable(sender: str | None) -> str | None:
    """Bytes of a pipe's argument that are no UTF-8 are lone surrogates here, which msgpack knows not."""
    return None if sender is None else sender.encode("utf-8", "replace").decode()


def _found_at() -> str:
    """Where the parser finds what we have found: our own place first."""
    others = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    return os.pathsep.join([str(Path(__file__).parents[2]), *map(os.path.abspath, others)])


def _ended(process: subprocess.Popen[bytes]) -> str:
    """How, once it has closed its output."""
    try:
        code = process.wait(10)
    except subprocess.TimeoutExpired:
        return "its output closed"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
