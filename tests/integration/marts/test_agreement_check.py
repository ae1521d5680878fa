"""The check that asks raw and marts the same question: silent while they agree or a build is due, loud otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingestion.database import connect
from orchestration.checks.agreement import ComparedHour, compare_hours
from tests.integration.marts.markets import DifficultMarket, line, ticket
from tests.integration.marts.warehouse import Warehouse

EVENTS = (51, 52, 53)
SEED = 7
MANY = 2_000
"""Draws enough for the hours that tests tamper with."""
EVERYTHING = 15_000
"""Draws enough for every hour, those before a gap of days too, which few instants stand for."""


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """Three events that have done everything a market can do; one of them has started, one's start is unknown."""
    recordings = {event_id: list(DifficultMarket(event_id, event_id, captures=60).lines()) for event_id in EVENTS}
    warehouse.announce(EVENTS[0], starts_at=datetime.fromisoformat(recordings[EVENTS[0]][30]["captured_at"]))
    warehouse.announce(EVENTS[1], starts_at=datetime(2027, 1, 1, tzinfo=UTC))
    lines = [line for recording in recordings.values() for line in recording]
    warehouse.record(sorted(lines, key=lambda line: line["captured_at"]))
    warehouse.build()
    return warehouse


@pytest.fixture
def connection(built: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    """A connection in a transaction that is rolled back."""
    with connect(built.database_url) as connection, connection.transaction(force_rollback=True):
        yield connection


def test_every_hour_agrees_after_a_build(connection: psycopg.Connection[Any], built: Warehouse) -> None:
    hours = compare_hours(connection, seed=SEED, draws=EVERYTHING)
    in_mart = built.rows("select event_id, hour from marts.event_hourly order by event_id, hour")
    assert [(each.event_id, each.hour) for each in hours] == [(row["event_id"], row["hour"]) for row in in_mart]
    assert [each for each in hours if each.differences] == []


def test_a_seed_stands_for_a_sample(connection: psycopg.Connection[Any]) -> None:
    samples = [compare_hours(connection, seed=seed, draws=10) for seed in (SEED, SEED, SEED + 1)]
    assert samples[0] == samples[1] != samples[2]
    assert 0 < len(samples[0]) <= 20


def test_no_difference_is_small_enough_in_any_metric(connection: psycopg.Connection[Any], built: Warehouse) -> None:
    row = built.rows(
        "select * from marts.event_hourly where all_in_price_avg is not null and pair_get_in is not null"
        " and listings_added is not null order by hour desc limit 1"
    )[0]
    smallest = {int: "1", date: "1"}
    for metric, value in row.items():
        if metric in {"event_id", "hour"}:
            continue
        step = "interval '1 microsecond'" if isinstance(value, datetime) else smallest.get(type(value), "0.01")
        with _undone(connection):
            statement = f"update marts.event_hourly set {metric} = {metric} + {step} where (event_id, hour) = (%s, %s)"
            connection.execute(statement.encode(), (row["event_id"], row["hour"]))
            assert _found(connection) == {(row["event_id"], row["hour"]): {metric}}


def test_a_value_that_is_missing_is_a_difference(connection: psycopg.Connection[Any]) -> None:
    connection.execute("update marts.event_hourly set price_p75 = null where price_p75 is not null")
    assert set().union(*_found(connection).values()) == {"price_p75"}


def test_an_hour_that_only_one_of_them_knows_is_found(connection: psycopg.Connection[Any]) -> None:
    with _undone(connection):
        gone = connection.execute(
            "delete from marts.event_hourly where event_id = %s and hour = ("
            "select max(hour) from marts.event_hourly where event_id = %s) returning hour",
            (EVENTS[0], EVENTS[0]),
        ).fetchone()
        assert gone is not None
        assert [*_found(connection)] == [(EVENTS[0], gone[0])]
    with _undone(connection):
        moved = connection.execute(
            "update marts.event_hourly set hour = hour - interval '1000 hours' where (event_id, hour) = ("
            "select event_id, hour from marts.event_hourly order by hour desc limit 1) returning event_id, hour"
        ).fetchone()
        assert moved is not None
        # Before the event's first capture nothing is asked: raw may have been let go by then.
        assert (moved[0], moved[1] + timedelta(hours=1000)) in _found(connection)
    with _undone(connection):
        ghost = connection.execute(
            """
            insert into marts.event_hourly
            select (jsonb_populate_record(h, jsonb_build_object('hour', hour + interval '1 hour'))).*
            from (
                select m as h, m.hour, lead(m.hour) over (order by m.hour) as next_hour
                from marts.event_hourly as m where m.event_id = %s
            ) as hours (h, hour, next_hour)
            where next_hour > hour + interval '1 hour' limit 1
            returning hour
            """,
            (EVENTS[1],),
        ).fetchone()
        assert ghost is not None
        assert [*_found(connection)] == [(EVENTS[1], ghost[0])]


def test_a_capture_that_raw_has_lost_is_found(connection: psycopg.Connection[Any]) -> None:
    lost = connection.execute(
        "delete from raw.snapshots where event_id = %s and captured_at = ("
        "select captured_at from raw.snapshots where event_id = %s order by captured_at offset 20 limit 1)"
        " returning date_trunc('hour', captured_at, 'UTC')",
        (EVENTS[2], EVENTS[2]),
    ).fetchone()
    assert lost is not None
    assert "captures" in _found(connection)[EVENTS[2], lost[0]]


def test_a_start_that_has_moved_waits_for_the_build_that_hears_of_it(built: Warehouse) -> None:
    with connect(built.database_url) as connection, _undone(connection):
        connection.execute(
            "insert into raw.productions (event_id, observed_at, starts_at, content_hash, document)"
            " values (%s, now() + interval '1 day', '2026-01-01', 0, '{}')",
            (EVENTS[1],),
        )
        hours = compare_hours(connection, seed=SEED, draws=MANY)
        assert {each.event_id for each in hours} == {EVENTS[0], EVENTS[2]}
        assert [each for each in hours if each.differences] == []


def test_captures_that_land_meanwhile_are_no_difference(built: Warehouse) -> None:
    newest = built.value("select max(captured_at) from raw.snapshots")
    asked, landed = [], threading.Event()

    def ask() -> None:
        with connect(built.database_url) as connection:
            while True:
                is_last = landed.is_set()
                asked.append(compare_hours(connection, seed=len(asked), draws=20))
                if is_last:
                    return

    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(ask)
        try:
            for number in range(1, 9):
                at = newest + timedelta(minutes=25 * number)
                built.record([line(event_id, at, [ticket(f"VB{number}", "9.99")]) for event_id in EVENTS])
                # And one before the newest, whose flows it changes.
                built.record([line(EVENTS[0], at - timedelta(minutes=20), [ticket("VB1", "8.99")])])
                if number == 4:
                    built.build()
        finally:
            landed.set()
        asking.result(timeout=60)

    assert built.stale_hours() > 0
    assert any(asked)
    assert [each for hours in asked for each in hours if each.differences] == []
    built.build()
    with connect(built.database_url) as connection:
        after = compare_hours(connection, seed=SEED, draws=EVERYTHING)
    assert len(after) == built.value("select count(*) from marts.event_hourly")
    assert [each for each in after if each.differences] == []


def _found(connection: psycopg.Connection[Any]) -> dict[tuple[int, datetime], set[str]]:
    hours: list[ComparedHour] = compare_hours(connection, seed=SEED, draws=MANY)
    return {(each.event_id, each.hour): set(each.differences) for each in hours if each.differences}


@contextmanager
def _undone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        yield
