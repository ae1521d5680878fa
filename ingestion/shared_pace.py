"""How fast requests follow each other, for all workers that share a round.

What belongs here: turns that are taken in the database, and what one worker learns of the marketplace told to the
others. What does not: the pace of a process that works alone (``pacing``), which costs no statement.

Workers see one pace whatever their number: when one of them dies, the others have its share at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from ingestion.circuit_breaker import CircuitBreaker, load_state
from ingestion.database import Database
from ingestion.failures import CaptureError, FailureKind
from ingestion.pacing import JITTER_SHARE, LONGEST_PAUSE_SECONDS

_MOST_ANSWERS_TOLD = 100
"""After so many, nothing is left of any slowness; and 0.9 to a power of thousands is no number to PostgreSQL."""
_PROBING = "hashtext('ticketmarts.probing'), hashtext(%s)"


class SharedPace:
    """One marketplace's turns, taken one at a time from ``raw.paces``; and its circuit breaker, kept up to date.

    Made by ``share_pace``. Nobody else may use its database meanwhile.
    """

    def __init__(
        self, requests_per_second: float, marketplace: str, database: Database, breaker: CircuitBreaker
    ) -> None:
        self._seconds_between = 1 / requests_per_second
        self._marketplace = marketplace
        self._database = database
        self._breaker = breaker
        self._queue = asyncio.Lock()
        self._rate_limits = 0
        self._answers = 0
        self._quiet_seconds: float | None = None
        self._is_only_prober = False

    async def turn(self) -> None:
        """Wait until the next request may go out. Whoever comes back must look at the circuit breaker again.

        Raises:
            CaptureError: ``rate_limited``, since the marketplace wants to be left alone for too long to wait.
            DatabaseUnavailableError, psycopg.OperationalError: the database was away for longer than its patience.
        """
        async with self._queue:
            wait_seconds = await asyncio.to_thread(self._database.run, self._take_turn)
            # Not to the beat.
            jitter_seconds = self._seconds_between * random.uniform(0, JITTER_SHARE)  # noqa: S311  # no secret
            await asyncio.sleep(wait_seconds + jitter_seconds)

    async def tell_others(self) -> None:
        """Let the other workers know at once what has become of the circuit breaker."""
        async with self._queue:
            await asyncio.to_thread(self._database.run, self._agree_on_breaker)

    def slow_down(self, retry_after_seconds: float | None) -> None:
        """A rate limit came: with the next turn all workers hear of it."""
        self._rate_limits += 1
        if retry_after_seconds is not None:
            self._quiet_seconds = max(self._quiet_seconds or 0, retry_after_seconds)

    def speed_up(self) -> None:
        """An answer came that was no rate limit."""
        self._answers = min(self._answers + 1, _MOST_ANSWERS_TOLD)

    def _take_turn(self, connection: psycopg.Connection[Any]) -> float:
        told = self._rate_limits, self._answers, self._quiet_seconds
        self._agree_on_breaker(connection)
        wait_seconds, quiet_seconds = connection.execute(
            "select wait_seconds, quiet_seconds from raw.take_turn(%s, %s, %s, %s, %s, %s)",
            (self._marketplace, self._seconds_between, *told, LONGEST_PAUSE_SECONDS),
        ).fetchone() or (0.0, 0.0)
        # What came in meanwhile is told with the turn after this one.
        self._rate_limits -= told[0]
        self._answers -= told[1]
        self._quiet_seconds = None if self._quiet_seconds == told[2] else self._quiet_seconds
        if wait_seconds is None:
            raise CaptureError(
                FailureKind.RATE_LIMITED, f"not asked: the marketplace wants quiet for {quiet_seconds:.0f} s more"
            )
        return float(wait_seconds)

    def _agree_on_breaker(self, connection: psycopg.Connection[Any]) -> None:
        """Say what this worker has found, and hear what others have; after a pause, one worker at a time tries."""
        self._breaker.save(connection)
        self._breaker.heed(load_state(connection, self._marketplace), datetime.now(UTC))
        if self._breaker.is_probing and not self._is_only_prober:
            connection.execute(f"select pg_advisory_lock({_PROBING})".encode(), (self._marketplace,))
            self._is_only_prober = True
            self._breaker.heed(load_state(connection, self._marketplace), datetime.now(UTC))
        if self._is_only_prober and not self._breaker.is_probing:
            connection.execute(f"select pg_advisory_unlock({_PROBING})".encode(), (self._marketplace,))
            self._is_only_prober = False


@contextmanager
def share_pace(
    requests_per_second: float, marketplace: str, database: Database, breaker: CircuitBreaker
) -> Iterator[SharedPace]:
    """The marketplace's shared pace, on a connection of its own: others' transactions must not hold up a turn."""
    with database.another() as own:
        pace = SharedPace(requests_per_second, marketplace, own, breaker)
        try:
            yield pace
        finally:
            # Before its lock goes with the connection, and another worker looks.
            own.run(breaker.save)
