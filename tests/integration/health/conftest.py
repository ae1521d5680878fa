"""A database of a test's own, and the settings that lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.database import connect
from ingestion.settings import Settings, load_settings


@pytest.fixture
def connection(fresh_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(fresh_database_url) as connection:
        yield connection


@pytest.fixture
def settings(fresh_database_url: str, tmp_path: Path) -> Settings:
    return load_settings(with_running_stack=False, dotenv=tmp_path / "none.env", database_url=fresh_database_url)
