"""Listings that join a capture later: afterwards it is as if they had never been left out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.codec.amending import IS_IN_THE_BOOK, LEFT_NOTHING_OUT, NOT_STORED
from ingestion.codec.capture import Amendment, Capture
from ingestion.codec.stored import read_books
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from tests.integration.codec.markets import (
    EVENT_IDS,
    START,
    PlainCapture,
    PlainListing,
    capture,
    captures_of_events,
    plain_listing,
)

EVENT = EVENT_IDS[0]
_CODEC_TABLES = ("snapshots", "keyframes", "heads", "placements", "terms", "stale_hours", "loads")
_thorough = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Rejected(NamedTuple):
    """A listing that was left out of the capture with this number."""

    number: int
    listing: PlainListing


@pytest.fixture(scope="module")
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(database_url) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _empty(connection: psycopg.Connection[Any]) -> None:
    empty(connection)


def empty(connection: psycopg.Connection[Any]) -> None:
    connection.execute(f"truncate {', '.join(f'raw.{table}' for table in _CODEC_TABLES)}")


def listing(number: int, **values: Any) -> PlainListing:
    plain = PlainListing(f"VB{number}", "A", "1", "9", "99", None, None, (1, 2), "Mail", "", None, 2, 1000, 1200)
    return plain._replace(**values)


def book(count: int, **values: Any) -> list[PlainListing]:
    return [listing(number, **values) for number in range(count)]


def plain(minute: float, listings: Sequence[PlainListing]) -> PlainCapture:
    return PlainCapture(EVENT, START + timedelta(minutes=minute), tuple(listings))


def without(whole: PlainCapture, left_out: Sequence[PlainListing]) -> Capture:
    """The capture as it was stored first."""
    ids = {each.source_listing_id for each in left_out}
    kept = whole._replace(listings=tuple(each for each in whole.listings if each.source_listing_id not in ids))
    return replace(capture(kept), rejected_count=len(ids))


def amendment(whole: PlainCapture, joining: Sequence[PlainListing]) -> Amendment:
    alone = capture(whole._replace(listings=tuple(joining)))
    return Amendment(alone.event_id, alone.captured_at, alone.book, alone.placements, alone.terms)


@_thorough
@given(captured=captures_of_events(), data=st.data())
def test_it_is_as_if_nothing_had_ever_been_left_out(
    connection: psycopg.Connection[Any], captured: list[PlainCapture], data: st.DataObject
) -> None:
    empty(connection)
    rejected = data.draw(
        st.lists(
            st.sampled_from([Rejected(n, each) for n, whole in enumerate(captured) for each in whole.listings]),
            unique=True,
        )
        if any(whole.listings for whole in captured)
        else st.just([])
    )
    left_out = [[r.listing for r in rejected if r.number == n] for n in range(len(captured))]
    writers = [SnapshotWriter(connection), SnapshotWriter(connection)]
    # Some captures come only after others have been amended, at the end of history or in its middle.
    late = set(data.draw(st.lists(st.integers(0, 20), max_size=3)))
    late_numbers = {n for n in range(len(captured)) if n in late}
    writers[0].write([without(w, left_out[n]) for n, w in enumerate(captured) if n not in late_numbers])

    waiting = data.draw(st.permutations(rejected))
    while waiting or late_numbers:
        writer = data.draw(st.sampled_from(writers))
        if late_numbers and (not waiting or data.draw(st.booleans())):
            number = late_numbers.pop()
            writer.write([without(captured[number], left_out[number])])
            continue
        size = data.draw(st.integers(1, 6))
        batch, waiting = waiting[:size], waiting[size:]
        too_early = [r for r in batch if r.number in late_numbers]
        amended = writer.amend(
            [
                amendment(captured[number], [r.listing for r in batch if r.number == number])
                for number in {r.number for r in batch}
            ]
        )
        assert {(r.source_listing_id, r.reason) for r in amended.refused} == {
            (r.listing.source_listing_id, NOT_STORED) for r in too_early
        }
        waiting += too_early
    assert_as_if_captured_whole(connection, captured)
    repeated = writers[0].write([capture(whole) for whole in captured])
    assert (repeated.repeated, repeated.conflicts) == (len(captured), [])
    for event_id in EVENT_IDS:  # and whatever comes next is told from what is there now
        newest = max((w.captured_at for w in captured if w.event_id == event_id), default=START)
        following = PlainCapture(event_id, newest + timedelta(minutes=1), tuple(book(2)))
        data.draw(st.sampled_from(writers)).write([capture(following)])
        captured.append(following)
    assert_as_if_captured_whole(connection, captured)


def assert_as_if_captured_whole(connection: psycopg.Connection[Any], captured: Sequence[PlainCapture]) -> None:
    retold: dict[int, dict[str, tuple[int, int, int | None]]] = {event_id: {} for event_id in EVENT_IDS}
    for whole in sorted(captured, key=lambda w: (w.event_id, w.captured_at)):
        at = (whole.event_id, whole.captured_at)
        rows = connection.execute("select * from raw.listings_at(%s, %s)", at).fetchall()
        assert sorted(map(repr, (plain_listing(row[1:]) for row in rows))) == sorted(map(repr, whole.listings))
        assert read_books(connection, [at])[whole.event_id].book.content_hash == capture(whole).book.content_hash
        stored = connection.execute(
            "select content_hash, listing_count, ticket_count, rejected_count, change_count - cardinality(listing_key)"
            " from raw.snapshots where event_id = %s and captured_at = %s",
            at,
        ).fetchall()
        tickets = sum(each.quantity for each in whole.listings)
        assert stored == [(capture(whole).book.content_hash, len(whole.listings), tickets, 0, 0)]
        retell(connection, at, retold[whole.event_id])
        expected = {x.source_listing_id: (x.quantity, x.price_cents, x.all_in_cents) for x in whole.listings}
        assert retold[whole.event_id] == expected
    assert_heads_are_true(connection)
    assert_reading_is_bounded(connection)
    hours = {(w.event_id, w.captured_at.replace(minute=0, second=0, microsecond=0)) for w in captured}
    assert set(connection.execute("select event_id, hour_at from raw.stale_hours").fetchall()) == hours


def retell(
    connection: psycopg.Connection[Any], at: tuple[int, datetime], known: dict[str, tuple[int, int, int | None]]
) -> None:
    """Apply one capture's changes as the SQL function tells them."""
    changes = connection.execute(
        "select change, source_listing_id, quantity, price_cents, all_in_cents from raw.listing_changes(%s, %s, %s)",
        (*at, at[1] + timedelta(microseconds=1)),
    ).fetchall()
    for change, listing_id, *values in sorted(changes, key=lambda row: row[0] != "gone"):
        if change == "gone":
            del known[listing_id]
        else:
            assert (change == "changed") == (listing_id in known)
            known[listing_id] = tuple(values)


