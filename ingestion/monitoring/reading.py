"""The numbers of a scrape, read from the database.

What belongs here: queries beside those of ``status``. What does not: names of metrics (``families``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from ingestion.health.watching import WATCHED
from ingestion.settings import Settings
from ingestion.status import Status, read_status

OLDEST_EVENTS = 10
"""Events with a series of their own: with one for each of a thousand, nobody would look at any."""

_AGES = f"""
    with {WATCHED}
    select
        w.event_id, w.event_name, extract(epoch from now() - w.captured_at)::float as age_seconds
    from watched as w
    where w.captured_at is not null
    order by w.captured_at, w.event_id
"""  # noqa: S608  # a constant of ours
_ROUND = """
    with newest as (
        select s.run_id, h.captured_at
        from raw.heads as h
        inner join raw.snapshots as s on h.event_id = s.event_id and h.captured_at = s.captured_at
        where h.captured_at = (select max(m.captured_at) from raw.heads as m)
        limit 1
    )
    select
        extract(epoch from max(s.loaded_at) - min(s.captured_at))::float as scrape_seconds
    from newest as n
    inner join raw.heads as h on h.captured_at > n.captured_at - interval '1 hour'
    inner join raw.snapshots as s
        on h.event_id = s.event_id and h.captured_at = s.captured_at and n.run_id = s.run_id
"""
_UNTOLD = """
    select u.channel, count(*) from raw.alerts as a
    cross join lateral unnest(a.untold_opening || a.untold_recovery) as u (channel)
    where a.tell_from is null or a.last_seen_at >= a.tell_from
    group by u.channel
"""


@dataclass(frozen=True)
class CaptureAge:
    """How old the newest capture of an event is."""

    event_id: int
    event_name: str
    age_seconds: float


@dataclass(frozen=True)
class Evaluated:
    """A row of ``raw.alert_evaluations``."""

    evaluated_at: datetime
    round_ended_at: datetime | None
    round_seconds: float | None


@dataclass(frozen=True)
class Numbers:
    """All that a scrape tells: ``ages`` of all watched events, oldest first, ``scrape_seconds`` of the newest round.

    ``untold`` counts alerts by channel. Null: there is no such number yet.
    """

    status: Status
    ages: list[CaptureAge]
    scrape_seconds: float | None
    evaluated: Evaluated | None
    untold: dict[str, int]


def read_numbers(connection: psycopg.Connection[Any], settings: Settings) -> Numbers:
    """Read all of them."""
    status = read_status(connection, settings)
    with connection.cursor(row_factory=class_row(CaptureAge)) as cursor:
        ages = cursor.execute(_AGES.encode()).fetchall()
    with connection.cursor(row_factory=class_row(Evaluated)) as cursor:
        evaluated = cursor.execute(
            "select evaluated_at, round_ended_at, round_seconds from raw.alert_evaluations"
        ).fetchone()
    (scrape_seconds,) = connection.execute(_ROUND).fetchone() or (None,)
    untold = {str(channel): int(count) for channel, count in connection.execute(_UNTOLD)}
    return Numbers(status, ages, scrape_seconds, evaluated, untold)
