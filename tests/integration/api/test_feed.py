"""Who follows an event by its cursor while many load: nothing is missed, nothing comes twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from tests.integration.api.conftest import FOLLOWED, History
from tests.integration.api.serving import Api, Row
from tests.integration.codec.markets import PlainCapture, PlainListing, capture

pytestmark = pytest.mark.usefixtures("history")

START = datetime(2026, 3, 14, 23, 0, tzinfo=UTC)
SINCE = "2026-01-01T00:00:00Z"
CAPTURES = 60
LOADERS = 4


@pytest.fixture(autouse=True)
def nothing_loaded(history: History) -> Iterator[None]:
    """Each test begins with events that have no capture."""
    yield
    with connect(history.database_url) as connection:
        for table in ("snapshots", "keyframes", "heads", "loads", "stale_hours"):
            connection.execute(f"delete from raw.{table} where event_id = any(%s)".encode(), (list(FOLLOWED),))


def test_a_follower_gets_every_capture_once_while_loaders_compete(api: Api, history: History) -> None:
    books = {event_id: _market(event_id) for event_id in FOLLOWED}
    # All loaders have the same to load and begin their transactions at once; whoever comes first stores it. So begin,
    # and commit, of transactions are in any order, while no capture is older than one that is stored.
    batches = [[books[event_id][n] for event_id in FOLLOWED] for n in range(CAPTURES)]

    followed = _follow_while(api, lambda: _load(history.database_url, [batches] * LOADERS))

    for event_id in FOLLOWED:
        captured = [row["captured_at"] for row in followed[event_id]]
        assert list(dict.fromkeys(captured)) == [each.captured_at.isoformat() for each in books[event_id]]
        assert captured == sorted(captured)
        keys = [(row["captured_at"], row["source_listing_id"], row["change"]) for row in followed[event_id]]
        assert len(set(keys)) == len(keys)
        assert _newest_deliveries(followed[event_id]) == _truth(history, event_id)


def test_a_follower_ends_with_the_truth_whatever_order_captures_come_in(api: Api, history: History) -> None:
    books = {event_id: _market(event_id) for event_id in FOLLOWED}
    everything = [each for captures in books.values() for each in captures]
    shuffled = [random.Random(number).sample(everything, len(everything)) for number in range(LOADERS)]
    batches = [[order[n : n + 5] for n in range(0, len(order), 5)] for order in shuffled]

    followed = _follow_while(api, lambda: _load(history.database_url, batches))

    for event_id in FOLLOWED:
        assert {row["captured_at"] for row in followed[event_id]} == {
            each.captured_at.isoformat() for each in books[event_id]
        }
        assert _newest_deliveries(followed[event_id]) == _truth(history, event_id)


def test_a_transaction_that_began_earlier_and_ends_later_is_not_missed(api: Api, history: History) -> None:
    event_id = FOLLOWED[0]
    first, second = _market(event_id)[:2]
    with connect(history.database_url) as early, connect(history.database_url) as late:
        with early.transaction():
            early.execute("select now()")
            SnapshotWriter(late).write([capture(first)])
            seen = _page(api, event_id, None)
            SnapshotWriter(early).write([capture(second)])
            cursor = seen[-1]["cursor"]
            assert _page(api, event_id, cursor) == []
        rows = _page(api, event_id, cursor)
    assert {row["captured_at"] for row in seen} == {first.captured_at.isoformat()}
    assert {row["captured_at"] for row in rows} == {second.captured_at.isoformat()}


def test_numbers_are_taken_under_the_lock_of_the_head(api: Api, history: History) -> None:
    """A writer that waits for the head has no number yet: whoever goes first has the lower one.

    Else a follower that has seen the number of the one that went first never hears of the one that waited.
    """
    event_id = FOLLOWED[0]
    first, second, third = _market(event_id)[:3]
    may_commit, is_written = threading.Event(), threading.Event()

    def wait_before_the_commit(*_: object) -> None:
        is_written.set()
        assert may_commit.wait(timeout=20)

    with connect(history.database_url) as holder, connect(history.database_url) as waiter, ThreadPoolExecutor(1) as one:
        SnapshotWriter(holder).write([capture(first)])
        try:
            with holder.transaction():
                holder.execute("select from raw.heads where event_id = %s for update", (event_id,))
                waiting = one.submit(SnapshotWriter(waiter).write, [capture(third)], wait_before_the_commit)
                _wait_until_blocked(history.database_url, waiter.info.backend_pid)
                SnapshotWriter(holder).write([capture(second)])
            assert is_written.wait(timeout=20)
            seen = _page(api, event_id, None)
        finally:
            may_commit.set()
        waiting.result(timeout=20)
    rows = _page(api, event_id, seen[-1]["cursor"])
    assert {row["captured_at"] for row in seen} == {each.captured_at.isoformat() for each in (first, second)}
    assert {row["captured_at"] for row in rows} == {third.captured_at.isoformat()}
    assert min(row["load_number"] for row in rows) > max(row["load_number"] for row in seen)


def test_a_capture_that_has_another_before_it_comes_again(api: Api, history: History) -> None:
    event_id = FOLLOWED[0]
    first, between, last = _market(event_id)[:3]
    with connect(history.database_url) as connection:
        writer = SnapshotWriter(connection)
        writer.write([capture(first), capture(last)])
        seen = _page(api, event_id, None)
        # The book of the last one, an instant before it: nothing changes in the last one any more.
        same = between._replace(listings=last.listings)
        writer.write([capture(same)])
    rows = _page(api, event_id, seen[-1]["cursor"])
    assert [row["change"] for row in rows if row["captured_at"] == last.captured_at.isoformat()] == ["none"]
    assert {row["captured_at"] for row in rows} == {each.captured_at.isoformat() for each in (same, last)}
    assert _newest_deliveries([*seen, *rows]) == _truth(history, event_id)


def _market(event_id: int) -> list[PlainCapture]:
    """Captures a minute apart, over a UTC midnight, in which a few listings come, go and move, or nothing does."""
    chance = random.Random(event_id)
    held = {number: _listing(number, 50) for number in range(12)}
    told = []
    for minute in range(CAPTURES):
        for number in chance.sample(range(24), chance.choice([0, 1, 3])):
            if number in held and chance.random() < 0.4:
                del held[number]
            else:
                held[number] = _listing(number, chance.randrange(1, 90))
        told.append(PlainCapture(event_id, START + timedelta(minutes=minute), tuple(held.values())))
    return told


def _listing(number: int, price_cents: int) -> PlainListing:
    place = ("A", "1", None, None, None, None)
    return PlainListing(f"VB{number}", *place, (2,), None, None, None, 2, price_cents, None)


def _load(database_url: str, batches_of_loaders: Sequence[Sequence[Sequence[PlainCapture]]]) -> None:
    together = threading.Barrier(len(batches_of_loaders))

    def load(batches: Sequence[Sequence[PlainCapture]]) -> None:
        with connect(database_url) as connection:
            writer = SnapshotWriter(connection)
            for batch in batches:
                together.wait(timeout=20)
                writer.write([capture(each) for each in batch])

    with ThreadPoolExecutor(len(batches_of_loaders)) as threads:
        for future in [threads.submit(load, batches) for batches in batches_of_loaders]:
            future.result(timeout=60)


def _wait_until_blocked(database_url: str, backend_pid: int) -> None:
    deadline = time.monotonic() + 20
    with connect(database_url) as connection:
        while not (connection.execute("select cardinality(pg_blocking_pids(%s))", (backend_pid,)).fetchone() or [0])[0]:
            assert time.monotonic() < deadline, "the writer does not wait for the head"
            time.sleep(0.01)


def _follow_while(api: Api, load: Callable[[], None]) -> dict[int, list[Row]]:
    """All rows that followers of the events get, one follower an event, from before the load until after its end."""
    is_loaded = threading.Event()

    def follow(event_id: int) -> list[Row]:
        rows: list[Row] = []
        while True:
            is_last = is_loaded.is_set()
            page = _page(api, event_id, rows[-1]["cursor"] if rows else None, max_changes=17)
            rows += page
            if is_last and not page:
                return rows

    with ThreadPoolExecutor(len(FOLLOWED)) as threads:
        followers = {event_id: threads.submit(follow, event_id) for event_id in FOLLOWED}
        try:
            load()
        finally:
            is_loaded.set()
        return {event_id: follower.result(timeout=60) for event_id, follower in followers.items()}


def _page(api: Api, event_id: int, cursor: str | None, max_changes: int = 1000) -> list[Row]:
    place = {"since": SINCE} if cursor is None else {"after_cursor": cursor}
    arguments: dict[str, Any] = {"event_id": event_id, "max_changes": max_changes, **place}
    return api.rows("/rpc/market_changes", arguments, role="authenticated")


def _newest_deliveries(rows: Sequence[Row]) -> dict[str, list[tuple[Any, ...]]]:
    """What a client knows in the end: of each capture the rows with the highest number."""
    newest: dict[str, int] = {}
    for row in rows:
        newest[row["captured_at"]] = max(row["load_number"], newest.get(row["captured_at"], 0))
    known: dict[str, list[tuple[Any, ...]]] = {captured_at: [] for captured_at in newest}
    for row in rows:
        if row["load_number"] == newest[row["captured_at"]] and row["change"] != "none":
            known[row["captured_at"]].append((row["source_listing_id"], row["change"], row["price"]))
    return {captured_at: sorted(changes, key=str) for captured_at, changes in known.items()}


def _truth(history: History, event_id: int) -> dict[str, list[tuple[Any, ...]]]:
    captures = history.truth("select captured_at from raw.snapshots where event_id = %s", event_id)
    changes = history.truth(
        "select captured_at, source_listing_id, change, (price_cents / 100.0)::numeric(12, 2) as price"
        " from raw.listing_changes(%s, '-infinity', 'infinity')",
        event_id,
    )
    truth: dict[str, list[tuple[Any, ...]]] = {row["captured_at"]: [] for row in captures}
    for row in changes:
        truth[row["captured_at"]].append((row["source_listing_id"], row["change"], row["price"]))
    return {captured_at: sorted(rows, key=str) for captured_at, rows in truth.items()}
