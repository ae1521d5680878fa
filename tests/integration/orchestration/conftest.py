"""What a run of Dagster needs here: a marketplace over HTTP, a database, and settings that lead to both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

_TRACKED = 4


@pytest.fixture(scope="module")
def marketplace_url() -> Iterator[str]:
    """The sandbox as a process of its own, on a free port."""
    command = [sys.executable, "-m", "sandbox.cli", "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip().rpartition(" ")[2]
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def event_ids(marketplace_url: str) -> list[int]:
    """A few events worth tracking."""
    answer = httpx.get(f"{marketplace_url}/sandbox/featured", params={"count": _TRACKED})
    ids: list[int] = answer.raise_for_status().json()["event_ids"]
    return ids


@pytest.fixture
def settings_for_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str, marketplace_url: str) -> None:
    """The environment that runs read their settings from: no stack of the checkout's own interferes."""
    monkeypatch.setenv("TICKETMARTS_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MARKETPLACE_BASE_URL", marketplace_url)
    monkeypatch.setenv("SCRAPER_REQUESTS_PER_SECOND", "100")
    (tmp_path / "tracking.yaml").write_text("rules: []\n")
    monkeypatch.setenv("TRACKING_FILE", str(tmp_path / "tracking.yaml"))
