"""Where each capture of a batch belongs in its event's history, and what is stored for it.

What belongs here: appending, putting captures in the middle, telling repeats from conflicts, when a keyframe is due.
What does not: transactions and statements that write (``writer``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import psycopg

from ingestion.codec.book import Book
from ingestion.codec.capture import Capture, Conflict, WriteResult, utc_day, utc_hour
from ingestion.codec.delta import EMPTY_STATE, BookState, Delta, encode, whole_book
from ingestion.codec.heads import Head
from ingestion.codec.stored import read_books

KEYFRAME_AFTER_BOOKS = 3
"""A keyframe is due when the changes since the last one exceed this many books; reading is bounded by it."""
SMALLEST_BOOK = 32
"""Books count as at least this many listings, lest an event of three gets a keyframe with every other capture."""


@dataclass(frozen=True)
class Remembered:
    """The book that a writer wrote last for an event, and the head that it then left behind."""

    captured_at: datetime
    content_hash: int
    state: BookState


@dataclass
class Placed:
    """What a batch amounts to: rows to store, captures to re-encode, hours whose metrics are no longer true."""

    snapshots: list[tuple[Capture, Delta]] = field(default_factory=list)
    keyframes: list[tuple[Capture, Delta]] = field(default_factory=list)
    re_encoded: list[tuple[int, datetime, Delta]] = field(default_factory=list)
    stale_hours: set[tuple[int, datetime]] = field(default_factory=set)
    newest: dict[int, Remembered] = field(default_factory=dict)
    result: WriteResult = field(default_factory=WriteResult)

    def add(self, capture: Capture, delta: Delta, state: BookState, *, keyframe: bool) -> None:
        """Take in one capture that has found its place."""
        self.snapshots.append((capture, delta))
        if keyframe:
            self.keyframes.append((capture, whole_book(capture.book, state.listing_key)))
        self.stale_hours.add((capture.event_id, capture.hour_at))
        self.result.written += 1
        self.result.observations += len(capture.book)
        self.result.changes += delta.change_count

    def refuse_or_ignore(self, capture: Capture, stored_hash: int) -> None:
        """Count a capture whose instant is taken: a repeat if the book is the same, else a conflict."""
        if capture.book.content_hash == stored_hash:
            self.result.repeated += 1
        else:
            self.result.conflicts.append(Conflict(capture.event_id, capture.captured_at))


def place(
    connection: psycopg.Connection[Any],
    captures: Sequence[Capture],
    heads: Mapping[int, Head],
    remembered: Mapping[int, Remembered],
) -> Placed:
    """Find each capture's place, reading from the database what is not remembered. Changes ``heads`` accordingly."""
    placed = Placed()
    newer, older = _split(captures, heads, placed)
    for event_id, middle in older.items():
        _put_in_the_middle(connection, heads[event_id], middle, placed)
    states = _newest_states(connection, [heads[event_id] for event_id in newer], remembered)
    for event_id, appended in newer.items():
        _append(heads[event_id], states.get(event_id, EMPTY_STATE), appended, placed)
    return placed


def _split(
    captures: Sequence[Capture], heads: Mapping[int, Head], placed: Placed
) -> tuple[dict[int, list[Capture]], dict[int, list[Capture]]]:
    """Captures newer than their event's head, and all others; each in order of time, one an instant."""
    newer: dict[int, list[Capture]] = defaultdict(list)
    older: dict[int, list[Capture]] = defaultdict(list)
    in_order = sorted(captures, key=attrgetter("event_id", "captured_at"))
    for (event_id, captured_at), same_instant in groupby(in_order, key=attrgetter("event_id", "captured_at")):
        first, *others = same_instant
        for other in others:
            placed.refuse_or_ignore(other, first.book.content_hash)
        newest_at = heads[event_id].captured_at
        (newer if newest_at is None or captured_at > newest_at else older)[event_id].append(first)
    return newer, older


def _newest_states(
    connection: psycopg.Connection[Any], heads: Sequence[Head], remembered: Mapping[int, Remembered]
) -> dict[int, BookState]:
    states = {}
    unknown = []
    for head in heads:
        memory = remembered.get(head.event_id)
        if memory and (memory.captured_at, memory.content_hash) == (head.captured_at, head.content_hash):
            states[head.event_id] = memory.state
        elif head.captured_at is not None:
            unknown.append((head.event_id, head.captured_at))
    for event_id, stored in read_books(connection, unknown).items():
        states[event_id] = BookState.of(stored.book, stored.listing_key)
    return states


