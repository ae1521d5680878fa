"""What is in the database after a storm, in plain values.

What belongs here: reading tables. What does not: what should be in them (``oracle``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import psycopg
import zstandard

from tests.integration.resilience.books import COLUMNS, Book, Instant
from tests.integration.soak.oracle import Captured, Failed


class Row(NamedTuple):
    """A capture or a failed attempt, at its instant."""

    at: datetime
    row: Captured | Failed


class Quarantined(NamedTuple):
    """A row of ``raw.quarantine``; its text is short."""

    kind: str
    run: str
    content: bytes

    def __repr__(self) -> str:
        return f"{self.kind} in run {self.run}, {len(self.content)} bytes: {self.content[:60]!r}"


def timeline(connection: psycopg.Connection[Any]) -> dict[int, list[Row]]:
    """Captures and failed attempts by event, in order of time; a capture before the failure that it was at first."""
    captures = connection.execute(
        "select event_id, captured_at, run_id::text, http_status, body_bytes, rejected_count from raw.snapshots"
    )
    found = [(event_id, Row(at, Captured(*values))) for event_id, at, *values in captures]
    failures = connection.execute(
        """
        select event_id, attempted_at, run_id::text, kind, was_retried, http_status, body_bytes
        from raw.scrape_failures
        """
    )
    found += [(event_id, Row(at, Failed(*values))) for event_id, at, *values in failures]
    in_order = sorted(found, key=lambda each: (each[0], each[1].at, isinstance(each[1].row, Failed)))
    return {event_id: [row for _, row in rows] for event_id, rows in groupby(in_order, key=itemgetter(0))}


def books(connection: psycopg.Connection[Any]) -> Iterator[tuple[Instant, Book]]:
    """Each capture's book as ``raw.listings_at`` gives it at the capture's instant."""
    columns = ", ".join(f"l.{column}" for column in COLUMNS)
    rows = connection.execute(
        f"""
        select s.event_id, s.captured_at, l.captured_at, {columns}
        from raw.snapshots as s
        left join lateral raw.listings_at(s.event_id, s.captured_at) as l on true
        order by s.event_id, s.captured_at
        """.encode()
    )
    for instant, of_capture in groupby(rows, key=itemgetter(0, 1)):
        listings = [row[2:] for row in of_capture]
        assert all(at in (instant[1], None) for at, *_ in listings), f"another capture was read at {instant}"
        yield instant, tuple(sorted((plain(values) for at, *values in listings if at), key=itemgetter(0, 1)))


def plain(values: Iterable[Any]) -> tuple[Any, ...]:
    """A row as a value: arrays as tuples."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def quarantine(connection: psycopg.Connection[Any]) -> dict[tuple[int, datetime, str], Quarantined]:
    """What cannot be trusted, by event_id, captured_at and item."""
    rows = connection.execute("select event_id, captured_at, item, kind, run_id::text, content from raw.quarantine")
    return {
        (event_id, at, item): Quarantined(kind, run, zstandard.decompress(content))
        for event_id, at, item, kind, run, content in rows
    }


def tables_with_rows(connection: psycopg.Connection[Any]) -> set[str]:
    """Every table that is not empty, but for the migrations'; partitions as the table that they belong to."""
    tables = connection.execute(
        """
        select format('%I.%I', n.nspname, c.relname)
        from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where c.relkind in ('r', 'p') and not c.relispartition
            and n.nspname not in ('pg_catalog', 'information_schema', 'supabase_migrations')
            and n.nspname not like 'pg\\_temp%'
        """
    ).fetchall()
    return {name for (name,) in tables if connection.execute(f"select from {name} limit 1".encode()).rowcount}
