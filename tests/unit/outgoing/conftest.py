"""What goes out is tested on both event loops: the daemon runs on uvloop, whose transports buffer and tell differently."""

from __future__ import annotations

import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
