"""A served database as it is after months: 1,000 events, 120 days of hourly rows, 2.9 million of them.

What belongs here: filling a migrated database. What does not: asking it (``endpoints``, ``query_plans``).

Twenty events are real: two days of captures written by the codec, marts built by dbt. The others are copies of them in
SQL, of captures and marts alike, and so are the days before, at other prices; building them all would take hours. Rows
lie in the tables in the order in which they would have come: hour by hour, all events of an hour together, so that the
rows of one event are as far apart as they really are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.market import CAPTURES_A_DAY, INTERVAL, LISTINGS, rounds
from benchmarks.report import console
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from ingestion.settings import load_settings
from orchestration.building import build_marts

REAL_EVENTS = 20
CAPTURED_DAYS = 2
_ZONES = 5
_VENUES = 100
_PERFORMERS = 200


@dataclass(frozen=True)
class Size:
    """How many events there are, and how many days each kind of mart reaches back."""

    events: int = 1000
    days: int = 120
    zone_days: int = 14
    section_days: int = 30

    def __str__(self) -> str:
        """As tables of figures say it."""
        return (
            f"{self.events:,} events: {self.events * self.days * 24 / 1e6:.1f} million hourly rows ({self.days} days), "
            f"zones of {self.zone_days} days, sections of {self.section_days}, captures of {CAPTURED_DAYS} days every "
            f"{INTERVAL.seconds // 60} minutes with {LISTINGS} listings each"
        )


def fill(database_url: str, size: Size) -> None:
    """Fill a migrated database that has nothing in it."""
    console.print(f"making {size}")
    now = datetime.now(UTC)
    with connect(database_url) as connection:
        _announce(connection, size.events, now)
        writer = SnapshotWriter(connection)
        for captures in rounds(REAL_EVENTS, CAPTURED_DAYS * CAPTURES_A_DAY, now - timedelta(days=CAPTURED_DAYS)):
            writer.write(captures)
        build_marts(load_settings(with_running_stack=False, database_url=database_url))
        _copy_raw(connection, size.events)
        _copy_marts(connection, size, now)
        connection.execute("vacuum (freeze, analyze)")


def _announce(connection: psycopg.Connection[Any], event_count: int, now: datetime) -> None:
    values = {"events": event_count, "now": now, "venues": _VENUES, "performers": _PERFORMERS, "zones": _ZONES}
    connection.execute(
        """
        insert into raw.tracked_events (event_id, interval_seconds, added_at)
        select e, 600, %(now)s - interval '120 days' from generate_series(1, %(events)s) as e
        """,
        values,
    )
    connection.execute(
        """
        insert into raw.productions (event_id, observed_at, starts_at, content_hash, document)
        select
            e, %(now)s - interval '120 days', %(now)s + e * interval '2 hours', e,
            jsonb_build_object(
                'id', e, 'name', 'Performer ' || e %% %(performers)s || ' at Venue ' || e %% %(venues)s,
                'categoryId', 2 + e %% 3, 'hidden', false,
                'venue', jsonb_build_object(
                    'id', e %% %(venues)s, 'name', 'Venue ' || e %% %(venues)s, 'city', 'City ' || e %% 25,
                    'state', 'S' || e %% 10, 'countryCode', 'US', 'timezone', 'America/New_York', 'capacity', 20000
                ),
                'performers', jsonb_build_array(
                    jsonb_build_object(
                        'id', e %% %(performers)s, 'name', 'Performer ' || e %% %(performers)s, 'master', true,
                        'category', jsonb_build_object('id', 2 + e %% 3, 'name', 'Category ' || e %% 3)
                    )
                )
            )
        from generate_series(1, %(events)s) as e
        """,
        values,
    )
    connection.execute(
        """
        insert into raw.seating (event_id, observed_at, content_hash, document)
        select
            e, %(now)s - interval '120 days', e,
            jsonb_build_object(
                'zones', (select jsonb_agg(jsonb_build_object('id', z::text, 'name', 'Zone ' || z))
                          from generate_series(0, %(zones)s - 1) as z),
                'sections', (select jsonb_agg(jsonb_build_object('id', n::text, 'name', 'Section ' || n))
                             from generate_series(0, 12 * %(zones)s - 1) as n)
            )
        from generate_series(1, %(events)s) as e
        """,
        values,
    )


def _copy_raw(connection: psycopg.Connection[Any], event_count: int) -> None:
    for table, instant in (
        ("snapshots", "captured_at"),
        ("keyframes", "captured_at"),
        ("loads", "load_number"),
        ("heads", "captured_at"),
    ):
        columns = [name for name, _ in _columns(connection, "raw", table)]
        left_out = {"event_id", "load_number"}  # a load takes the next number
        copied = [name for name in columns if name not in left_out]
        connection.execute(
            sql.SQL("""
                insert into raw.{table} (event_id, {columns})
                select e, {columns}
                from raw.{table} inner join {others} on event_id = original
                order by raw.{table}.{instant}, e
            """).format(
                table=sql.Identifier(table),
                columns=sql.SQL(", ").join(map(sql.Identifier, copied)),
                instant=sql.Identifier(instant),
                others=_copies(REAL_EVENTS + 1, event_count),
            )
        )


def _copy_marts(connection: psycopg.Connection[Any], size: Size, now: datetime) -> None:
    hour, day = now.replace(minute=0, second=0, microsecond=0), now.date()
    for days_ago in reversed(range(size.days)):
        for mart, window, newest, reach in (
            ("event_hourly", "hour", hour, size.days),
            ("zone_hourly", "hour", hour, size.zone_days),
            ("event_daily", "day", day, size.days),
            ("section_daily", "day", day, size.section_days),
        ):
            if days_ago < reach:
                _copy_mart(connection, size.events, mart, window, newest, days_ago)
    for mart in ("event_latest", "listing_lifecycle"):
        _copy_mart(connection, size.events, mart, None, None, 0)


def _copy_mart(
    connection: psycopg.Connection[Any],
    event_count: int,
    mart: str,
    window: str | None,
    newest: Any,
    days_ago: int,
) -> None:
    """The rows of the real events' newest whole day, as they were so many days ago; today also the open window."""
    columns = _columns(connection, "marts", mart)
    which = sql.SQL("true")
    if window is not None:
        which = sql.SQL("original_rows.{window} >= {oldest} and ({is_today} or original_rows.{window} < {newest})").format(
            window=sql.Identifier(window),
            oldest=sql.Literal(newest - timedelta(days=1)),
            newest=sql.Literal(newest),
            is_today=sql.Literal(days_ago == 0),
        )
    connection.execute(
        sql.SQL("""
            with original_rows as materialized (
                select * from marts.{mart} as original_rows
                where event_id <= {real_events} and {which}
            )
            insert into marts.{mart} ({names})
            select {values}
            from original_rows inner join {others} on original_rows.event_id = original
            order by {order}
            on conflict do nothing
        """).format(
            mart=sql.Identifier(mart),
            which=which,
            real_events=sql.Literal(REAL_EVENTS),
            names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
            values=sql.SQL(", ").join(_value(name, data_type, days_ago) for name, data_type in columns),
            others=_copies(1, event_count),
            order=sql.SQL("{}, e").format(sql.Identifier(window)) if window else sql.SQL("e"),
        )
    )


