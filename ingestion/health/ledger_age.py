"""Do the marts follow raw?

What belongs here: the age of what waits in the ledger, and newest captures that the marts do not have yet. What does
not: rolling it up (``orchestration.building``).
"""

from __future__ import annotations

from typing import Any

import psycopg

from ingestion.health.marts import may_read_mart
from ingestion.health.result import CheckResult, duration

NAME = "ledger_age"
LONGEST_WAIT_SECONDS = 1800
"""Of recent hours: a round clears them within minutes, and three rounds in a row have now failed to."""
LONGEST_WAIT_OF_HISTORY_SECONDS = 6 * 3600
"""Of older ones: builds take the newest first, 2,000 hours of events a run, so an import waits for its turn.
Six hours of rounds every ten minutes take 72,000. A longer import is told: `ticketmarts build` waits for no round."""

_WAITING = """
    select
        count(*) as stale_hours,
        coalesce(extract(epoch from now() - min(s.marked_at) filter (
            where s.hour_at > now() - interval '2 days'
        )), 0)::float as recent_seconds,
        coalesce(extract(epoch from now() - min(s.marked_at)), 0)::float as oldest_seconds
    from raw.stale_hours as s
"""
# A capture raises the mark of its hour, so that of the hour in progress is always young. An old hour's capture that was
# imported is no event_latest's business: only newer ones count.
_BEHIND = """
    select coalesce(extract(epoch from max(h.captured_at - l.captured_at)), 0)::float
    from raw.heads as h
    inner join marts.event_latest as l on h.event_id = l.event_id
    where h.captured_at > l.captured_at
"""


def check_ledger_age(connection: psycopg.Connection[Any]) -> CheckResult:
    """Whether a mark, or the newest capture in the marts, is older than it should be."""
    stale, recent, oldest = connection.execute(_WAITING).fetchone() or (0, 0.0, 0.0)
    has_marts = may_read_mart(connection, "event_latest")
    (behind,) = (connection.execute(_BEHIND).fetchone() if has_marts else None) or (None,)
    problems = [
        text
        for is_late, text in (
            (recent > LONGEST_WAIT_SECONDS, f"hours of the last two days wait since {duration(recent)}"),
            (oldest > LONGEST_WAIT_OF_HISTORY_SECONDS, f"the oldest mark waits since {duration(oldest)}"),
            ((behind or 0) > LONGEST_WAIT_SECONDS, f"event_latest is {duration(behind or 0)} behind raw"),
        )
        if is_late
    ]
    return CheckResult(
        NAME,
        is_ok=not problems,
        summary=f"{stale} hours of events wait to be rolled up, the oldest since {duration(oldest)}; "
        + (
            "there are no marts to compare with raw"
            if behind is None
            else f"the marts are {duration(behind)} behind raw"
        ),
        problems=tuple(problems),
        what_to_do="Look at the last runs of dbt in Dagster (round, settle); `ticketmarts build` rolls up all that "
        "waits and says what fails."
        if problems
        else "",
        figures={
            "stale_hours": stale,
            "oldest_mark_age_seconds": round(oldest, 1),
            "marts_behind_seconds": None if behind is None else round(behind, 1),
        },
    )
