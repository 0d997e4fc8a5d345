"""A soak: mail by all doors at once, while the daemon is killed and the database restarted again and again; then the reckoning.

python -m tests.crash.soak [--mails 5000] [--kills 30] [--restarts 5] [--seed N] [--store sqlite|postgresql|both]

The seed draws the mails and the moments (so many letters and answers done); what stands in a kill's way at that moment is the
scheduler's choice. Ends with 1 when a mail was lost or duplicated, or when the daemon died by itself; its folder is then kept.
"""

from __future__ import annotations

import argparse
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import text

from helpdeskd import tray
from helpdeskd.errors import StoreDown
from helpdeskd.store.engine import open_store
from tests import postgres
from tests.crash.soak.letters import DOORS, SALES, letters
from tests.crash.soak.peers import Mailbox, Peers, Tally
from tests.crash.soak.reckoning import Reckoning, reckon
from tests.live.house import ROOT, House
from tests.postgres import Postgres
from tests.sink import threaded

STAFF_ANSWERS = 25  # one for so many mails
PER_MAIL = 4  # things done: a letter, which counts twice, its acknowledgement, its notice to Ada
AT_START = 0.2  # of the kills are followed by one of the daemon that is only starting
CRASHES = 0.5  # of the database's restarts
REPORT_SECONDS = 10.0
PATIENCE = 600.0  # seconds in which nothing at all is done: then what is missing is lost


