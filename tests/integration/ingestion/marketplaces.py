"""Marketplaces to scrape over real HTTP: the sandbox with a memory, and one that does what it is told.

What belongs here: servers, and reading a body of the sandbox without the code under test. What does not: assertions.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.marketplace import Answer, InventedMarketplace
from sandbox.server import API

HOST = "127.0.0.1"


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve on a free port for the length of the context; yields the URL."""
    with socket.create_server((HOST, 0)) as listener:
        config = uvicorn.Config(app, access_log=False, log_level="critical", ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


class RememberingSandbox(InventedMarketplace):
    """The sandbox, which also remembers the listings bodies that it served."""

    def __init__(self) -> None:
        super().__init__()
        self.served: dict[int, list[bytes]] = {}

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The book of one event; 404 where it is unknown."""
        answer = super().listings(event_id, at)
        self.served.setdefault(event_id, []).append(answer.body)
        return answer


@dataclass(frozen=True)
class Reply:
    """One answer; ``breaks_off`` ends the connection in the middle of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    breaks_off: bool = False


class ScriptedMarketplace:
    """Answers each event with its replies in turn, the last one again and again, and counts requests."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.queries: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self._replies: dict[int, list[Reply]] = {}
        self.app = Starlette(
            routes=[Route(f"{API}/listings", self._listings), Route(f"{API}/productions/{{id:int}}", self._production)]
        )

    def set_replies(self, event_id: int, *replies: Reply) -> None:
        """What to answer when asked for an event, whatever is asked of it."""
        self._replies[event_id] = list(replies)

    @property
    def events(self) -> list[int]:
        """The events that have replies."""
        return list(self._replies)

    async def _listings(self, request: Request) -> Response:
        self.queries.append(dict(request.query_params))
        self.headers.append(dict(request.headers))
        return await self._reply(int(request.query_params["productionId"]))

    async def _production(self, request: Request) -> Response:
        return await self._reply(request.path_params["id"])

    async def _reply(self, event_id: int) -> Response:
        replies = self._replies[event_id]
        reply = replies[min(self.requests[event_id], len(replies) - 1)]
        self.requests[event_id] += 1
        await asyncio.sleep(reply.delay_seconds)
        if reply.breaks_off:
            headers = {"content-length": str(len(reply.body) + 1)}
            return StreamingResponse(iter([reply.body]), reply.status, headers)
        return Response(reply.body, reply.status, reply.headers)


def listings_of(body: bytes) -> list[dict[str, Any]]:
    """The listings of a body of the sandbox as ``ticketmarts snapshot`` is to print them, but for ``captured_at``."""
    read = [
        {
            "source_listing_id": ticket["i"],
            "section": ticket["s"],
            "seat_row": ticket["r"],
            "zone_id": ticket["c"],
            "section_id": ticket["d"],
            "seat_low": ticket.get("ls") or None,
            "seat_high": ticket.get("hs") or None,
            "splits": [int(split) for split in ticket["m"].split(",") if split],
            "delivery": ticket["stp"],
            "notes": ticket["n"],
            "face_value_cents": _cents(ticket.get("faceValue", "0")) or None,
            "quantity": int(ticket["q"]),
            "price_cents": _cents(ticket["p"]),
            "all_in_cents": _cents(ticket["aip"]),
        }
        for ticket in json.loads(body)["tickets"]
    ]
    return sorted(read, key=lambda listing: (listing["price_cents"], listing["source_listing_id"]))


def _cents(dollars: str) -> int:
    return int(Decimal(dollars) * 100)
