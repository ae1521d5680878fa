"""Gives what is in quarantine another chance, with the parser as it is now.

What belongs here: which bodies become captures, and the flow of a retry. What does not: storing captures
(``loading``), tickets that join the captures that they were left out of (``joining``).

An item leaves quarantine in the transaction that stores it, so a retry can be broken off anywhere and run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
import zstandard

from ingestion.answers import Answer, FailedAttempt, GoodCapture, read_answer
from ingestion.codec.capture import Conflict
from ingestion.database import Database
from ingestion.loading import BATCH_SIZE, Loader
from ingestion.quarantine.items import BODY, ItemKey, columns_of
from ingestion.quarantine.joining import join_tickets
from ingestion.tracking import intervals_in_force

MOST_BYTES_A_BATCH = 1 << 24
"""Of compressed items that are read at once; a body may have 16 MB, and they are unpacked one at a time."""


@dataclass
class RetryReport:
    """What became of items; those that somebody else has dealt with meanwhile are not counted.

    ``untrusted`` counts the bodies that stay by the kind of failure that they are now, ``rejected`` the tickets that
    stay by the reason. ``amended_captures`` is how many captures the ``joined`` tickets have joined.
    """

    bodies: int = 0
    captured: int = 0
    repeated: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    untrusted: Counter[str] = field(default_factory=Counter)
    tickets: int = 0
    joined: int = 0
    amended_captures: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


def retry(
    database: Database,
    keys: Sequence[ItemKey],
    *,
    interval_seconds: int,
    is_dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> RetryReport:
    """Read items anew, bodies first, and store what can be trusted now; ``on_progress`` hears of items dealt with.

    A body that was held because it had lost most of its listings is taken for what it says. ``interval_seconds`` is
    the interval in force of events that are not tracked; tracked ones have their own. A dry run changes nothing.

    Raises:
        DatabaseUnavailableError, psycopg.OperationalError: the database was away for too long.
    """
    report = RetryReport()
    intervals = database.run(intervals_in_force)
    loader = Loader(database)
    for batch in _batches([key for key in keys if key.item == BODY]):
        good: list[GoodCapture] = []
        for answer, run_id in database.run(partial(_read_bodies, batch=batch)):
            report.bodies += 1
            read = read_answer(answer, intervals.get(answer.event_id, interval_seconds), run_id)
            if isinstance(read, GoodCapture):
                good.append(replace(read, body=b""))  # it is in quarantine already, and 64 may have 1 GB
            elif isinstance(read, FailedAttempt):
                report.untrusted[read.error.kind] += 1
        if is_dry_run:
            database.run(partial(_foresee, good=good, report=report))
        else:
            loader.load_confirmed(good)
        on_progress(len(batch))
    report.captured += loader.result.snapshots.written
    report.repeated += loader.result.snapshots.repeated
    report.conflicts += loader.result.snapshots.conflicts

    for batch in _batches([key for key in keys if key.item != BODY]):
        joining = database.run(partial(join_tickets, batch=batch, is_dry_run=is_dry_run))
        report.tickets += len(joining.joined) + joining.rejected.total()
        report.joined += len(joining.joined)
        report.amended_captures += joining.amended_captures
        report.rejected += joining.rejected
        on_progress(len(batch))
    return report


def _batches(keys: Sequence[ItemKey]) -> Iterator[list[ItemKey]]:
    """Items of at most ``BATCH_SIZE`` captures; those of one capture stay together."""
    batch: list[ItemKey] = []
    captures = stored_bytes = 0
    for _, of_capture in groupby(keys, key=lambda key: (key.event_id, key.captured_at)):
        items = list(of_capture)
        more_bytes = sum(key.stored_bytes for key in items)
        if batch and (captures == BATCH_SIZE or stored_bytes + more_bytes > MOST_BYTES_A_BATCH):
            yield batch
            batch, captures, stored_bytes = [], 0, 0
        batch += items
        captures += 1
        stored_bytes += more_bytes
    if batch:
        yield batch


def _read_bodies(connection: psycopg.Connection[Any], batch: Sequence[ItemKey]) -> Iterator[tuple[Answer, UUID | None]]:
    """The answers that the bodies came with, each with the run that fetched it."""
    rows = connection.execute(
        """
        select q.event_id, q.captured_at, coalesce(f.http_status, %s), q.content, f.fetch_ms, q.run_id
        from unnest(%s::bigint[], %s::timestamptz[]) as w (event_id, captured_at)
        inner join raw.quarantine as q
            on w.event_id = q.event_id and w.captured_at = q.captured_at and q.item = %s
        left join raw.scrape_failures as f
            on q.event_id = f.event_id and q.captured_at = f.attempted_at and q.kind = f.kind
        """,
        (HTTPStatus.OK, *columns_of((key.event_id, key.captured_at) for key in batch), BODY),
    ).fetchall()
    return (
        (Answer(event_id, captured_at, status, zstandard.decompress(content), fetch_ms), run_id)
        for event_id, captured_at, status, content, fetch_ms, run_id in rows
    )


def _foresee(connection: psycopg.Connection[Any], good: Sequence[GoodCapture], report: RetryReport) -> None:
    """Count what would become of captures."""
    instants = [item.capture.instant for item in good]
    rows = connection.execute(
        """
        select s.event_id, s.captured_at, s.content_hash
        from unnest(%s::bigint[], %s::timestamptz[]) as w (event_id, captured_at)
        inner join raw.snapshots as s on w.event_id = s.event_id and w.captured_at = s.captured_at
        """,
        columns_of(instants),
    ).fetchall()
    stored = {(event_id, captured_at): content_hash for event_id, captured_at, content_hash in rows}
    for instant, item in zip(instants, good, strict=True):
        if instant not in stored:
            report.captured += 1
        elif stored[instant] == item.capture.book.content_hash:
            report.repeated += 1
        else:
            report.conflicts.append(Conflict(*instant))
