"""What is known of problems: ``raw.alerts``.

What belongs here: opening, recovering, and who is still to be told. What does not: telling (``channels``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from ingestion.alerts.problem import Problem

QUIET_BEFORE_RECOVERY = timedelta(minutes=10)
"""A problem is over when it has not been found for so long. One that comes and goes, as with every second round, is one
problem, and not a message and a recovery every few minutes."""
KEPT = timedelta(days=90)
"""Alerts that are over, for whoever asks how often that has happened."""


@dataclass(frozen=True)
class Alert:
    """A row of ``raw.alerts``, without what it says of channels."""

    alert_id: int
    source: str
    problem: str
    summary: str
    details: list[str]
    what_to_do: str
    opened_at: datetime
    recovered_at: datetime | None


@dataclass(frozen=True)
class Untold:
    """What one channel has not been told yet, the oldest first.

    ``passed`` opened and were over again before the channel could be told of them.
    """

    opened: Sequence[Alert] = ()
    over: Sequence[Alert] = ()
    passed: Sequence[Alert] = ()

    @property
    def alerts(self) -> list[Alert]:
        """All of them."""
        return [*self.opened, *self.over, *self.passed]


def note(
    connection: psycopg.Connection[Any],
    found: Mapping[str, Collection[Problem]],
    channels: Collection[str],
    now: datetime,
) -> None:
    """Take in what each source has found: open, refresh, and let recover what has not been found for a while.

    Sources that are not in ``found`` could not be asked: nothing of theirs changes. ``channels`` are to be told of what
    opens or recovers now.
    """
    rows = [
        (
            source,
            each.name,
            each.summary,
            list(each.details),
            each.what_to_do,
            now,
            now,
            list(channels),
            _tell_from(each, now),
        )
        for source, problems in found.items()
        for each in problems
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into raw.alerts
                (source, problem, summary, details, what_to_do, opened_at, last_seen_at, untold_opening, tell_from)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (source, problem) where recovered_at is null do update
            set summary = excluded.summary, details = excluded.details, what_to_do = excluded.what_to_do,
                last_seen_at = excluded.last_seen_at
            """,
            rows,
        )
        over = {"now": now, "quiet": QUIET_BEFORE_RECOVERY, "sources": list(found), "channels": list(channels)}
        cursor.execute(
            """
            delete from raw.alerts
            where recovered_at is null and source = any(%(sources)s) and last_seen_at <= %(now)s - %(quiet)s
                and last_seen_at < tell_from
            """,
            over,
        )
        # Whoever has not heard of the opening is told of both at once.
        cursor.execute(
            """
            update raw.alerts
            set recovered_at = %(now)s,
                untold_recovery = array(select unnest(%(channels)s::text[]) except select unnest(untold_opening))
            where recovered_at is null and source = any(%(sources)s) and last_seen_at <= %(now)s - %(quiet)s
            """,
            over,
        )
        cursor.execute("delete from raw.alerts where recovered_at < %s", (now - KEPT,))


def _tell_from(problem: Problem, now: datetime) -> datetime | None:
    return now + timedelta(seconds=problem.patience_seconds) if problem.patience_seconds else None


def untold(connection: psycopg.Connection[Any], channel: str) -> Untold:
    """What a channel is still to be told."""
    columns = "alert_id, source, problem, summary, details, what_to_do, opened_at, recovered_at"
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        opened = cursor.execute(
            f"""
            select {columns} from raw.alerts
            where %s = any(untold_opening) and (tell_from is null or last_seen_at >= tell_from) order by alert_id
            """.encode(),  # noqa: S608  # columns of ours
            (channel,),
        ).fetchall()
        over = cursor.execute(
            f"select {columns} from raw.alerts where %s = any(untold_recovery) order by alert_id".encode(),  # noqa: S608
            (channel,),
        ).fetchall()
    return Untold(
        opened=[alert for alert in opened if alert.recovered_at is None],
        over=over,
        passed=[alert for alert in opened if alert.recovered_at is not None],
    )


def told(connection: psycopg.Connection[Any], channel: str, alerts: Collection[Alert]) -> None:
    """A channel has been told of these."""
    connection.execute(
        """
        update raw.alerts
        set untold_opening = array_remove(untold_opening, %(channel)s),
            untold_recovery = array_remove(untold_recovery, %(channel)s)
        where alert_id = any(%(alerts)s)
        """,
        {"channel": channel, "alerts": [alert.alert_id for alert in alerts]},
    )
