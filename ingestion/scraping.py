"""One round: every event that is due is asked for once, and what comes back is stored.

What belongs here: the flow of a round. What does not: requests (``marketplace``), trust (``wire_format``), storing
(``loading``). Answers are stored in batches while others are still being fetched, so memory holds a batch or two.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from ingestion.answers import FailedAttempt, GoodCapture, read_answer
from ingestion.failures import CaptureError
from ingestion.loading import BATCH_SIZE, Loader, LoadResult
from ingestion.marketplace import Marketplace, open_marketplace
from ingestion.settings import Settings

OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class RoundReport:
    """What a round did."""

    event_count: int
    seconds: float
    loaded: LoadResult

    @property
    def captured_count(self) -> int:
        """Events that gave a capture."""
        return self.event_count - self.loaded.failure_count

    @property
    def failed_share(self) -> float:
        """Failed events of all events of the round, 0 to 1."""
        return self.loaded.failure_count / self.event_count if self.event_count else 0.0


def scrape_round(
    settings: Settings,
    connection: psycopg.Connection[Any],
    intervals: Mapping[int, int],
    *,
    run_id: UUID | None = None,
    on_progress: OnProgress = lambda _: None,
) -> RoundReport:
    """Capture each event of ``intervals`` (event_id to interval in seconds) once. One event's failure is its own.

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
    async with open_marketplace(settings) as marketplace:

        async def attempt(event_id: int) -> GoodCapture | FailedAttempt:
            async with turns:
                return await _attempt(marketplace, event_id, intervals[event_id], run_id)

        for attempted in asyncio.as_completed([attempt(event_id) for event_id in intervals]):
            batch.append(await attempted)
            if len(batch) == BATCH_SIZE:
                await asyncio.to_thread(loader.load, batch)
                on_progress(len(batch))
                batch = []
        await asyncio.to_thread(loader.load, batch)
        on_progress(len(batch))
    return RoundReport(len(intervals), time.monotonic() - started, loader.result)


async def _attempt(
    marketplace: Marketplace, event_id: int, interval_seconds: int, run_id: UUID | None
) -> GoodCapture | FailedAttempt:
    try:
        answer = await marketplace.fetch_listings(event_id)
    except CaptureError as error:
        return FailedAttempt(event_id, datetime.now(UTC), error, run_id=run_id)
    return read_answer(answer, interval_seconds, run_id)
