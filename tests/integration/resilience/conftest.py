"""A marketplace in a hurry, events and recordings of it, and the command pointed at it and at a database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.randomness import DEFAULT_SEED
from sandbox.server import app_of
from tests.integration.ingestion.marketplaces import serving
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.market import HurriedSandbox, small_events


@pytest.fixture
def chance() -> random.Random:
    """Chance whose seed is printed, which pytest shows of a test that fails."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"random seed: {seed}")  # noqa: T201
    return random.Random(seed)


@pytest.fixture(scope="session")
def live_events() -> list[int]:
    """More events than go into one batch of a round."""
    return small_events(72)


@pytest.fixture
def market() -> HurriedSandbox:
    return HurriedSandbox()


@pytest.fixture
def market_url(market: HurriedSandbox) -> Iterator[str]:
    with serving(app_of(market, DEFAULT_SEED)) as url:
        yield url


@pytest.fixture
def ticketmarts(fresh_database_url: str, market_url: str, tmp_path: Path) -> Iterator[Ticketmarts]:
    with closing(Ticketmarts(fresh_database_url, market_url, tmp_path)) as ticketmarts:
        yield ticketmarts
