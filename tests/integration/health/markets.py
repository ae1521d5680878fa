"""Small markets around the present instant, written by the real codec.

What belongs here: putting captures, failures and facts about events into a database. What does not: assertions.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ingestion.codec.writer import SnapshotWriter
from ingestion.tracking import track
from tests.integration.codec.markets import PlainCapture, PlainListing, capture

INTERVAL_SECONDS = 600


def minutes_ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def book(count: int, price_cents: int = 5000) -> list[PlainListing]:
    """``count`` listings, of which the dearest costs a few dollars more than the cheapest."""
    return [
        PlainListing(f"VB{n}", f"S{n % 3}", "1", "9", "99", None, None, (1, 2), "Mail", "", None, 2, price_cents + n, 1)
        for n in range(count)
    ]


def watch(connection: psycopg.Connection[Any], event_ids: Iterable[int], *, since_minutes: float = 3000) -> None:
    """Track events since a while ago."""
    ids = list(event_ids)
    track(connection, ids, INTERVAL_SECONDS)
    connection.execute(
        "update raw.tracked_events set added_at = %s where event_id = any(%s)", (minutes_ago(since_minutes), ids)
    )


def describe(
    connection: psycopg.Connection[Any], event_id: int, *, starts_in_hours: float, state: str = "on_sale"
) -> None:
    """What the marketplace says of an event."""
    connection.execute(
        """
        insert into raw.productions (event_id, observed_at, starts_at, state, content_hash, document)
        values (%s, now() - interval '1 day', now() + %s * interval '1 hour', %s, 1, '{"name": "The Game"}')
        """,
        (event_id, starts_in_hours, state),
    )


def write(
    connection: psycopg.Connection[Any], event_id: int, ages_minutes: Iterable[float], listings: list[PlainListing]
) -> None:
    """Captures of one book at several ages."""
    captured = [PlainCapture(event_id, minutes_ago(age), tuple(listings)) for age in ages_minutes]
    SnapshotWriter(connection).write([capture(each) for each in captured])


def fail(
    connection: psycopg.Connection[Any], event_id: int, kind: str, *, count: int = 1, age_minutes: float = 5
) -> None:
    """Failed attempts of one kind, a millisecond apart."""
    connection.execute(
        """
        insert into raw.scrape_failures (event_id, attempted_at, kind, message)
        select %s, %s - n * interval '1 millisecond', %s, 'it was ' || %s from generate_series(1, %s) as n
        """,
        (event_id, minutes_ago(age_minutes), kind, kind, count),
    )
