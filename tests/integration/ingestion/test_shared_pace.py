"""One pace and one circuit breaker for all workers, whichever of them learns something."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from ingestion.circuit_breaker import FAILURES_TO_OPEN, CircuitBreaker, load_breaker, load_state
from ingestion.database import Database
from ingestion.failures import CaptureError, FailureKind
from ingestion.pacing import JITTER_SHARE, LONGEST_PAUSE_SECONDS, SLOWEST
from ingestion.shared_pace import SharedPace, share_pace

HERE = "http://here"
BLOCKED = CaptureError(FailureKind.BLOCKED, "a challenge")

Workers: TypeAlias = list[tuple[SharedPace, CircuitBreaker]]


@pytest.fixture
def workers(database: Database) -> Iterator[Workers]:
    """Two, at a hundred requests per second."""
    with ExitStack() as stack:
        yield [_enter(stack, database, 100) for _ in range(2)]


def _enter(stack: ExitStack, database: Database, requests_per_second: float) -> tuple[SharedPace, CircuitBreaker]:
    breaker = load_breaker(database.connection, HERE, datetime.now(UTC))
    return stack.enter_context(share_pace(requests_per_second, HERE, database, breaker)), breaker


def test_turns_of_all_workers_keep_their_distance(workers: Workers) -> None:
    turns_each = 10

    async def seconds_for_all() -> float:
        async def take_turns(pace: SharedPace) -> None:
            for _ in range(turns_each):
                await pace.turn()

        # From before the first, of which one hears late on a machine that is busy.
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(take_turns(pace) for pace, _ in workers))
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(seconds_for_all()) >= (2 * turns_each - 1 - JITTER_SHARE) / 100


def test_a_rate_limit_of_one_worker_slows_all_of_them_down(workers: Workers, database: Database) -> None:
    (one, _), (other, _) = workers

    def slowness() -> float:
        row = database.connection.execute("select slowness from raw.paces where marketplace = %s", (HERE,)).fetchone()
        return float(row[0]) if row else 0.0

    for _ in range(6):
        one.slow_down(None)
    asyncio.run(one.turn())
    assert slowness() == SLOWEST
    other.speed_up()
    asyncio.run(other.turn())
    assert slowness() == pytest.approx(SLOWEST * 0.9)
    for _ in range(200):
        other.speed_up()
    asyncio.run(other.turn())
    assert slowness() == 1


def test_quiet_that_one_worker_was_asked_for_is_kept_by_all(workers: Workers) -> None:
    (one, _), (other, _) = workers

    async def seconds_waited() -> float:
        began = asyncio.get_running_loop().time()
        one.slow_down(0.4)
        await one.turn()
        await other.turn()
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(seconds_waited()) >= 0.4
    one.slow_down(LONGEST_PAUSE_SECONDS + 5)
    for pace in (one, other):
        with pytest.raises(CaptureError, match="not asked: the marketplace wants quiet for 6") as raised:
            asyncio.run(pace.turn())
        assert raised.value.kind is FailureKind.RATE_LIMITED


def test_a_breaker_that_one_worker_opens_is_open_for_all_and_stays_so(workers: Workers, database: Database) -> None:
    (one, turned_away), (other, let_in) = workers
    for _ in range(FAILURES_TO_OPEN):
        turned_away.note_failure(BLOCKED, datetime.now(UTC))
    asyncio.run(one.tell_others())

    # An answer to what was under way when the other one opened it.
    let_in.note_success()
    let_in.save(database.connection)
    assert load_state(database.connection, HERE) == turned_away.state
    asyncio.run(other.turn())
    assert let_in.is_open


def test_after_the_pause_one_worker_tries_and_the_others_wait_for_what_comes_of_it(database: Database) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    breaker = CircuitBreaker(HERE, None, past)
    for _ in range(FAILURES_TO_OPEN):
        breaker.note_failure(BLOCKED, past)
    breaker.save(database.connection)
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        (one, prober), (other, waiting) = (_enter(stack, database, 100) for _ in range(2))
        assert prober.is_probing
        assert waiting.is_probing
        asyncio.run(one.turn())
        others_turn = pool.submit(asyncio.run, other.turn())
        _wait_for_a_lock(database)
        assert not others_turn.done()
        prober.note_success()
        asyncio.run(one.turn())
        others_turn.result(10)
        assert not waiting.is_probing
        assert not waiting.is_open
        assert load_state(database.connection, HERE) is None


def _wait_for_a_lock(database: Database) -> None:
    waiting = "select from pg_locks where locktype = 'advisory' and not granted"
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while database.connection.execute(waiting.encode()).fetchone() is None:
        assert datetime.now(UTC) < deadline
