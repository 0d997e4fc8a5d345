"""The IMAP door against a server that misbehaves as told."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from helpdeskd import spool
from helpdeskd.config import Mailbox
from helpdeskd.errors import StoreDown
from helpdeskd.model.clock import now
from helpdeskd.sources import imap, imap_choice, imap_client
from helpdeskd.sources.imap import Watcher, fetch_once
from helpdeskd.sources.imap_client import Connection, IdleLost
from helpdeskd.sources.imap_state import Book
from tests.live.fakeimap import FakeImap, Hangup, Talk
from tests.live.imapbox import Desk, MemoryLedger, mail
from tests.live.machine import wait_until


@pytest.fixture
def server() -> Iterator[FakeImap]:
    with FakeImap() as fake:
        yield fake


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(str(tmp_path / "spool"))


def box(server: FakeImap, **changed: Any) -> Mailbox:
    settings: dict[str, Any] = {
        "name": "support",
        "host": "127.0.0.1",
        "port": server.port,
        "user": "desk",
        "security": "none",
        "password": "hunter2",
        "poll_seconds": 3600,
        "timeout_seconds": 30,
        **changed,
    }
    return Mailbox(**settings)


# -- single mails


@pytest.mark.parametrize("how", ["empty", "bodiless", "silent", "refused"])
@pytest.mark.parametrize("large", [False, True])
def test_a_mail_without_bytes_is_no_mail_and_stops_no_other(server, desk, how, large):
    """It gets no flag; the others come in; it is asked for again at each pass, and taken once it is there."""
    desk.fetch(box(server))
    mails = [mail("one"), mail("two", "x" * (5 << 20) if large else "small"), mail("three")]
    for raw in mails:
        server.add(raw)
    getattr(server, how).add(2)
    for fetched in (2, 0):
        result = desk.fetch(box(server), well=False)
        assert result.fetched == fetched
        assert "UID 2" in result.error
        desk.drain()
        assert server.flags == {1: {"\\Seen"}, 2: set(), 3: {"\\Seen"}}
    getattr(server, how).clear()
    assert desk.fetch(box(server)).fetched == 1
    desk.drain()
    assert desk.took == [mails[0], mails[2], mails[1]]
    assert server.flags == {1: {"\\Seen"}, 2: {"\\Seen"}, 3: {"\\Seen"}}


def test_a_mail_deleted_by_others_meanwhile_is_no_trouble(server, desk):
    desk.fetch(box(server))
    server.add(mail("one"))
    server.add(mail("two"))
    real = server.mails.copy()

    class Vanishing(dict[int, bytes]):
        """Gone between SEARCH and FETCH."""

        looks = 0

        def __iter__(self) -> Iterator[int]:
            self.looks += 1
            if self.looks > 1:
                self.pop(1, None)
            return super().__iter__()

    server.mails = Vanishing(real)
    assert desk.fetch(box(server)).error == ""
    assert desk.drain() == [mail("two")]


def test_a_mail_that_kills_the_connection_holds_up_no_other(server, desk):
    mailbox = box(server, poll_seconds=1)
    desk.fetch(mailbox)
    for n in range(5):
        server.add(mail(f"mail {n}"))
    server.deadly.add(2)
    with desk.watching(mailbox, chance=lambda: 0.0) as watcher:
        desk.until_waiting(4)
        # From the second death on it waits, and the folder is served as if it were not there.
        wait_until(lambda: watcher.status.state == "idling" and "UID 2" in watcher.status.last_error)
        assert "lost 2 times" in watcher.status.last_error
        server.add(mail("later"))
        desk.until_waiting(5)
    assert len(desk.drain()) == 5
    assert server.flags[2] == set()


def test_a_refused_flag_is_made_up_for_and_only_once(server, desk):
    desk.fetch(box(server))
    server.add(mail("one"))
    server.refused_commands.add("UID STORE")
    result = desk.fetch(box(server), well=False)
    assert (result.fetched, "not today" in result.error) == (1, True)
    desk.drain()
    server.refused_commands.clear()
    assert desk.fetch(box(server)).fetched == 0
    assert server.flags == {1: {"\\Seen"}}
    server.flags[1].clear()  # somebody wants to read it again
    desk.fetch(box(server))
    assert server.flags == {1: set()}
    assert desk.took == [mail("one")]


class Crash(BaseException):
    """The process is gone: nothing catches it."""


@pytest.mark.parametrize(
    ("changed", "flags"),
    [
        ({}, {n: {"\\Seen"} for n in range(1, 6)}),
        ({"after": "move", "move_to": "Done"}, {}),
        ({"after": "delete"}, {}),
    ],
)
def test_a_crash_at_any_effect_loses_nothing_and_doubles_nothing(server, tmp_path, monkeypatch, changed, flags):
    """Before and after each write of the state, each put, each flag: crash there, start again, compare."""
    monkeypatch.setattr(imap_choice, "portions", partial(imap_choice.portions, count=2))
    mails = [mail(f"mail {n}") for n in range(5)]
    effects, crash_at = 0, 0

    def effect() -> None:
        nonlocal effects
        effects += 1
        if effects == crash_at:
            raise Crash

    def around(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def wrapped(*args: Any, **more: Any) -> Any:
            effect()
            result = real(*args, **more)
            effect()
            return result

        monkeypatch.setattr(owner, name, wrapped)

    around(Book, "save")
    around(spool, "put")
    for step in ("mark_seen", "move", "delete"):
        around(Connection, step)

    crashes = 0
    for crash_at in range(1, 1000):
        server.mails.clear()
        server.flags.clear()
        server.uidnext = 1
        desk = Desk(str(tmp_path / str(crash_at)))
        mailbox = box(server, backfill="all", **changed)
        for raw in mails:
            server.add(raw)
        effects = 0
        try:
            desk.fetch(mailbox)
        except Crash:
            crashes += 1
        reached, effects = effects, 1_000_000  # no crash from here on
        if crash_at % 2:
            desk.drain()
        desk.fetch(mailbox)
        desk.drain()
        assert sorted(desk.took) == mails, f"crash at effect {crash_at}"
        assert server.flags == flags, f"crash at effect {crash_at}"
        if reached < crash_at:
            break
    assert crashes == crash_at - 1 >= 20


def test_the_mail_is_in_the_spool_before_the_flag_is_sent(server, desk, monkeypatch):
    desk.fetch(box(server))
    server.add(mail("one"))
    waiting: list[int] = []
    mark_seen = Connection.mark_seen

    def noted(self: Connection, uids: Any) -> None:
        waiting.append(desk.waiting())
        mark_seen(self, uids)

    monkeypatch.setattr(Connection, "mark_seen", noted)
    desk.fetch(box(server))
    assert waiting == [1]


def test_a_folder_for_reading_only(server, desk):
    server.read_only = True
    desk.fetch(box(server))
    server.add(mail("one"))
    result = desk.fetch(box(server), well=False)
    assert (result.fetched, "only read" in result.error) == (1, True)
    assert desk.fetch(box(server), well=False).fetched == 0
    assert not [line for line in server.lines if "STORE" in line]


def test_nothing_is_fetched_that_would_set_a_flag_by_itself(server, desk):
    """BODY.PEEK[] only; and never a search for what is unread."""
    desk.fetch(box(server))
    server.add(mail("one"))
    server.add(mail("large", "x" * (5 << 20)))
    desk.fetch(box(server))
    fetches = [line for line in server.lines if "FETCH" in line]
    assert fetches
    assert all(re.search(r"\((RFC822\.SIZE INTERNALDATE|BODY\.PEEK\[\](<\d+\.\d+>)?)\)$", line) for line in fetches)
    assert not [line for line in server.lines if "UNSEEN" in line]


# -- folders


def test_uidnext_that_goes_back_is_told(server, desk):
    server.uidnext = 10
    desk.fetch(box(server))
    server.uidnext = 4
    result = desk.fetch(box(server), well=False)
    assert "went back from 10 to 4" in result.error
    server.add(mail("below the floor"))
    assert desk.fetch(box(server), well=False).fetched == 1


def test_no_uidvalidity_no_fetch(server, desk):
    server.uidvalidity = 0
    assert "UIDVALIDITY" in desk.fetch(box(server), well=False).error


def test_a_crowded_folder_is_listed_in_windows(server, desk, monkeypatch):
    """imaplib takes no line above 1,000,000 bytes, which is some 100,000 UIDs."""
    monkeypatch.setattr(imap_client, "_WINDOW", 3)
    for n in range(10):
        server.add(mail(f"mail {n}"))
    assert desk.fetch(box(server, backfill="all")).fetched == 10
    searches = [line.partition("SEARCH ")[2] for line in server.lines if "SEARCH" in line]
    assert searches == ["UID 1:3", "UID 4:6", "UID 7:9", "UID 10:12"]


def test_an_unchanged_folder_costs_one_command(server, desk):
    with desk.watching(box(server, idle=False, poll_seconds=1)) as watcher:
        desk.until(watcher, "waiting")
        selects = len([line for line in server.lines if "SELECT" in line])
        wait_until(lambda: len([line for line in server.lines if "SELECT" in line]) >= selects + 2)
        assert len([line for line in server.lines if "SEARCH" in line]) == 1


def test_the_ledger_is_down(server, desk):
    desk.fetch(box(server))
    server.add(mail("one"))

    class Down(MemoryLedger):
        def known(self, account: str, folder: str, uidvalidity: int) -> set[int]:
            raise StoreDown("the database is locked")

    result = fetch_once(box(server), desk.root, Down(), now)
    assert (result.fetched, result.error) == (0, "the database is locked")
    assert server.flags == {1: set()}
    assert desk.fetch(box(server)).fetched == 1


# -- IDLE


def open_box(server: FakeImap) -> Connection:
    connection = Connection.open(box(server))
    connection.select("INBOX")
    return connection


def closes(talk: Talk) -> None:
    talk.say("+ idling")
    raise Hangup


def says_bye(talk: Talk) -> None:
    talk.say("+ idling", "* BYE Server shutting down.")
    raise Hangup


def refuses(talk: Talk) -> None:
    talk.say(f"{talk.fake.lines[-1].split()[0]} NO not now")


def tells_nonsense(talk: Talk) -> None:
    talk.say("+ idling")
    talk.say('* 1 FETCH (FLAGS ("')


@pytest.mark.parametrize("on_idle", [closes, says_bye, refuses, tells_nonsense])
def test_an_idle_that_ended_is_noticed_at_once(server, on_idle):
    """imapclient's idle_check answers [] for ever on a closed connection."""
    server.on_idle = on_idle
    connection = open_box(server)
    with pytest.raises(IdleLost):
        connection.idle(3600)
    connection.drop()


