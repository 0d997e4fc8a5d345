"""The whole conversation, over real parts: customer -> acknowledgement -> staff notice -> staff reply -> customer -> reopen."""

from __future__ import annotations

import shutil
import smtplib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import dovecot
from tests.live.house import CUSTOMER, STAFF, SUPPORT, House, mail, parsed, reply, reply_address, text_of
from tests.live.machine import wait_until
from tests.live.postfix import PostfixInstance, require
from tests.nameserver import serving
from tests.sink import Caught, Sink

pytestmark = pytest.mark.live

Send = Callable[[str, str, bytes], None]


def by_smtp(port: int) -> Send:
    def send(sender: str, recipient: str, raw: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.sendmail(sender, [recipient], raw)

    return send


def to(sink: Sink, recipient: str, count: int) -> Caught:
    """The recipient's mail number `count`, once it is there."""
    found = wait_until(
        lambda: len(sink.to(recipient)) >= count and sink.to(recipient), what=f"mail {count} to {recipient}"
    )
    assert len(found) == count, [parsed(one.data)["Subject"] for one in found]
    last: Caught = found[-1]
    return last


def converse(house: House, sink: Sink, send: Send, *, plus: bool) -> None:
    to(sink, STAFF, 1)  # welcome
    send(CUSTOMER, SUPPORT, mail(CUSTOMER, SUPPORT, "The printer is on fire", "What now?"))

    acknowledgement = parsed(to(sink, CUSTOMER, 1).data)
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert "[#" in acknowledgement["Subject"]
    notice = parsed(to(sink, STAFF, 2).data)
    assert "What now?" in text_of(notice)
    assert ("+" in reply_address(notice)) is plus

    send(STAFF, reply_address(notice), reply(STAFF, notice, "Pull the plug.\n\nAda"))
    answer = to(sink, CUSTOMER, 2)
    heard = parsed(answer.data)
    assert "Pull the plug." in text_of(heard)
    assert STAFF.encode() not in answer.data
    assert answer.sender.startswith("support")
    assert SUPPORT in str(heard["From"])
    assert "Auto-Submitted" not in heard
    assert reply_address(notice).encode() not in answer.data or not plus

    send(CUSTOMER, reply_address(heard), reply(CUSTOMER, heard, "It helped, thanks."))
    told = parsed(to(sink, STAFF, 3).data)
    assert "It helped" in text_of(told)

    send(STAFF, reply_address(told), reply(STAFF, told, "#close\n#tag fire\n\nGlad to hear it."))
    goodbye = parsed(to(sink, CUSTOMER, 3).data)
    assert "Glad to hear it." in text_of(goodbye)
    assert "#close" not in text_of(goodbye)
    confirmed = parsed(to(sink, STAFF, 4).data)
    assert "close" in text_of(confirmed).lower()

    send(CUSTOMER, reply_address(goodbye), reply(CUSTOMER, goodbye, "It burns again!"))
    again = parsed(to(sink, STAFF, 5).data)
    assert "It burns again!" in text_of(again)

    (ticket,) = house.json("ticket", "list", "--all")
    shown = house.json("ticket", "show", str(ticket["ticket"]["number"]))
    assert shown["ticket"]["state"] == "awaiting_staff"
    assert "fire" in shown["tags"]
    public = [
        m["message"]["text"].strip().splitlines()[0]
        for m in shown["messages"]
        if m["message"]["visibility"] == "public"
    ]
    assert public == ["What now?", "Pull the plug.", "It helped, thanks.", "Glad to hear it.", "It burns again!"]
    assert "reopened" in [entry["kind"] for entry in shown["history"]]
    wait_until(lambda: house.json("status")["outbox"].get("sent") == 8, what="all eight mails marked sent")
    assert house.json("status")["spool"] == {"waiting": 0, "oldest": None, "parked": 0}


def test_by_our_own_smtp_door(folder, store_url, sink):
    with House(folder, store_url, sink) as house:
        converse(house, sink, by_smtp(house.port), plus=True)


def test_between_domains_that_sign_nothing(folder, sqlite_url, sink):
    """From outside, and DNS knows neither domain: their own tokens carry the conversation, commands and reopening too."""
    with serving({}) as server:
        outside = f'[trust]\nrelays = ["10.0.0.0/8"]\n[dns]\nservers = ["{server}"]\n'
        with House(folder, sqlite_url, sink, extra=outside) as house:
            converse(house, sink, by_smtp(house.port), plus=True)
            (ticket,) = house.json("ticket", "list", "--all")
            shown = house.json("ticket", "show", str(ticket["ticket"]["number"]))
    assert {each["message"]["verdict"] for each in shown["messages"]} == {"none"}
    routed = [line for line in house.log.read_text().splitlines() if "event=routed" in line]
    assert len(routed) == 5


# What Postfix hands over and what the store keeps know nothing of each other: one database for each way is enough.


def test_by_postfix_and_lmtp(folder, sqlite_url, sink):
    require()
    socket = folder / "lmtp"
    with House(folder, sqlite_url, sink, lmtp=f"unix:{socket}") as house:
        wait_until(socket.exists)
        with PostfixInstance(
            folder,
            domains=("desk.example",),
            transport={"desk.example": f"lmtp:unix:{socket}"},
            main={"recipient_delimiter": "+"},
        ) as postfix:
            converse(house, sink, by_smtp(postfix.port), plus=True)


def test_by_postfix_and_a_pipe(folder, postgres_url, sink):
    require()
    with House(folder, postgres_url, sink) as house:
        give_to_nobody(house.spool)
        with PostfixInstance(
            folder, domains=("desk.example",), default="helpdeskd:", master=pipe_service(folder, house.spool)
        ) as postfix:
            converse(house, sink, by_smtp(postfix.port), plus=False)


def test_by_postfix_and_an_alias(folder, sqlite_url, sink):
    require()
    with House(folder, sqlite_url, sink) as house:
        give_to_nobody(house.spool)
        command = pipe_command(folder, house.spool)
        with PostfixInstance(
            folder, local_domains=("desk.example",), aliases=f'support: "|{command} || exit 75"\n'
        ) as postfix:
            converse(house, sink, by_smtp(postfix.port), plus=False)


def test_by_imap(folder, store_url, sink):
    if why := dovecot.why_not():
        pytest.skip(why)
    with dovecot.DovecotInstance() as server:
        user = "desk@example.org"
        extra = (
            f'[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {server.port}\nuser = "{user}"\n'
            f'password = "{server.password}"\nsecurity = "none"\npoll_seconds = 2\nbackfill = "all"\n'
        )

        def send(sender: str, recipient: str, raw: bytes) -> None:
            server.deliver(user, raw)

        with House(folder, store_url, sink, extra=extra) as house:
            converse(house, sink, send, plus=False)


def pipe_command(folder: Path, spool: Path) -> str:
    """A pipe.py that the user nobody can run, wherever this checkout is."""
    place = folder / "program"
    (place / "helpdeskd").mkdir(parents=True)
    root = Path(__file__).resolve().parents[2]
    shutil.copy(root / "pipe.py", place / "pipe.py")
    for path in (root / "helpdeskd").rglob("*.py"):
        if path.relative_to(root).parts[1] in {"__init__.py", "durable.py", "errors.py", "spool.py"}:
            target = place / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    return f"{python} {place}/pipe.py --spool {spool}"


def pipe_service(folder: Path, spool: Path) -> str:
    """pipe(8), as docs/install.md has it."""
    argv = f"{pipe_command(folder, spool)} --sender ${{sender}} -- ${{recipient}}"
    return f"helpdeskd unix - n n - 10 pipe\n  flags=Rq user=nobody argv={argv}\n"


def give_to_nobody(spool: Path) -> None:
    """The spool is the pipe's user's; the daemon of the test runs as root and may all."""
    for path in (spool, *spool.iterdir()):
        shutil.chown(path, "nobody", "nogroup")
    for path in (spool.parent, spool.parent.parent):
        path.chmod(0o755)
