"""Has an event lost everything that was on sale, long before it begins?

What belongs here: empty books that surprise. What does not: sudden drops to a fraction, which are held before they are
stored (``holding``); an empty book of an event that sold out slowly.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from ingestion.health.result import PROBLEMS_NAMED, CheckResult
from ingestion.health.watching import WATCHED

NAME = "zero_inventory"
SMALLEST_BOOK = 10
"""Of listings within the day before: fewer may really be sold or withdrawn in a day."""

_EMPTY = f"""
    with {WATCHED}
    select
        w.event_id,
        w.event_name,
        to_char(w.captured_at, 'YYYY-MM-DD HH24:MI') as captured,
        b.listings
    from watched as w
    cross join lateral (
        select max(s.listing_count) as listings
        from raw.snapshots as s
        where s.event_id = w.event_id and s.captured_at > w.captured_at - interval '1 day'
            and s.captured_at <= w.captured_at
    ) as b
    where w.listing_count = 0 and w.captured_at is not null and b.listings >= {SMALLEST_BOOK}
    order by b.listings desc, w.event_id
"""  # noqa: S608  # a constant of ours


def check_zero_inventory(connection: psycopg.Connection[Any]) -> CheckResult:
    """Events whose newest book is empty and had ``SMALLEST_BOOK`` listings or more within the day before."""
    with connection.cursor(row_factory=dict_row) as cursor:
        empty = cursor.execute(_EMPTY.encode()).fetchall()
    return CheckResult(
        NAME,
        is_ok=not empty,
        summary=f"{len(empty)} events have lost all their listings within a day",
        problems=tuple(
            f"event {event['event_id']} ({event['event_name']}): no listing at {event['captured']} UTC, "
            f"{event['listings']} within the day before"
            for event in empty[:PROBLEMS_NAMED]
        ),
        what_to_do="Look at the event on the marketplace: cancelled or postponed, it will tell (`ticketmarts track "
        "list`); on sale there, the format of the answer has changed (raw.schema_drift, `ticketmarts quarantine list`)."
        if empty
        else "",
        figures={"events_emptied": len(empty)},
    )
