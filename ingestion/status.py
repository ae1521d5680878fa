"""Is the data fresh, what is missing, and why: the answers that raw itself can give.

What belongs here: reading figures. What does not: showing them (``cli``), watching over them (``orchestration``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True)
class Status:
    """Figures of raw as of ``now_at``; the ``_last_hour`` ones count the 60 minutes before it.

    Events that have begun are counted nowhere, events that are gone only in ``events_gone``. ``rules_answered_at`` is
    when the rules of tracking.yaml were last run with every one answered in full.
    """

    now_at: datetime
    events_tracked: int
    events_overdue: int
    events_gone: int
    rules_answered_at: datetime | None
    newest_capture_at: datetime | None
    captures_last_hour: int
    failures_last_hour: dict[str, int]
    stale_hours: int
    oldest_stale_at: datetime | None
    raw_bytes: int


_STATUS = """
    with failures as (
        select f.kind, count(*) as attempts from raw.scrape_failures as f
        where f.attempted_at > now() - interval '1 hour' and not f.was_retried group by f.kind
    ),
    tracked as (
        select
            t.event_id,
            p.state is not distinct from 'gone' as is_gone,
            h.captured_at < now() - 2 * t.interval_seconds * interval '1 second' as is_overdue
        from raw.tracked_events as t
        left join raw.heads as h on t.event_id = h.event_id
        left join lateral (
            select p.starts_at, p.state from raw.productions as p
            where p.event_id = t.event_id order by p.observed_at desc limit 1
        ) as p on true
        where t.is_tracked and (p.starts_at is null or p.starts_at > now())
    )
    select
        now() as now_at,
        (select count(*) from tracked where not is_gone) as events_tracked,
        (select count(*) from tracked where not is_gone and coalesce(is_overdue, true)) as events_overdue,
        (select count(*) from tracked where is_gone) as events_gone,
        (select max(started_at) from raw.discoveries where is_complete) as rules_answered_at,
        (select max(captured_at) from raw.heads) as newest_capture_at,
        (
            select count(*) from raw.snapshots where captured_at > now() - interval '1 hour' and captured_at <= now()
        ) as captures_last_hour,
        (select coalesce(jsonb_object_agg(kind, attempts), '{}') from failures) as failures_last_hour,
        (select count(*) from raw.stale_hours) as stale_hours,
        (select min(marked_at) from raw.stale_hours) as oldest_stale_at,
        (
            select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class as c
            where c.relnamespace = 'raw'::regnamespace and c.relkind = 'r'
        ) as raw_bytes
"""


def read_status(connection: psycopg.Connection[Any]) -> Status:
    """Read the figures in force. An event is overdue when its newest capture is more than two intervals old."""
    with connection.cursor(row_factory=class_row(Status)) as cursor:
        status = cursor.execute(_STATUS).fetchone()
    if status is None:
        raise AssertionError("an aggregate without group by gives one row")
    return status
