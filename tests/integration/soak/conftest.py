"""The storm, blown once for all tests of what it has left; they only read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from ingestion.database import Database
from ingestion.settings import load_settings
from tests.integration.soak import market
from tests.integration.soak.rounds import Storm, blow
from tests.integration.soak.storm import CONCURRENCY


@pytest.fixture(scope="module")
def storm(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    with market.running() as url, Database(database_url) as database:
        settings = load_settings(
            with_running_stack=False,
            dotenv=tmp_path_factory.mktemp("soak") / "none.env",
            database_url=database_url,
            marketplace_base_url=url,
            scraper_requests_per_second=10_000,
            scraper_max_concurrency=CONCURRENCY,
        )
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield blow(settings, database, client)


@pytest.fixture
def connection(storm: Storm) -> psycopg.Connection[Any]:
    return storm.database.connection