def assert_heads_are_true(connection: psycopg.Connection[Any]) -> None:
    wrong = connection.execute(
        """
        select h.event_id from raw.heads as h
        cross join lateral (
            select * from raw.snapshots as s where s.event_id = h.event_id order by s.captured_at desc limit 1
        ) as s
        cross join lateral (
            select max(k.captured_at) as at from raw.keyframes as k where k.event_id = h.event_id
        ) as k
        cross join lateral (
            select coalesce(sum(c.change_count), 0) as changes from raw.snapshots as c
            where c.event_id = h.event_id and c.captured_at > k.at
        ) as c
        where (h.captured_at, h.content_hash, h.listing_count, h.keyframe_at, h.changes_since_keyframe)
            is distinct from (s.captured_at, s.content_hash, s.listing_count, k.at, c.changes)
        """
    ).fetchall()
    assert wrong == []


def assert_reading_is_bounded(connection: psycopg.Connection[Any]) -> None:
    too_far = connection.execute(
        """
        select s.event_id, s.captured_at from raw.snapshots as s
        cross join lateral (
            select max(k.captured_at) as at from raw.keyframes as k
            where k.event_id = s.event_id and k.captured_at <= s.captured_at
        ) as k
        left join raw.snapshots as c
            on c.event_id = s.event_id and c.captured_at > k.at and c.captured_at <= s.captured_at
        group by s.event_id, s.captured_at, s.listing_count, k.at
        having k.at is null or sum(c.change_count) > 3 * greatest(s.listing_count, 32)
        """
    ).fetchall()
    assert too_far == []


