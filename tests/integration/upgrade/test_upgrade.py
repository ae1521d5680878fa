"""A populated database of the release before, migrated and built by this one: nothing is lost, nothing is different."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ingestion.settings import PROJECT_FOLDER
from ingestion.tracking import track
from stack.keys import Keys
from stack.migrations import apply_migrations
from stack.postgres_cluster import PostgresServer
from tests.conftest import migrated_database, running_api
from tests.integration.marts.conftest import opened_warehouse
from tests.integration.marts.test_runs import MARTS
from tests.integration.marts.warehouse import DATABASE, INTERVAL_SECONDS, Dbt
from tests.integration.resilience.books import Book, Instant, stored_books
from tests.integration.resilience.comparison import differences
from tests.integration.upgrade.conftest import (
    EVENTS,
    LAST_MIGRATION,
    broken_in_raw,
    database_of_the_release_before,
    recording,
)

VIEWS_OF_WINDOWS = {
    "aggregated_analytics": "event_id, hour",
    "daily_analytics": "event_id, day",
    "zone_analytics": "event_id, zone_id, hour",
    "section_analytics": "event_id, section_id, day",
}
"""Views that both releases serve of what does not depend on today, and what tells their rows apart."""
REQUESTS = (
    *(f"{view}?order={order.replace(', ', ',')}" for view, order in VIEWS_OF_WINDOWS.items()),
    "events?order=event_id",
    "performers?order=performer_id",
    "event_live?order=event_id",
    "rpc/price_history?event_id=21&from_at=2026-03-27T00:00:00Z&to_at=2026-03-30T00:00:00Z",
    "rpc/listings_at?event_id=22&at=2026-03-28T12:00:00Z",
    "rpc/price_distribution?event_id=22",
    "rpc/market_changes?event_id=21&since=2026-03-27T00:00:00Z",
    "rpc/search_events?q=Event",
)


@dataclass(frozen=True)
class Upgraded:
    """The database after the upgrade, and what the release before had said."""

    url: str
    applied: list[str]
    answers: dict[str, Any]
    """Of the API, by request."""
    rows_before: dict[str, int]
    """By table of raw."""
    rows_migrated: dict[str, int]
    books_before: dict[Instant, Book]
    windows_before: dict[str, list[dict[str, Any]]]
    waiting: dict[str, set[tuple[int, Any]]]
    """By view, the events and windows that it had not rolled up in full yet."""


@dataclass(frozen=True)
class Fresh:
    """A database to compare with, and what the API on it answers."""

    url: str
    answers: dict[str, Any]


@pytest.fixture(scope="module")
def upgraded(
    postgres_server: PostgresServer, api_keys: Keys, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    """Migrated and built by this release, as an upgrade of the stack does it."""
    with database_of_the_release_before(postgres_server, "upgraded") as url:
        windows_before = _windows(url)
        hours = {(row["event_id"], row["hour_at"]) for row in _rows(url, "select * from raw.stale_hours")}
        days = {(event_id, hour_at.date()) for event_id, hour_at in hours}
        waiting = {view: hours if order.endswith("hour") else days for view, order in VIEWS_OF_WINDOWS.items()}
        rows_before, books_before = _raw_rows(url), stored_books(url)
        applied = apply_migrations(url)
        rows_migrated = _raw_rows(url)
        with opened_warehouse(postgres_server, url, dbt, tmp_path_factory.mktemp("upgraded")) as warehouse:
            warehouse.build()
            assert warehouse.stale_hours() == 0
            answers = _answers(postgres_server, api_keys)
        yield Upgraded(url, applied, answers, rows_before, rows_migrated, books_before, windows_before, waiting)


@pytest.fixture(scope="module")
def fresh(
    postgres_server: PostgresServer,
    dbt: Dbt,
    upgraded: Upgraded,
    api_keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fresh]:
    """A database that has never known another release, with the same captures."""
    seen_at = datetime(2026, 3, 27, 22, 0, tzinfo=UTC)
    performer = {"id": 7, "name": "Sharks", "category": {"id": 3, "name": "Sports"}, "master": True}
    venue = {"id": 93, "name": "Arthur Ashe Stadium", "timezone": "America/New_York"}
    with migrated_database(postgres_server) as url:
        with opened_warehouse(postgres_server, url, dbt, tmp_path_factory.mktemp("fresh")) as warehouse:
            starts_at = datetime(2026, 3, 28, 6, 0, tzinfo=UTC)
            warehouse.announce(21, starts_at=starts_at, seen_at=seen_at, performers=[performer])
            warehouse.announce(22, starts_at=starts_at.replace(year=2027), seen_at=seen_at, venue=venue)
            with psycopg.connect(warehouse.database_url, autocommit=True) as connection:
                track(connection, list(EVENTS), interval_seconds=INTERVAL_SECONDS)
                for row in _rows(upgraded.url, "select event_id, added_at from raw.tracked_events"):
                    connection.execute(
                        "update raw.tracked_events set added_at = %(added_at)s where event_id = %(event_id)s", row
                    )
            warehouse.record(recording())
            warehouse.build()
            answers = _answers(postgres_server, api_keys)
        yield Fresh(url, answers)


def _answers(server: PostgresServer, keys: Keys) -> dict[str, Any]:
    """While the database has the name with which dbt has made its functions."""
    with running_api(server, DATABASE, keys) as api, api.client(keys.service_key) as client:
        answers = {request: client.get(request).raise_for_status().json() for request in REQUESTS}
    for row in (row for rows in answers.values() for row in rows):
        # The order in which captures came in, which differs: two imports there, one here.
        row.pop("load_number", None)
        row.pop("cursor", None)
    return answers


def _rows(url: str, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row, options="-c timezone=UTC") as connection:
        return connection.execute(query.encode()).fetchall()


def _raw_rows(url: str) -> dict[str, int]:
    tables = _rows(
        url,
        "select relname from pg_class where relnamespace = 'raw'::regnamespace and relkind in ('r', 'p')"
        " and not relispartition",
    )
    names = [row["relname"] for row in tables]
    return {name: _rows(url, f"select count(*) from raw.{name}")[0]["count"] for name in names}


def _windows(url: str) -> dict[str, list[dict[str, Any]]]:
    return {
        view: _rows(url, f"select * from public.{view} order by {order}") for view, order in VIEWS_OF_WINDOWS.items()
    }


def test_all_migrations_since_then_are_applied(upgraded: Upgraded) -> None:
    files = sorted(path.name for path in (PROJECT_FOLDER / "supabase" / "migrations").glob("*.sql"))
    assert upgraded.applied == files[files.index(LAST_MIGRATION) + 1 :] != []


def test_no_row_of_raw_is_lost(upgraded: Upgraded) -> None:
    assert {table: upgraded.rows_migrated[table] for table in upgraded.rows_before} == upgraded.rows_before
    # Of everything that there was, there is something.
    assert {table for table, rows in upgraded.rows_before.items() if rows == 0} == set()


def test_every_capture_reads_back_as_before(upgraded: Upgraded, fresh: Fresh) -> None:
    assert differences(stored_books(upgraded.url), upgraded.books_before) == []
    assert differences(stored_books(fresh.url), upgraded.books_before) == []
    assert len(upgraded.books_before) == len(recording())
    assert broken_in_raw(upgraded.url) == []


def test_what_was_served_of_closed_windows_is_served_still(upgraded: Upgraded) -> None:
    after = _windows(upgraded.url)
    for view, rows in upgraded.windows_before.items():
        key = VIEWS_OF_WINDOWS[view].split(", ")
        by_key = {tuple(row[column] for column in key): row for row in after[view]}
        columns = set(rows[0])
        assert columns <= set(after[view][0]), view
        unchanged = [row for row in rows if (row["event_id"], _window(row)) not in upgraded.waiting[view]]
        assert unchanged
        for row in unchanged:
            found = by_key[tuple(row[column] for column in key)]
            assert row == {column: found[column] for column in columns}, view


def _window(row: dict[str, Any]) -> Any:
    return row["hour"] if "hour" in row else row["day"]


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_is_that_of_a_database_that_was_never_upgraded(upgraded: Upgraded, fresh: Fresh, mart: str) -> None:
    query = f"select to_jsonb(m)::text as row from marts.{mart} as m order by 1"
    rows = _rows(upgraded.url, query)
    assert rows == _rows(fresh.url, query)
    assert rows


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_api_answers_as_on_a_database_that_was_never_upgraded(
    upgraded: Upgraded, fresh: Fresh, request_: str
) -> None:
    assert upgraded.answers[request_] == fresh.answers[request_]
    assert upgraded.answers[request_]
