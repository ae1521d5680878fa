"""A week of captures of events that come and go, and raw as plain values.

What belongs here: writing and reading. What does not: what must be true after days have been dropped.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from ingestion.codec.writer import SnapshotWriter
from tests.integration.codec.markets import PlainCapture, PlainListing, capture, plain_listing

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
STEADY, BACK_AGAIN, GONE, NEW = 1, 2, 3, 4
"""Captured every day; on the oldest day and the last but two; on the oldest two days; on the last but two and after."""
_DAYS_AGO = {STEADY: range(6, -1, -1), BACK_AGAIN: (6, 2), GONE: (6, 5), NEW: (2, 1, 0)}
_HOURS = (0, 7, 13, 23)

TABLES = (
    *("snapshots", "keyframes", "heads", "loads", "placements", "terms", "stale_hours", "dropped_captures"),
    *("known_bodies", "scrape_failures", "quarantine", "schema_drift"),
)


def days_ago(days: int) -> date:
    """A UTC day."""
    return (TODAY - timedelta(days=days)).date()


def week(events: Iterable[int] = tuple(_DAYS_AGO), *, seed: int = 1) -> list[PlainCapture]:
    """Captures of a week, in order of time: listings come, go, move, and half of them have gone overnight."""
    chance = random.Random(seed)
    return sorted(
        (each for event_id in events for each in _captures(event_id, chance)), key=lambda each: each.captured_at
    )


def _captures(event_id: int, chance: random.Random) -> Iterable[PlainCapture]:
    held = {number: _listing(number, chance) for number in range(20)}
    for days in _DAYS_AGO[event_id]:
        for hour in _HOURS:
            for number in chance.sample(range(60), 12):
                if number in held and chance.random() < 0.5:
                    del held[number]
                else:
                    held[number] = _listing(number, chance)
            at = TODAY - timedelta(days=days) + timedelta(hours=hour, minutes=event_id)
            yield PlainCapture(event_id, at, tuple(held.values()))


def _listing(number: int, chance: random.Random) -> PlainListing:
    price = chance.randrange(1, 9) * 100
    section = chance.choice("ABC")
    return PlainListing(f"VB{number}", section, "1", "9", "99", None, None, (1, 2), "Mail", "", None, 2, price, None)


def write(connection: psycopg.Connection[Any], captured: Iterable[PlainCapture]) -> None:
    """As ingestion does, in one batch."""
    SnapshotWriter(connection).write([capture(each) for each in captured])


def roll_up(connection: psycopg.Connection[Any]) -> None:
    """What a build leaves of the ledger."""
    connection.execute("delete from raw.stale_hours")


def contents(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """All that is in raw, and which days have partitions."""
    found = {
        table: connection.execute(f"select t::text from raw.{table} as t order by 1".encode()).fetchall()
        for table in TABLES
    }
    return {**found, "days": list(days_stored(connection))}


def days_stored(connection: psycopg.Connection[Any]) -> list[str]:
    """The partitions of raw."""
    rows = connection.execute(
        r"""
        select relname from pg_class
        where relnamespace = 'raw'::regnamespace and relname ~ '_\d{8}$' and relkind = 'r'
        """
    )
    return sorted(name for (name,) in rows)


def read_back(connection: psycopg.Connection[Any], captured: Sequence[PlainCapture]) -> list[PlainCapture]:
    """The same captures as the database gives them, their listings in the same order."""
    found = []
    for each in captured:
        rows = connection.execute("select * from raw.listings_at(%s, %s)", (each.event_id, each.captured_at)).fetchall()
        if {row[0] for row in rows} == {each.captured_at}:
            order = {listing.source_listing_id: n for n, listing in enumerate(each.listings)}
            listings = [plain_listing(row[1:]) for row in rows]
            listings.sort(key=lambda listing: order.get(listing.source_listing_id, -1))
            found.append(PlainCapture(each.event_id, each.captured_at, tuple(listings)))
    return found