def amend(connection: psycopg.Connection[Any], *joining: tuple[PlainCapture, list[PlainListing]]) -> Any:
    return SnapshotWriter(connection).amend([amendment(whole, listings) for whole, listings in joining])


def change_counts(connection: psycopg.Connection[Any]) -> list[int]:
    return [n for (n,) in connection.execute("select change_count from raw.snapshots order by captured_at").fetchall()]


@pytest.mark.parametrize("batches", [[[1, 2]], [[2], [1]]])
@pytest.mark.parametrize("stays", [True, False])
def test_deltas_are_those_of_captures_that_were_whole_from_the_beginning(
    connection: psycopg.Connection[Any], batches: list[list[int]], stays: bool
) -> None:
    late = listing(9)
    others = book(3)
    captured = [plain(0, others), *(plain(n, [*others, late._replace(price_cents=n)]) for n in (1, 2))]
    captured.append(plain(3, [*others, late] if stays else others))
    SnapshotWriter(connection).write([without(w, [late] if n in {1, 2} else []) for n, w in enumerate(captured)])
    for batch in batches:
        amended = amend(connection, *((captured[n], [captured[n].listings[-1]]) for n in batch))
        assert (len(amended.captures), amended.refused) == (len(batch), [])
    assert_as_if_captured_whole(connection, captured)
    assert change_counts(connection) == [3, 1, 1, 1]


def test_a_listing_that_was_there_before_and_after_keeps_the_key_that_it_has_after(
    connection: psycopg.Connection[Any],
) -> None:
    """Deltas behind speak of its new key, so the amended one says that the old key is gone and the new one has come."""
    captured = [plain(n, book(3)) for n in range(4)]
    SnapshotWriter(connection).write([without(w, [listing(2)] if n == 1 else []) for n, w in enumerate(captured)])
    assert change_counts(connection) == [3, 1, 1, 0]
    amend(connection, (captured[1], [listing(2)]))
    assert change_counts(connection) == [3, 2, 0, 0]
    between = [plain(n + 0.5, [*book(3), listing(5)]) for n in range(4)]
    SnapshotWriter(connection).write([capture(whole) for whole in between])
    assert_as_if_captured_whole(connection, [*captured, *between])


def test_what_cannot_join_is_said_and_the_rest_joins(connection: psycopg.Connection[Any]) -> None:
    whole, complete, missing = plain(0, book(4)), plain(1, book(2)), plain(2, book(1))
    SnapshotWriter(connection).write([without(whole, book(4)[1:]), capture(complete)])
    elsewhere = whole._replace(event_id=EVENT_IDS[1])
    joining = [(whole, [listing(0), listing(1)]), (complete, [listing(7)]), (missing, [listing(0)])]
    amended = amend(connection, *joining, (elsewhere, [listing(1)]))
    assert {(r.event_id, r.captured_at, r.source_listing_id, r.reason) for r in amended.refused} == {
        (EVENT, whole.captured_at, "VB0", IS_IN_THE_BOOK),
        (EVENT, complete.captured_at, "VB7", LEFT_NOTHING_OUT),
        (EVENT, missing.captured_at, "VB0", NOT_STORED),
        (EVENT_IDS[1], whole.captured_at, "VB1", NOT_STORED),
    }
    rows = connection.execute("select listing_count, rejected_count from raw.snapshots order by captured_at").fetchall()
    assert rows == [(2, 2), (2, 0)]
    assert connection.execute("select event_id from raw.heads").fetchall() == [(EVENT,)]
    amend(connection, (whole, [listing(2), listing(3)]))
    assert_as_if_captured_whole(connection, [whole, complete])


def test_reading_stays_bounded(connection: psycopg.Connection[Any]) -> None:
    """Half of each book joins later, one capture at a time, and every capture reprices every listing."""
    captured = [plain(n / 2, book(40, price_cents=n)) for n in range(30)]
    SnapshotWriter(connection).write([without(whole, whole.listings[20:]) for whole in captured])
    for whole in random.Random(3).sample(captured, len(captured)):
        amend(connection, (whole, list(whole.listings[20:])))
    assert_as_if_captured_whole(connection, captured)


