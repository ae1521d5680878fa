"""Every endpoint is asked by the benchmarks, and no request reads a mart from end to end that grows with time.

What belongs here: plans, over marts that are big enough for PostgreSQL to have a choice. What does not: time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.endpoint_requests import REQUESTS, Request, asker, endpoints, endpoints_without_request
from benchmarks.query_plans import explain, explaining
from benchmarks.served_api import ServedApi, served_api
from benchmarks.served_history import Size
from ingestion.database import connect

SIZE = Size(events=100, real_events=4, captured_days=1, days=60, zone_days=3, section_days=5)
GROWING = {"event_hourly", "event_daily", "zone_hourly", "section_daily", "listing_lifecycle"}
MOST_ROWS = 15 * SIZE.events + 1000
"""What a request may look at: a page, and for screens over all events some rows of each."""


@pytest.fixture(scope="module")
def api() -> Iterator[ServedApi]:
    """A history of two months, served."""
    with served_api(SIZE) as served, explaining(served.database_url):
        yield served


def test_every_endpoint_has_a_request(api: ServedApi) -> None:
    with connect(api.database_url) as connection:
        assert not endpoints_without_request(connection)
        assert {request.endpoint for request in REQUESTS} <= endpoints(connection)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: f"{request.endpoint}: {request.what}")
def test_growing_marts_are_read_by_index(api: ServedApi, request_: Request) -> None:
    read = explain(api, request_, asker(SIZE.events))
    assert read.scans, "the request read nothing"
    assert not read.read_whole & GROWING
    looked_at = {scan.table: scan.rows for scan in read.scans if scan.table in GROWING}
    assert sum(looked_at.values()) <= MOST_ROWS, looked_at
