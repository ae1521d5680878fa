"""The control endpoints: setting faults and reading what was served, over HTTP while the server runs.

What belongs here: paths and their answers, and turning replies into responses. What does not: the form of the document
(``document``) and of the record (``served``).

    PUT, GET, DELETE /sandbox/faults       set, read, clear the faults document
    GET /sandbox/served?since=0&limit=1000 the record after a sequence number, and how many answers have not ended yet:
                                           {"oldest": 1, "under_way": 0, "served": [...]}
    GET /sandbox/served/{sequence}/body    the bytes of one of its bodies
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
import orjson
from starlette.responses import Response
from starlette.routing import Route

from sandbox.conditional import unless_known
from sandbox.faults.delivery import Line, deliver
from sandbox.faults.injection import Injection
from sandbox.faults.served import ServedLog
from sandbox.marketplace import error
from sandbox.requests import asked_since

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from sandbox.faults.fault import Reply
    from sandbox.marketplace import Answer, Marketplace

FAULTS_PATH = "/sandbox/faults"
SERVED_PATH = "/sandbox/served"
_JSON = "application/json"


class _Delivered(Response):
    """A reply as a response of Starlette's; ``at_end`` is told what went out, and whether that was all."""

    def __init__(self, reply: Reply, at_end: Callable[[Line, bool], None] | None = None) -> None:
        super().__init__(status_code=reply.answer.status)
        self._reply = reply
        self._at_end = at_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line, is_complete = Line(scope, receive, send), False
        try:
            is_complete = await deliver(self._reply, line)
        except asyncio.CancelledError:
            # The server is ending, and what is late on purpose has nothing to say any more.
            line.reset()
        finally:
            if self._at_end is not None:
                self._at_end(line, is_complete)


class FaultControl:
    """The faults and the record of one marketplace, and their endpoints."""

    def __init__(self, market: Marketplace, *, always_keeps: bool) -> None:
        self._injection = Injection(market)
        self._served = ServedLog()
        self._always_keeps = always_keeps

    @property
    def is_idle(self) -> bool:
        """Whether good answers may go out without asking here."""
        return self._injection.is_idle and not self._keeps

    @property
    def _keeps(self) -> bool:
        return self._always_keeps or self._injection.document.keep_served

    def listings(self, request: Request, event_id: int, at: datetime) -> Response:
        """The response to a question for listings."""
        reply = self._injection.listings(event_id, at)
        meant = reply.answer.body
        reply = _unless_known(request, reply)
        if not self._keeps:
            return _Delivered(reply)
        self._served.begin()

        def at_end(line: Line, is_complete: bool) -> None:
            self._served.add(event_id, reply, line, meant=meant, complete=is_complete)

        return _Delivered(reply, at_end)

    def production(self, request: Request, event_id: int, at: datetime, answer: Answer) -> Response:
        """The response to a question for productions that has a good answer."""
        return _Delivered(_unless_known(request, self._injection.production(event_id, at, answer)))

    def routes(self) -> list[Route]:
        """The control endpoints."""
        return [
            Route(FAULTS_PATH, self._show, methods=["GET"]),
            Route(FAULTS_PATH, self._set, methods=["PUT"]),
            Route(FAULTS_PATH, self._clear, methods=["DELETE"]),
            Route(SERVED_PATH, self._show_served),
            Route(f"{SERVED_PATH}/{{sequence:int}}/body", self._show_body),
        ]

    async def _show(self, _: Request) -> Response:
        return Response(msgspec.json.encode(self._injection.document), media_type=_JSON)

    async def _set(self, request: Request) -> Response:
        self._injection.set(await request.body())
        return await self._show(request)

    async def _clear(self, request: Request) -> Response:
        self._injection.clear()
        return await self._show(request)

    async def _show_served(self, request: Request) -> Response:
        served = self._served
        entries = served.since(*asked_since(request.query_params))
        page = {"oldest": served.oldest, "under_way": served.under_way, "served": entries}
        return Response(orjson.dumps(page), media_type=_JSON)

    async def _show_body(self, request: Request) -> Response:
        sequence = request.path_params["sequence"]
        body = self._served.body(sequence)
        if body is None:
            missing = error(HTTPStatus.NOT_FOUND, f"the body of served answer {sequence} is not kept (any more)")
            return Response(missing.body, missing.status, missing.headers)
        return Response(body, media_type="application/octet-stream")


def _unless_known(request: Request, reply: Reply) -> Reply:
    return replace(reply, answer=unless_known(request.headers.get("if-none-match"), reply.answer))
