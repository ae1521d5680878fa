"""One round: every event that is due is asked for once, and what comes back is stored.

What belongs here: the flow of a round. What does not: requests (``marketplace``), trust (``wire_format``), storing
(``loading``). Answers are stored in batches while others are still being fetched, so memory holds a batch or two.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from ingestion.answers import FailedAttempt, GoodCapture, read_answer
from ingestion.circuit_breaker import OpenBreaker
from ingestion.failures import CaptureError
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
    def failed_share(self) -> float:
        """Events that gave no capture, of all events of the round, 0 to 1."""
        return 1 - self.captured_count / self.event_count if self.event_count else 0.0


def scrape_round(
    settings: Settings,
    connection: psycopg.Connection[Any],
    intervals: Mapping[int, int],
    *,
    run_id: UUID | None = None,
    on_progress: OnProgress = lambda _: None,
) -> RoundReport:
    """Capture each event of ``intervals`` (event_id to interval in seconds) once. One event's failure is its own.

    When the marketplace turns us away, the events that are left are skipped, and so are those of the rounds to come
    until the circuit breaker closes.

    Raises:
        SettingsError: there is no marketplace. psycopg.Error: the database refused or went away.
    """
    return asyncio.run(_scrape_round(settings, connection, intervals, run_id, on_progress))


async def _scrape_round(
    settings: Settings,
    connection: psycopg.Connection[Any],
    intervals: Mapping[int, int],
    run_id: UUID | None,
    on_progress: OnProgress,
) -> RoundReport:
    started = time.monotonic()
    loader = Loader(connection)
    turns = asyncio.Semaphore(settings.scraper_max_concurrency)
    batch: list[GoodCapture | FailedAttempt] = []
    skipped_count = 0
    async with open_marketplace(settings, connection) as marketplace:

        async def attempt(event_id: int) -> GoodCapture | FailedAttempt | None:
            async with turns:
                return await _attempt(marketplace, event_id, intervals[event_id], run_id)

        waiting = list(intervals)
        attempts: list[Awaitable[GoodCapture | FailedAttempt | None]] = []
        while marketplace.breaker.is_probing and waiting:  # one at a time, until an answer decides
            attempts.append(_done(await attempt(waiting.pop(0))))
        attempts += [attempt(event_id) for event_id in waiting]
        for attempted in asyncio.as_completed(attempts):
            item = await attempted
            if item is None:
                skipped_count += 1
                continue
            batch.append(item)
            if len(batch) == BATCH_SIZE:
                await asyncio.to_thread(loader.load, batch)
                on_progress(len(batch))
                batch = []
        await asyncio.to_thread(loader.load, batch)
        on_progress(len(batch))
    return RoundReport(
        len(intervals), skipped_count, time.monotonic() - started, loader.result, marketplace.breaker.state
    )


async def _done(item: GoodCapture | FailedAttempt | None) -> GoodCapture | FailedAttempt | None:
    return item


async def _attempt(
    marketplace: Marketplace, event_id: int, interval_seconds: int, run_id: UUID | None
) -> GoodCapture | FailedAttempt | None:
    """Ask for one event; None if nothing was asked, since the marketplace turns us away."""
    try:
        answer = await marketplace.fetch_listings(event_id)
    except MarketplaceClosedError:
        return None
    except CaptureError as error:
        return FailedAttempt(event_id, datetime.now(UTC), error, run_id=run_id)
    return read_answer(answer, interval_seconds, run_id)
