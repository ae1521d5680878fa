"""Writes captures into ``raw``, and amends them: many events in one transaction, each capture exactly once.

What belongs here: the transaction, the order of its locks and statements. What does not: what is stored for a
capture (``placing``, ``amending``, ``delta``) or its bytes (``rows``).

Everybody takes locks in one order (heads by event, shared content by key, the ledger by event and hour), so writers
of the same events wait for each other and never deadlock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.errors import CheckViolation

from ingestion.codec import copy_format as pg
from ingestion.codec.amending import Amended, amend
from ingestion.codec.capture import Amendment, Capture, WriteResult, utc_day
from ingestion.codec.delta import Delta, whole_book
from ingestion.codec.heads import lock_heads, lock_known_heads, recount_heads, save_heads
from ingestion.codec.placing import KEYFRAME_AFTER_BOOKS, SMALLEST_BOOK, Placed, Remembered, place
from ingestion.codec.rows import (
    AMENDED_COLUMNS,
    DELTA_COLUMNS,
    KEYFRAME_COLUMNS,
    SNAPSHOT_COLUMNS,
    amended_row,
    delta_row,
    keyframe_row,
    snapshot_row,
)
from ingestion.codec.shared_content import SharedContent
from ingestion.codec.stored import read_books

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
        days = {utc_day(capture.captured_at) for capture in captures}
        self._ensure_partitions(days)
        try:
            return self._write(captures, also)
        except CheckViolation:
            # As where a day's partition is gone, dropped for its age since it was made or found here.
            self._days_with_partitions -= days
            self._ensure_partitions(days)
            return self._write(captures, also)

    def _write(
        self, captures: Sequence[Capture], also: Callable[[psycopg.Connection[Any], WriteResult], None] | None
    ) -> WriteResult:
        with self.connection.transaction():
            heads = lock_heads(self.connection, {capture.event_id for capture in captures})
            placed = place(self.connection, captures, heads, self._remembered)
            stored_content = self._shared_content.save(self.connection, (c for c, _ in placed.snapshots))
            self._copy(placed)
            save_heads(self.connection, (heads[event_id] for event_id in {c.event_id for c, _ in placed.snapshots}))
            if placed.re_encoded:
                self._re_encode(placed.re_encoded)
                for event_id, captured_at, _ in placed.re_encoded:
                    self._bound_reading_behind(event_id, captured_at)
                recount_heads(self.connection, {event_id for event_id, _, _ in placed.re_encoded})
            self._number_loads(
                {(capture.event_id, capture.captured_at) for capture, _ in placed.snapshots}
                | {(event_id, captured_at) for event_id, captured_at, _ in placed.re_encoded}
            )
            self._mark_stale(placed.stale_hours)
            if also is not None:
                also(self.connection, placed.result)
        self._remembered.update(placed.newest)
        self._shared_content.remember(stored_content)
        return placed.result

    def amend(
        self,
        amendments: Sequence[Amendment],
        also: Callable[[psycopg.Connection[Any], Amended], None] | None = None,
    ) -> Amended:
        """Join listings to captures that are stored, one amendment a capture, in one transaction with ``also``.

        Afterwards it is as if the captures had had them from the beginning, and the hours whose metrics that
        changes are marked in ``raw.stale_hours``.

        Raises:
            ContentCollisionError, psycopg.Error: see ``write``.
        """
        with self.connection.transaction():
            heads = lock_known_heads(self.connection, {amendment.event_id for amendment in amendments})
            amended = amend(self.connection, amendments, heads)
            given = [item.amendment for item in amended.captures]
            stored_content = self._shared_content.save(self.connection, given)
            self._re_encode(amended.re_encoded)
            self._replace("raw.snapshots", AMENDED_COLUMNS, (amended_row(item) for item in amended.captures))
            keyframes = [(a.amendment, a.keyframe) for a in amended.captures if a.keyframe is not None]
            rows = (keyframe_row(of.event_id, of.captured_at, keyframe) for of, keyframe in keyframes)
            self._replace("raw.keyframes", KEYFRAME_COLUMNS, rows)
            save_heads(self.connection, heads.values())
            for amendment in given:
                self._bound_reading_behind(amendment.event_id, amendment.captured_at)
            recount_heads(self.connection, {amendment.event_id for amendment in given})
            self._number_loads(
                {(amendment.event_id, amendment.captured_at) for amendment in given}
                | {(event_id, captured_at) for event_id, captured_at, _ in amended.re_encoded}
            )
            self._mark_stale(amended.stale_hours)
            if also is not None:
                also(self.connection, amended)
        self._shared_content.remember(stored_content)
        return amended

    def _ensure_partitions(self, days: set[date]) -> None:
        """Make partitions in transactions of their own: attaching one takes a lock that should be short."""
        for day in sorted(days - self._days_with_partitions):
            with self.connection.transaction():
                self.connection.execute("select raw.ensure_partitions(%s, %s)", (day, day))
            self._days_with_partitions.add(day)

    def _copy(self, placed: Placed) -> None:
        self._copy_into("raw.snapshots", SNAPSHOT_COLUMNS, (snapshot_row(c, d) for c, d in placed.snapshots))
        if placed.keyframes:
            rows = [keyframe_row(c.event_id, c.captured_at, d) for c, d in placed.keyframes]
            self._copy_into("raw.keyframes", KEYFRAME_COLUMNS, rows)

    def _bound_reading_behind(self, event_id: int, captured_at: datetime) -> None:
        """Give keyframes to captures, from this one on, that what came before it has put too far from theirs.

        Without it, 59 captures put one by one before each other left one that was 118 books from its keyframe.
        """
        while far := self.connection.execute(_FIRST_FAR_CAPTURE, {"event": event_id, "at": captured_at}).fetchone():
            (captured_at,) = far
            stored = read_books(self.connection, [(event_id, captured_at)])[event_id]
            row = keyframe_row(event_id, captured_at, whole_book(stored.book, stored.listing_key))
            self._copy_into("raw.keyframes", KEYFRAME_COLUMNS, [row])

    def _copy_into(self, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
        statement = f"copy {table} ({', '.join(columns)}) from stdin (format binary)"
        with self.connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.write(b"".join((pg.HEADER, *rows, pg.TRAILER)))

    def _re_encode(self, re_encoded: Sequence[tuple[int, datetime, Delta]]) -> None:
        """Write anew the deltas of captures that have got another capture before them."""
        rows = (delta_row(event_id, captured_at, delta) for event_id, captured_at, delta in re_encoded)
        self._replace("raw.snapshots", DELTA_COLUMNS, rows)

    def _replace(self, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
        """Write columns of rows anew; the first two are the key of ``table``."""
        named = ", ".join(columns)
        self.connection.execute(
            f"create temporary table replacing as select {named} from {table} with no data"  # noqa: S608
        )
        self._copy_into("replacing", columns, rows)
        assignments = ", ".join(f"{column} = r.{column}" for column in columns[2:])
        self.connection.execute(
            f"update {table} as s set {assignments} from replacing as r"  # noqa: S608
            " where s.event_id = r.event_id and s.captured_at = r.captured_at"
        )
        self.connection.execute("drop table replacing")

    def _number_loads(self, instants: Iterable[tuple[int, datetime]]) -> None:
        """Say to who follows these events which captures have come in, or are others than they were.

        The numbers mean something because the heads of the events are locked until this is committed.
        """
        in_order = sorted(instants)
        self.connection.execute(
            """
            insert into raw.loads (event_id, captured_at)
            select * from unnest(%s::bigint[], %s::timestamptz[])
            on conflict (event_id, captured_at) do update set load_number = excluded.load_number
            """,
            ([event_id for event_id, _ in in_order], [captured_at for _, captured_at in in_order]),
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
