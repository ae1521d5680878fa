"""A database, a marketplace and the command ``ticketmarts`` that is pointed at them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest

from ingestion.database import Database
from ingestion.settings import Settings, load_settings
from sandbox.catalogue import featured_events
from sandbox.randomness import DEFAULT_SEED
from sandbox.server import app_of
from tests.integration.ingestion.marketplaces import HOST, RememberingSandbox, serving

Finished: TypeAlias = subprocess.CompletedProcess[bytes]
_COMMAND = Path(sys.executable).with_name("ticketmarts")
_ENTRY_POINT = [str(_COMMAND)] if _COMMAND.exists() else [sys.executable, "-c", "from stack.cli import main; main()"]


@pytest.fixture
def database(fresh_database_url: str) -> Iterator[Database]:
    with Database(fresh_database_url) as database:
        yield database


@pytest.fixture
def connection(database: Database) -> psycopg.Connection[Any]:
    return database.connection


@pytest.fixture
def sandbox() -> RememberingSandbox:
    return RememberingSandbox()


@pytest.fixture
def sandbox_url(sandbox: RememberingSandbox) -> Iterator[str]:
    with serving(app_of(sandbox, DEFAULT_SEED)) as url:
        yield url


@pytest.fixture(scope="session")
def event_ids() -> list[int]:
    """Three small events that the sandbox has on sale for days to come."""
    featured = featured_events(datetime.now(UTC), 24)
    return [event.event_id for event in sorted(featured, key=lambda event: event.peak_listings)[:3]]


@pytest.fixture
def no_rules(tmp_path: Path) -> Path:
    """A tracking file without rules: that of the checkout is a person's own."""
    path = tmp_path / "no_rules.yaml"
    path.write_text("rules: []\n")
    return path


@pytest.fixture
def settings_for(fresh_database_url: str, tmp_path: Path, no_rules: Path) -> Callable[[str], Settings]:
    """Settings for a marketplace at a URL: not polite, and deaf to whatever runs on this machine."""

    def make(marketplace_base_url: str) -> Settings:
        return load_settings(
            with_running_stack=False,
            dotenv=tmp_path / "none.env",
            database_url=fresh_database_url,
            marketplace_base_url=marketplace_base_url,
            tracking_file=no_rules,
            scraper_requests_per_second=1000,
            scraper_max_concurrency=32,
        )

    return make


@pytest.fixture
def ticketmarts(fresh_database_url: str, tmp_path: Path, no_rules: Path) -> Callable[..., Finished]:
    """Run the command in a process of its own, for the test's database and a marketplace."""

    def run(*arguments: object, marketplace: str = f"http://{HOST}:1", stdin: bytes = b"", **more: str) -> Finished:
        environment = {
            **os.environ,
            "TICKETMARTS_HOME": str(tmp_path / "home"),
            "DATABASE_URL": fresh_database_url,
            "MARKETPLACE_BASE_URL": marketplace,
            "SCRAPER_REQUESTS_PER_SECOND": "1000",
            "NO_PROXY": HOST,
            "TRACKING_FILE": str(no_rules),
            **more,
        }
        command = [*_ENTRY_POINT, *map(str, arguments)]
        return subprocess.run(command, env=environment, input=stdin, capture_output=True, check=False, timeout=60)

    return run
