"""Failed attempts and quarantined items that are past their age.

What belongs here: which rows go, a few events at a time, so that no round waits for it. What does not:
``raw.schema_drift``, whose few rows are for whoever mends the parser.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg

from ingestion.database import Database

_EVENTS_A_BATCH = 20
"""Half a million rows at most: an event of which every try has failed for a quarter of a year."""

# A body in quarantine is read again with the status of its attempt, and a held one is not believed without it.
_OLD_FAILURES = """
    f.attempted_at < %(before)s
    and not exists (
        select from raw.quarantine as q
        where q.event_id = f.event_id and q.captured_at = f.attempted_at and q.item = 'body'
    )
"""
# What was captured before the newest capture that was dropped has nothing to join any more, or would be dropped again.
_OLD_ITEMS = """
    (
        q.quarantined_at < %(before)s
        or exists (
            select from raw.dropped_captures as d
            where d.event_id = q.event_id and d.dropped_until_at >= q.captured_at
        )
    )
"""


def delete_old_failures(database: Database, now: datetime, days_kept: int, *, is_dry_run: bool) -> int:
    """Delete attempts older than ``days_kept``, but for those whose bodies are in quarantine; says how many."""
    return _delete(
        database, "raw.scrape_failures as f", _OLD_FAILURES, now - timedelta(days=days_kept), is_dry_run=is_dry_run
    )


def delete_old_items(database: Database, now: datetime, days_kept: int, *, is_dry_run: bool) -> int:
    """Delete what has been in quarantine for longer than ``days_kept``, or is of a day that was dropped."""
    return _delete(database, "raw.quarantine as q", _OLD_ITEMS, now - timedelta(days=days_kept), is_dry_run=is_dry_run)


def _delete(database: Database, table: str, is_old: str, before: datetime, *, is_dry_run: bool) -> int:
    parameters: dict[str, Any] = {"before": before}

    def count(connection: psycopg.Connection[Any]) -> list[tuple[int, int]]:
        statement = f"select event_id, count(*) from {table} where {is_old} group by event_id order by event_id"  # noqa: S608
        return connection.execute(statement.encode(), parameters).fetchall()

    def delete(connection: psycopg.Connection[Any], events: list[int]) -> int:
        statement = f"delete from {table} where event_id = any(%(events)s) and {is_old}"  # noqa: S608
        return connection.execute(statement.encode(), {**parameters, "events": events}).rowcount

    counted = database.run(count)
    if is_dry_run:
        return sum(rows for _, rows in counted)
    event_ids = [event_id for event_id, _ in counted]
    batches = (event_ids[start : start + _EVENTS_A_BATCH] for start in range(0, len(event_ids), _EVENTS_A_BATCH))
    return sum(database.run(partial(delete, events=events)) for events in batches)
