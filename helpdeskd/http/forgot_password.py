"""The page for who has forgotten a password. It needs no script and no cookie, and says the same whatever address is typed.

What it does is done on the writer after it has answered (desk.forgotten): neither words nor time tell whom there is. A page of another
site that makes a browser post here does what anybody can do: it sends a mail, of which there are few.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helpdeskd import log
from helpdeskd.desk import forgotten
from helpdeskd.errors import Temporary
from helpdeskd.guard import addresses
from helpdeskd.http import body
from helpdeskd.http.dialect import Asked, Malformed
from helpdeskd.http.given import Values
from helpdeskd.http.pages import Pages, languages
from helpdeskd.log import Event
from helpdeskd.threads import BUSY_SECONDS

RATE = "10/hour"  # of one address
ALL = "60/minute"  # of everybody together: whoever has an IPv6 network has as many addresses as they like
WAITING = 60  # that the writer has not come to, at most
MOST = 1 << 14  # bytes of a form
_log = log.get("http")


def route(pages: Pages) -> Route:
    here = pages.here
    room = threading.BoundedSemaphore(WAITING)

    def told(done: Future[None]) -> None:
        """Nobody waits for it: what went wrong is in the log."""
        room.release()
        error = done.exception()
        if isinstance(error, Temporary):
            _log.error(Event.TROUBLE, error=str(error))
        elif error is not None:
            _log.error(Event.TROUBLE, exc_info=error)

    def later(request: Request, seconds: int) -> Response:
        found = pages.show("forgot_password", languages(request), status=429, state="wait", up="")
        found.headers["Retry-After"] = str(seconds)
        return found

    async def forgot_password(request: Request) -> Response:
        asked: Asked = request.scope["helpdeskd.asked"]
        wanted = languages(request)
        if not here.desk.settings.public_url:  # no link would lead anywhere
            return pages.show("nothing", wanted, status=404, up="")
        if request.method != "POST":
            return pages.show("forgot_password", wanted, state="form", up="")
        rates = here.rates
        seconds = rates.count(RATE, "forgot-password", addresses.block(asked.client))
        if seconds := seconds or rates.count(ALL, "forgot-password"):
            return later(request, seconds)
        try:
            sent = await body.read(request.receive, asked.headers, here, most=MOST)
            email = "".join(Values(sent.fields(here)).all("email")[:1])
            sent.close()
        except (Malformed, TimeoutError):
            email = ""

        def ask(conn: Connection) -> None:
            forgotten.ask(conn, here.desk, here.clock(), email=email)

        if not room.acquire(blocking=False):
            return later(request, BUSY_SECONDS)
        here.store.writer.submit(ask).add_done_callback(told)
        return pages.show("forgot_password", wanted, state="sent", up="")

    return Route("/forgot-password", forgot_password, methods=["GET", "POST"])
