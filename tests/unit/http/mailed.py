"""One installation that is spoken to by APIs and by mail: real spool, intake and sender, and a relay that keeps what it is given.

CAROL is a customer, Ada (`ada`, PASSWORD, administrator) and Tina (`tina`) are staff of Support, which mails to SUPPORT reach.
"""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import httpx2 as httpx

from helpdeskd import spool
from helpdeskd.config import Config, Outgoing, Paths, Smtp, SpoolSettings, Store
from helpdeskd.daemon import build_renderer, build_sender
from helpdeskd.desk import accounts, api_keys, customers, departments, people
from helpdeskd.http.dialect import Dialect
from helpdeskd.installation import Installation, open_installation
from helpdeskd.model.api import PERMISSIONS
from helpdeskd.model.clock import now
from helpdeskd.outgoing.transport import Relay
from tests.live.house import mail, parsed, reply
from tests.sink import Sink, threaded
from tests.taken import take
from tests.unit.http.conftest import Serving

CAROL, SUPPORT = "carol@client.example", "support@desk.example"
TOKEN = "test-token-of-everything"
PASSWORD = "correct horse"


@dataclass
class Mailed:
    here: Installation
    sink: Sink
    serving: Serving

    def serve(self, *dialects: Dialect) -> httpx.Client:
        return self.serving(self.here.store, *dialects)

    def written(self, raw: bytes, to: str = SUPPORT) -> None:
        """Carol writes a mail, and it is taken in."""
        spool.put(self.here.spool_root, spool.Envelope(door="smtp", sender=CAROL, recipients=(to,)), [raw])
        assert not take(self.here).waiting

    def new(self, subject: str, text: str) -> None:
        self.written(mail(CAROL, SUPPORT, subject, text))

    def answered(self, text: str, *files: tuple[str, bytes]) -> None:
        """Carol answers the last mail she got, as her mail program does."""
        got = self.sent(CAROL)[-1]
        answer = parsed(reply(CAROL, got, text))
        for name, data in files:
            answer.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        self.written(answer.as_bytes(), email.utils.parseaddr(str(answer["To"]))[1])

    def sent(self, recipient: str) -> list[EmailMessage]:
        """What has gone out to somebody, once all that waits has."""
        settings = self.here.config.outgoing
        asyncio.run(build_sender(self.here, build_renderer(self.here), Relay(settings)).once())
        return [parsed(caught.data) for caught in self.sink.to(recipient)]


@contextmanager
def mailed(folder: Path, store_url: str) -> Iterator[Mailed]:
    with ExitStack() as stack:
        sink = stack.enter_context(threaded(Sink()))
        config = Config(
            paths=Paths(data=folder / "data"),
            store=Store(url=store_url),
            spool=SpoolSettings(reserve_percent=0.0, reserve_mb=0),
            smtp=Smtp(listen=()),
            outgoing=Outgoing(relay=sink.relay, security="none"),
        )
        here = stack.enter_context(closing(open_installation(config)))
        serving = Serving(folder, here.desk, stack)
        serving.blobs = here.blobs  # type: ignore[assignment]  # a folder of this config's, as the sender reads it

        def furnish(conn):
            given = (conn, here.desk, now())
            support = departments.add(*given, name="Support", addresses=(SUPPORT,))
            for name, level in (("Ada", 3), ("Tina", 1)):
                email_of = f"{name.lower()}@staff.example"
                person, _ = people.add_staff(*given, name, email_of, level, (support.id,), welcome=False)
                accounts.set_username(*given, person=person, username=name.lower())
                accounts.set_password(*given, person=person, password_hash=serving.passwords.hash(PASSWORD))
            customers.add(*given, name="Carol", email=CAROL, welcome=False)
            everything = tuple(PERMISSIONS["helpdeskz"])
            api_keys.create(*given, dialect="helpdeskz", name="x", token=TOKEN, permissions=everything)

        here.store.writer.run(furnish)
        here.refresh()
        serving.desk = here.desk
        yield Mailed(here, sink, serving)
