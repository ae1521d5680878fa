"""Is the data fresh, what is missing, and why: the answers that the database itself can give.

What belongs here: figures of raw, and the checks of ``health`` beside them. What does not: showing them (``commands``),
and what only Dagster knows, of which alerts tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ingestion.health import CheckResult, run_checks
from ingestion.health.watching import WATCHED
from ingestion.settings import Settings


@dataclass(frozen=True)
class OpenAlert:
    """A problem that people have been, or are to be, told of."""

    source: str
    problem: str
    summary: str
    opened_at: datetime


@dataclass(frozen=True)
class Status:
    """Figures of raw as of ``now_at``; the ``_last_hour`` ones count the 60 minutes before it.

    Events that have begun are counted nowhere, events that are gone only in ``events_gone``. ``rules_answered_at`` is
    when the rules of tracking.yaml were last run with every one answered in full. ``is_well`` says whether every check
    is content. Attempts that were made again at once are no failures.
    """

    now_at: datetime
    is_well: bool
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
    checks: list[CheckResult]
    open_alerts: list[OpenAlert]


# By event, so that an index answers: the day's partition holds as many captures as there are.
_FIGURES = f"""
    with {WATCHED},
    failures as (
        select f.kind, count(*) as attempts from raw.scrape_failures as f
        where f.attempted_at > now() - interval '1 hour' and not f.was_retried group by f.kind
    ),
    gone as (
        select count(*) as events
        from raw.tracked_events as t
        cross join lateral (
            select p.starts_at, p.state from raw.productions as p
            where p.event_id = t.event_id order by p.observed_at desc limit 1
        ) as p
        where t.is_tracked and (p.starts_at is null or p.starts_at > now()) and p.state = 'gone'
    ),
    captures as (
        select coalesce(sum(s.captures), 0)::integer as captures
        from raw.heads as h
        cross join lateral (
            select count(*) as captures from raw.snapshots as s
            where s.event_id = h.event_id and s.captured_at > now() - interval '1 hour' and s.captured_at <= now()
        ) as s
        where h.captured_at > now() - interval '1 hour'
    )
    select
        now() as now_at,
        (select count(*) from watched) as events_tracked,
        (select g.events from gone as g) as events_gone,
        (select max(d.started_at) from raw.discoveries as d where d.is_complete) as rules_answered_at,
        (select max(h.captured_at) from raw.heads as h) as newest_capture_at,
        (select c.captures from captures as c) as captures_last_hour,
        (select coalesce(jsonb_object_agg(f.kind, f.attempts), '{{}}') from failures as f) as failures_last_hour,
        (select count(*) from raw.stale_hours) as stale_hours,
        (select min(s.marked_at) from raw.stale_hours as s) as oldest_stale_at
"""  # noqa: S608  # a constant of ours
_OPEN_ALERTS = """
    select a.source, a.problem, a.summary, a.opened_at from raw.alerts as a
    where a.recovered_at is null order by a.opened_at, a.alert_id
"""


def read_status(connection: psycopg.Connection[Any], settings: Settings) -> Status:
    """Read the figures in force, and ask every check."""
    checks = run_checks(connection, settings)
    found = {check.name: check.figures for check in checks}
    with connection.cursor(row_factory=dict_row) as cursor:
        figures = cursor.execute(_FIGURES.encode()).fetchone()
        alerts = [OpenAlert(**row) for row in cursor.execute(_OPEN_ALERTS)]
    if figures is None:
        raise AssertionError("a select without from gives one row")
    return Status(
        **figures,
        is_well=all(check.is_ok for check in checks),
        events_overdue=int(found["freshness"]["events_overdue"] or 0),
        raw_bytes=int(found["disk_forecast"]["raw_bytes"] or 0),
        checks=checks,
        open_alerts=alerts,
    )
