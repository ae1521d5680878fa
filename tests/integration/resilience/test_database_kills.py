"""A database that crashes under a round or an import delays it; nothing that was fetched fails or is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stack.migrations import apply_migrations
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres
from tests.integration.resilience.books import recorded_books, stored_books
from tests.integration.resilience.commands import Running, Ticketmarts
from tests.integration.resilience.comparison import Round, differences
from tests.integration.resilience.crashing import CRASHES, CrashingPostgres
from tests.integration.resilience.invariants import broken_invariants, failures_and_quarantine
from tests.integration.resilience.market import HurriedSandbox, write_recordings

CRASHES_EACH = 3
FEWEST_SURVIVED = 4
"""Crashes that must have met a command under way, of twice ``CRASHES_EACH``; nearly all do."""
LONG_OUTAGE_SECONDS = 2.0
OUTAGE_SECONDS = 0.3
_SHARE_CONNECTED = 0.6
"""Of a run, the rest is its start."""


@pytest.fixture(scope="module")
def durable_server() -> Iterator[PostgresServer]:
    with throw_away_postgres(is_durable=True) as server:
        apply_migrations(server.url("postgres"))
        yield server


@pytest.fixture
def ticketmarts(durable_server: PostgresServer, market_url: str, tmp_path: Path) -> Iterator[Ticketmarts]:
    with closing(Ticketmarts(durable_server.url("postgres"), market_url, tmp_path)) as ticketmarts:
        yield ticketmarts


def test_the_database_crashes_at_random_moments_of_scrape_and_import(
    ticketmarts: Ticketmarts,
    durable_server: PostgresServer,
    market: HurriedSandbox,
    live_events: list[int],
    chance: random.Random,
) -> None:
    url, postgres = ticketmarts.database_url, CrashingPostgres(durable_server)
    recordings = write_recordings(
        ticketmarts.folder, live_events[:8], files=1 + CRASHES_EACH, blocks_each=6, chance=chance
    )
    rounds: list[Round] = []

    def crash_during(running: Running, seconds: float, away_seconds: float) -> bool:
        running.wait_until_connected()
        time.sleep(chance.uniform(0, seconds))
        was_running = running.is_running
        postgres.crash(chance.choice(CRASHES))
        time.sleep(away_seconds)
        postgres.recover()
        running.finish()
        return was_running

    def scrape(number: int) -> Running:
        del number
        return ticketmarts.scrape(live_events)

    def import_one(number: int) -> Running:
        return ticketmarts.start("import", recordings[number])

    survived = 0
    for start in (scrape, import_one):
        seconds = 0.0
        for number in range(1 + CRASHES_EACH):
            market.take_served()
            began_at = datetime.now(UTC)
            running = start(number)
            if number == 0:
                running.finish()
                seconds = running.seconds * _SHARE_CONNECTED
            else:
                away_seconds = OUTAGE_SECONDS if survived else LONG_OUTAGE_SECONDS
                survived += crash_during(running, seconds, away_seconds)
            rounds.append(Round(began_at, datetime.now(UTC), 1, market.take_served()))
            assert broken_invariants(url) == []
    assert survived >= FEWEST_SURVIVED
    recorded = {instant: book for path in recordings for instant, book in recorded_books(path).items()}
    assert differences(stored_books(url), recorded, rounds) == []
    assert failures_and_quarantine(url) == []
