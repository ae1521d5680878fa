"""How fast requests follow each other, for all that one process asks of the marketplace.

What belongs here: the token bucket, its jitter, and what a rate limit does to it. What does not: requests, and the pace
that several workers share (``shared_pace``).
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aiolimiter import AsyncLimiter

from ingestion.failures import CaptureError, FailureKind

LONGEST_PAUSE_SECONDS = 60.0
"""A marketplace that wants to be left alone for longer is asked again by a later round, not waited for."""
SLOWEST = 16.0
JITTER_SHARE = 0.5


class Pace:
    """A token bucket of one token, so that requests never come in bursts, that slows down when it is told to.

    Each rate limit doubles the time between requests, up to sixteen times; each answer takes a tenth of that back.
    """

    def __init__(self, requests_per_second: float) -> None:
        self._seconds_between = 1 / requests_per_second
        self._bucket = AsyncLimiter(1, self._seconds_between)
        self._queue = asyncio.Lock()
        self._quiet_until = 0.0
        self._last_turn_at = -math.inf
        self.slowness = 1.0

    async def turn(self) -> None:
        """Wait until the next request may go out.

        Raises:
            CaptureError: ``rate_limited``, since the marketplace wants to be left alone for too long to wait.
        """
        async with self._queue:
            await self._wait_for_quiet_to_end()
            # Slower than the bucket where a rate limit has said so.
            seconds_early = self._last_turn_at + self.slowness * self._seconds_between - time.monotonic()
            await asyncio.sleep(max(seconds_early, 0))
            await self._bucket.acquire()
            self._last_turn_at = time.monotonic()
            # Not to the beat.
            await asyncio.sleep(self._seconds_between * random.uniform(0, JITTER_SHARE))  # noqa: S311  # no secret

    async def _wait_for_quiet_to_end(self) -> None:
        wait_seconds = self._quiet_until - time.monotonic()
        if wait_seconds > LONGEST_PAUSE_SECONDS:
            raise CaptureError(
                FailureKind.RATE_LIMITED, f"not asked: the marketplace wants quiet for {wait_seconds:.0f} s more"
            )
        if wait_seconds > 0:
            await asyncio.sleep(wait_seconds)

    def slow_down(self, retry_after_seconds: float | None) -> None:
        """A rate limit came: all requests wait for as long as it says, and are slower from then on."""
        self.slowness = min(self.slowness * 2, SLOWEST)
        if retry_after_seconds is not None:
            self._quiet_until = max(self._quiet_until, time.monotonic() + retry_after_seconds)

    def speed_up(self) -> None:
        """An answer came that was no rate limit."""
        self.slowness = max(self.slowness * 0.9, 1.0)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """The seconds that a ``Retry-After`` header asks for, in either form (RFC 9110, 10.2.3); None where there is none.

    One that cannot be read is taken for none: the pace slows down all the same.
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds(), 0.0)
