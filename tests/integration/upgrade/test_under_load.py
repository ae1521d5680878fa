"""Migrations of this release, applied while the release before is at work: it waits, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingestion.codec.writer import SnapshotWriter
from ingestion.database import Database
from stack.errors import StackError
from stack.migrations import apply_migrations
from stack.postgres_cluster import PostgresServer
from tests.integration.codec.markets import PlainCapture, PlainListing, capture
from tests.integration.resilience.books import stored_books
from tests.integration.resilience.comparison import differences
from tests.integration.upgrade.conftest import broken_in_raw, database_of_the_release_before

EVENT_ID = 23
BEGAN_AT = datetime(2026, 4, 1, tzinfo=UTC)
ATTEMPTS = 10
READS = (
    "select * from raw.listings_at(22, '2026-03-28 12:00+00') order by source_listing_id",
    "select event_id, hour, captures, price_median from public.aggregated_analytics order by event_id, hour",
    "select event_id, get_in from public.event_live where event_id in (21, 22) order by event_id",
)


class Worker:
    """Something that is done again and again in a thread of its own, until it is to stop."""

    def __init__(self, work: Callable[[int], None]) -> None:
        self.rounds = 0
        self.error: BaseException | None = None
        self._work = work
        self._is_to_stop = threading.Event()
        self._has_worked = threading.Condition()
        self._thread = threading.Thread(target=self._run)

    def wait_for_rounds(self, count: int) -> None:
        """Wait until it has been done so many times more."""
        with self._has_worked:
            wanted = self.rounds + count
            self._has_worked.wait_for(lambda: self.rounds >= wanted or self.error is not None, timeout=60)
        assert self.rounds >= wanted, self.error

    def _run(self) -> None:
        while not self._is_to_stop.is_set() and self.error is None:
            try:
                self._work(self.rounds)
            except BaseException as error:  # noqa: BLE001 -- told by whoever waits
                self.error = error
            with self._has_worked:
                self.rounds += self.error is None
                self._has_worked.notify_all()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Work for as long as the context lasts; what went wrong is raised at its end."""
        self._thread.start()
        try:
            yield
        finally:
            self._is_to_stop.set()
            self._thread.join()
        if self.error is not None:
            raise self.error


def _book(number: int) -> PlainCapture:
    """Twelve listings of which some come, go and change from capture to capture; three captures a day, so new days."""
    listings = tuple(
        PlainListing(
            *(f"VB{n}", f"Section {n % 3}", "A", "7", "316", None, None, (1, 2), None, None, None),
            quantity=2 + (n + number) % 3,
            price_cents=5000 + 100 * ((n * number) % 7),
            all_in_cents=None,
        )
        for n in range(12)
        if (n + number) % 5
    )
    return PlainCapture(EVENT_ID, BEGAN_AT + number * timedelta(hours=8), listings)


def _migrate(url: str) -> list[str]:
    """Again when it gave up waiting for a lock, as its message says."""
    applied: list[str] = []
    for _ in range(ATTEMPTS):
        try:
            return applied + apply_migrations(url)
        except StackError as error:
            if "run it again" not in str(error):
                raise
    pytest.fail(f"no lock was had in {ATTEMPTS} attempts")


def test_a_reader_and_a_writer_at_work_lose_nothing(postgres_server: PostgresServer) -> None:
    written: list[PlainCapture] = []
    answers: list[list[Any]] = []
    with (
        database_of_the_release_before(postgres_server, "under_load") as url,
        Database(url) as database,
        psycopg.connect(url, autocommit=True) as reading,
    ):
        books_before = stored_books(url)
        writer = SnapshotWriter(database.connection)

        def write(number: int) -> None:
            plain = _book(number)
            result = database.run(lambda _: writer.write([capture(plain)]))
            assert result.conflicts == []
            written.append(plain)

        def read(_: int) -> None:
            # Whom PostgreSQL chooses of two that wait for each other is told so, and asks again.
            with suppress(psycopg.errors.DeadlockDetected):
                answer = [reading.execute(query.encode()).fetchall() for query in READS]
                if answer not in answers:
                    answers.append(answer)

        writing_worker, reading_worker = Worker(write), Worker(read)
        with writing_worker.at_work(), reading_worker.at_work():
            writing_worker.wait_for_rounds(3)
            reading_worker.wait_for_rounds(3)
            rounds_before = writing_worker.rounds, reading_worker.rounds
            _migrate(url)
            rounds_after = writing_worker.rounds, reading_worker.rounds
            writing_worker.wait_for_rounds(3)
            reading_worker.wait_for_rounds(3)

        assert rounds_after[0] > rounds_before[0]
        assert rounds_after[1] > rounds_before[1]
        assert len(answers) == 1, "a reader was told something else in between"
        assert all(answers[0])
        assert apply_migrations(url) == []
        assert broken_in_raw(url) == []
        after = stored_books(url)
        captured = {(c.event_id, c.captured_at) for c in written}
        assert after.keys() - books_before.keys() == captured
        assert differences({instant: after[instant] for instant in books_before}, books_before) == []
        with psycopg.connect(url, options="-c timezone=UTC") as connection:
            for plain in written:
                query = "select count(*), sum(price_cents), sum(quantity) from raw.listings_at(%s, %s)"
                found = connection.execute(query, (plain.event_id, plain.captured_at)).fetchone()
                prices, quantities = zip(*((x.price_cents, x.quantity) for x in plain.listings), strict=True)
                assert found == (len(plain.listings), sum(prices), sum(quantities)), plain.captured_at
            marks = connection.execute(
                "select hour_at from raw.stale_hours where event_id = %s", (EVENT_ID,)
            ).fetchall()
        assert {(EVENT_ID, hour_at) for (hour_at,) in marks} == captured