def tells_with_the_plus(talk: Talk) -> None:
    talk.say("+ idling", "* 1 EXISTS")


def tells_after_small_talk(talk: Talk) -> None:
    talk.say("+ idling")
    talk.say("* OK Still here", "* 1 RECENT")
    talk.say("* 2 EXPUNGE")
    talk.say("* 3 EXISTS")


@pytest.mark.parametrize("on_idle", [tells_with_the_plus, tells_after_small_talk])
def test_news_in_idle(server, on_idle):
    """The first of these reaches imaplib's buffer together with the "+"; poll() would never tell."""
    server.on_idle = on_idle
    connection = open_box(server)
    assert connection.idle(3600)
    connection.select("INBOX")  # the dialogue is still in step
    connection.close()


def test_no_news_in_idle(server):
    connection = open_box(server)
    assert not connection.idle(0.2)
    assert server.idles == 1
    connection.select("INBOX")
    connection.close()


def test_idle_is_renewed(server, monkeypatch):
    monkeypatch.setattr(imap_client, "_RENEW_SECONDS", 0.1)
    connection = open_box(server)
    assert not connection.idle(0.35)
    assert server.idles >= 3
    connection.close()


def test_a_server_that_tells_of_mail_at_each_idle_is_not_asked_all_the_time(server, desk):
    server.on_idle = tells_with_the_plus
    with desk.watching(box(server)) as watcher:
        desk.until(watcher, "waiting")
        assert server.idles == 3