class Soak:
    """One store's run. `run` returns whether all is well."""

    def __init__(self, args: argparse.Namespace, store: str, folder: Path) -> None:
        self.args, self.folder, self.kind = args, folder, store
        self.chance = random.Random(args.seed)
        self.server = Postgres() if store == "postgresql" else None
        self.url = self.server.url(self.server.create()) if self.server else f"sqlite:///{folder / 'desk.sqlite3'}"
        self.begun = time.monotonic()
        self.kills = self.restarts = 0
        self.deaths: list[str] = []

    def run(self) -> bool:
        box, relay = Mailbox(), Tally()
        with box, threaded(relay):
            self.house = House(
                self.folder, self.url, relay, extra=box.settings, lmtp=f"unix:{self.folder / 'lmtp.sock'}"
            )
            self.house.init()
            self.house.cli("department", "add", "Sales", SALES)
            self.house.start()
            self.peers = Peers(
                self.house,
                letters(self.args.mails, self.args.seed),
                relay=relay,
                mailbox=box,
                answers=self.args.mails // STAFF_ANSWERS,
            )
            self.store = open_store(self.url, migrate=False)
            try:
                self.peers.start()
                self._trouble()
                self._settle()
            finally:
                self.peers.end()
                if self.house.process is not None:
                    self.house.stop(signal.SIGKILL if sys.exc_info()[0] else signal.SIGTERM)
            found = reckon(self.store, self.house.data, self.peers.letters, relay.went)
            if box.unseen():
                found.lost.append(f"{box.unseen()} mails in the mailbox are not marked as seen")
            self.store.close()
        if self.server is not None:
            self.server.close()
        return self._tell(found)

    # -- trouble

    def _trouble(self) -> None:
        """Kill and restart at the drawn moments, which are counted in things done."""
        span = self.args.mails * PER_MAIL
        acts = [*(["kill"] * self.args.kills), *(["restart"] * (self.args.restarts if self.server else 0))]
        self.chance.shuffle(acts)
        moments = sorted(self.chance.randrange(span) for _ in acts)
        for moment, act in zip(moments, acts, strict=True):
            self._until(lambda moment=moment: self.done >= moment or self._quiet())
            threading.Event().wait(self.chance.uniform(0, 0.3))  # not at the very end of something
            if act == "kill":
                self._kill()
            else:
                self._restart()

    def _kill(self) -> None:
        assert self.house.process is not None
        self.house.process.kill()
        self.house.process.wait()
        self.kills += 1
        while self.chance.random() < AT_START:
            self._kill_at_start()
        self.house.start()

    def _kill_at_start(self) -> None:
        words = [sys.executable, "-m", "helpdeskd", "--config", str(self.house.config), "run"]
        with self.house.log.open("ab") as log, subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log) as starting:
            threading.Event().wait(self.chance.uniform(0, 2))
            starting.kill()
        self.kills += 1

    def _restart(self) -> None:
        """The database goes, in order or not, and comes back after a while."""
        assert self.server is not None
        self.server.stop(crash=self.chance.random() < CRASHES)
        threading.Event().wait(self.chance.uniform(0, 3))
        self.server.start()
        self.restarts += 1

    def _revive(self) -> None:
        """Dying by itself is a fault, and no reason to stop: systemd would start it again."""
        assert self.house.process is not None
        code = self.house.process.poll()
        if code is not None:
            self.deaths.append(f"exit {code} after {self.kills} kills and {self.restarts} restarts")
            self.house.start()

    # -- waiting

    @property
    def done(self) -> int:
        return 2 * self.peers.told + self.peers.relay.went.total()

    def _until(self, reached: Any) -> None:
        last, at, told = -1, time.monotonic(), 0.0
        while not reached():
            self._revive()
            now = time.monotonic()
            if self.done != last:
                last, at = self.done, now
            if now - at > PATIENCE:
                print(f"nothing has moved for {PATIENCE:.0f} s", flush=True)
                return
            if now - told > REPORT_SECONDS:
                told = now
                self._report()
            with self.peers.news:
                self.peers.news.wait(0.1)

    def _settle(self) -> None:
        self._until(self._quiet)
        self._report()

    def _quiet(self) -> bool:
        """Every peer is content, spool and outbox are empty."""
        if not self.peers.done or tray.scan(str(self.house.spool)) or self.peers.mailbox.unseen():
            return False
        try:
            waiting = self._ask("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'deferred')")
        except StoreDown:
            return False
        return waiting == 0 and not tray.scan(str(self.house.spool))

    def _ask(self, sql: str) -> int:
        return int(self.store.read(lambda conn: conn.execute(text(sql)).scalar_one()))

    # -- words

    def _report(self) -> None:
        print(
            f"[{time.monotonic() - self.begun:5.0f} s] {self.peers.told} of {len(self.peers.letters)} letters with us, "
            f"{self.peers.relay.went.total()} answers sent, {self.kills} of {self.args.kills} kills"
            + (f", {self.restarts} of {self.args.restarts} restarts" if self.server else ""),
            flush=True,
        )

    def _tell(self, found: Reckoning) -> bool:
        all_letters = self.peers.letters
        by_door = Counter(letter.door for letter in all_letters)
        again = sum(letter.offers - 1 for letter in all_letters if letter.offers)
        print(
            f"\nstore {self.kind}, seed {self.args.seed}, {time.monotonic() - self.begun:.0f} s\n"
            f"mails        {len(all_letters)} ({', '.join(f'{by_door[door]} {door}' for door in (*DOORS, 'staff'))})\n"
            f"kills        {self.kills}\nrestarts     {self.restarts}\n"
            f"tried again  {again}, of which {found.recognised} had been accepted before\n"
            f"answers      {found.answers}\n"
            f"lost         {len(found.lost)}\nduplicated   {len(found.duplicated)}\nuncertain    {len(found.uncertain)}"
        )
        for name in ("lost", "duplicated", "uncertain"):
            for said in getattr(found, name):
                print(f"  {name}: {said}")
        for death in self.deaths:
            print(f"  the daemon died by itself: {death}")
        well = found.good and not self.deaths
        if not well:
            print(f"  see {self.folder}")
        sys.stdout.flush()
        return well


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mails", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--restarts", type=int, default=5, help="of PostgreSQL")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    well = True
    for store in ("sqlite", "postgresql") if args.store == "both" else (args.store,):
        reason = postgres.why_not() if store == "postgresql" else None
        if reason is not None:
            print(f"no run on PostgreSQL: {reason}")
            continue
        folder = Path(tempfile.mkdtemp(prefix="helpdeskd-soak-"))
        good = Soak(args, store, folder).run()
        if good:
            shutil.rmtree(folder, ignore_errors=True)
        well &= good
    return 0 if well else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
