"""The daily partitions of raw: those of the next days made before a round needs them, those that are too old dropped.

What belongs here: which days, and what became of them. What does not: how a day is made and dropped, in one transaction
each (``raw.ensure_partitions``, ``raw.drop_day``), which writers rely on, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from psycopg.errors import LockNotAvailable

from ingestion.database import Database

DAYS_AHEAD = 3
"""Partitions are there for today and so many days after it: two runs may be missed before a round makes its own."""

_STORED_DAYS = r"""
    select distinct to_date(right(c.relname, 8), 'YYYYMMDD') as day
    from pg_class as c
    where
        c.relnamespace = 'raw'::regnamespace and c.relkind = 'r' and c.relname ~ '^(snapshots|keyframes)_\d{8}$'
    order by day
"""
_FORESEEN = """
    select
        raw.why_not_dropped(%(day)s),
        (select coalesce(sum(e.captures), 0) from raw.events_of_day(%(day)s) as e)::bigint,
        (
            select sum(pg_total_relation_size(c.oid))::bigint from pg_class as c
            where c.relnamespace = 'raw'::regnamespace and right(c.relname, 9) = to_char(%(day)s::date, '"_"YYYYMMDD')
                and c.relkind = 'r'
        )
"""


@dataclass(frozen=True)
class OldDay:
    """A UTC day past its age: its captures and bytes, and why it is still there; None where it was dropped."""

    day: date
    captures: int
    bytes: int
    kept_because: str | None


def make_days_ahead(database: Database, now: datetime, *, is_dry_run: bool) -> list[date]:
    """Make the partitions of today and the days ahead; says which were not there."""
    today = now.astimezone(UTC).date()
    wanted = [today + timedelta(days=n) for n in range(DAYS_AHEAD + 1)]
    missing = sorted(set(wanted) - set(database.run(stored_days)))
    for day in [] if is_dry_run else missing:
        database.run(partial(_make, day=day))
    return missing


def drop_old_days(database: Database, now: datetime, days_kept: int | None, *, is_dry_run: bool) -> list[OldDay]:
    """Drop the days all of whose captures are older than ``days_kept``, the oldest first, each by itself.

    A day that cannot be dropped yet stops it: those after it are left for the next time, too. None keeps all.
    """
    if days_kept is None:
        return []
    first_kept = (now.astimezone(UTC) - timedelta(days=days_kept)).date()
    found: list[OldDay] = []
    for day in database.run(stored_days):
        if day >= first_kept or (found and found[-1].kept_because and not is_dry_run):
            break
        found.append(database.run(partial(_foresee, day=day)))
        if not is_dry_run:
            found[-1] = _drop(database, found[-1])
    return found


def stored_days(connection: psycopg.Connection[Any]) -> list[date]:
    """The UTC days that have a partition, the oldest first."""
    return [day for (day,) in connection.execute(_STORED_DAYS)]


def _make(connection: psycopg.Connection[Any], day: date) -> None:
    connection.execute("select raw.ensure_partitions(%(day)s, %(day)s)", {"day": day})


def _foresee(connection: psycopg.Connection[Any], day: date) -> OldDay:
    ((reason, captures, size),) = connection.execute(_FORESEEN, {"day": day}).fetchall()
    return OldDay(day, captures, size or 0, reason)


def _drop(database: Database, foreseen: OldDay) -> OldDay:
    def drop(connection: psycopg.Connection[Any]) -> OldDay:
        ((reason, captures, size),) = connection.execute("select * from raw.drop_day(%s)", (foreseen.day,)).fetchall()
        return OldDay(foreseen.day, captures, foreseen.bytes if size is None else size, reason)

    try:
        return database.run(drop)
    except LockNotAvailable as error:
        reason = f"it is in use: {error.diag.message_primary}"
        return OldDay(foreseen.day, foreseen.captures, foreseen.bytes, reason)
