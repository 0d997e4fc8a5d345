"""The page behind the link of a welcome, or of a notice to who forgot a password: desk.notices.set_password_url. It needs no script and no cookie.

Opening it does not use the link up, since what scans mails opens links; only a password that is taken does. Who has the link has the
right: there is nothing else that a foreign site could make a browser send.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helpdeskd.desk import links
from helpdeskd.errors import Busy, Refused, Temporary
from helpdeskd.guard import addresses
from helpdeskd.guard.passwords import SHORTEST
from helpdeskd.http import body
from helpdeskd.http.dialect import Asked, Malformed
from helpdeskd.http.given import Values
from helpdeskd.http.pages import Pages, languages

RATE = "30/minute"  # of one address
MOST = 1 << 14  # bytes of a form


def route(pages: Pages) -> Route:
    here = pages.here

    async def set_password(request: Request) -> Response:
        asked: Asked = request.scope["helpdeskd.asked"]
        if seconds := here.rates.count(RATE, "set-password", addresses.block(asked.client)):
            found = pages.show("set_password", languages(request), status=429, state="wait", up="../")
            found.headers["Retry-After"] = str(seconds)
            return found
        form = Values()
        if request.method == "POST":
            try:
                sent = await body.read(request.receive, asked.headers, here, most=MOST)
                form = Values(sent.fields(here))
                sent.close()
            except (Malformed, TimeoutError):
                form = Values()  # as if nothing had been typed
        if request.method != "POST":
            return await asyncio.get_running_loop().run_in_executor(here.threads, answer, request, form)
        try:
            return await asyncio.wrap_future(here.log_ins.submit(answer, request, form))
        except Busy as error:
            found = pages.show("set_password", languages(request), status=503, state="later", up="../")
            found.headers["Retry-After"] = str(error.seconds)
            return found

    def answer(request: Request, form: Values) -> Response:
        token = request.path_params["token"]
        wanted = languages(request)
        values = {"up": "../", "shortest": SHORTEST, "problem": "", "email": "", "state": "form"}
        status = 200
        try:
            person = here.read(lambda conn: links.of(conn, here.clock(), token))
            wanted = (person.language, *wanted)
            values["email"] = person.email
            if request.method == "POST":
                password = "".join(form.all("password")[:1])
                if password != "".join(form.all("again")[:1]):
                    values["problem"], status = "differ", 422
                else:
                    here.logins.set_by_link(token, password)
                    values["state"] = "done"
        except Refused as error:
            if error.reason == "bad-password":
                values["problem"], status = "length", 422
            elif error.reason == "bad-link":
                values["state"], status = "bad", 404
            else:  # another one's user name is this address, or the address can be none
                values["state"], status = "taken", 409
        except Temporary:
            values["state"], status = "later", 503
        return pages.show("set_password", wanted, status=status, **values)

    return Route("/set-password/{token}", set_password, methods=["GET", "POST"])
