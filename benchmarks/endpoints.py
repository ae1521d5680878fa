"""How long the embedded API makes 16 clients wait, endpoint by endpoint, over a history of months.

What belongs here: the API server as the stack starts it, and clients at the same time as there are in
``http_clients``. What does not: what is asked (``endpoint_requests``), what is served (``served_history``), why
something takes long (``query_plans``). Clients, server and PostgreSQL share the machine's cores.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from benchmarks.endpoint_requests import REQUESTS, Request, asker, endpoints_without_request
from benchmarks.http_clients import Plan, Report, ask
from benchmarks.report import Figure, console, show
from benchmarks.served_history import Size, fill
from ingestion.database import connect
from stack import ports
from stack.api import api_command, api_environment, api_url, give_roles_passwords
from stack.keys import Keys, make_keys, user_token
from stack.migrations import apply_migrations
from stack.node import node_environment
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres

CLIENTS = 16
SIZE = Size()
_NAME = "endpoints"
_AIM = "p99 ≤ 100 ms"
_DATABASE = "postgres"
_PATHS = 2000
_WARM_UP_SECONDS = 2
_SECONDS = 5
_FEWEST_REQUESTS = 500
_MOST_SECONDS = 30
_LONGEST_START_SECONDS = 30


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    with throw_away_postgres(is_durable=True) as server:
        database_url = server.url(_DATABASE)
        apply_migrations(database_url)
        fill(database_url, SIZE)
        with connect(database_url) as connection:
            if missing := endpoints_without_request(connection):
                sys.exit(f"error: benchmarks/endpoint_requests.py asks nothing of {', '.join(sorted(missing))}")
        with serving(server) as (url, keys):
            console.print(f"{_NAME}: {CLIENTS} clients at the same time, {SIZE}")
            return [_measure(url, keys, request) for request in REQUESTS]


@contextmanager
def serving(server: PostgresServer) -> Iterator[tuple[str, Keys]]:
    """The embedded API over the database, for the length of the context; yields its URL and keys."""
    keys, port = make_keys(), ports.free_port()
    give_roles_passwords(server, keys)
    environment = {**os.environ, **node_environment(), **api_environment(server, _DATABASE, keys, port)}
    with subprocess.Popen(api_command(), env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(f"{api_url(port)}/healthz")
            yield api_url(port), keys
        finally:
            process.terminate()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _LONGEST_START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit(f"error: {url} does not answer")


def _measure(url: str, keys: Keys, request: Request) -> Figure:
    report = _report(url, keys, request)
    percentiles = statistics.quantiles(report.milliseconds, n=100)
    rate = len(report.milliseconds) / report.seconds
    return show(
        Figure(
            _NAME,
            f"{request.endpoint}: {request.what}",
            f"{percentiles[49]:.0f} ms median, {percentiles[98]:.0f} ms p99, {max(report.milliseconds):.0f} ms at most; "
            f"{rate:,.0f} requests/s of {1000 * report.megabytes / len(report.milliseconds):,.1f} KB",
            _AIM,
        )
    )


def _report(url: str, keys: Keys, request: Request) -> Report:
    asking = asker(SIZE.events)
    address = urlsplit(url)
    report = ask(
        Plan(
            host=str(address.hostname),
            port=int(address.port or 0),
            headers=headers(keys, request.role),
            paths=[request.path(asking) for _ in range(_PATHS)],
            clients=CLIENTS,
            warm_up_seconds=_WARM_UP_SECONDS,
            seconds=_SECONDS,
            fewest_requests=_FEWEST_REQUESTS,
            most_seconds=_MOST_SECONDS,
        )
    )
    if report.failed or len(report.milliseconds) < CLIENTS:
        sys.exit(f"error: {request.endpoint}: {request.what}: {report.failed or 'no answer in time'}")
    return report


def headers(keys: Keys, role: str) -> dict[str, str]:
    """What a client of that role sends."""
    if role == "service_role":
        return {"apikey": keys.service_key, "Authorization": f"Bearer {keys.service_key}"}
    token = user_token(keys, "somebody", 3600) if role == "authenticated" else keys.anon_key
    return {"apikey": keys.anon_key, "Authorization": f"Bearer {token}"}
