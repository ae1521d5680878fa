"""How a rate limit is understood, and what it does to the pace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from ingestion.failures import CaptureError, FailureKind
from ingestion.pacing import JITTER_SHARE, LONGEST_PAUSE_SECONDS, SLOWEST, Pace, retry_after_seconds

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Sun, 15 Mar 2026 12:01:30 GMT", 90.0),
        ("Sun, 15 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_comes_in_two_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


def test_rate_limits_slow_down_and_answers_speed_up_again() -> None:
    async def slownesses() -> list[float]:
        pace = Pace(1000)
        seen = [pace.slowness]
        for _ in range(6):
            pace.slow_down(None)
        seen.append(pace.slowness)
        for _ in range(100):
            pace.speed_up()
        return [*seen, pace.slowness]

    assert asyncio.run(slownesses()) == [1.0, SLOWEST, 1.0]


def test_all_requests_wait_for_as_long_as_a_rate_limit_says() -> None:
    async def seconds_waited() -> list[float]:
        loop = asyncio.get_running_loop()
        pace = Pace(1000)
        pace.slow_down(0.3)
        began = loop.time()

        async def one() -> float:
            await pace.turn()
            return loop.time() - began

        return await asyncio.gather(one(), one(), one())

    assert min(asyncio.run(seconds_waited())) >= 0.3


def test_a_wish_for_a_long_quiet_is_not_waited_for_but_respected() -> None:
    async def ask() -> None:
        pace = Pace(1000)
        pace.slow_down(LONGEST_PAUSE_SECONDS + 5)
        await pace.turn()

    with pytest.raises(CaptureError, match="not asked: the marketplace wants quiet") as raised:
        asyncio.run(ask())
    assert raised.value.kind is FailureKind.RATE_LIMITED


def test_requests_keep_their_distance() -> None:
    async def seconds_for_ten() -> float:
        loop = asyncio.get_running_loop()
        pace = Pace(50)
        began = loop.time()
        await asyncio.gather(*(pace.turn() for _ in range(10)))
        return loop.time() - began

    assert asyncio.run(seconds_for_ten()) >= 9 / 50


def test_each_rate_limit_doubles_the_time_between_requests() -> None:
    async def seconds_for_four(slow_downs: int) -> float:
        loop = asyncio.get_running_loop()
        pace = Pace(100)
        for _ in range(slow_downs):
            pace.slow_down(None)
        # From before the first, of which one hears late on a machine that is busy.
        began = loop.time()
        for _ in range(4):
            await pace.turn()
        return loop.time() - began

    for slow_downs, slowness in ((0, 1), (1, 2), (3, 8)):
        assert asyncio.run(seconds_for_four(slow_downs)) >= 0.01 * (3 * slowness - JITTER_SHARE)