def _value(name: str, data_type: str, days_ago: int) -> sql.Composed:
    """A column of a copy: instants are shifted, dollars are others for every event and day, counts are the same."""
    if name == "event_id":
        return sql.SQL("e as event_id").format()
    column = sql.SQL("original_rows.{}").format(sql.Identifier(name))
    if data_type == "timestamp with time zone":
        return sql.SQL("{column} - {days} * interval '24 hours' as {name}").format(
            column=column, days=sql.Literal(days_ago), name=sql.Identifier(name)
        )
    if data_type == "date":
        return sql.SQL("{column} - {days} as {name}").format(
            column=column, days=sql.Literal(days_ago), name=sql.Identifier(name)
        )
    if data_type == "numeric" and not name.endswith("_avg"):
        return sql.SQL("round({column} * (1 + (e * 7919 + {days} * 104729) % 60 / 100.0), 2)").format(
            column=column, days=sql.Literal(days_ago)
        )
    return column


def _copies(first: int, last: int) -> sql.Composed:
    """Events, each with the real one that it is a copy of."""
    return sql.SQL(
        "(select n as e, 1 + (n - 1) % {real} as original from generate_series({first}, {last}) as n) as copies"
    ).format(real=sql.Literal(REAL_EVENTS), first=sql.Literal(first), last=sql.Literal(last))


def _columns(connection: psycopg.Connection[Any], schema: str, table: str) -> list[tuple[str, str]]:
    return connection.execute(
        """
        select column_name, data_type from information_schema.columns
        where table_schema = %s and table_name = %s order by ordinal_position
        """,
        (schema, table),
    ).fetchall()
