"""The marts of days that were dropped stay, whatever is built; those of other days are as if none had been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion.database import Database, connect
from ingestion.housekeeping.days import drop_old_days
from orchestration.checks.agreement import compare_hours
from stack.postgres_cluster import PostgresServer
from tests.integration.marts.conftest import copied_database, opened_warehouse
from tests.integration.marts.markets import DifficultMarket, line, ticket
from tests.integration.marts.warehouse import Dbt, Line, Warehouse

EVENTS = (61, 62, 63)
BRIEF = 69
"""An event whose captures are all of the first day."""
PAUSED = EVENTS[2]
PAUSE = (date(2026, 3, 26), date(2026, 3, 27))
"""The days on which it is not captured; the latter is the first that is left of the others."""
BEGAN_AT = datetime(2026, 3, 24, 9, 0, tzinfo=UTC)
FIRST_KEPT = date(2026, 3, 27)
"""The first day that is left of raw: the first whose marts are rebuilt is the next."""
MARTS = (
    *("event_hourly", "event_daily", "zone_hourly", "section_daily", "event_latest", "listing_lifecycle"),
    *("dim_events", "dim_venues", "dim_zones", "dim_sections", "dim_performers", "event_performers"),
)
TABLES = (*(f"marts.{mart}" for mart in MARTS), "intermediate.int_listing_days")


@pytest.fixture(scope="module")
def market() -> list[Line]:
    """Six days of three events, and a few hours of another, in order of time."""
    lines: list[Line] = [
        line(BRIEF, BEGAN_AT + timedelta(minutes=10 * n), [ticket(f"VB{n % 3}", "20.00")]) for n in range(9)
    ]
    for event_id in EVENTS:
        for n, each in enumerate(DifficultMarket(event_id, event_id, captures=120).lines()):
            at = BEGAN_AT + timedelta(minutes=67 * n + event_id, microseconds=1)
            if event_id != PAUSED or at.date() not in PAUSE:
                lines.append({**each, "captured_at": at.isoformat()})
    return sorted(lines, key=lambda each: each["captured_at"])


@pytest.fixture(scope="module")
def built_database_url(
    postgres_server: PostgresServer,
    database_url: str,
    dbt: Dbt,
    market: list[Line],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """A database with all of it in its marts."""
    with opened_warehouse(postgres_server, database_url, dbt, tmp_path_factory.mktemp("recordings")) as warehouse:
        warehouse.announce(EVENTS[0], starts_at=BEGAN_AT + timedelta(days=5))
        warehouse.record(market)
        warehouse.build()
    return database_url


@pytest.fixture
def copies(
    postgres_server: PostgresServer, built_database_url: str, dbt: Dbt, tmp_path: Path
) -> Callable[[], AbstractContextManager[Warehouse]]:
    """Warehouses with all of it in their marts, one after another."""

    @contextmanager
    def copy() -> Iterator[Warehouse]:
        with (
            copied_database(postgres_server, built_database_url) as url,
            opened_warehouse(postgres_server, url, dbt, tmp_path) as warehouse,
        ):
            yield warehouse

    return copy


@pytest.fixture
def built(copies: Callable[[], AbstractContextManager[Warehouse]]) -> Iterator[Warehouse]:
    """One of them, for one test alone."""
    with copies() as warehouse:
        yield warehouse


def drop_days(warehouse: Warehouse, first_kept: date = FIRST_KEPT) -> None:
    """As if it were two days later than the first day to be kept."""
    with Database(warehouse.database_url) as database:
        now = datetime.combine(first_kept, datetime.min.time(), UTC) + timedelta(days=2)
        days = drop_old_days(database, now, 2, is_dry_run=False)
    assert days
    assert [day.kept_because for day in days] == [None] * len(days)
    assert warehouse.value("select coalesce(min(captured_at) >= %s, true) from raw.snapshots", [first_kept])


def contents(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, by table."""
    rows = {table: warehouse.rows(f"select * from {table} order by 1, 2, 3") for table in TABLES}
    return {table: [tuple(row.items()) for row in found] for table, found in rows.items()}


def build_all_there_is(warehouse: Warehouse) -> None:
    """As somebody would who mistrusts the marts: everything is stale, and then everything is refreshed."""
    warehouse.execute("select raw.mark_stale('-infinity', 'infinity')")
    warehouse.build()
    warehouse.build("--full-refresh")
    assert warehouse.stale_hours() == 0


def test_whatever_is_built_afterwards_the_marts_stay(built: Warehouse) -> None:
    before = contents(built)
    drop_days(built)
    build_all_there_is(built)
    assert contents(built) == before
    drop_days(built, FIRST_KEPT + timedelta(days=1))
    build_all_there_is(built)
    assert contents(built) == before
    with connect(built.database_url) as connection:
        hours = compare_hours(connection, seed=1, draws=1000)
    assert hours
    assert [hour for hour in hours if hour.differences] == []


def test_nothing_is_left_and_the_marts_stay(built: Warehouse) -> None:
    before = contents(built)
    drop_days(built, date(2026, 4, 10))
    assert built.value("select count(*) from raw.snapshots") == 0
    build_all_there_is(built)
    assert contents(built) == before


def test_what_comes_in_later_is_rolled_up_as_if_nothing_had_been_dropped(
    copies: Callable[[], AbstractContextManager[Warehouse]], market: list[Line]
) -> None:
    said = {}
    for is_dropped in (False, True):
        with copies() as warehouse:
            if is_dropped:
                drop_days(warehouse)
                assert warehouse.value("select max(whole_from_at) from raw.dropped_captures") < newest(
                    market, EVENTS[0]
                )
            go_on(warehouse, market)
            said[is_dropped] = contents(warehouse)
    assert said[True] == said[False]


def go_on(warehouse: Warehouse, market: list[Line]) -> None:
    """New captures, one that is late, and a start that has moved; all of it in days that raw tells in full."""
    before = contents(warehouse)
    warehouse.announce(EVENTS[0], starts_at=newest(market, EVENTS[0]) - timedelta(hours=3))
    later = [
        {**each, "captured_at": (newest(market, each["event_id"]) + timedelta(hours=n, seconds=1)).isoformat()}
        for n, each in enumerate(each for each in market[:12] if each["event_id"] in EVENTS)
    ]
    late = line(EVENTS[1], newest(market, EVENTS[1]) - timedelta(minutes=7), [ticket("VB5", "11.00")])
    warehouse.record(sorted((*later, late), key=lambda each: each["captured_at"]))
    warehouse.build()
    assert all(contents(warehouse)[f"marts.{mart}"] != before[f"marts.{mart}"] for mart in MARTS[:6])


def newest(market: list[Line], event_id: int) -> datetime:
    """When an event was last captured."""
    return max(datetime.fromisoformat(each["captured_at"]) for each in market if each["event_id"] == event_id)


def test_older_captures_that_come_into_a_dropped_day_change_no_mart(built: Warehouse) -> None:
    drop_days(built)
    before = contents(built)
    built.record([line(EVENTS[0], BEGAN_AT + timedelta(minutes=1, days=n), [ticket("VB1", "1.00")]) for n in range(3)])
    assert built.stale_hours() > 0
    built.build()
    assert built.stale_hours() == 0
    assert contents(built) == before
    drop_days(built)
    build_all_there_is(built)
    assert contents(built) == before
