"""Is every event's newest capture as young as its cadence promises?

What belongs here: age against interval, and why an event is late. What does not: gaps in the past
(``capture_coverage``).
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from ingestion.health.result import PROBLEMS_NAMED, CheckResult, duration
from ingestion.health.watching import WATCHED

NAME = "freshness"
OVERDUE_INTERVALS = 3
"""Just before its next capture, an event that missed one is two intervals old: a time-out, or a drop that is held until
the next capture confirms it. At three it has missed two in a row."""

# One that was not captured since it is tracked counts from then.
_AGES = f"""
    with {WATCHED},
    ages as (
        select
            w.*,
            extract(epoch from now() - greatest(w.captured_at, w.added_at))::float as age_seconds
        from watched as w
    )
"""  # noqa: S608  # a constant of ours
_OLDEST = f"{_AGES} select max(a.age_seconds) from ages as a"  # noqa: S608  # constants of ours
_LATE = f"""
    {_AGES}
    select
        a.event_id, a.event_name, coalesce(a.captured_at < a.added_at, true) as is_new, a.interval_seconds,
        a.age_seconds,
        a.age_seconds > {OVERDUE_INTERVALS} * a.interval_seconds as is_overdue
    from ages as a
    order by a.age_seconds / a.interval_seconds desc, a.event_id
"""  # noqa: S608  # constants of ours
_WHY = """
    select distinct on (f.event_id) f.event_id, f.kind, f.message
    from raw.scrape_failures as f
    where f.event_id = any(%s) and not f.was_retried and f.attempted_at > now() - interval '1 day'
    order by f.event_id, f.attempted_at desc
"""


def oldest_capture_age_seconds(connection: psycopg.Connection[Any]) -> float | None:
    """The age of the oldest of the events' newest captures at this moment; None where no event is waited for."""
    (age,) = connection.execute(_OLDEST.encode()).fetchone() or (None,)
    return None if age is None else round(age, 1)


def check_freshness(connection: psycopg.Connection[Any]) -> CheckResult:
    """An event is overdue when its newest capture is older than ``OVERDUE_INTERVALS`` of its intervals.

    One that was not captured since it is tracked counts from then, also when a history of it was imported.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        events = cursor.execute(_LATE.encode()).fetchall()
        overdue = [event for event in events if event["is_overdue"]]
        named = overdue[:PROBLEMS_NAMED]
        cursor.execute(_WHY, ([event["event_id"] for event in named],))
        why = {row["event_id"]: f"{row['kind']}: {row['message']}" for row in cursor}
    oldest_seconds = max((event["age_seconds"] for event in events), default=0.0)
    summary = (
        f"{len(overdue)} of {len(events)} events are overdue; "
        f"the longest wait for a capture is {duration(oldest_seconds)}"
        if events
        else "no event is waited for"
    )
    return CheckResult(
        NAME,
        is_ok=not overdue,
        summary=summary,
        problems=tuple(
            f"event {event['event_id']} ({event['event_name']}): "
            f"{'never captured in' if event['is_new'] else 'newest capture'} {duration(event['age_seconds'])}"
            f"{'' if event['is_new'] else ' old'}, every {duration(event['interval_seconds'])} is wanted; "
            f"last failure: {why.get(event['event_id'], 'none within a day, so no round has asked')}"
            for event in named
        ),
        what_to_do="Where no round has asked, see that Dagster's daemon runs and that the schedule every_interval is "
        "on; otherwise the failure says what the marketplace answered."
        if overdue
        else "",
        figures={
            "events_watched": len(events),
            "events_overdue": len(overdue),
            "oldest_capture_age_seconds": round(oldest_seconds, 1),
        },
    )
