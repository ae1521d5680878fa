"""The HTTP server: routes of the wire format to a marketplace.

What belongs here: paths, running on a port. What does not: reading parameters (``requests``), answering
(``marketplace``, ``replay``), and failing on demand (``faults``).
"""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.conditional import unless_known
from sandbox.faults.control import FaultControl
from sandbox.faults.delivery import TRANSPORT
from sandbox.faults.injection import SEARCH
from sandbox.marketplace import Answer, InventedMarketplace, Marketplace, error
from sandbox.randomness import DEFAULT_SEED
from sandbox.replay import ReplayedMarketplace
from sandbox.requests import BadRequestError, asked_count, asked_event_id, asked_instant, asked_search

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

API = "/hermes/api/v1"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 54330
_FEATURED = 24
_BACKLOG = 2048
# What is late on purpose does not hold up the end.
_LAST_WORDS_SECONDS = 1


class PortInUseError(Exception):
    """The port cannot be listened on; the message says which and what to do."""


class _Sandbox(Starlette):
    """The application; each request's scope holds the connection, for faults that cut it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # ASGI hides the connection. uvicorn's ``send`` is a method of the object that holds it, with either parser.
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


def create_app(seed: int = DEFAULT_SEED, recording: Path | None = None, *, keep_served: bool = False) -> Starlette:
    """The application, for any ASGI server.

    Args:
        seed: which invented market, 0 or more.
        recording: answer listings from this file; everything else stays the invented market's.
        keep_served: keep the record of served answers from the start, whatever faults are set.

    Raises:
        RecordingError: the recording cannot be read.
    """
    invented = InventedMarketplace(seed)
    market = invented if recording is None else ReplayedMarketplace(recording, invented)
    return app_of(market, seed, keep_served=keep_served)


def app_of(marketplace: Marketplace, seed: int, *, keep_served: bool = False) -> Starlette:
    """The application on any marketplace; faults need it to run in uvicorn."""
    faults = FaultControl(marketplace, always_keeps=keep_served)

    async def listings(request: Request) -> Response:
        # In the event loop: a body costs 1-4 ms and a thread hop would not make it parallel.
        event_id, at = asked_event_id(request.query_params), asked_instant(request.query_params)
        if faults.is_idle:
            return _response(request, marketplace.listings(event_id, at))
        return faults.listings(request, event_id, at)

    async def productions(request: Request) -> Response:
        # In a thread: a page of events never seen before costs 3 ms each.
        search, at = asked_search(request.query_params), asked_instant(request.query_params)
        answer = await run_in_threadpool(marketplace.productions, search, at)
        return _response(request, answer) if faults.is_idle else faults.production(request, SEARCH, at, answer)

    async def production(request: Request) -> Response:
        event_id, at = request.path_params["event_id"], asked_instant(request.query_params)
        answer = marketplace.production(event_id, at)
        return _response(request, answer) if faults.is_idle else faults.production(request, event_id, at, answer)

    async def featured(request: Request) -> Response:
        parameters = request.query_params
        count, at = asked_count(parameters, _FEATURED), asked_instant(parameters)
        return JSONResponse({"event_ids": marketplace.featured(count, at)})

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok", "seed": seed})

    return _Sandbox(
        routes=[
            Route(f"{API}/listings", listings),
            Route(f"{API}/productions", productions),
            Route(f"{API}/productions/{{event_id:int}}", production),
            Route("/sandbox/featured", featured),
            Route("/healthz", healthz),
            *faults.routes(),
        ],
        exception_handlers={
            BadRequestError: _bad_request,
            HTTPStatus.NOT_FOUND: _no_such_path,
            HTTPStatus.METHOD_NOT_ALLOWED: _wrong_method,
        },
    )


def serve(app: Starlette, host: str, port: int, announce: str) -> None:
    """Serve until interrupted; prints ``announce`` with the URL once the port is taken.

    Raises:
        PortInUseError: the port is in use or may not be had.
    """
    listener = _listen(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=_LAST_WORDS_SECONDS,
    )
    print(f"{announce} {url}", flush=True)  # noqa: T201 - the command's answer
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as problem:
        raise PortInUseError(
            f"cannot listen on {host}:{port}: {_reason(problem)}. "
            "Stop what listens there, or choose another --port or --host."
        ) from problem


def _reason(problem: OSError) -> str:
    # socket.create_server appends the address, which the message has already.
    return problem.strerror.partition(" (while")[0] if problem.strerror else str(problem)


def _response(request: Request, answer: Answer) -> Response:
    known = unless_known(request.headers.get("if-none-match"), answer)
    return Response(known.body, known.status, known.headers)


async def _bad_request(request: Request, problem: Exception) -> Response:
    return _response(request, error(HTTPStatus.BAD_REQUEST, str(problem)))


async def _no_such_path(request: Request, _: Exception) -> Response:
    return _response(request, error(HTTPStatus.NOT_FOUND, f"no such path: {request.url.path}"))


async def _wrong_method(request: Request, _: Exception) -> Response:
    return _response(request, error(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not answered; use GET"))
