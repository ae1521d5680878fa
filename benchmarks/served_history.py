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

from benchmarks.copied_rows import copy_rows
from benchmarks.market import CAPTURES_A_DAY, INTERVAL, LISTINGS, rounds
from benchmarks.report import console
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from ingestion.settings import load_settings
from orchestration.building import build_marts

_ZONES = 5
_VENUES = 100
_PERFORMERS = 200
_PRICES = ("price_p25", "price_median", "price_p75", "price_avg", "price_avg_trimmed", "price_max")
_WINDOW_PRICES = ("get_in_open", "get_in_high", "get_in_low", "get_in_close", *_PRICES)
_LATEST_PRICES = ("get_in", *_PRICES)
_DOLLARS = {
    **dict.fromkeys(
        ("event_hourly", "zone_hourly", "event_daily", "section_daily"),
        (*_WINDOW_PRICES, *(f"all_in_{price}" for price in _WINDOW_PRICES), "pair_get_in", "sold_value_est"),
    ),
    "event_latest": (*_LATEST_PRICES, *(f"all_in_{price}" for price in _LATEST_PRICES), "get_in_change_24h"),
    "listing_lifecycle": (),
}


@dataclass(frozen=True)
class Size:
    """How many events there are, how many of them real, and how many days each kind of table reaches back."""

    events: int = 1000
    real_events: int = 20
    captured_days: int = 2
    days: int = 120
    zone_days: int = 14
    section_days: int = 30

    def __str__(self) -> str:
        """As tables of figures say it."""
        return (
            f"{self.events:,} events, {self.events * self.days * 24 / 1e6:.1f} million hourly rows ({self.days} days), "
            f"zones of {self.zone_days} days, sections of {self.section_days}, captures of {self.captured_days} days "
            f"every {INTERVAL.seconds // 60} minutes with {LISTINGS} listings each"
        )


def fill(database_url: str, size: Size) -> None:
    """Fill a migrated database that has nothing in it."""
    console.print(f"making {size}")
    now = datetime.now(UTC)
    with connect(database_url) as connection:
        _announce(connection, size.events, now)
        writer = SnapshotWriter(connection)
        capture_count = size.captured_days * CAPTURES_A_DAY
        for captures in rounds(size.real_events, capture_count, now - capture_count * INTERVAL):
            writer.write(captures)
        build_marts(load_settings(with_running_stack=False, database_url=database_url))
        _copy_raw(connection, size)
        # Empty ones: how many there are is what a plan costs.
        first_day = now.date() - timedelta(days=size.days)
        connection.execute("select raw.ensure_partitions(%s, %s)", (first_day, now.date()))
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


def _copy_raw(connection: psycopg.Connection[Any], size: Size) -> None:
    for table, instant in (
        ("raw.snapshots", "captured_at"),
        ("raw.keyframes", "captured_at"),
        ("raw.loads", "load_number"),
        ("raw.heads", "captured_at"),
    ):
        copy_rows(
            connection,
            table,
            chosen=sql.SQL("o.event_id = copy.original"),
            once_for_each=_copies(size),
            instead={"event_id": "copy.event_id"},
            left_out=frozenset({"load_number"}),
            order=f"o.{instant}, copy.event_id",
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
                _copy_windows(connection, mart, window, newest, days_ago=days_ago, size=size)
    for mart in ("event_latest", "listing_lifecycle"):
        _copy_mart(connection, mart, sql.SQL("true"), "copy.event_id", days_ago=0, size=size)


def _copy_windows(
    connection: psycopg.Connection[Any], mart: str, window: str, newest: Any, *, days_ago: int, size: Size
) -> None:
    """The windows of the real events' newest whole day, as they were so many days ago; today also the open one."""
    which = sql.SQL("o.{window} >= {oldest} and ({is_today} or o.{window} < {newest})").format(
        window=sql.Identifier(window),
        oldest=sql.Literal(newest - timedelta(days=1)),
        newest=sql.Literal(newest),
        is_today=sql.Literal(days_ago == 0),
    )
    _copy_mart(connection, mart, which, f"o.{window}, copy.event_id", days_ago=days_ago, size=size)


def _copy_mart(
    connection: psycopg.Connection[Any],
    mart: str,
    which: sql.Composable,
    order: str,
    *,
    days_ago: int,
    size: Size,
) -> None:
    # Other prices for every event and day, or nothing would ever have moved.
    factor = f"(1 + (copy.event_id * 7919 + {days_ago} * 104729) % 60 / 100.0)"
    copy_rows(
        connection,
        f"marts.{mart}",
        chosen=sql.SQL("o.event_id = copy.original and {}").format(which),
        once_for_each=_copies(size, also_real=days_ago > 0),
        days_ago=days_ago,
        instead={"event_id": "copy.event_id", **{price: f"round(o.{price} * {factor}, 2)" for price in _DOLLARS[mart]}},
        order=order,
    )


def _copies(size: Size, *, also_real: bool = False) -> sql.Composed:
    """Events, each with the real one that it is a copy of."""
    return sql.SQL(
        "(select n as event_id, 1 + (n - 1) % {real} as original from generate_series({first}, {last}) as n) as copy"
    ).format(
        real=sql.Literal(size.real_events),
        first=sql.Literal(1 if also_real else size.real_events + 1),
        last=sql.Literal(size.events),
    )
