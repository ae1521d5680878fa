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

from ingestion.answers import FailedAttempt, GoodCapture, KnownBody, ReadAnswer, UnchangedCapture
from ingestion.codec.capture import WriteResult
from ingestion.codec.content import content_hash
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import Database
from ingestion.failures import FailureKind
from ingestion.holding import Checked, check_drops
from ingestion.known_bodies import save_known_bodies, unchanged_captures
from ingestion.quarantine.items import BODY
from ingestion.schema_drift import save_drift
from ingestion.side_tables import SeatingVersion, release, save_failures, save_quarantine, save_seating
from ingestion.wire_format.known_keys import UnknownKey

BATCH_SIZE = 64
"""Captures a transaction: round trips are shared, and the locks on their events' heads are held only shortly."""


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
    new_keys: list[UnknownKey] = field(default_factory=list)

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

        new_keys: list[UnknownKey] = []

        def store(connection: psycopg.Connection[Any]) -> tuple[Checked, WriteResult]:
            checked = Checked(good) if are_confirmed else check_drops(connection, good)
            repeated = unchanged_captures(connection, unchanged)
            captures = [item.capture for item in checked.accepted] + [capture for capture, _ in repeated]

            def also(connection: psycopg.Connection[Any], written: WriteResult) -> None:
                stored = _without_refused(checked.accepted, written)
                save_seating(connection, _seating_of(stored, seating))
                save_failures(connection, (*failed, *checked.held))
                save_quarantine(connection, stored, (*failed, *checked.held))
                believed = [item.capture.instant for item in stored] if are_confirmed else checked.released
                release(connection, [(*instant, BODY) for instant in believed])
                save_known_bodies(connection, (*_known(stored), *((c.event_id, known) for c, known in repeated)))
                new_keys[:] = save_drift(connection, ((*item.capture.instant, item.unknown_keys) for item in stored))

            return checked, self._writer_on(connection).write(captures, also)

        checked, written = self._database.run(store)
        for event_id, captured_at, digest, _ in _seating_of(_without_refused(checked.accepted, written), seating):
            self._seating[event_id] = captured_at, digest
        self._count(written, checked, unchanged, failed)
        self.result.new_keys += new_keys

    def _writer_on(self, connection: psycopg.Connection[Any]) -> SnapshotWriter:
        """The writer, a new one after the connection was lost: what it knew may not have been committed."""
        if self._writer is None or self._writer.connection is not connection:
            self._writer = SnapshotWriter(connection)
        return self._writer

    def _changed_seating(self, good: Sequence[GoodCapture]) -> list[SeatingVersion]:
        """What differs from the seating loaded last, or is older than that and so has a place of its own."""
        newest = dict(self._seating)
        changed = []
        for item in sorted(good, key=lambda item: item.capture.captured_at):
            event_id, captured_at = item.capture.instant
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


def _without_refused(accepted: Iterable[GoodCapture], written: WriteResult) -> list[GoodCapture]:
    refused = {(conflict.event_id, conflict.captured_at) for conflict in written.conflicts}
    return [item for item in accepted if item.capture.instant not in refused]


def _seating_of(stored: Iterable[GoodCapture], seating: Iterable[SeatingVersion]) -> list[SeatingVersion]:
    instants = {item.capture.instant for item in stored}
    return [row for row in seating if row[:2] in instants]


def _known(stored: Iterable[GoodCapture]) -> list[tuple[int, KnownBody]]:
    return [(item.capture.event_id, item.known) for item in stored if item.known is not None]
