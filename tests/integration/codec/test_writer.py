"""The writer's promises one by one: refusals, atomicity, keyframes, the ledger, and company of other writers."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingestion.codec.capture import Capture, Conflict
from ingestion.codec.content import Placement, Terms
from ingestion.codec.shared_content import ContentCollisionError
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from tests.integration.codec.markets import START, PlainCapture, PlainListing, capture, plain_listing

EVENT = 7
TABLES = ("snapshots", "keyframes", "heads", "placements", "terms", "stale_hours")
BOUND_IN_BOOKS, SMALLEST_BOOK = 3, 32


@pytest.fixture
def connection(fresh_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(fresh_database_url) as connection:
        yield connection


def listing(number: int, **values: Any) -> PlainListing:
    plain = PlainListing(f"VB{number}", "A", "1", "9", "99", None, None, (1, 2), "Mail", "", None, 2, 1000, 1200)
    return plain._replace(**values)


def book(count: int, **values: Any) -> list[PlainListing]:
    return [listing(number, **values) for number in range(count)]


def plain(minute: float, listings: Iterable[PlainListing], event_id: int = EVENT) -> PlainCapture:
    return PlainCapture(event_id, START + timedelta(minutes=minute), tuple(listings))


def write(connection: psycopg.Connection[Any], *captured: PlainCapture) -> Any:
    return SnapshotWriter(connection).write([capture(each) for each in captured])


def stored(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Everything that a batch may touch."""
    return {table: connection.execute(f"select * from raw.{table} order by 1, 2").fetchall() for table in TABLES}


def assert_read_back(connection: psycopg.Connection[Any], captured: Sequence[PlainCapture]) -> None:
    instants = connection.execute("select event_id, captured_at from raw.snapshots order by 1, 2").fetchall()
    assert instants == sorted((each.event_id, each.captured_at) for each in captured)
    for each in captured:
        rows = connection.execute("select * from raw.listings_at(%s, %s)", (each.event_id, each.captured_at))
        assert sorted(map(repr, (plain_listing(row[1:]) for row in rows))) == sorted(map(repr, each.listings))


def keyframes(connection: psycopg.Connection[Any]) -> list[datetime]:
    return [at for (at,) in connection.execute("select captured_at from raw.keyframes order by 1").fetchall()]


def marks(connection: psycopg.Connection[Any]) -> set[tuple[int, datetime]]:
    return set(connection.execute("select event_id, hour_at from raw.stale_hours").fetchall())


def drift(captures: int, *, seed: int = 1, event_id: int = EVENT) -> list[PlainCapture]:
    """Captures a minute apart in which listings come, go and move."""
    chance = random.Random(seed)
    held = {number: listing(number) for number in range(20)}
    told = []
    for minute in range(captures):
        for number in chance.sample(range(40), 4):
            if number in held and chance.random() < 0.4:
                del held[number]
            else:
                held[number] = listing(number, price_cents=chance.randrange(9), section=chance.choice("ABC"))
        told.append(plain(minute, held.values(), event_id))
    return told


def test_a_conflict_is_refused_and_the_rest_of_the_batch_written(connection: psycopg.Connection[Any]) -> None:
    first, other = plain(0, book(2)), plain(0, book(2), event_id=8)
    write(connection, first)
    conflicting, next_one = plain(0, book(3)), plain(1, book(3))
    result = write(connection, conflicting, other, next_one)
    assert result.conflicts == [Conflict(EVENT, START)]
    assert (result.written, result.repeated) == (2, 0)
    assert_read_back(connection, [first, other, next_one])


def test_two_books_for_one_instant_in_one_batch(connection: psycopg.Connection[Any]) -> None:
    first = plain(0, book(2))
    result = write(connection, first, plain(0, book(3)), first)
    assert (result.written, result.repeated, result.conflicts) == (1, 1, [Conflict(EVENT, START)])
    assert_read_back(connection, [first])


def test_a_repeated_capture_changes_nothing(connection: psycopg.Connection[Any]) -> None:
    captured = drift(30)
    writer = SnapshotWriter(connection)
    writer.write([capture(each) for each in captured])
    before = stored(connection)
    for again in (writer, SnapshotWriter(connection)):
        result = again.write([capture(each) for each in captured])
        assert (result.written, result.repeated, result.observations, result.changes) == (0, 30, 0, 0)
    assert stored(connection) == before


@pytest.mark.parametrize("is_first", [True, False])
def test_a_batch_is_stored_whole_or_not_at_all(connection: psycopg.Connection[Any], is_first: bool) -> None:
    captured = drift(20)
    known, batch = ([], captured) if is_first else (captured[:5] + captured[10:], captured[5:10])
    writer = SnapshotWriter(connection)
    writer.write([capture(each) for each in known])
    before = stored(connection)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writer.write([capture(each) for each in batch], fail)
    assert stored(connection) == before
    writer.write([capture(each) for each in batch])
    assert_read_back(connection, captured)


