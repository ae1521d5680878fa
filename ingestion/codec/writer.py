"""Writes captures into ``raw``: many events in one transaction, each capture exactly once.

What belongs here: the transaction, the order of its locks and statements. What does not: what is stored for a
capture (``placing``, ``delta``) or its bytes (``copy_format``).

Everybody takes locks in one order (heads by event, shared content by key, the ledger by event and hour), so writers
of the same events wait for each other and never deadlock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import psycopg

from ingestion.codec import copy_format as pg
from ingestion.codec.capture import Capture, WriteResult, utc_day
from ingestion.codec.delta import Delta, whole_book
from ingestion.codec.heads import lock_heads, recount_heads, save_heads
from ingestion.codec.placing import KEYFRAME_AFTER_BOOKS, SMALLEST_BOOK, Placed, Remembered, place
from ingestion.codec.shared_content import SharedContent
from ingestion.codec.stored import ARRAY_COLUMNS, read_books

_SNAPSHOT_COLUMNS = (
    "event_id",
    "captured_at",
    "content_hash",
    "run_id",
    "listing_count",
    "ticket_count",
    "change_count",
    "interval_seconds",
    "fetch_ms",
    "body_bytes",
    "http_status",
    "rejected_count",
    *ARRAY_COLUMNS,
)
_KEYFRAME_COLUMNS = ("event_id", "captured_at", *ARRAY_COLUMNS)


_FIRST_FAR_CAPTURE = f"""
    with base as (
        select k.captured_at from raw.keyframes as k
        where k.event_id = %(event)s and k.captured_at <= %(at)s
        order by k.captured_at desc limit 1
    ),
    next_base as (
        select k.captured_at from raw.keyframes as k
        where k.event_id = %(event)s and k.captured_at > %(at)s
        order by k.captured_at limit 1
    ),
    changes as (
        select s.captured_at, s.listing_count, sum(s.change_count) over (order by s.captured_at) as since_keyframe
        from raw.snapshots as s
        where
            s.event_id = %(event)s
            and s.captured_at > (select captured_at from base)
            and s.captured_at < coalesce((select captured_at from next_base), 'infinity')
    )
    select captured_at from changes
    where
        captured_at >= %(at)s
        and since_keyframe > {KEYFRAME_AFTER_BOOKS} * greatest(listing_count, {SMALLEST_BOOK})
    order by captured_at limit 1
