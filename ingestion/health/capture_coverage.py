"""Were the hours that have just closed captured as often as they should have been?

What belongs here: captures against what the interval promises, by hour. What does not: hours in the marts, which say
the same later (``captures`` and ``captures_expected``).
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from ingestion.health.result import CheckResult
from ingestion.health.watching import WATCHED

NAME = "capture_coverage"
HOURS = 6
"""Closed hours looked at: a night's worth would name the same outage until noon, and cost the reading of every row."""
LEAST_COVERAGE = 0.9
"""Of an hour. A round late by a tick costs one capture of six in every event, 0.83; single failures a percent."""

# Of an event whose interval has tightened within the hours, each capture says which one was in force.
_HOURS = f"""
    with {WATCHED},
    hours as (
        select
            date_trunc('hour', now(), 'UTC') - n * interval '1 hour' as hour_at
        from generate_series(1, {HOURS}) as n
    ),
    counted as (
        select
            h.hour_at,
            w.event_id,
            c.captures,
            3600.0 / coalesce(c.interval_seconds, w.interval_seconds) as expected
        from hours as h
        inner join watched as w on w.added_at <= h.hour_at
        cross join lateral (
            select
                count(*) as captures,
                max(s.interval_seconds) as interval_seconds
            from raw.snapshots as s
            where
                s.event_id = w.event_id
                and s.captured_at >= h.hour_at and s.captured_at < h.hour_at + interval '1 hour'
        ) as c
    )
    select
        to_char(c.hour_at, 'YYYY-MM-DD HH24:MI') as hour,
        sum(least(c.captures, c.expected))::float as captures,
        sum(c.expected)::float as expected,
        count(*) filter (where c.captures = 0) as events_without
    from counted as c
    group by c.hour_at
    order by c.hour_at
"""  # noqa: S608  # a constant of ours


def check_capture_coverage(connection: psycopg.Connection[Any]) -> CheckResult:
    """Coverage of an hour is its captures over those expected, of the events that were tracked when it began.

    An event captured more often than it should be makes up for no other.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        hours = cursor.execute(_HOURS.encode()).fetchall()
    captures, expected = (sum(hour[name] for hour in hours) for name in ("captures", "expected"))
    gaps = [hour for hour in hours if hour["captures"] < LEAST_COVERAGE * hour["expected"]]
    coverage = captures / expected if expected else None
    return CheckResult(
        NAME,
        is_ok=not gaps,
        summary=f"{coverage:.1%} of the captures expected in the last {len(hours)} closed hours"
        if coverage is not None
        else f"no event was tracked through any of the last {HOURS} hours",
        problems=tuple(
            f"hour {hour['hour']} UTC: {hour['captures']:.0f} of {hour['expected']:.0f} captures, "
            f"{hour['events_without']} events without any"
            for hour in sorted(gaps, key=lambda hour: hour["captures"] / hour["expected"])
        ),
        what_to_do="What was missed is lost, and its hours stay as they are. Skipped ticks of every_interval mean that "
        "rounds take longer than the interval: raise SCRAPER_REQUESTS_PER_SECOND if the marketplace allows it, or "
        "the interval."
        if gaps
        else "",
        figures={
            "coverage_share": None if coverage is None else round(coverage, 4),
            "captures": round(captures),
            "captures_expected": round(expected),
            "hours_with_gaps": len(gaps),
        },
    )
