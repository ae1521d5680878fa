"""What the ledger says: how many hours of events are stale.

What belongs here: questions to ``raw.stale_hours``, and marking a range. What does not: building (``building``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg


def mark_stale(connection: psycopg.Connection[Any], from_at: datetime | None, to_at: datetime | None) -> None:
    """Mark every hour in [from_at, to_at) that has a capture; None is no end."""
    connection.execute(
        "select raw.mark_stale(coalesce(%s::timestamptz, '-infinity'), coalesce(%s::timestamptz, 'infinity'))",
        (from_at, to_at),
    )


def newest_mark(connection: psycopg.Connection[Any]) -> int:
    """The number of the newest mark; 0 where nothing is stale."""
    row = connection.execute("select coalesce(max(mark), 0) from raw.stale_hours").fetchone()
    return row[0] if row else 0


def stale_hours(
    connection: psycopg.Connection[Any], *, since_at: datetime | None = None, up_to_mark: int | None = None
) -> int:
    """Hours in the ledger from ``since_at`` on; those marked after ``up_to_mark`` belong to a later build."""
    row = connection.execute(
        """
        select count(*) from raw.stale_hours
        where (%(mark)s::bigint is null or mark <= %(mark)s)
            and (%(since)s::timestamptz is null or hour_at >= date_trunc('hour', %(since)s::timestamptz, 'UTC'))
        """,
        {"mark": up_to_mark, "since": since_at},
    ).fetchone()
    return row[0] if row else 0