"""  # noqa: S608  # two numbers of ours


class SnapshotWriter:
    """Writes captures over one connection, remembering the books it wrote last.

    What it remembers is only an optimisation: each batch holds it against the locked heads, and reads back the books
    of events that somebody else has written in between.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._remembered: dict[int, Remembered] = {}
        self._shared_content = SharedContent()
        self._days_with_partitions: set[date] = set()

    def write(
        self, captures: Sequence[Capture], also: Callable[[psycopg.Connection[Any], WriteResult], None] | None = None
    ) -> WriteResult:
        """Store a batch in one transaction, all of it or nothing.

        ``also`` writes what goes with it in the same transaction, and is told what has become of the captures.

        Captures may come in any order, repeat, and be older than what is stored. The hours whose metrics they
        change are marked in ``raw.stale_hours``. 50 to 100 captures a batch keep round trips and locks short.

        Raises:
            ContentCollisionError: two different placements or terms share a hash. psycopg.Error: the database
                refused or went away. Nothing of the batch is stored then.
        """
        self._ensure_partitions({utc_day(capture.captured_at) for capture in captures})
        with self.connection.transaction():
            heads = lock_heads(self.connection, {capture.event_id for capture in captures})
            placed = place(self.connection, captures, heads, self._remembered)
            stored_content = self._shared_content.save(self.connection, (c for c, _ in placed.snapshots))
            self._copy(placed)
            save_heads(self.connection, (heads[event_id] for event_id in {c.event_id for c, _ in placed.snapshots}))
            if placed.re_encoded:
                self._replace(placed.re_encoded)
                for event_id, captured_at, _ in placed.re_encoded:
                    self._bound_reading_behind(event_id, captured_at)
                recount_heads(self.connection, {event_id for event_id, _, _ in placed.re_encoded})
            self._mark_stale(placed.stale_hours)
            if also is not None:
                also(self.connection, placed.result)
        self._remembered.update(placed.newest)
        self._shared_content.remember(stored_content)
        return placed.result

    def _ensure_partitions(self, days: set[date]) -> None:
        """Make partitions in transactions of their own: attaching one takes a lock that should be short."""
        for day in sorted(days - self._days_with_partitions):
            with self.connection.transaction():
                self.connection.execute("select raw.ensure_partitions(%s, %s)", (day, day))
            self._days_with_partitions.add(day)

    def _copy(self, placed: Placed) -> None:
        self._copy_into("raw.snapshots", _SNAPSHOT_COLUMNS, (_snapshot_row(c, d) for c, d in placed.snapshots))
        if placed.keyframes:
            rows = [_keyframe_row(c.event_id, c.captured_at, d) for c, d in placed.keyframes]
            self._copy_into("raw.keyframes", _KEYFRAME_COLUMNS, rows)

    def _bound_reading_behind(self, event_id: int, captured_at: datetime) -> None:
        """Give keyframes to captures, from this one on, that what came before it has put too far from theirs.

        Without it, 59 captures put one by one before each other left one that was 118 books from its keyframe.
        """
        while far := self.connection.execute(_FIRST_FAR_CAPTURE, {"event": event_id, "at": captured_at}).fetchone():
            (captured_at,) = far
            stored = read_books(self.connection, [(event_id, captured_at)])[event_id]
            row = _keyframe_row(event_id, captured_at, whole_book(stored.book, stored.listing_key))
            self._copy_into("raw.keyframes", _KEYFRAME_COLUMNS, [row])

    def _copy_into(self, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
        statement = f"copy {table} ({', '.join(columns)}) from stdin (format binary)"
        with self.connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.write(b"".join((pg.HEADER, *rows, pg.TRAILER)))

    def _replace(self, re_encoded: Sequence[tuple[int, datetime, Delta]]) -> None:
        """Write anew the deltas of captures that have got another capture before them."""
        columns = ("event_id", "captured_at", "change_count", *ARRAY_COLUMNS)
        self.connection.execute(
            f"create temporary table re_encoded on commit drop as"  # noqa: S608
            f" select {', '.join(columns)} from raw.snapshots with no data"
        )
        rows = (
            pg.row(pg.int8(event_id), pg.timestamptz(at), pg.int4(delta.change_count), *_arrays(delta))
            for event_id, at, delta in re_encoded
        )
        self._copy_into("re_encoded", columns, rows)
        assignments = ", ".join(f"{column} = r.{column}" for column in columns[2:])
        self.connection.execute(
            f"update raw.snapshots as s set {assignments} from re_encoded as r"  # noqa: S608
            " where s.event_id = r.event_id and s.captured_at = r.captured_at"
        )

    def _mark_stale(self, hours: set[tuple[int, datetime]]) -> None:
        in_order = sorted(hours)
        self.connection.execute(
            """
            insert into raw.stale_hours (event_id, hour_at)
            select * from unnest(%s::bigint[], %s::timestamptz[])
            on conflict (event_id, hour_at)
            do update set mark = nextval('raw.stale_mark_seq'), marked_at = now()
            """,
            ([event_id for event_id, _ in in_order], [hour_at for _, hour_at in in_order]),
        )


def _snapshot_row(capture: Capture, delta: Delta) -> bytes:
    return pg.row(
        pg.int8(capture.event_id),
        pg.timestamptz(capture.captured_at),
        pg.int8(capture.book.content_hash),
        pg.uuid(capture.run_id),
        pg.int4(len(capture.book)),
        pg.int4(capture.book.ticket_count),
        pg.int4(delta.change_count),
        pg.int4(capture.interval_seconds),
        pg.int4(capture.fetch_ms),
        pg.int4(capture.body_bytes),
        pg.int2(capture.http_status),
        pg.int4(capture.rejected_count),
        *_arrays(delta),
    )


def _keyframe_row(event_id: int, captured_at: datetime, book: Delta) -> bytes:
    return pg.row(pg.int8(event_id), pg.timestamptz(captured_at), *_arrays(book))


def _arrays(delta: Delta) -> tuple[bytes, ...]:
    """The fields of ``ARRAY_COLUMNS``, in their order."""
    return (
        pg.integer_array(delta.listing_key),
        pg.integer_array(delta.quantity),
        pg.integer_array(delta.price_cents),
        pg.integer_array(delta.all_in_cents),
        pg.text_array(delta.source_listing_id),
        pg.integer_array(delta.placement_id),
        pg.integer_array(delta.terms_id),
        pg.seat_array(delta.seat_low),
        pg.seat_array(delta.seat_high),
    )
