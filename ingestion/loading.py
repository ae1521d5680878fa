"""The one door to ``raw``: captures, what could not be trusted, failures and seating, in one transaction a batch.

What belongs here: what is stored besides the snapshots, and the count of it all. What does not: the snapshots
themselves (``codec``), where answers come from (``scraping``, ``importing``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import zstandard
from psycopg.types.json import Jsonb

from ingestion.answers import FailedAttempt, GoodCapture
from ingestion.codec.capture import WriteResult
from ingestion.codec.content import content_hash
from ingestion.codec.writer import SnapshotWriter
from ingestion.failures import FailureKind

BATCH_SIZE = 64
"""Captures a transaction: round trips are shared, and the locks on their events' heads are held for about 50 ms."""

_BODY = "body"
_REJECTED_KIND = FailureKind.BAD_PAYLOAD


@dataclass
class LoadResult:
    """What became of the answers loaded so far."""

    snapshots: WriteResult = field(default_factory=WriteResult)
    failures: Counter[FailureKind] = field(default_factory=Counter)
    failed_events: dict[int, str] = field(default_factory=dict)
    rejected_tickets: int = 0
    body_bytes: int = 0

    @property
    def failure_count(self) -> int:
        """Attempts that gave no capture."""
        return self.failures.total()


class Loader:
    """Stores batches of read answers over one connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._writer = SnapshotWriter(connection)
        self._seating_hash: dict[int, int] = {}
        self.result = LoadResult()

    def load(self, batch: Sequence[GoodCapture | FailedAttempt]) -> None:
        """Store a batch, all of it or nothing; storing it again changes nothing.

        Raises:
            ContentCollisionError, psycopg.Error: see ``SnapshotWriter.write``.
        """
        good = [item for item in batch if isinstance(item, GoodCapture)]
        failed = [item for item in batch if isinstance(item, FailedAttempt)]
        seating = self._changed_seating(good)

        def also(connection: psycopg.Connection[Any]) -> None:
            _save_seating(connection, seating)
            _save_failures(connection, failed)
            _save_quarantine(connection, good, failed)

        written = self._writer.write([item.capture for item in good], also)
        self._seating_hash.update({event_id: digest for event_id, _, digest, _ in seating})
        self._count(written, good, failed)

    def _changed_seating(self, good: Sequence[GoodCapture]) -> list[tuple[int, Any, int, Any]]:
        known = dict(self._seating_hash)
        changed = []
        for item in sorted(good, key=lambda item: item.capture.captured_at):
            event_id, digest = item.capture.event_id, content_hash(item.seating)
            if known.get(event_id) != digest:
                known[event_id] = digest
                changed.append((event_id, item.capture.captured_at, digest, item.seating))
        return changed

    def _count(self, written: WriteResult, good: Sequence[GoodCapture], failed: Sequence[FailedAttempt]) -> None:
        self.result.snapshots.add(written)
        self.result.rejected_tickets += sum(len(item.rejected) for item in good)
        self.result.body_bytes += sum(item.capture.body_bytes or 0 for item in good)
        for attempt in failed:
            self.result.failures[attempt.error.kind] += 1
            self.result.failed_events[attempt.event_id] = f"{attempt.error.kind}: {attempt.error}"


def _save_seating(connection: psycopg.Connection[Any], seating: Sequence[tuple[int, Any, int, Any]]) -> None:
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


def _save_failures(connection: psycopg.Connection[Any], failed: Sequence[FailedAttempt]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into raw.scrape_failures
                (event_id, attempted_at, kind, message, http_status, fetch_ms, body_bytes, run_id)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
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
                )
                for attempt in failed
            ],
        )


def _save_quarantine(
    connection: psycopg.Connection[Any], good: Sequence[GoodCapture], failed: Sequence[FailedAttempt]
) -> None:
    compress = zstandard.ZstdCompressor(level=3).compress
    rows: list[tuple[Any, ...]] = [
        (
            attempt.event_id,
            attempt.attempted_at,
            _BODY,
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
