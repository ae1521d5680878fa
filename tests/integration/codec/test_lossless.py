"""The first invariant: whatever is captured, in whatever order it is written, is read back value for value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.codec.capture import WriteResult
from ingestion.codec.stored import read_books
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from tests.integration.codec.markets import PlainCapture, capture, captures_of_events, plain_listing

_TABLES = "raw.snapshots, raw.keyframes, raw.heads, raw.placements, raw.terms, raw.stale_hours"
_thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(database_url) as connection:
        yield connection


@_thorough
@given(captured=captures_of_events(), data=st.data())
def test_any_captures_in_any_order_are_read_back_equal(
    connection: psycopg.Connection[Any], captured: list[PlainCapture], data: st.DataObject
) -> None:
    connection.execute(f"truncate {_TABLES}")
    order = data.draw(st.permutations(captured) | st.just(captured))
    writers = [SnapshotWriter(connection), SnapshotWriter(connection)]
    result = WriteResult()
    while order:
        size = data.draw(st.integers(1, 5))
        # Two writers take turns, each believing what it remembers, or one that remembers nothing begins.
        writer = data.draw(st.sampled_from([*writers, None])) or SnapshotWriter(connection)
        again = data.draw(st.lists(st.sampled_from(captured), max_size=1))
        result.add(writer.write([capture(plain) for plain in (*order[:size], *again)]))
        order = order[size:]
    result.add(writers[0].write([capture(plain) for plain in captured]))

    assert result.written == len(captured)
    assert result.repeated >= len(captured)
    assert result.conflicts == []
    _assert_all_read_back(connection, captured)
    _assert_heads_are_true(connection)
    _assert_marked_stale(connection, captured)


@_thorough
@given(captured=captures_of_events())
def test_the_deltas_alone_retell_every_book(connection: psycopg.Connection[Any], captured: list[PlainCapture]) -> None:
    connection.execute(f"truncate {_TABLES}")
    SnapshotWriter(connection).write([capture(plain) for plain in captured])
    books: dict[int, dict[str, tuple[int, int, int | None]]] = {}
    for plain in captured:
        book = books.setdefault(plain.event_id, {})
        rows = connection.execute(
            "select change, source_listing_id, quantity, price_cents, all_in_cents"
            " from raw.listing_changes(%s, %s, %s)",
            (plain.event_id, plain.captured_at, plain.captured_at + timedelta(microseconds=1)),
        ).fetchall()
        # A listing whose fixed attributes change is gone and added under one id: the new one counts.
        for change, listing_id, *values in sorted(rows, key=lambda row: row[0] != "gone"):
            if change == "gone":
                del book[listing_id]
            else:
                assert (change == "changed") == (listing_id in book)
                book[listing_id] = tuple(values)
        expected = {x.source_listing_id: (x.quantity, x.price_cents, x.all_in_cents) for x in plain.listings}
        assert book == expected


def _assert_all_read_back(connection: psycopg.Connection[Any], captured: Sequence[PlainCapture]) -> None:
    for plain in captured:
        rows = connection.execute(
            "select * from raw.listings_at(%s, %s)", (plain.event_id, plain.captured_at)
        ).fetchall()
        assert all(row[0] == plain.captured_at for row in rows)
        assert sorted(map(repr, (plain_listing(row[1:]) for row in rows))) == sorted(map(repr, plain.listings))
        stored = read_books(connection, [(plain.event_id, plain.captured_at)])[plain.event_id]
        assert stored.book.content_hash == capture(plain).book.content_hash
    counts = connection.execute(
        "select event_id, captured_at, listing_count, ticket_count from raw.snapshots order by 1, 2"
    ).fetchall()
    assert counts == [
        (p.event_id, p.captured_at, len(p.listings), sum(x.quantity for x in p.listings)) for p in captured
    ]


def _assert_heads_are_true(connection: psycopg.Connection[Any]) -> None:
    """Heads say what the snapshots say, and each UTC day of an event opens with a keyframe."""
    wrong = connection.execute(
        """
        select h.event_id from raw.heads as h
        inner join lateral (
            select max(s.captured_at) as captured_at from raw.snapshots as s where s.event_id = h.event_id
        ) as s on true
        left join lateral (
            select max(k.captured_at) as keyframe_at from raw.keyframes as k where k.event_id = h.event_id
        ) as k on true
        left join lateral (
            select coalesce(sum(c.change_count), 0) as changes from raw.snapshots as c
            where c.event_id = h.event_id and c.captured_at > k.keyframe_at
        ) as c on true
        where (h.captured_at, h.keyframe_at, h.changes_since_keyframe)
            is distinct from (s.captured_at, k.keyframe_at, c.changes)
        """
    ).fetchall()
    assert wrong == []
    without_keyframe = connection.execute(
        """
        select s.event_id, min(s.captured_at) from raw.snapshots as s
        group by s.event_id, date_trunc('day', s.captured_at, 'UTC')
        except select event_id, captured_at from raw.keyframes
        """
    ).fetchall()
    assert without_keyframe == []


def _assert_marked_stale(connection: psycopg.Connection[Any], captured: Sequence[PlainCapture]) -> None:
    marked = connection.execute("select event_id, hour_at from raw.stale_hours").fetchall()
    assert set(marked) == {(p.event_id, p.captured_at.replace(minute=0, second=0, microsecond=0)) for p in captured}
