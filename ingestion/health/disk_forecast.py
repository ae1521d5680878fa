"""For how long does the disk last?

What belongs here: what the database takes, how fast it grows, what is left. What does not: making room (retention).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg

from ingestion.health.result import CheckResult

NAME = "disk_forecast"
FEWEST_DAYS = 14
"""Time enough for a person to decide on a larger disk or a shorter retention."""
LEAST_FREE_SHARE = 0.05
"""Of the disk, whatever the growth: a build's working tables and the write-ahead log want room of their own."""

_LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")

# The daily partitions tell how much a day adds to raw; the median of the last week leaves out a day of imports or of
# standstill. All else (marts, indexes, dimensions) has grown beside them, so it is taken to go on in proportion.
_SIZES = r"""
    with tables as (
        select
            n.nspname as part,
            c.relname,
            pg_total_relation_size(c.oid) as bytes
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('raw', 'marts', 'intermediate') and c.relkind = 'r'
    ),
    days as (
        select
            right(t.relname, 8) as day,
            sum(t.bytes) as bytes
        from tables as t
        where t.part = 'raw' and t.relname ~ '^(snapshots|keyframes)_\d{8}$'
        group by 1
    )
    select
        pg_database_size(current_database()) as database_bytes,
        (select coalesce(jsonb_object_agg(p.part, p.bytes), '{}') from (
            select t.part, sum(t.bytes) as bytes from tables as t group by t.part
        ) as p) as bytes_by_part,
        (select coalesce(sum(d.bytes), 0)::float from days as d) as days_bytes,
        (
            select percentile_cont(0.5) within group (order by d.bytes)::float from days as d
            where d.day < to_char(now(), 'YYYYMMDD') and d.day >= to_char(now() - interval '8 days', 'YYYYMMDD')
        ) as day_bytes,
        case when pg_has_role('pg_read_all_settings', 'usage') then current_setting('data_directory', true) end
            as data_directory
"""


def check_disk_forecast(connection: psycopg.Connection[Any], limit_bytes: float | None) -> CheckResult:
    """The days until the database has filled ``limit_bytes``, or the disk where the server is on this machine."""
    sizes = connection.execute(_SIZES).fetchone()
    if sizes is None:
        raise AssertionError("a select without from gives one row")
    taken, by_part, days_bytes, day_bytes, data_folder = sizes
    growth = day_bytes * taken / days_bytes if day_bytes and days_bytes else None
    total, free = _room(connection, taken, limit_bytes, data_folder)
    days_left = free / growth if growth and free is not None else None
    problems = []
    if total is not None and free is not None and free < LEAST_FREE_SHARE * total:
        problems.append(f"{_size(free)} of {_size(total)} are free")
    if days_left is not None and days_left < FEWEST_DAYS:
        problems.append(f"at {_size(growth or 0)} a day the disk is full in {days_left:.0f} days")
    return CheckResult(
        NAME,
        is_ok=not problems,
        summary=f"the database takes {_size(taken)}"
        + (f" and grows by {_size(growth)} a day" if growth else ", of how fast it grows nothing is known yet")
        + (f"; {_size(free)} are free" if free is not None else "; set DATABASE_DISK_GB to have a forecast")
        + (f", enough for {days_left:,.0f} days" if days_left is not None else ""),
        problems=tuple(problems),
        what_to_do="Get a larger disk, or drop old days of raw (docs/DATABASE_SCHEMA.md, Partitions and retention)."
        if problems
        else "",
        figures={
            "database_bytes": taken,
            **{f"{part}_bytes": int(size) for part, size in sorted(by_part.items())},
            "growth_bytes_a_day": None if growth is None else round(growth),
            "free_bytes": None if free is None else round(free),
            "days_left": None if days_left is None else round(days_left, 1),
        },
    )


def _room(
    connection: psycopg.Connection[Any], taken: int, limit_bytes: float | None, data_folder: str | None
) -> tuple[float | None, float | None]:
    """What there is in all and what of it is free, in bytes; None where nobody has said and the disk is another's."""
    if limit_bytes is not None:
        return limit_bytes, max(limit_bytes - taken, 0)
    is_here = connection.info.host.startswith("/") or connection.info.host in _LOCAL_HOSTS
    if not is_here or data_folder is None or not Path(data_folder).parent.exists():
        return None, None
    try:
        usage = shutil.disk_usage(data_folder)
    except OSError:  # a forwarded port: the folder is on another machine
        return None, None
    return usage.total, usage.free


def _size(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:,.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:,.0f} MB"  # noqa: PLR2004
