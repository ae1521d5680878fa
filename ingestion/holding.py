"""Holds back a body that has suddenly lost most of its listings, until a second one says the same.

What belongs here: what counts as such a drop, and when it is believed. What does not: storing (``loading``).

Seen once: 223 listings of a book of about 960, since the answer had been filtered, and the whole book again a moment
later. Loaded, it would be 737 sales. Real markets lose at most a third of their listings between two captures (31 % in
the last hours before a start); what falls below two fifths is held in ``raw.quarantine`` as ``partial_inventory``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import psycopg
import zstandard

from ingestion.answers import Answer, FailedAttempt, GoodCapture, read_answer
from ingestion.failures import CaptureError, FailureKind

SMALLEST_BOOK = 50
"""A book of fewer listings may lose most of them in one step: a seller of twenty listings leaves."""
LARGEST_REMAINDER = 0.4
"""Of the listings before: fewer are a drop to a fraction."""
CONFIRMING_SHARE = 1.25
"""A second capture confirms a held one unless it has more listings than this times as many: then the book returns."""

_Instant = tuple[int, datetime]


@dataclass(frozen=True)
class _Before:
    """The capture before another one."""

    captured_at: datetime
    listing_count: int


@dataclass
class Checked:
    """A batch as far as it is believed: captures to store, those held back, and held ones that are believed now."""

    accepted: list[GoodCapture] = field(default_factory=list)
    held: list[FailedAttempt] = field(default_factory=list)
    released: list[_Instant] = field(default_factory=list)

    def hold(self, item: GoodCapture, before: _Before) -> None:
        """Keep a capture back, as a failed attempt whose body can be looked at."""
        capture = item.capture
        message = (
            f"{len(capture.book)} listings where {before.listing_count} were at {before.captured_at.isoformat()}: "
            "held until another capture confirms it"
        )
        error = CaptureError(FailureKind.PARTIAL_INVENTORY, message, http_status=capture.http_status, body=item.body)
        self.held.append(
            FailedAttempt(
                capture.event_id, capture.captured_at, error, capture.fetch_ms, capture.body_bytes, capture.run_id
            )
        )

    def release(self, held: GoodCapture) -> None:
        """Believe a capture that was held, in this batch or before."""
        instant = held.capture.instant
        self.held = [attempt for attempt in self.held if (attempt.event_id, attempt.attempted_at) != instant]
        self.released.append(instant)
        self.accepted.append(held)


def check_drops(connection: psycopg.Connection[Any], good: Sequence[GoodCapture]) -> Checked:
    """Sort out the captures whose books are a fraction of those before them.

    After an event's start everything may go at once, and nothing is held. Nor is a capture that is stored already.
    """
    checked = Checked()
    in_order = sorted(good, key=lambda item: item.capture.instant)
    stored_before = _captures_before(connection, in_order)
    for _, of_event in groupby(in_order, key=lambda item: item.capture.event_id):
        _check_event(connection, of_event, stored_before, checked)
    return checked


def _check_event(
    connection: psycopg.Connection[Any],
    captures: Iterable[GoodCapture],
    stored_before: Mapping[_Instant, _Before],
    checked: Checked,
) -> None:
    before: _Before | None = None
    held: GoodCapture | None = None
    for item in captures:
        candidates = [candidate for candidate in (before, stored_before.get(item.capture.instant)) if candidate]
        before = max(candidates, key=attrgetter("captured_at"), default=None)
        if before is not None and _is_drop(before, item) and not _is_expected(connection, item):
            held = held or _held_since(connection, before, item)
            if held is None or len(item.capture.book) > CONFIRMING_SHARE * len(held.capture.book):
                checked.hold(item, before)
                held = item
                continue
            checked.release(held)
        checked.accepted.append(item)
        before, held = _Before(item.capture.captured_at, len(item.capture.book)), None


def _is_drop(before: _Before, item: GoodCapture) -> bool:
    listing_count = len(item.capture.book)
    return before.listing_count >= SMALLEST_BOOK and listing_count < LARGEST_REMAINDER * before.listing_count


def _captures_before(connection: psycopg.Connection[Any], good: Sequence[GoodCapture]) -> dict[_Instant, _Before]:
    """For each capture the stored one before it; the head says it for all that are newer, which most are."""
    instants = [item.capture.instant for item in good]
    heads = {
        event_id: _Before(captured_at, listing_count)
        for event_id, captured_at, listing_count in connection.execute(
            """
            select event_id, captured_at, listing_count from raw.heads
            where event_id = any(%s) and captured_at is not null
            """,
            ([event_id for event_id, _ in instants],),
        )
    }
    newer = {(event_id, at) for event_id, at in instants if event_id in heads and at > heads[event_id].captured_at}
    before = {(event_id, at): heads[event_id] for event_id, at in newer}
    older = [(event_id, at) for event_id, at in instants if event_id in heads and (event_id, at) not in newer]
    if older:
        rows = connection.execute(
            """
            select w.event_id, w.at, b.captured_at, b.listing_count
            from unnest(%s::bigint[], %s::timestamptz[]) as w (event_id, at)
            cross join lateral (
                select s.captured_at, s.listing_count from raw.snapshots as s
                where s.event_id = w.event_id and s.captured_at < w.at order by s.captured_at desc limit 1
            ) as b
            """,
            ([event_id for event_id, _ in older], [at for _, at in older]),
        )
        before |= {(event_id, at): _Before(captured_at, count) for event_id, at, captured_at, count in rows}
    return before


def _is_expected(connection: psycopg.Connection[Any], item: GoodCapture) -> bool:
    """Whether the event has started by then, or the capture is stored already."""
    (expected,) = connection.execute(
        """
        select exists (select from raw.snapshots where event_id = %(event_id)s and captured_at = %(at)s)
            or coalesce(
                (
                    select p.starts_at <= %(at)s from raw.productions as p
                    where p.event_id = %(event_id)s order by p.observed_at desc limit 1
                ),
                false
            )
        """,
        {"event_id": item.capture.event_id, "at": item.capture.captured_at},
    ).fetchone() or (False,)
    return bool(expected)


def _held_since(connection: psycopg.Connection[Any], before: _Before, item: GoodCapture) -> GoodCapture | None:
    """The newest capture of the event that is held between two instants."""
    row = connection.execute(
        """
        select q.captured_at, q.content, q.run_id, f.http_status, f.fetch_ms
        from raw.quarantine as q
        inner join raw.scrape_failures as f
            on q.event_id = f.event_id and q.captured_at = f.attempted_at and q.kind = f.kind
        where q.event_id = %s and q.captured_at > %s and q.captured_at < %s and q.item = 'body' and q.kind = %s
        order by q.captured_at desc limit 1
        """,
        (item.capture.event_id, before.captured_at, item.capture.captured_at, FailureKind.PARTIAL_INVENTORY),
    ).fetchone()
    if row is None:
        return None
    captured_at, content, run_id, http_status, fetch_ms = row
    answer = Answer(item.capture.event_id, captured_at, http_status, zstandard.decompress(content), fetch_ms)
    held = read_answer(answer, item.capture.interval_seconds, run_id)
    return held if isinstance(held, GoodCapture) else None
