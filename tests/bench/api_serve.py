"""A server in a process of its own over a filled store: `bare` Starlette, the `layer` with a dialect that does the same, or a real dialect.

The first two call the same functions of the desk, inline or in a thread alike; what differs is what the layer does about it: row, log-in, rate,
parameters, log, metrics, headers. `python -m tests.bench.api_serve bare|layer|NAME FOLDER` says its address and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import uvicorn
import uvloop
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as BareRoute

from helpdeskd import config, log
from helpdeskd.config import Config, Paths
from helpdeskd.desk import departments, lists, people, queries, tickets
from helpdeskd.desk.context import Words
from helpdeskd.guard.login import Logins
from helpdeskd.guard.passwords import Passwords
from helpdeskd.guard.rates import Rates
from helpdeskd.http.build import DIALECTS, serving
from helpdeskd.http.dialect import Answer, Asked, Call, Caller, Dialect, Route
from helpdeskd.http.here import Here
from helpdeskd.http.params import Required, natural
from helpdeskd.installation import Installation, open_installation
from tests.unit.http.plain import READING, refuse

PAGE = 20
TOKEN = "bench-bench-bench-bench"
MANY = "1000000000/minute"  # rates are counted, and never passed


def listed(conn: Connection) -> Any:
    return lists.tickets(conn, lists.Wanted(), limit=PAGE, offset=0)


def shown(conn: Connection, ticket_id: int) -> Any:
    return tickets.get(conn, ticket_id)


def found(conn: Connection, words: str) -> Any:
    return queries.search(conn, words, limit=PAGE)


def opened(conn: Connection, desk: Any, now: Any, subject: str, text: str) -> Any:
    department = departments.first(conn)
    requester = people.find(conn, f"customer{random.randrange(20)}@client.example")
    assert department is not None
    assert requester is not None
    words = Words(text, subject=subject)
    return tickets.open(
        conn, desk, now, department=department, requester=requester, words=words, acknowledge=False
    ).ticket


def commented(conn: Connection, desk: Any, now: Any, ticket_id: int, text: str) -> Any:
    ticket = tickets.get(conn, ticket_id)
    author = people.get(conn, ticket.requester_id)
    return tickets.customer_reply(conn, desk, now, ticket=ticket, author=author, words=Words(text), reopen=True).ticket


# The layer


@dataclass(frozen=True, slots=True)
class One:
    id: Annotated[int, Required("Which?"), natural("A number.")]


@dataclass(frozen=True, slots=True)
class Search:
    words: Annotated[str, Required("For what?")]


@dataclass(frozen=True, slots=True)
class New:
    subject: Annotated[str, Required("About what?")]
    text: Annotated[str, Required("What?")]


@dataclass(frozen=True, slots=True)
class Comment:
    id: Annotated[int, Required("On which?"), natural("A number.")]
    text: Annotated[str, Required("What?")]


def list_(call: Call) -> Any:
    return call.read(listed)


def read(call: Call) -> Any:
    return call.read(shown, call.params.id)


def search(call: Call) -> Any:
    return call.read(found, call.params.words)


def create(call: Call) -> Any:
    return call.write(opened, call.params.subject, call.params.text)


def comment(call: Call) -> Any:
    return call.write(commented, call.params.id, call.params.text)


def admit(_here: Here, asked: Asked) -> Caller:
    return Caller("bench", frozenset(asked.headers.get("token", "")))


LAYER = Dialect(
    name="layer",
    title="Layer",
    roots=("/api",),
    routes=(
        Route("GET", "/tickets", list_, inline=True),
        Route("GET", "/tickets/{id}", read, inline=True, params=One),
        Route("GET", "/search", search, params=Search),
        Route("POST", "/tickets", create, params=New),
        Route("POST", "/tickets/{id}", comment, params=Comment),
    ),
    recall=admit,
    admit=admit,
    permit=lambda _caller, _route: None,
    reading=READING,
    encode=lambda value: Answer(msgspec.json.encode(value)),
    refuse=refuse,
)


def layer(house: Installation, dialect: Dialect = LAYER) -> None:
    log.configure("text", "info")
    settings = config.Http(listen=("127.0.0.1:0",))
    here = Here(
        store=house.store,
        blobs=house.blobs,
        clock=house.clock,
        settings=settings,
        desk_now=lambda: house.desk,
        threads=ThreadPoolExecutor(settings.threads),
        room=lambda: True,
        logins=Logins(house.store, lambda: house.desk, house.clock, Passwords()),
        rates=Rates(),
    )
    server = serving(here, [dialect])
    server.open()
    print(server.listening[0], flush=True)
    server.thread.join()


# The same, bare


def bare(house: Installation) -> None:
    store = house.store

    def json(value: Any) -> Response:
        return Response(msgspec.json.encode(value), media_type="application/json")

    def write(act: Callable[..., Any], *given: Any) -> Response:
        return json(store.writer.run(lambda conn: act(conn, house.desk, house.clock(), *given)))

    async def list_(_request: Request) -> Response:
        return json(store.read(listed))

    async def read(request: Request) -> Response:
        return json(store.read(lambda conn: shown(conn, int(request.path_params["id"]))))

    def search(request: Request) -> Response:
        return json(store.read(lambda conn: found(conn, request.query_params["words"])))

    async def create(request: Request) -> Response:
        form = await request.form()
        return await asyncio.to_thread(write, opened, form["subject"], form["text"])

    async def comment(request: Request) -> Response:
        form = await request.form()
        return await asyncio.to_thread(write, commented, int(request.path_params["id"]), form["text"])

    routes = [
        BareRoute("/api/tickets", list_),
        BareRoute("/api/tickets", create, methods=["POST"]),
        BareRoute("/api/tickets/{id:int}", read),
        BareRoute("/api/tickets/{id:int}", comment, methods=["POST"]),
        BareRoute("/api/search", search),
    ]
    chosen = uvicorn.Config(
        Starlette(routes=routes), port=0, http="httptools", access_log=False, log_config=None, lifespan="off"
    )
    sock = chosen.bind_socket()
    host, port = sock.getsockname()
    print(f"{host}:{port}", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(chosen).serve([sock]))


def main() -> None:
    kind, folder = sys.argv[1:]
    house = open_installation(Config(paths=Paths(data=Path(folder))))
    if kind == "bare":
        bare(house)
    elif kind == "layer":
        layer(house)
    else:
        dialect = next(each for each in DIALECTS if each.name == kind)
        layer(house, replace(dialect, rates=dict.fromkeys(dialect.rates, MANY)))


if __name__ == "__main__":
    main()
