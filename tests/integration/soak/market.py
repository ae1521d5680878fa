"""A sandbox in a process of its own, whose clock runs fast: in five seconds a market moves as in half an hour.

What belongs here: the market, its 200 events, and the process. What does not: what goes wrong (``storm``).
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path

import uvicorn

from sandbox.book import book_at
from sandbox.catalogue import listed_events
from sandbox.marketplace import Answer, InventedMarketplace
from sandbox.search import Search
from sandbox.server import app_of
from tests.integration.ingestion.marketplaces import HOST

SEED = 2026
BEGINS_AT = datetime(2026, 11, 22, 22, tzinfo=UTC)
"""The market's instant when the process starts: always this one, so that a storm finds the same market again."""
SPEED = 360
LARGE_FROM = 60
"""Listings at the beginning; what is this large stays above the 50 below which nothing is held."""
_LARGE_TO, _SMALL_FROM = 110, 12
_LARGE_COUNT, _SMALL_COUNT, _STARTING_COUNT = 120, 75, 5
_STARTS_SOON = BEGINS_AT + timedelta(hours=3)
_PROJECT = Path(__file__).parents[3]


class FastSandbox(InventedMarketplace):
    """The invented market on a clock of its own."""

    def __init__(self) -> None:
        super().__init__(SEED)
        self._began_at = datetime.now(UTC)

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The book of one event."""
        return super().listings(event_id, self._market_time(at))

    def production(self, event_id: int, at: datetime) -> Answer:
        """One production."""
        return super().production(event_id, self._market_time(at))

    def productions(self, search: Search, at: datetime) -> Answer:
        """One page of productions."""
        return super().productions(search, self._market_time(at))

    def featured(self, count: int, at: datetime) -> list[int]:
        """Ids of events worth tracking."""
        return super().featured(count, self._market_time(at))

    def _market_time(self, at: datetime) -> datetime:
        return BEGINS_AT + (at - self._began_at) * SPEED


@lru_cache
def large_events() -> list[int]:
    """Events above the size from which drops are held."""
    return _events(_LARGE_COUNT, LARGE_FROM, _LARGE_TO)


@lru_cache
def all_events() -> list[int]:
    """The large ones, small ones, and a few whose books vanish while the storm blows, since they start."""
    listed = listed_events(BEGINS_AT, SEED)
    starting = [event.event_id for event in listed if BEGINS_AT < event.starts_at <= _STARTS_SOON]
    return [*large_events(), *_events(_SMALL_COUNT, _SMALL_FROM, LARGE_FROM - 1), *starting[:_STARTING_COUNT]]


def _events(count: int, smallest: int, largest: int) -> list[int]:
    """So many events by the listings that they have at the beginning, and that start late enough to keep them."""
    found = (
        event.event_id
        for event in listed_events(BEGINS_AT, SEED)
        if event.starts_at > _STARTS_SOON and smallest <= len(book_at(SEED, event, BEGINS_AT)) <= largest
    )
    return list(islice(found, count))


@contextmanager
def running() -> Iterator[str]:
    """The process, for the length of the context; yields the URL."""
    process = subprocess.Popen([sys.executable, "-m", __name__], cwd=_PROJECT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        assert url, "the sandbox did not start"
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def _serve() -> None:
    app = app_of(FastSandbox(), SEED, keep_served=True)
    with socket.create_server((HOST, 0), backlog=256) as listener:
        print(f"http://{HOST}:{listener.getsockname()[1]}", flush=True)  # noqa: T201
        # By default, uvicorn and httpx both give up an idle connection after 5 s: when the first closes what the
        # second is just about to use, there is a connection failure that nobody asked for.
        config = uvicorn.Config(
            app, access_log=False, log_level="critical", ws="none", lifespan="off", timeout_keep_alive=60
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    _serve()
