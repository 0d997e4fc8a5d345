"""The relay is tested on both event loops: uvloop's transports buffer and tell differently. The rest on the daemon's, uvloop."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from tests.sink import Sink
from tests.unit.outgoing.house import House, a_desk


def pytest_asyncio_loop_factories(config, item):
    if item.path.name == "test_transport.py":
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def sink():
    async with Sink() as made:
        yield made


@pytest.fixture
def house(store, blobs, sink) -> House:
    made = House(store, blobs, sink, a_desk())
    made.found()
    return made
