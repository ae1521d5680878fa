"""Which events are scraped, and what the marketplace says of the events themselves.

What belongs here: ``raw.tracked_events`` and ``raw.productions``. What does not: their listings (``scraping``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ingestion.codec.content import content_hash
from ingestion.failures import CaptureError
from ingestion.marketplace import Marketplace, MarketplaceClosedError
from ingestion.wire_format.productions import ProductionDocument, parse_production, starts_at

PRODUCTION_RECHECK_AFTER = timedelta(hours=1)
"""How long what the marketplace said of an event is taken as still true; dates of live events do move."""
SCRAPING_GRACE = timedelta(hours=6)
"""Leftovers stay on sale for hours after the start (seen: 7 listings 4.6 hours later); then an event is done."""


@dataclass(frozen=True)
class TrackedEvent:
    """A tracked event, with its name and start where the marketplace has told them."""

    event_id: int
    interval_seconds: int
    name: str | None
    starts_at: datetime | None
    newest_capture_at: datetime | None


@dataclass(frozen=True)
class ProductionsReport:
    """What a look at the productions found."""

    checked: int
    changed: int
    failed: dict[int, str]


def track(connection: psycopg.Connection[Any], event_ids: Sequence[int], interval_seconds: int) -> int:
    """Track events from now on; says how many were not tracked before."""
    given = sorted(set(event_ids))
    (already,) = connection.execute(
        """
        with saved as (
            insert into raw.tracked_events (event_id, interval_seconds)
            select unnest(%(event_ids)s::bigint[]), %(interval_seconds)s
            on conflict (event_id) do update
            set is_tracked = true, interval_seconds = excluded.interval_seconds
        )
        select count(*) from raw.tracked_events where is_tracked and event_id = any(%(event_ids)s)
        """,
        {"event_ids": given, "interval_seconds": interval_seconds},
    ).fetchone() or (0,)
    return len(given) - int(already)


def untrack(connection: psycopg.Connection[Any], event_ids: Sequence[int]) -> int:
    """Stop tracking events, keeping all that was captured; says how many were tracked."""
    cursor = connection.execute(
        "update raw.tracked_events set is_tracked = false where event_id = any(%s) and is_tracked", (list(event_ids),)
    )
    return cursor.rowcount


def list_tracked(connection: psycopg.Connection[Any]) -> list[TrackedEvent]:
    """All tracked events, those that start first at the top."""
    with connection.cursor(row_factory=class_row(TrackedEvent)) as cursor:
        return cursor.execute(
            """
            select t.event_id, t.interval_seconds, p.name, p.starts_at, h.captured_at as newest_capture_at
            from raw.tracked_events as t
            left join lateral (
                select p.starts_at, p.document ->> 'name' as name from raw.productions as p
                where p.event_id = t.event_id order by p.observed_at desc limit 1
            ) as p on true
            left join raw.heads as h on t.event_id = h.event_id
            where t.is_tracked
            order by p.starts_at nulls last, t.event_id
            """
        ).fetchall()


def events_to_scrape(connection: psycopg.Connection[Any], now: datetime) -> dict[int, int]:
    """The interval in seconds of each tracked event that is not over; an unknown start has not happened."""
    return {
        event.event_id: event.interval_seconds
        for event in list_tracked(connection)
        if event.starts_at is None or event.starts_at > now - SCRAPING_GRACE
    }


async def refresh_productions(connection: psycopg.Connection[Any], marketplace: Marketplace) -> ProductionsReport:
    """Ask about the tracked events that have not been asked about lately, and keep what changed.

    An event that cannot be had is reported, and what is known of it stays. It is asked about again next time if that
    may go better, else in an hour. While the marketplace turns us away, nothing is asked.
    """
    due = connection.execute(
        """
        select event_id from raw.tracked_events
        where is_tracked and (production_checked_at is null or production_checked_at < %s)
        order by event_id
        """,
        (datetime.now(UTC) - PRODUCTION_RECHECK_AFTER,),
    ).fetchall()
    checked, changed, failed = 0, 0, {}
    for (event_id,) in due:
        try:
            body = await marketplace.fetch_production(event_id)
            changed += save_production(connection, event_id, parse_production(event_id, body), datetime.now(UTC))
        except MarketplaceClosedError:
            break
        except CaptureError as error:
            failed[event_id] = f"{error.kind}: {error}"
            if not error.kind.is_transient:
                _note_check(connection, event_id, datetime.now(UTC))
        checked += 1
    return ProductionsReport(checked, changed, failed)


def save_production(
    connection: psycopg.Connection[Any], event_id: int, document: ProductionDocument, observed_at: datetime
) -> bool:
    """Keep a version of a production if it differs from the newest; says whether it does.

    Where the start has moved, the next build sees it and rebuilds the hours whose sales estimates that changes.
    """
    digest = content_hash(document)
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('raw.productions'), %s)", (event_id % 2**31,))
        newest = connection.execute(
            "select content_hash from raw.productions where event_id = %s order by observed_at desc limit 1",
            (event_id,),
        ).fetchone()
        _note_check(connection, event_id, observed_at)
        if newest == (digest,):
            return False
        connection.execute(
            """
            insert into raw.productions (event_id, observed_at, starts_at, content_hash, document)
            values (%s, %s, %s, %s, %s)
            """,
            (event_id, observed_at, starts_at(document), digest, Jsonb(document)),
        )
    return True


def _note_check(connection: psycopg.Connection[Any], event_id: int, checked_at: datetime) -> None:
    connection.execute(
        "update raw.tracked_events set production_checked_at = %s where event_id = %s", (checked_at, event_id)
    )
