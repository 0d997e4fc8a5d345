"""Jitbit Helpdesk's API. What of it is kept, and what is not, stands in docs/compatibility.md."""

from helpdeskd.http.dialect import Dialect
from helpdeskd.http.jitbit import access, words
from helpdeskd.http.jitbit.asks import READING
from helpdeskd.http.jitbit.routes import ROUTES

JITBIT = Dialect(
    name="jitbit",
    title="Jitbit Helpdesk",
    roots=("/api", "/helpdesk/api"),
    routes=ROUTES,
    recall=access.recall,
    admit=access.admit,
    permit=access.permit,
    reading=READING,
    encode=words.success,
    refuse=words.refuse,
    rates={"default": "90/minute", "search": "60/minute"},
    fold=True,
    statuses=(200, 400, 401, 403, 404, 405, 408, 413, 429, 500, 503),
    security={"basic": {"type": "http", "scheme": "basic"}, "bearer": {"type": "http", "scheme": "bearer"}},
)
