"""Whether an hour costs the build more when there are months of history: dbt's run of it at day 1, 30 and 120.

What belongs here: the same captures of the same hours, built over databases that differ in nothing but how many days
they reach back. What does not: Dagster and the scrape around it (``stack_times``).

The last two days are real, written by the codec and built by dbt: an hour is read with its day, and its first capture
against the day before. The days before these are copies of the first of them, in raw and in the marts, with listings of
their own, since building them would take hours; all statistics are fresh, as autovacuum would have them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.copied_rows import copy_rows
from benchmarks.market import CAPTURES_A_DAY, INTERVAL, LISTINGS, rounds
from benchmarks.report import Figure, console, show
from ingestion.codec.capture import Capture
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from ingestion.settings import load_settings
from orchestration.building import build_marts
from orchestration.dbt_project_files import BUILD_ARGUMENTS, dbt_environment, run_dbt
from stack.migrations import apply_migrations
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres

EVENTS = 50
DAYS = (1, 30, 120)
HOURS = 5
_NAME = "builds"
_AIM = "within 20 % of day 1"
_BASE = "base"
_CAPTURES_AN_HOUR = CAPTURES_A_DAY // 24
_REAL_CAPTURES = CAPTURES_A_DAY * 3 // 2
_SECONDS_UNTIL_COUNTED = 2  # what dbt's sessions did is told when they end

# What is copied, and by which of its columns a row belongs to a day.
_WINDOWS = (
    ("raw.keyframes", "captured_at"),
    ("raw.snapshots", "captured_at"),
    ("raw.loads", "captured_at"),
    ("marts.event_hourly", "hour"),
    ("marts.zone_hourly", "hour"),
    ("marts.event_daily", "day"),
    ("marts.section_daily", "day"),
)
_LISTINGS = (
    ("intermediate.int_listing_days", "day"),
    ("marts.listing_lifecycle", "gone_at"),
)


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    first_day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    console.print(f"{_NAME}: {EVENTS} events of {LISTINGS} listings, every {INTERVAL.seconds // 60} minutes")
    captures = rounds(EVENTS, _REAL_CAPTURES + HOURS * _CAPTURES_AN_HOUR, first_day)
    with throw_away_postgres(is_durable=True) as server:
        _make_base(server, [next(captures) for _ in range(_REAL_CAPTURES)], first_day)
        measured_rounds = list(captures)
        builds = {days: _builds(server, days, first_day, measured_rounds) for days in DAYS}
    return [show(_figure(days, measured, builds[DAYS[0]])) for days, measured in builds.items()]


@dataclass(frozen=True)
class _Build:
    """Its time, and the pages of 8 KB that PostgreSQL looked at for it: what does not depend on the neighbours."""

    seconds: float
    pages: int


def _figure(days: int, measured: Sequence[_Build], first: Sequence[_Build]) -> Figure:
    seconds, pages = _median_seconds(measured), _median_pages(measured)
    return Figure(
        _NAME,
        f"dbt's run of one hour of {EVENTS} events over {days} days of history, median of {len(measured)} hours",
        f"{seconds:.1f} s ({seconds / _median_seconds(first) - 1:+.0%}), "
        f"{pages:,.0f} pages read ({pages / _median_pages(first) - 1:+.0%})",
        _AIM if days != DAYS[0] else "",
    )


def _median_seconds(builds: Sequence[_Build]) -> float:
    return statistics.median(build.seconds for build in builds)


def _median_pages(builds: Sequence[_Build]) -> float:
    return statistics.median(build.pages for build in builds)


def _make_base(server: PostgresServer, captures: Sequence[Sequence[Capture]], first_day: datetime) -> None:
    """A day and a half, built."""
    with connect(server.url("postgres")) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(_BASE)))
    database_url = server.url(_BASE)
    apply_migrations(database_url)
    with connect(database_url) as connection:
        connection.execute(
            "insert into raw.tracked_events (event_id, interval_seconds) select generate_series(1, %s), %s",
            (EVENTS, INTERVAL.seconds),
        )
        connection.execute(
            """
            insert into raw.productions (event_id, observed_at, starts_at, content_hash, document)
            select e, %(day)s, %(day)s + interval '30 days', e, jsonb_build_object('id', e, 'name', 'Event ' || e)
            from generate_series(1, %(events)s) as e
            """,
            {"day": first_day, "events": EVENTS},
        )
        writer = SnapshotWriter(connection)
        for batch in captures:
            writer.write(batch)
    build_marts(load_settings(with_running_stack=False, database_url=database_url))


def _builds(
    server: PostgresServer, days: int, first_day: datetime, measured_rounds: Sequence[Sequence[Capture]]
) -> list[_Build]:
    """What each hour cost, but for the first: dbt parses anew for a database of another name."""
    with _copy_of_base(server, f"days_{days}") as database_url:
        settings = load_settings(with_running_stack=False, database_url=database_url)
        with connect(database_url) as connection:
            for days_ago in range(1, days):
                _copy_day(connection, first_day, days_ago)
            connection.execute("vacuum (analyze)")
            connection.execute("checkpoint")
            writer = SnapshotWriter(connection)
            measured = []
            for hour in range(HOURS):
                for batch in measured_rounds[hour * _CAPTURES_AN_HOUR :][:_CAPTURES_AN_HOUR]:
                    writer.write(batch)
                pages, started = _pages(connection), time.perf_counter()
                run_dbt([*BUILD_ARGUMENTS], dbt_environment(settings))
                seconds = time.perf_counter() - started
                time.sleep(_SECONDS_UNTIL_COUNTED)
                measured.append(_Build(seconds, _pages(connection) - pages))
        console.print(f"{_NAME}: {days} days: {', '.join(f'{build.seconds:.1f} s' for build in measured)}")
        return measured[1:]


def _pages(connection: psycopg.Connection[Any]) -> int:
    connection.execute("select pg_stat_clear_snapshot()")
    row = connection.execute(
        "select blks_hit + blks_read from pg_stat_database where datname = current_database()"
    ).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _copy_of_base(server: PostgresServer, name: str) -> Iterator[str]:
    database = sql.Identifier(name)
    with connect(server.url("postgres")) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(database, sql.Identifier(_BASE))
        )
        try:
            yield server.url(name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(database))


def _copy_day(connection: psycopg.Connection[Any], day: datetime, days_ago: int) -> None:
    """The first real day once more, so many days earlier; listings that were gone in it, under other ids."""
    earlier = day.date() - timedelta(days=days_ago)
    connection.execute("select raw.ensure_partitions(%s, %s)", (earlier, earlier))
    for table, window in _WINDOWS:
        copy_rows(
            connection,
            table,
            chosen=_within(window, day),
            days_ago=days_ago,
            left_out=frozenset({"load_number"}),
            order=f"o.{window}, o.event_id",
        )
    for table, window in _LISTINGS:
        copy_rows(
            connection,
            table,
            chosen=_within(window, day),
            days_ago=days_ago,
            instead={"source_listing_id": f"o.source_listing_id || '-{days_ago}'"},
            order="o.event_id, o.source_listing_id",
        )


def _within(window: str, day: datetime) -> sql.Composed:
    return sql.SQL("o.{window} >= {start} and o.{window} < {end}").format(
        window=sql.Identifier(window), start=sql.Literal(day), end=sql.Literal(day + timedelta(days=1))
    )
