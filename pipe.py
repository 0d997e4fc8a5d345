#!/usr/bin/env python3
"""The pipe door: an MTA starts this with a mail on stdin; exit 0 means it is durable in the spool, 75 means try again.

    pipe.py [--spool DIR] [--sender ADDRESS] [--] RECIPIENT...

The spool is --spool, $HELPDESKD_SPOOL or /var/lib/helpdeskd/spool. Without arguments the envelope is taken from the
environment as Exim, Postfix's local(8), sendmail and qmail give it. It works while the daemon is down.

Whatever goes wrong, one line starting with 4.3.0 (RFC 3463: other or undefined mail system status) goes to stdout and
the exit status is 75 (EX_TEMPFAIL); any other status would make an MTA bounce a customer's mail. A person at a
terminal gets 64 (EX_USAGE).

Only what Python has loaded at its start (sys, os) is imported outside the guarded part, and nothing newer than
Python 3.6 is written here, so that an old python3 or a missing package ends in our own line too.
"""

import os
import sys

TYPE_CHECKING = False  # typing costs time at every mail
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

USAGE = "usage: pipe.py [--spool DIR] [--sender ADDRESS] [--] RECIPIENT... < mail"
DEFAULT_SPOOL = "/var/lib/helpdeskd/spool"
SHELLS = (b"sh", b"dash", b"bash", b"ash", b"busybox", b"ksh", b"mksh", b"zsh")
SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGXCPU")


class Trouble(Exception):
    """A reason not to take the mail now, said to the MTA."""


def main(args: "list[str]") -> None:
    """Deliver and exit, in every case, without a flush or an exit handler that could change the status."""
    status = 75
    try:
        if os.isatty(0):
            status = 64
            say(USAGE)
        else:
            deliver(args)
            status = 0
    except Trouble as e:
        say(f"4.3.0 helpdeskd: {e}")
    except OSError as e:
        say(f"4.3.0 helpdeskd: {e.strerror or e}: {e.filename or 'reading or writing the mail'}")
    except BaseException as e:
        say(f"4.3.0 helpdeskd: {type(e).__name__}: {e}")
    finally:
        os._exit(status)


def deliver(args: "list[str]") -> None:
    family = parents()
    root, sender, recipients = arguments(args)
    who = envelope_of(os.environ, sender, recipients)
    os.fstat(0)  # a closed stdin: say so, before our own file gets its number
    spool = load()
    signals = catch_signals()

    def mail() -> "Iterator[bytes]":
        while True:
            chunk = os.read(0, spool.CHUNK)
            if not chunk:
                return
            yield chunk

    def sure() -> None:
        # From here to the end no signal may turn a kept mail into a retry; one that came before is raised here.
        block(signals)
        # A killed MTA closes the pipe like one that has finished. Asked after the flush, because the kernel closes a
        # dying process's files a moment before it gives its children away.
        if parents() != family:
            raise Trouble("the program that sent the mail is gone; what it sent may be cut off")

    spool.put(root, spool.Envelope(door="pipe", **who), mail(), sure=sure)
    spool.ring(root)


def arguments(args: "list[str]") -> "tuple[str, str | None, list[str]]":
    """The spool, the sender if given, the recipients. Options end at the first recipient or at --."""
    root, sender = os.environ.get("HELPDESKD_SPOOL") or DEFAULT_SPOOL, None
    rest = list(args)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        name, equals, value = option.partition("=")
        if name not in ("--spool", "--sender") or not (equals or rest):
            raise Trouble(USAGE)
        if not equals:
            value = rest.pop(0)
        if name == "--sender":
            sender = value
        elif value:
            root = value
        else:
            raise Trouble(USAGE)
    return root, sender, [one for one in rest if one]


def envelope_of(env: "Mapping[str, str]", sender: "str | None", recipients: "list[str]") -> "dict[str, object]":
    """Sender and recipients: the arguments', else what the MTA has put into the environment."""
    original = ""
    if not recipients:
        domain = env.get("DOMAIN", "")
        if env.get("LOCAL_PART") and domain:
            # Exim: its RECIPIENT lacks the +detail, which is our reply token
            local = env.get("LOCAL_PART_PREFIX", "") + env["LOCAL_PART"] + env.get("LOCAL_PART_SUFFIX", "")
            recipients = [local + "@" + domain]
        elif env.get("RECIPIENT"):
            address, detail = env["RECIPIENT"], env.get("EXTENSION", "")
            local, at, domain = address.rpartition("@")
            if at and detail and not local.lower().endswith(detail.lower()):
                address = local + "+" + detail + at + domain
            recipients = [address]
            original = env.get("ORIGINAL_RECIPIENT", "")  # Postfix: before its virtual aliases
        else:
            raise Trouble("no recipient, neither as an argument nor in the environment; " + USAGE)
    if sender is None:
        sender = env.get("SENDER")
    return {
        "sender": bare(sender or ""),
        "sender_known": sender is not None,
        "recipients": tuple(bare(one) for one in recipients),
        "original": bare(original),
        "peer": env.get("CLIENT_ADDRESS", ""),  # Postfix's local(8): who brought it to the MTA
        "helo": env.get("CLIENT_HELO", ""),
    }


def bare(address: str) -> str:
    """Without angle brackets; MAILER-DAEMON, Postfix's pipe(8)'s word for the null path, becomes that."""
    if address.startswith("<") and address.endswith(">"):
        address = address[1:-1]
    return "" if address.upper() == "MAILER-DAEMON" else address


def load() -> "ModuleType":
    """helpdeskd.spool, from where this Python has it, or from beside this file (python -I, the wheel's own copy)."""
    try:
        from helpdeskd import spool
    except ImportError:
        here = os.path.dirname(os.path.realpath(__file__))
        sys.path[:0] = [here, os.path.dirname(os.path.dirname(here))]
        try:
            from helpdeskd import spool
        except ImportError as e:
            raise Trouble(f"{sys.executable or 'python3'} cannot import helpdeskd.spool: {e}") from e
    return spool


def catch_signals() -> "list[int]":
    """Make what an MTA or a shutdown sends end in our own line. `_signal` is loaded at Python's start; signal is slow."""
    try:
        import _signal  # type: ignore[import-not-found]  # of CPython itself
    except ImportError:
        return []

    def caught(number: int, _frame: object) -> None:
        raise Trouble(f"stopped by signal {number}")

    numbers = [getattr(_signal, name) for name in SIGNALS if hasattr(_signal, name)]
    for number in numbers:
        if _signal.getsignal(number) != _signal.SIG_IGN:  # nohup and the like stay
            _signal.signal(number, caught)
    return numbers


def block(signals: "list[int]") -> None:
    if signals:
        import _signal

        _signal.pthread_sigmask(_signal.SIG_BLOCK, signals)


def parents() -> "tuple[int, int]":
    """Our parent and, where that is a shell that would outlive its MTA, the parent's parent (on Linux, else 0)."""
    parent = os.getppid()
    try:
        with open(f"/proc/{parent}/stat", "rb", 0) as file:
            name, _, rest = file.read(512).partition(b"(")[2].rpartition(b")")
        return parent, int(rest.split()[1]) if name in SHELLS else 0
    except (OSError, ValueError, IndexError):
        return parent, 0


def say(text: str) -> None:
    try:
        if sys.stdout is not None:  # None: fd 1 was closed, and may be some other file by now
            os.write(1, (" ".join(text.split())[:400] + "\n").encode("ascii", "backslashreplace"))
    except Exception:  # noqa: S110 - nobody listens; the exit status speaks
        pass


if __name__ == "__main__":
    main(sys.argv[1:])
