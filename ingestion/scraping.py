"""One round: every event that is due is asked for once, and what comes back is stored.

What belongs here: the flow of a round. What does not: requests (``marketplace``), trust (``wire_format``), storing
(``loading``). Answers are stored in batches while others are still being fetched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from ingestion.answers import FailedAttempt, KnownBody, ReadAnswer, read_answer
from ingestion.circuit_breaker import OpenBreaker
from ingestion.database import Database
from ingestion.failures import CaptureError
from ingestion.known_bodies import load_known_bodies
from ingestion.loading import BATCH_SIZE, Loader, LoadResult
from ingestion.marketplace import Marketplace, MarketplaceClosedError, open_marketplace
from ingestion.settings import Settings

OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class RoundReport:
    """What a round did."""

    event_count: int
    skipped_count: int
    seconds: float
    loaded: LoadResult
    open_breaker: OpenBreaker | None

    @property
    def captured_count(self) -> int:
        """Events that gave a capture."""
        return self.event_count - self.skipped_count - self.loaded.failure_count

    @property
    def failed_count(self) -> int:
        """Events that gave no capture, those included that were skipped."""
        return self.event_count - self.captured_count

    @property
    def failed_share(self) -> float:
        """Events that gave no capture, of all events of the round, 0 to 1."""
        return self.failed_count / self.event_count if self.event_count else 0.0


def scrape_round(
    settings: Settings,
    database: Database,
    intervals: Mapping[int, int],
    *,
    run_id: UUID | None = None,
    on_progress: OnProgress = lambda _: None,
) -> RoundReport:
    """Capture each event of ``intervals`` (event_id to interval in seconds) once. One event's failure is its own.

    When the marketplace turns us away, the events that are left are skipped, and so are those of the rounds to come
    until the circuit breaker closes. A database that is away delays the round and loses nothing that was fetched.

    Raises:
        SettingsError: there is no marketplace. Whatever ``Loader.load`` raises.
    """
    return asyncio.run(_scrape_round(settings, database, intervals, run_id, on_progress))


async def _scrape_round(
    settings: Settings,
    database: Database,
    intervals: Mapping[int, int],
    run_id: UUID | None,
    on_progress: OnProgress,
) -> RoundReport:
    started = time.monotonic()
    loader = Loader(database)
    async with open_marketplace(settings, database) as marketplace:
        known = database.run(lambda connection: load_known_bodies(connection, marketplace.base_url, intervals))
        asking = _Asking(marketplace, intervals, known, run_id)
        asked = asyncio.create_task(asking.ask_all(settings.scraper_max_concurrency))
        try:
            while batch := await asking.next_batch():
                await asyncio.to_thread(loader.load, [item for items in batch for item in items])
                asking.make_room(len(batch))
                on_progress(len(batch))
            await asked
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
    return RoundReport(
        len(intervals), asking.skipped_count, time.monotonic() - started, loader.result, marketplace.breaker.state
    )


class _Asking:
    """Asks for events, several at a time, and holds what came back until it is stored.

    No more events are asked for while two batches wait, so that memory does not grow with their number.
    """

    def __init__(
        self,
        marketplace: Marketplace,
        intervals: Mapping[int, int],
        known: Mapping[int, KnownBody],
        run_id: UUID | None,
    ) -> None:
        self._marketplace = marketplace
        self._intervals = intervals
        self._known = known
        self._run_id = run_id
        self._read: asyncio.Queue[list[ReadAnswer] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(2 * BATCH_SIZE)
        self.skipped_count = 0

    async def ask_all(self, concurrency: int) -> None:
        """Ask for every event once; while the circuit breaker probes, one at a time, until an answer decides."""
        waiting = iter(self._intervals)
        try:
            while self._marketplace.breaker.is_probing and (event_id := next(waiting, None)) is not None:
                await self._ask(event_id)
            async with asyncio.TaskGroup() as workers:
                for _ in range(concurrency):
                    workers.create_task(self._work(waiting))
        finally:
            self._read.put_nowait(None)

    async def next_batch(self) -> list[list[ReadAnswer]]:
        """What has come of the next ``BATCH_SIZE`` events, a list an event; fewer at the end, none after it."""
        batch: list[list[ReadAnswer]] = []
        while len(batch) < BATCH_SIZE and (items := await self._read.get()) is not None:
            batch.append(items)
        if len(batch) < BATCH_SIZE:
            self._read.put_nowait(None)
        return batch

    def make_room(self, event_count: int) -> None:
        """So many events need not be held any more."""
        for _ in range(event_count):
            self._room.release()

    async def _work(self, waiting: Iterator[int]) -> None:
        for event_id in waiting:
            await self._ask(event_id)

    async def _ask(self, event_id: int) -> None:
        await self._room.acquire()
        items = await self._attempt(event_id)
        if items:
            self._read.put_nowait(items)
        else:
            self.skipped_count += 1
            self._room.release()

    async def _attempt(self, event_id: int) -> list[ReadAnswer]:
        """Ask for one event: the tries that were made again, then what came of it; nothing if nothing was asked."""
        tries: list[FailedAttempt] = []

        def note(error: CaptureError) -> None:
            tries.append(FailedAttempt(event_id, datetime.now(UTC), error, run_id=self._run_id, was_retried=True))

        try:
            answer = await self._marketplace.fetch_listings(event_id, self._known.get(event_id), note)
        except CaptureError as error:
            return [*tries, FailedAttempt(event_id, datetime.now(UTC), error, run_id=self._run_id)]
        except MarketplaceClosedError:
            # The breaker may have opened while the event waited to be asked for again: then the last try was the last.
            return [*tries[:-1], *(replace(last, was_retried=False) for last in tries[-1:])]
        return [*tries, read_answer(answer, self._intervals[event_id], self._run_id)]
