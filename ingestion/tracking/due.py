"""Which events a round takes, and the interval that is in force for each.

What belongs here: the decision. What does not: intervals (``cadence``) and captures (``scraping``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ingestion.tracking.cadence import GONE_INTERVAL_SECONDS, Cadence, is_due, is_over
from ingestion.tracking.versions import GONE


@dataclass(frozen=True)
class EventsToScrape:
    """The interval in seconds of each tracked event that is not over, by id, those that start first at the top.

    ``due`` has those not captured yet in the present slot of their interval; what has failed in it is due
    again. What has an instant that is yet to come does not count.
    """

    intervals: dict[int, int]
    due: dict[int, int]


def events_to_scrape(
    connection: psycopg.Connection[Any], cadence: Cadence, now: datetime, *, clock_at: datetime | None = None
) -> EventsToScrape:
    """What there is to scrape at ``now``. The intervals in force are noted in ``raw.tracked_events``.

    A round that is asked about later, when it has captures of its own, has the instant of its beginning for ``now``,
    and ``clock_at`` for what the clock says meanwhile; both are the same where it is not given.
    """
    rows = connection.execute(
        """
        select t.event_id, newest.starts_at, newest.state,
            -- What a clock that was ahead has written is not the newest: nothing would be due until its time comes.
            case when h.captured_at <= %(clock_at)s then h.captured_at else (
                select max(s.captured_at) from raw.snapshots as s
                where s.event_id = t.event_id and s.captured_at <= %(clock_at)s
            ) end as captured_at,
            -- An event that is gone has been asked for when it last failed.
            case when newest.state = 'gone' then (
                select max(f.attempted_at) from raw.scrape_failures as f
                where f.event_id = t.event_id and f.attempted_at <= %(clock_at)s
            ) end as failed_at
        from raw.tracked_events as t
        left join lateral (
            select p.starts_at, p.state from raw.productions as p
            where p.event_id = t.event_id order by p.observed_at desc limit 1
        ) as newest on true
        left join raw.heads as h on t.event_id = h.event_id
        where t.is_tracked
        order by newest.starts_at nulls last, t.event_id
        """,
        {"clock_at": clock_at or now},
    ).fetchall()
    intervals: dict[int, int] = {}
    due: dict[int, int] = {}
    for event_id, starts_at, state, captured_at, failed_at in rows:
        if is_over(starts_at, now):
            continue
        interval = cadence.interval_seconds(starts_at, now)
        intervals[event_id] = max(interval, GONE_INTERVAL_SECONDS) if state == GONE else interval
        last_at = max((at for at in (captured_at, failed_at) if at is not None), default=None)
        if is_due(last_at, now, intervals[event_id]):
            due[event_id] = intervals[event_id]
    _note_intervals(connection, intervals)
    return EventsToScrape(intervals, due)


def _note_intervals(connection: psycopg.Connection[Any], intervals: dict[int, int]) -> None:
    connection.execute(
        """
        update raw.tracked_events as t set interval_seconds = g.interval_seconds
        from unnest(%s::bigint[], %s::integer[]) as g (event_id, interval_seconds)
        where t.event_id = g.event_id and t.interval_seconds <> g.interval_seconds
        """,
        (list(intervals), list(intervals.values())),
    )