def test_only_the_hours_whose_metrics_change_are_marked(connection: psycopg.Connection[Any]) -> None:
    captured = [plain(minute, book(3)) for minute in (0, 70, 190, 250)]
    SnapshotWriter(connection).write([without(whole, [listing(1)]) for whole in captured])
    connection.execute("delete from raw.stale_hours")
    amend(connection, (captured[1], [listing(1)]), (captured[2], [listing(0)]))
    marked = connection.execute("select hour_at from raw.stale_hours order by 1").fetchall()
    assert marked == [(START + timedelta(hours=hours),) for hours in (1, 3)]


def test_who_follows_the_event_hears_of_what_was_amended_and_of_what_differs_from_it_now(
    connection: psycopg.Connection[Any],
) -> None:
    captured = [plain(minute, book(3)) for minute in range(4)]
    SnapshotWriter(connection).write([without(whole, [listing(1)]) for whole in captured])
    heard = connection.execute("select max(load_number) from raw.loads").fetchone()
    amend(connection, (captured[1], [listing(1)]))
    new = connection.execute(
        "select captured_at from raw.loads where load_number > %s order by load_number", heard
    ).fetchall()
    assert new == [(captured[1].captured_at,), (captured[2].captured_at,)]
    assert connection.execute("select count(*) from raw.loads").fetchone() == (4,)


def test_an_amendment_is_stored_whole_or_not_at_all(connection: psycopg.Connection[Any]) -> None:
    captured = [plain(n, book(3)) for n in range(3)]
    writer = SnapshotWriter(connection)
    writer.write([without(whole, [listing(1)]) for whole in captured])
    placed = (
        "select * from raw.snapshots order by captured_at",
        "select * from raw.heads",
        "select * from raw.keyframes",
    )
    before = [connection.execute(statement).fetchall() for statement in placed]

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writer.amend([amendment(whole, [listing(1, section="Z")]) for whole in captured], fail)
    assert [connection.execute(statement).fetchall() for statement in placed] == before
    writer.amend([amendment(whole, [listing(1)]) for whole in captured])
    assert_as_if_captured_whole(connection, captured)


def test_the_oldest_capture_that_is_left_can_be_amended(connection: psycopg.Connection[Any]) -> None:
    captured = [plain(minute, book(3)) for minute in (0, 130, 140)]
    SnapshotWriter(connection).write([without(whole, [listing(1)]) for whole in captured])
    for table in ("snapshots", "keyframes"):  # as when the day is dropped
        connection.execute(f"delete from raw.{table} where captured_at = %s", (START,))
    connection.execute("delete from raw.stale_hours where hour_at = %s", (START,))
    for whole in captured[1:]:
        amend(connection, (whole, [listing(1)]))
    assert_as_if_captured_whole(connection, captured[1:])


def test_amending_and_capturing_at_once_end_right(connection: psycopg.Connection[Any], database_url: str) -> None:
    """One writer amends the newest captures that there are, another one goes on writing from what it remembers."""
    chance = random.Random(5)
    captured = [plain(n, book(10, price_cents=chance.randrange(3))) for n in range(40)]
    late = [list(chance.sample(whole.listings, 3)) for whole in captured]

    def capture_all() -> None:
        with connect(database_url) as own:
            writer = SnapshotWriter(own)
            for n, whole in enumerate(captured):
                writer.write([without(whole, late[n])])

    def amend_all() -> None:
        waiting = list(range(len(captured)))
        with connect(database_url) as own:
            writer = SnapshotWriter(own)
            while waiting:
                amended = writer.amend([amendment(captured[n], late[n]) for n in waiting[-5:]])
                done = {item.amendment.captured_at for item in amended.captures}
                waiting = [n for n in waiting if captured[n].captured_at not in done]
                waiting = [*waiting[-1:], *waiting[:-1]]

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(capture_all), threads.submit(amend_all)]:
            future.result(timeout=60)
    assert_as_if_captured_whole(connection, captured)
