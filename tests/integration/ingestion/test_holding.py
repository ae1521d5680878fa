"""A drop to a fraction of the listings is held until a second capture confirms it, and only then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import zstandard

from ingestion.answers import Answer, ReadAnswer, read_answer
from ingestion.database import Database
from ingestion.loading import Loader
from ingestion.snapshots import read_snapshot
from ingestion.tracking import save_production
from tests.unit.ingestion.bodies import EVENT_ID, listings_body, tickets

START = datetime(2026, 9, 7, 12, tzinfo=UTC)
STEP = timedelta(minutes=10)


def at(n: float) -> datetime:
    return START + n * STEP


def body_of(listing_count: int) -> bytes:
    return listings_body(tickets(listing_count))


def answered(counts: Iterable[tuple[float, int]]) -> list[ReadAnswer]:
    return [read_answer(Answer(EVENT_ID, at(n), 200, body_of(count), fetch_ms=12), 600, None) for n, count in counts]


def stored(connection: psycopg.Connection[Any]) -> list[tuple[float, int]]:
    rows = connection.execute("select captured_at, listing_count from raw.snapshots order by 1").fetchall()
    for captured_at, listing_count in rows:
        assert len(list(read_snapshot(connection, EVENT_ID, captured_at))) == listing_count
    return [((captured_at - START) / STEP, listing_count) for captured_at, listing_count in rows]


def in_quarantine(connection: psycopg.Connection[Any]) -> list[tuple[float, int]]:
    rows = connection.execute("select captured_at, kind, item, content from raw.quarantine order by 1").fetchall()
    held = []
    for captured_at, kind, item, content in rows:
        assert (kind, item) == ("partial_inventory", "body")
        held.append(((captured_at - START) / STEP, zstandard.decompress(content).count(b'"i":"VB')))
    return held


CASES = {
    "a filtered answer, then the whole book again": ([960, 223, 958], [0, 2], [1]),
    "confirmed by the next capture": ([960, 223, 225], [0, 1, 2], []),
    "confirmed by one with even fewer": ([960, 223, 90], [0, 1, 2], []),
    "not confirmed by a book that comes back, but is small still": ([960, 100, 300, 310], [0, 2, 3], [1]),
    "held again and again while it goes up and down": ([960, 100, 200, 300], [0], [1, 2, 3]),
    "at the limit of what is a fraction": ([200, 80, 31, 79], [0, 1, 3], [2]),
    "at the limit of what confirms": ([800, 100, 125], [0, 1, 2], []),
    "past the limit of what confirms": ([800, 100, 126], [0], [1, 2]),
    "a small book may go at once": ([49, 3, 0], [0, 1, 2], []),
    "everything gone, said twice": ([60, 0, 0], [0, 1, 2], []),
    "everything gone, said once": ([60, 0, 60], [0, 2], [1]),
    "down step by step": ([960, 400, 170, 70, 30], [0, 1, 2, 3, 4], []),
    "after a confirmed drop the next is held again": ([960, 300, 300, 60], [0, 1, 2], [3]),
}


@pytest.mark.parametrize("batch_size", [1, 2, 100])
@pytest.mark.parametrize(("counts", "expected", "held"), CASES.values(), ids=CASES.keys())
def test_what_is_held(
    database: Database, counts: list[int], expected: list[int], held: list[int], batch_size: int
) -> None:
    loader = Loader(database)
    items = answered(enumerate(counts))
    for _ in range(2):  # the second time changes nothing
        for start in range(0, len(items), batch_size):
            loader.load(items[start : start + batch_size])
        assert stored(database.connection) == [(n, counts[n]) for n in expected]
        assert in_quarantine(database.connection) == [(n, counts[n]) for n in held]


def test_a_held_capture_is_a_failure_that_says_what_it_saw(database: Database) -> None:
    loader = Loader(database)
    loader.load(answered([(0, 960)]))
    loader.load(answered([(1, 223)]))
    (failure,) = database.connection.execute(
        "select attempted_at, kind, message, http_status, fetch_ms, body_bytes from raw.scrape_failures"
    ).fetchall()
    message = "223 listings where 960 were at 2026-09-07T12:00:00+00:00: held until another capture confirms it"
    assert failure == (at(1), "partial_inventory", message, 200, 12, len(body_of(223)))
    assert loader.result.failures == {"partial_inventory": 1}
    assert loader.result.failed_events == {EVENT_ID: f"partial_inventory: {message}"}
    loader.load(answered([(2, 223)]))
    rows = database.connection.execute("select http_status, fetch_ms, body_bytes from raw.snapshots").fetchall()
    assert set(rows[1:]) == {(200, 12, len(body_of(223)))}


def test_after_the_start_everything_may_go_at_once(database: Database) -> None:
    save_production(database.connection, EVENT_ID, {"id": EVENT_ID, "utcDate": at(1).isoformat()}, at(0))
    Loader(database).load(answered([(0, 960), (0.9, 100), (1, 90)]))
    assert stored(database.connection) == [(0, 960), (1, 90)]
    assert in_quarantine(database.connection) == [(0.9, 100)]


def test_history_older_than_live_data_is_held_by_what_is_before_it(database: Database) -> None:
    loader = Loader(database)
    loader.load(answered([(0, 960), (9, 950)]))
    loader.load(answered([(3, 200), (5, 940), (7, 210), (8, 205)]))
    assert stored(database.connection) == [(0, 960), (5, 940), (7, 210), (8, 205), (9, 950)]
    assert in_quarantine(database.connection) == [(3, 200)]


def test_a_held_capture_of_an_event_says_nothing_of_another(database: Database) -> None:
    other = EVENT_ID + 1
    loader = Loader(database)
    for n, count in enumerate([100, 10]):
        body = listings_body(tickets(count), event_id=other)
        loader.load([*answered([(n, count)]), read_answer(Answer(other, at(n), 200, body), 600, None)])
    loader.load(answered([(2, 10)]))
    rows = database.connection.execute("select event_id, count(*) from raw.snapshots group by 1 order by 1").fetchall()
    assert rows == [(EVENT_ID, 3), (other, 1)]


def test_what_a_person_has_looked_at_is_believed(database: Database) -> None:
    loader = Loader(database)
    loader.load(answered([(0, 960)]))
    loader.load_confirmed(answered([(1, 5)]))
    assert stored(database.connection) == [(0, 960), (1, 5)]