def _append(head: Head, state: BookState, captures: Sequence[Capture], placed: Placed) -> None:
    for capture in captures:
        delta, state, head.next_listing_key = encode(state, capture.book, head.next_listing_key)
        changes = head.changes_since_keyframe + delta.change_count
        keyframe = _is_first_of_day(head.captured_at, capture.captured_at) or _is_far(changes, capture.book)
        placed.add(capture, delta, state, keyframe=keyframe)
        head.captured_at = capture.captured_at
        head.content_hash = capture.book.content_hash
        head.listing_count = len(capture.book)
        head.changes_since_keyframe = 0 if keyframe else changes
        if keyframe:
            head.keyframe_at = capture.captured_at
    newest = captures[-1]
    placed.newest[head.event_id] = Remembered(newest.captured_at, newest.book.content_hash, state)


def _put_in_the_middle(
    connection: psycopg.Connection[Any], head: Head, captures: Sequence[Capture], placed: Placed
) -> None:
    """Put captures no newer than the head where they belong, gap by gap.

    Listings of a new capture take their keys from its neighbours, so the capture behind a gap keeps its keys: only
    its delta is written anew, against what now comes before it, and nothing behind it changes.
    """
    event_id = head.event_id
    gaps: dict[tuple[datetime | None, datetime | None], list[Capture]] = defaultdict(list)
    places = find_places(connection, event_id, [c.captured_at for c in captures])
    for capture, at in zip(captures, places, strict=True):
        if at.content_hash is not None:
            placed.refuse_or_ignore(capture, at.content_hash)
        else:
            gaps[at.before_at, at.after_at].append(capture)

    for (before_at, after_at), in_gap in gaps.items():
        state, changes, previous_at = EMPTY_STATE, 0, before_at
        if before_at is not None:
            before = read_books(connection, [(event_id, before_at)])[event_id]
            state, changes = BookState.of(before.book, before.listing_key), before.changes_since_keyframe
        after = read_books(connection, [(event_id, after_at)])[event_id] if after_at is not None else None
        after_state = BookState.of(after.book, after.listing_key) if after is not None else EMPTY_STATE
        for capture in in_gap:
            delta, state, head.next_listing_key = encode(state, capture.book, head.next_listing_key, after_state)
            changes += delta.change_count
            keyframe = _is_first_of_day(previous_at, capture.captured_at) or _is_far(changes, capture.book)
            placed.add(capture, delta, state, keyframe=keyframe)
            changes = 0 if keyframe else changes
            previous_at = capture.captured_at
        if after_at is None or after is None:
            continue  # all that came later has been dropped with its days, so nothing is read through this gap
        delta, _, head.next_listing_key = encode(state, after.book, head.next_listing_key, after_state)
        placed.re_encoded.append((event_id, after_at, delta))
        placed.stale_hours.add((event_id, utc_hour(after_at)))


class Place(NamedTuple):
    """What there is at an instant of an event's history, and around it; None where there is nothing."""

    content_hash: int | None
    rejected_count: int | None
    has_keyframe: bool
    before_at: datetime | None
    after_at: datetime | None


def find_places(connection: psycopg.Connection[Any], event_id: int, instants: Sequence[datetime]) -> list[Place]:
    """For each instant: the capture that has it already, the capture before and the capture after."""
    rows = connection.execute(
        """
        select
            same.content_hash, same.rejected_count, keyframe.captured_at is not null,
            before.captured_at, after.captured_at
        from unnest(%(instants)s::timestamptz[]) with ordinality as w (at, position)
        left join raw.snapshots as same on same.event_id = %(event_id)s and same.captured_at = w.at
        left join raw.keyframes as keyframe on keyframe.event_id = %(event_id)s and keyframe.captured_at = w.at
        left join lateral (
            select s.captured_at from raw.snapshots as s
            where s.event_id = %(event_id)s and s.captured_at < w.at order by s.captured_at desc limit 1
        ) as before on true
        left join lateral (
            select s.captured_at from raw.snapshots as s
            where s.event_id = %(event_id)s and s.captured_at > w.at order by s.captured_at limit 1
        ) as after on true
        order by w.position
        """,
        {"event_id": event_id, "instants": list(instants)},
    )
    return [Place(*row) for row in rows]


def _is_first_of_day(previous_at: datetime | None, captured_at: datetime) -> bool:
    """Whether a capture is its event's first of a UTC day, which is always a keyframe: a day can be read alone."""
    return previous_at is None or utc_day(previous_at) != utc_day(captured_at)


def _is_far(changes: int, book: Book) -> bool:
    """Whether a book is too many changes away from the last keyframe to be read without one of its own."""
    return changes > KEYFRAME_AFTER_BOOKS * max(len(book), SMALLEST_BOOK)
