"""A marketplace that costs little beside what asks it: about 2 ms an answer, and all of them on one core.

What belongs here: serving the market's bodies over HTTP in a process of its own. What does not: a lifelike market and
its failures (the sandbox's). Each answer is followed by an interval, so that every round finds a moved book.
Run as ``python -m benchmarks.marketplace EVENTS MOVES``; the first line that it prints is its URL.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import parse_qs

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.listings_bodies import body_of
from benchmarks.market import MarketEvent

HOST = "127.0.0.1"
PRODUCTIONS_PATH = "/hermes/api/v1/productions/"


@contextmanager
def serving(event_count: int, moves: int = 0) -> Iterator[str]:
    """Serve events 1 to ``event_count``, after so many intervals, for the length of the context; yields the URL."""
    command = [sys.executable, "-m", "benchmarks.marketplace", str(event_count), str(moves)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                sys.exit("error: the benchmarks' marketplace did not start")
            yield url
        finally:
            process.terminate()


class _Marketplace:
    """An ASGI application; a framework would cost half as much as the body."""

    def __init__(self, event_count: int, moves: int) -> None:
        self._events = {event_id: MarketEvent(event_id) for event_id in range(1, event_count + 1)}
        for event in self._events.values():
            for _ in range(moves):
                event.move()
        self._served = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI
        if scope["path"].startswith(PRODUCTIONS_PATH):
            body = orjson.dumps({"id": int(scope["path"].rsplit("/", 1)[1]), "name": "An event", "hidden": False})
        else:
            body = self._next_body(int(parse_qs(scope["query_string"].decode())["productionId"][0]))
        self._served += 1
        headers = {"content-type": "application/json", "content-length": str(len(body)), "etag": f'"{self._served}"'}
        await send(
            {
                "type": "http.response.start",
                "status": HTTPStatus.OK,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": body})

    def _next_body(self, event_id: int) -> bytes:
        event = self._events[event_id]
        body = body_of(event)
        event.move()
        return body


def main() -> None:
    """Serve until terminated."""
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    application = _Marketplace(*map(int, sys.argv[1:]))
    with socket.create_server((HOST, 0), backlog=256) as listener:
        print(f"http://{HOST}:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(application, access_log=False, log_level="warning", ws="none", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
