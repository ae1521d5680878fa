"""The one door to ``raw``: captures, what could not be trusted, failures and seating, in one transaction a batch.

What belongs here: what is stored besides the snapshots, and the count of it all. What does not: the snapshots
themselves (``codec``), where answers come from (``scraping``, ``importing``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import zstandard
from psycopg.types.json import Jsonb

from ingestion.answers import FailedAttempt, GoodCapture, KnownBody, ReadAnswer, UnchangedCapture
from ingestion.codec.capture import Capture, WriteResult
from ingestion.codec.content import content_hash
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import Database
from ingestion.failures import FailureKind
from ingestion.holding import Checked, check_drops
from ingestion.known_bodies import save_known_bodies, unchanged_captures
from ingestion.wire_format.seating import SeatingDocument

BATCH_SIZE = 64
"""Captures a transaction: round trips are shared, and the locks on their events' heads are held only shortly."""

_BODY = "body"
_REJECTED_KIND = FailureKind.BAD_PAYLOAD

_Seating = tuple[int, datetime, int, SeatingDocument]
"""event_id, captured_at, hash, document."""


@dataclass
class LoadResult:
    """What became of the answers loaded so far."""

    snapshots: WriteResult = field(default_factory=WriteResult)
    failures: Counter[FailureKind] = field(default_factory=Counter)
    failed_events: dict[int, str] = field(default_factory=dict)
    retried: Counter[FailureKind] = field(default_factory=Counter)
    unchanged: int = 0
    rejected_tickets: int = 0
    body_bytes: int = 0

    @property
    def failure_count(self) -> int:
        """Attempts that gave no capture, tries that were made again at once not among them."""
        return self.failures.total()


class Loader:
    """Stores batches of read answers, and goes on where the database has been away for a while."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer: SnapshotWriter | None = None
        self._seating: dict[int, tuple[datetime, int]] = {}
        self.result = LoadResult()

    def load(self, batch: Sequence[ReadAnswer]) -> None:
        """Store a batch, all of it or nothing; storing it again changes nothing.

        Raises:
            DatabaseUnavailableError, psycopg.OperationalError: the database was away for longer than the patience of
                ``Database``. ContentCollisionError, psycopg.Error: see ``SnapshotWriter.write``.
        """
        self._load(batch, are_confirmed=False)

    def load_confirmed(self, batch: Sequence[ReadAnswer]) -> None:
        """Store a batch whose drops to a fraction of the listings somebody has looked at and believes.

        Bodies of it that are in quarantine leave it, but for those that are refused.
        """
        self._load(batch, are_confirmed=True)

    def _load(self, batch: Sequence[ReadAnswer], *, are_confirmed: bool) -> None:
        good = [item for item in batch if isinstance(item, GoodCapture)]
        unchanged = [item for item in batch if isinstance(item, UnchangedCapture)]
        failed = [item for item in batch if isinstance(item, FailedAttempt)]
        seating = self._changed_seating(good)

        def store(connection: psycopg.Connection[Any]) -> tuple[Checked, WriteResult]:
            checked = Checked(good) if are_confirmed else check_drops(connection, good)
            repeated = unchanged_captures(connection, unchanged)
            captures = [item.capture for item in checked.accepted] + [capture for capture, _ in repeated]

            def also(connection: psycopg.Connection[Any], written: WriteResult) -> None:
                stored = _without_refused(checked.accepted, written)
                _save_seating(connection, _seating_of(stored, seating))
                _save_failures(connection, (*failed, *checked.held))
                _save_quarantine(connection, stored, (*failed, *checked.held))
                _release(connection, [_instant(item.capture) for item in stored] if are_confirmed else checked.released)
                save_known_bodies(connection, (*_known(stored), *((c.event_id, known) for c, known in repeated)))

            return checked, self._writer_on(connection).write(captures, also)

        checked, written = self._database.run(store)
        for event_id, captured_at, digest, _ in _seating_of(_without_refused(checked.accepted, written), seating):
            self._seating[event_id] = captured_at, digest
        self._count(written, checked, unchanged, failed)

    def _writer_on(self, connection: psycopg.Connection[Any]) -> SnapshotWriter:
        """The writer, a new one after the connection was lost: what it knew may not have been committed."""
        if self._writer is None or self._writer.connection is not connection:
            self._writer = SnapshotWriter(connection)
        return self._writer

    def _changed_seating(self, good: Sequence[GoodCapture]) -> list[_Seating]:
        """What differs from the seating loaded last, or is older than that and so has a place of its own."""
        newest = dict(self._seating)
        changed = []
        for item in sorted(good, key=lambda item: item.capture.captured_at):
            event_id, captured_at = _instant(item.capture)
            digest = content_hash(item.seating)
            at, known = newest.get(event_id, (captured_at, None))
            if known != digest or captured_at < at:
                newest[event_id] = captured_at, digest
                changed.append((event_id, captured_at, digest, item.seating))
        return changed

    def _count(
        self,
        written: WriteResult,
        checked: Checked,
        unchanged: Sequence[UnchangedCapture],
        failed: Sequence[FailedAttempt],
    ) -> None:
        self.result.snapshots.add(written)
        self.result.unchanged += len(unchanged)
        self.result.rejected_tickets += sum(len(item.rejected) for item in checked.accepted)
        self.result.body_bytes += sum(item.capture.body_bytes or 0 for item in checked.accepted)
        for attempt in (*failed, *checked.held):
            if attempt.was_retried:
                self.result.retried[attempt.error.kind] += 1
            else:
                self.result.failures[attempt.error.kind] += 1
                self.result.failed_events[attempt.event_id] = f"{attempt.error.kind}: {attempt.error}"


def _instant(capture: Capture) -> tuple[int, datetime]:
    return capture.event_id, capture.captured_at


def _without_refused(accepted: Iterable[GoodCapture], written: WriteResult) -> list[GoodCapture]:
    refused = {(conflict.event_id, conflict.captured_at) for conflict in written.conflicts}
    return [item for item in accepted if _instant(item.capture) not in refused]


def _seating_of(stored: Iterable[GoodCapture], seating: Iterable[_Seating]) -> list[_Seating]:
    instants = {_instant(item.capture) for item in stored}
    return [row for row in seating if row[:2] in instants]


def _known(stored: Iterable[GoodCapture]) -> list[tuple[int, KnownBody]]:
    return [(item.capture.event_id, item.known) for item in stored if item.known is not None]


def _release(connection: psycopg.Connection[Any], released: Sequence[tuple[int, datetime]]) -> None:
    """Take bodies out of quarantine that have become captures."""
    if released:
        connection.execute(
            """
            delete from raw.quarantine as q
            using unnest(%s::bigint[], %s::timestamptz[]) as r (event_id, captured_at)
            where q.event_id = r.event_id and q.captured_at = r.captured_at and q.item = %s
            """,
            ([event_id for event_id, _ in released], [at for _, at in released], _BODY),
        )


def _save_seating(connection: psycopg.Connection[Any], seating: Iterable[_Seating]) -> None:
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


def _save_failures(connection: psycopg.Connection[Any], failed: Iterable[FailedAttempt]) -> None:
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


def _save_quarantine(
    connection: psycopg.Connection[Any], good: Iterable[GoodCapture], failed: Iterable[FailedAttempt]
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
