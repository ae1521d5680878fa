"""What is left of a run outside the database: no secret in anything that Dagster keeps and shows, few connections."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import LiteralString
from urllib.parse import urlsplit

import dagster as dg
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ingestion.database import connect
from ingestion.tracking import track
from orchestration.dbt_project_files import MANIFEST
from orchestration.definitions import build_defs
from orchestration.partitions import day_of

MOST_AT_ONCE = 10
"""Connections of a run to the database: dbt's three threads and its first one, the builder's lock, room for checks."""
MOST_BESIDES_DBT = 15
"""Connections in all that are not dbt's, which makes one for each model and test; however many events there are."""

_SECRETS = {
    "MARKETPLACE_TOKEN": "t0ken-of-the-marketplace",
    "MARKETPLACE_HEADERS": '{"x-api-key": "head3r-of-the-marketplace"}',
    "ALERT_WEBHOOK_URL": "http://127.0.0.1:1/h00k-of-somebody",
    "SMTP_URL": "smtp://somebody:sm7p-of-somebody@127.0.0.1:1",
    "SUPABASE_SERVICE_KEY": "serv1ce-key",
}
_UNTOLD = ("t0ken-of", "head3r-of", "h00k-of", "sm7p-of", "serv1ce-key")


@pytest.fixture
def storage(tmp_path: Path, settings_for_runs: None, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """Where Dagster keeps what it hears of runs and shows of them; the settings have secrets."""
    for name, value in _SECRETS.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "dagster"
    folder.mkdir()
    return folder


@pytest.fixture
def tracked(database_url: str, event_ids: list[int]) -> str:
    """The database, with events that are due."""
    with connect(database_url) as connection:
        track(connection, event_ids, interval_seconds=600)
    return database_url


def _run_round(storage: Path) -> bool:
    """Whether it succeeded."""
    with dg.DagsterInstance.local_temp(str(storage), overrides={"telemetry": {"enabled": False}}) as instance:
        job = build_defs().resolve_job_def("round")
        day = day_of(datetime.now(UTC))
        return job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False).success


def _written(storage: Path) -> bytes:
    written = b"".join(path.read_bytes() for path in sorted(storage.rglob("*")) if path.is_file())
    assert b"STEP_START" in written, "the events of the run are among it"
    return written


def _told(written: bytes, database_url: str) -> list[str]:
    password = conninfo_to_dict(database_url)["password"]
    assert isinstance(password, str)
    return [secret for secret in (password, *_UNTOLD) if secret.encode() in written]


def test_a_round_opens_few_connections_and_leaves_no_secret(storage: Path, tracked: str) -> None:
    with _watched_connections(tracked) as watched:
        assert _run_round(storage)
    nodes = json.loads(MANIFEST.read_text())["nodes"].values()
    assert 0 < watched.in_all - len(nodes) <= MOST_BESIDES_DBT
    assert 0 < watched.most_at_once <= MOST_AT_ONCE
    assert _told(_written(storage), tracked) == []


def test_a_round_without_the_marketplace_leaves_no_secret(
    storage: Path, tracked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(tracked) as connection:
        connection.execute("update raw.heads set captured_at = captured_at - interval '1 day'")  # due again
    monkeypatch.setenv("MARKETPLACE_BASE_URL", "http://127.0.0.1:1")
    assert not _run_round(storage)
    written = _written(storage)
    assert b"events that were due failed" in written
    assert _told(written, tracked) == []


def test_a_round_without_the_database_leaves_no_secret(
    storage: Path, tracked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "DATABASE_URL", urlsplit(tracked)._replace(netloc=re.sub(r":\d+$", ":1", urlsplit(tracked).netloc)).geturl()
    )
    assert not _run_round(storage)
    written = _written(storage)
    assert b"cannot reach the database at 127.0.0.1" in written
    assert _told(written, tracked) == []


@dataclass
class _Connections:
    in_all: int = 0
    most_at_once: int = 0


@contextmanager
def _watched_connections(database_url: str) -> Iterator[_Connections]:
    """Those to the database while the context lasts, looked at from another database of the same server."""
    name, connections, is_over = conninfo_to_dict(database_url)["dbname"], _Connections(), Event()
    with psycopg.connect(database_url, dbname="postgres", autocommit=True) as looking:

        def look(query: LiteralString) -> int:
            row = looking.execute(query, (name,)).fetchone()
            assert row is not None
            return int(row[0])

        def watch() -> None:
            while not is_over.wait(0.02):
                at_once = look("select count(*) from pg_stat_activity where datname = %s")
                connections.most_at_once = max(connections.most_at_once, at_once)

        sessions = "select sessions from pg_stat_database where datname = %s"
        before = look(sessions)
        watching = Thread(target=watch)
        watching.start()
        try:
            yield connections
        finally:
            is_over.set()
            watching.join()
        connections.in_all = look(sessions) - before