def test_what_goes_along_is_committed_with_the_batch(connection: psycopg.Connection[Any]) -> None:
    connection.execute("create table along (n integer)")

    def also(same: psycopg.Connection[Any], _: object) -> None:
        same.execute("insert into along values (1)")

    SnapshotWriter(connection).write([], also)
    assert connection.execute("select n from along").fetchall() == [(1,)]
    assert all(rows == [] for rows in stored(connection).values())


def test_a_capture_marks_its_own_hour(connection: psycopg.Connection[Any]) -> None:
    write(connection, plain(59.9, book(1)), plain(60, book(2)), plain(200, book(2), event_id=8))
    hour = timedelta(hours=1)
    assert marks(connection) == {(EVENT, START), (EVENT, START + hour), (8, START + 3 * hour)}


def test_a_capture_in_the_middle_marks_its_hour_and_the_next_captures(connection: psycopg.Connection[Any]) -> None:
    write(connection, plain(0, book(1)), plain(190, book(2)), plain(250, book(3)))
    connection.execute("delete from raw.stale_hours")
    write(connection, plain(70, book(4)))
    assert marks(connection) == {(EVENT, START + timedelta(hours=hours)) for hours in (1, 3)}
    connection.execute("delete from raw.stale_hours")
    write(connection, plain(70, book(4)), plain(190, book(9)))
    assert marks(connection) == set(), "a repeat and a conflict change nothing"


def test_marks_are_made_anew(connection: psycopg.Connection[Any]) -> None:
    write(connection, plain(0, book(1)))
    ((_, _, mark, _),) = connection.execute("select * from raw.stale_hours").fetchall()
    write(connection, plain(1, book(1)))
    ((_, _, later_mark, _),) = connection.execute("select * from raw.stale_hours").fetchall()
    assert later_mark > mark


@pytest.mark.parametrize(
    ("listings", "captures", "expected"),
    [
        # Every capture reprices every listing: four make more than three books.
        (40, 14, [0, 4, 8, 12]),
        # A book of eight counts as one of 32.
        (8, 30, [0, 13, 26]),
        (0, 30, [0]),
    ],
)
def test_a_keyframe_when_the_changes_exceed_three_books(
    connection: psycopg.Connection[Any], listings: int, captures: int, expected: list[int]
) -> None:
    captured = [plain(n, book(listings, price_cents=n)) for n in range(captures)]
    write(connection, *captured[:3])
    write(connection, *captured[3:])
    assert keyframes(connection) == [START + timedelta(minutes=n) for n in expected]


def test_a_keyframe_at_the_first_capture_of_each_utc_day(connection: psycopg.Connection[Any]) -> None:
    minutes = [0, 119.9, 120, 130, 1559, 1561, 6000]
    captured = [plain(minute, book(3)) for minute in minutes]
    write(connection, *captured)
    assert keyframes(connection) == [captured[n].captured_at for n in (0, 2, 5, 6)]
    assert_read_back(connection, captured)


@pytest.mark.parametrize(
    "order", ["ahead", "backwards", "every other one, then the rest", "both ends, then backwards", "shuffled"]
)
def test_reading_is_bounded(connection: psycopg.Connection[Any], order: str) -> None:
    captured = [plain(n / 2, book(40, price_cents=n)) for n in range(60)]
    arriving = {
        "ahead": captured,
        "backwards": captured[::-1],
        "every other one, then the rest": [*captured[::2], *captured[1::2]],
        "both ends, then backwards": [captured[0], captured[-1], *captured[-2:0:-1]],
        "shuffled": random.Random(7).sample(captured, len(captured)),
    }[order]
    writer = SnapshotWriter(connection)
    for each in arriving:
        writer.write([capture(each)])
    assert_read_back(connection, captured)
    too_far = connection.execute(
        """
        select s.captured_at, sum(c.change_count), s.listing_count from raw.snapshots as s
        cross join lateral (
            select max(k.captured_at) as at from raw.keyframes as k
            where k.event_id = s.event_id and k.captured_at <= s.captured_at
        ) as k
        inner join raw.snapshots as c
            on c.event_id = s.event_id and c.captured_at > k.at and c.captured_at <= s.captured_at
        group by s.captured_at, s.listing_count
        having sum(c.change_count) > %s * greatest(s.listing_count, %s)
        """,
        (BOUND_IN_BOOKS, SMALLEST_BOOK),
    ).fetchall()
    assert too_far == []


def test_memory_is_not_trusted_when_another_writer_came_between(connection: psycopg.Connection[Any]) -> None:
    captured = drift(40)
    writers = [SnapshotWriter(connection), SnapshotWriter(connection)]
    for n, each in enumerate(captured):
        writers[n % 3 % 2].write([capture(each)])
    assert_read_back(connection, captured)


def test_memory_is_not_trusted_when_history_was_taken_away(connection: psycopg.Connection[Any]) -> None:
    captured = drift(3)
    writer = SnapshotWriter(connection)
    writer.write([capture(captured[0])])
    connection.execute("truncate raw.snapshots, raw.keyframes, raw.heads")
    writer.write([capture(captured[1])])
    assert_read_back(connection, captured[1:2])


