"""The tables beside the snapshots: seating, failed attempts, and what could not be trusted.

What belongs here: the statements that write them, for whoever holds the transaction (``loading``). What does not: the
snapshots (``codec``), known bodies (``known_bodies``), unknown keys (``schema_drift``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import psycopg
import zstandard
from psycopg.types.json import Jsonb

from ingestion.answers import FailedAttempt, GoodCapture
from ingestion.failures import FailureKind
from ingestion.quarantine.items import BODY
from ingestion.wire_format.seating import SeatingDocument

SeatingVersion: TypeAlias = tuple[int, datetime, int, SeatingDocument]
"""event_id, captured_at, hash, document."""

_REJECTED_KIND = FailureKind.BAD_PAYLOAD


def save_seating(connection: psycopg.Connection[Any], seating: Iterable[SeatingVersion]) -> None:
    """Add a version where it differs from the one in force at its instant."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into raw.seating (event_id, observed_at, content_hash, document)
            select g.* from (values (%s::bigint, %s::timestamptz, %s::bigint, %s::jsonb))
                as g (event_id, observed_at, content_hash, document)
            where g.content_hash is distinct from (
                select s.content_hash from raw.seating as s
                where s.event_id = g.event_id and s.observed_at <= g.observed_at
                order by s.observed_at desc limit 1
            )
            on conflict (event_id, observed_at) do nothing
            """,
            [(event_id, at, digest, Jsonb(document)) for event_id, at, digest, document in seating],
        )


def save_failures(connection: psycopg.Connection[Any], failed: Iterable[FailedAttempt]) -> None:
    """Keep attempts that gave no capture; one that is there already is the same."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into raw.scrape_failures
                (event_id, attempted_at, kind, message, http_status, fetch_ms, body_bytes, run_id, was_retried)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (event_id, attempted_at, kind) do nothing
            """,
            [
                (
                    attempt.event_id,
                    attempt.attempted_at,
                    attempt.error.kind,
                    str(attempt.error),
                    attempt.error.http_status,
                    attempt.fetch_ms,
                    attempt.body_bytes,
                    attempt.run_id,
                    attempt.was_retried,
                )
                for attempt in failed
            ],
        )


def save_quarantine(
    connection: psycopg.Connection[Any], good: Iterable[GoodCapture], failed: Iterable[FailedAttempt]
) -> None:
    """Keep the tickets that captures have left out, and the bodies of failed attempts that should be looked at."""
    compress = zstandard.ZstdCompressor(level=3).compress
    rows: list[tuple[Any, ...]] = [
        (
            attempt.event_id,
            attempt.attempted_at,
            BODY,
            attempt.error.kind,
            str(attempt.error),
            compress(attempt.error.body),
            attempt.run_id,
        )
        for attempt in failed
        if attempt.error.body is not None
    ]
    rows += [
        (
            item.capture.event_id,
            item.capture.captured_at,
            f"ticket {ticket.position}",
            _REJECTED_KIND,
            ticket.reason,
            compress(ticket.content),
            item.capture.run_id,
        )
        for item in good
        for ticket in item.rejected
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into raw.quarantine (event_id, captured_at, item, kind, reason, content, run_id)
            values (%s, %s, %s, %s, %s, %s, %s)
            on conflict (event_id, captured_at, item) do nothing
            """,
            rows,
        )


def release(connection: psycopg.Connection[Any], items: Sequence[tuple[int, datetime, str]]) -> None:
    """Take items out of quarantine, by event, instant and item: what was in them has been stored."""
    if items:
        connection.execute(
            """
            delete from raw.quarantine as q
            using unnest(%s::bigint[], %s::timestamptz[], %s::text[]) as r (event_id, captured_at, item)
            where q.event_id = r.event_id and q.captured_at = r.captured_at and q.item = r.item
            """,
            [list(column) for column in zip(*items, strict=True)],
        )
