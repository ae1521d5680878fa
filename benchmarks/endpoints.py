"""How long the embedded API makes 16 clients wait, endpoint by endpoint, over a history of months.

What belongs here: clients that ask at the same time (``http_clients``), and how long they wait. What does not: what is
asked (``endpoint_requests``), what is served (``served_history``), why something takes long (``query_plans``). Clients,
server and PostgreSQL share the machine's cores.

Each endpoint is asked twice: as front ends ask, many the same, which the API computes once for all of a role for as
long as the database says that it may be kept; and with every answer computed for the one who asks.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from benchmarks.endpoint_requests import REQUESTS, Request, asker
from benchmarks.http_clients import Plan, Report, ask
from benchmarks.report import Figure, console, show
from benchmarks.served_api import ServedApi, headers, served_api
from benchmarks.served_history import Size

CLIENTS = 16
SIZE = Size()
_NAME = "endpoints"
_AIM = "p99 ≤ 100 ms"
_PATHS = 2000
_SHARED_PATHS = 100
_COMPUTED = {"Cache-Control": "no-cache"}
_WARM_UP_SECONDS = 1
_SECONDS = 3
_FEWEST_REQUESTS = 500
_MOST_SECONDS = 30


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    with served_api(SIZE) as api:
        console.print(f"{_NAME}: {CLIENTS} clients at the same time")
        return [_measure(api, request) for request in REQUESTS]


def _measure(api: ServedApi, request: Request) -> Figure:
    shared, computed = _report(api, request, _SHARED_PATHS, {}), _report(api, request, _PATHS, _COMPUTED)
    value = f"{_waits(shared)}; each computed: {_waits(computed)}"
    return show(Figure(_NAME, f"{request.endpoint}: {request.what}", value, _AIM))


def _waits(report: Report) -> str:
    percentiles = statistics.quantiles(report.milliseconds, n=100)
    count = len(report.milliseconds)
    return (
        f"{percentiles[49]:.0f} ms median, {percentiles[98]:.0f} ms p99, {max(report.milliseconds):.0f} ms at most, "
        f"{count / report.seconds:,.0f} requests/s of {1000 * report.megabytes / count:,.1f} KB"
    )


def _report(api: ServedApi, request: Request, paths: int, more_headers: Mapping[str, str]) -> Report:
    asking = asker(SIZE.events)
    address = urlsplit(api.url)
    report = ask(
        Plan(
            host=str(address.hostname),
            port=int(address.port or 0),
            headers={**headers(api.keys, request.role), **more_headers},
            paths=[request.path(asking) for _ in range(paths)],
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