def test_books_without_listings(connection: psycopg.Connection[Any]) -> None:
    captured = [plain(0, []), plain(1, []), plain(2, book(2)), plain(3, []), plain(4, [])]
    result = write(connection, *captured)
    assert (result.written, result.observations, result.changes) == (5, 2, 4)
    assert_read_back(connection, captured)
    cold = plain(5, book(1))
    write(connection, cold)
    between = plain(3.5, book(3))
    write(connection, between)
    assert_read_back(connection, [*captured, cold, between])


def test_listing_keys_stay_while_a_listing_stays(connection: psycopg.Connection[Any]) -> None:
    a, b, c = book(3)
    write(connection, plain(0, [a]), plain(1, [a, b._replace(seat_low="5")]))
    write(connection, plain(2, [a._replace(price_cents=7), c]), plain(3, [c]))
    write(connection, plain(1.5, [a, c]))
    rows = connection.execute(
        "select listing_key, source_listing_id from raw.snapshots where change_count > 0 order by captured_at"
    ).fetchall()
    assert rows == [
        ([1], ["VB0"]),
        ([2], ["VB1"]),
        ([3, 2], ["VB2"]),
        ([1], []),
        ([1], []),
    ]


@pytest.mark.parametrize("is_in_one_batch", [True, False])
@pytest.mark.parametrize("table", ["placements", "terms"])
def test_a_collision_of_hashes_stores_nothing(
    connection: psycopg.Connection[Any], table: str, is_in_one_batch: bool
) -> None:
    first, second = capture(plain(0, book(1))), capture(plain(1, book(1)))
    if table == "placements":
        colliding = replace(second, placements=dict.fromkeys(second.placements, Placement("B", "2", None, None)))
    else:
        colliding = replace(second, terms=dict.fromkeys(second.terms, Terms((), None, None, 5)))
    batch = [first, colliding] if is_in_one_batch else [colliding]
    if not is_in_one_batch:
        SnapshotWriter(connection).write([first])
    before = stored(connection)
    with pytest.raises(ContentCollisionError, match=f"the same key in raw.{table}: "):
        SnapshotWriter(connection).write(batch)
    assert stored(connection) == before


def test_writers_of_the_same_events_at_once_both_end_right(fresh_database_url: str) -> None:
    captured = [each for event_id in (1, 2, 3) for each in drift(24, seed=event_id, event_id=event_id)]
    writers = 3
    together = threading.Barrier(writers)

    def work(number: int) -> int:
        order = random.Random(number).sample(captured, len(captured)) if number else captured
        written = 0
        with connect(fresh_database_url) as connection:
            writer = SnapshotWriter(connection)
            for start in range(0, len(order), 6):
                with suppress(threading.BrokenBarrierError):  # one that has failed keeps no other from going on
                    together.wait(timeout=1)
                written += writer.write([capture(each) for each in order[start : start + 6]]).written
        return written

    with ThreadPoolExecutor(writers) as threads:
        futures = [threads.submit(work, number) for number in range(writers)]
        assert sum(future.result(timeout=60) for future in futures) == len(captured)
    with connect(fresh_database_url) as connection:
        assert_read_back(connection, captured)


def test_a_writer_whose_backend_is_ended_leaves_nothing_half_there(
    connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    captured = drift(12)
    known, batch = captured[:4] + captured[8:], captured[4:8]
    write(connection, *known)
    before = stored(connection)

    def end_it(doomed: psycopg.Connection[Any], _: object) -> None:
        connection.execute("select pg_terminate_backend(%s, 10000)", (doomed.info.backend_pid,))

    with connect(fresh_database_url) as doomed, pytest.raises(psycopg.OperationalError):
        SnapshotWriter(doomed).write([capture(each) for each in batch], end_it)
    assert stored(connection) == before
    write(connection, *batch)
    assert_read_back(connection, captured)


def test_a_writer_that_is_killed_leaves_nothing_half_there(
    connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    captured = drift(6)
    killed = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(fresh_database_url, captured))
    killed.start()
    killed.join(timeout=60)
    assert killed.exitcode == -signal.SIGKILL
    write(connection, *captured[:2])
    assert_read_back(connection, captured[:2])
    write(connection, *captured)
    assert_read_back(connection, captured)


def _write_and_die(database_url: str, captured: Sequence[PlainCapture]) -> None:
    batch: list[Capture] = [capture(each) for each in captured]
    with connect(database_url) as connection:
        SnapshotWriter(connection).write(batch, lambda *_: os.kill(os.getpid(), signal.SIGKILL))


def test_an_older_capture_where_all_that_came_later_has_been_dropped(connection: psycopg.Connection[Any]) -> None:
    later, older, newest = plain(3000, book(3)), plain(10, book(2)), plain(6000, book(4))
    writer = SnapshotWriter(connection)
    writer.write([capture(later)])
    connection.execute("truncate raw.snapshots, raw.keyframes")  # as when their days are dropped: the head stays
    writer.write([capture(older)])
    SnapshotWriter(connection).write([capture(newest)])
    assert_read_back(connection, [older, newest])