def test_a_server_that_drops_every_idle_is_polled_instead(server, desk):
    """No hot loop: after three such ends the connection is kept and IDLE left alone."""
    server.on_idle = closes
    with desk.watching(box(server, poll_seconds=1), chance=lambda: 0.0) as watcher:
        desk.until(watcher, "waiting")
        assert (server.idles, server.connections) == (3, 4)
        server.add(mail("one"))
        desk.until_waiting(1)
        assert (server.idles, server.connections) == (3, 4)


def test_a_pass_happens_in_any_case_after_the_poll_interval(server, desk):
    """A server that takes IDLE and never tells."""
    with desk.watching(box(server, poll_seconds=1)) as watcher:
        desk.until(watcher, "idling")
        server.add(mail("one"))
        desk.until_waiting(1)
        wait_until(lambda: server.idles >= 2)


# -- login, connection, stop


def test_xoauth2(server, desk):
    server.token = "tok-1"
    assert desk.fetch(box(server, password="", oauth2_command=("echo", "tok-1"))).error == ""
    assert "XOAUTH2 'user=desk\\x01auth=Bearer tok-1\\x01\\x01'" in server.lines


def test_a_refused_token(server, desk, capfd):
    result = desk.fetch(box(server, password="", oauth2_command=("echo", "tok-2")), well=False)
    assert "refused the login of desk" in result.error
    assert "status invalid_token" in result.error
    assert "answer to the error b'\\r\\n'" in server.lines  # not the token once more
    assert "tok-2" not in result.error + "".join(capfd.readouterr())


