"""HelpDeskZ 2.0's API. What of it is kept, and what is not, stands in docs/compatibility.md."""

from helpdeskd.http.dialect import Dialect
from helpdeskd.http.helpdeskz import access, words
from helpdeskd.http.helpdeskz.asks import READING
from helpdeskd.http.helpdeskz.routes import ROUTES

HELPDESKZ = Dialect(
    name="helpdeskz",
    title="HelpDeskZ 2.0",
    roots=("/api",),
    routes=ROUTES,
    recall=access.recall,
    admit=access.admit,
    permit=access.permit,
    reading=READING,
    encode=words.success,
    refuse=words.refuse,
    statuses=(200, 400, 404, 405, 429, 500, 501, 503),
    security={
        "token": {"type": "apiKey", "in": "header", "name": "Token"},
        "authorization": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The same token after the word Token: `Token: xyz` or `Token xyz`.",
        },
    },
    failure=words.Error,
    soft=True,
)