@pytest.mark.parametrize("capabilities", ["IMAP4rev1 AUTH=PLAIN", "IMAP4rev1"])
def test_a_server_that_echoes_the_password(desk, capfd, capabilities):
    with FakeImap(capabilities=capabilities) as server:
        server.login_answer = 'NO bad credentials "desk" "hunter2"'
        result = desk.fetch(box(server), well=False)
    assert '"***"' in result.error
    assert "hunter2" not in result.error + "".join(capfd.readouterr())


def test_login_without_auth_plain(desk):
    with FakeImap(capabilities="IMAP4rev1") as server:
        desk.fetch(box(server, user='de"sk'))
        assert any(line.endswith('LOGIN "de\\"sk" "hunter2"') for line in server.lines)
        assert "beyond ASCII" in desk.fetch(box(server, password="hüntér"), well=False).error


def test_a_server_that_wants_tls_first(desk):
    with FakeImap(capabilities="IMAP4rev1 STARTTLS LOGINDISABLED") as server:
        assert "starttls" in desk.fetch(box(server), well=False).error
        assert not [line for line in server.lines if "hunter2" in line]


def test_starttls_that_is_not_offered_sends_no_password(server, desk):
    assert "STARTTLS" in desk.fetch(box(server, security="starttls"), well=False).error
    assert not [line for line in server.lines if "hunter2" in line]


def test_a_wrong_password_is_not_tried_every_two_seconds(server, desk, monkeypatch):
    delays: list[float] = []

    def noted(*args: Any, **more: Any) -> float:
        delays.append(imap_choice.back_off(*args, **more))
        return delays[-1]

    monkeypatch.setattr(imap, "back_off", noted)
    server.login_answer = "NO wrong"
    with desk.watching(box(server, poll_seconds=1), chance=lambda: 0.0) as watcher:
        desk.until(watcher, "trouble")
        wait_until(lambda: delays)
    assert delays == [30.0]


@pytest.mark.parametrize("where", ["idle", "fetch", "greeting"])
def test_stop_wakes_a_watcher_wherever_it_waits(server, desk, monkeypatch, where):
    hangs, end = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        end.wait(60)

    mailbox = box(server, backfill="all")
    server.add(mail("one"))
    if where == "idle":

        def on_idle(talk: Talk) -> None:
            talk.say("+ idling")
            hang()

        server.on_idle = on_idle
    elif where == "fetch":
        monkeypatch.setattr(Talk, "_fetch", hang)
    else:
        mailbox = box(server, timeout_seconds=1)
        monkeypatch.setattr(Talk, "handle", hang)
    watcher = Watcher(mailbox, desk.root, desk.ledger, now)
    watcher.start()
    assert hangs.wait(30)
    watcher.stop()
    assert not watcher.alive
    assert watcher.status.state == "stopped"
    end.set()


def test_one_mailbox_in_trouble_stops_no_other(server, desk):
    with FakeImap() as broken:
        broken.refused_commands.add("SELECT")
        with (
            desk.watching(box(broken, name="broken")) as first,
            desk.watching(box(server, name="well", poll_seconds=1)) as second,
        ):
            wait_until(lambda: "not today" in first.status.last_error)
            desk.until(second, "idling")
            server.add(mail("one"))
            desk.until_waiting(1)
            assert first.status.last_good is None
            assert second.status.last_good is not None


def test_an_error_of_our_own_does_not_end_the_thread(server, desk):
    class Broken(MemoryLedger):
        def __init__(self) -> None:
            super().__init__()
            self.asked = 0

        def known(self, account: str, folder: str, uidvalidity: int) -> set[int]:
            self.asked += 1
            if self.asked == 1:
                raise KeyError("a bug")
            return set()

    watcher = Watcher(box(server), desk.root, Broken(), now, chance=lambda: 0.0)
    watcher.start()
    wait_until(lambda: "KeyError" in watcher.status.last_error)
    wait_until(lambda: watcher.status.state == "idling" and not watcher.status.last_error)
    watcher.stop()
    server.add(mail("one"))
    assert fetch_once(box(server), desk.root, Broken(), now).error == "KeyError: 'a bug'"


def test_a_clock_that_jumps_harms_nothing(server, desk):
    moments = [now() + timedelta(days=400), now()]
    desk.fetch(box(server))
    server.add(mail("one"))
    for moment in moments:
        fetch_once(box(server), desk.root, desk.ledger, partial(lambda at: at, moment))
    assert desk.drain() == [mail("one")]
