"""Rounds past one machine: two workers of Celery with Redis between them, and one of them lost at work."""

from __future__ import annotations

import shutil
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg
import httpx
import psycopg
import pytest

from ingestion.database import connect
from ingestion.loading import BATCH_SIZE
from ingestion.settings import PROJECT_FOLDER
from ingestion.sharding import Shard
from ingestion.tracking import track
from tests.integration.orchestration.celery_cluster import (
    executing_round,
    running_redis,
    running_worker,
    wait_until,
    workers_of_step,
)

SHARDS = [Shard(1, 2), Shard(2, 2)]
LOST, LOST_STEP = SHARDS[0], "snapshots.shard_1_of_2"
REQUESTS_PER_SECOND = 30
# No step is given to another worker before one is lost, however slow the machine is.
REDELIVERY_SECONDS, REDELIVERY_SECONDS_AFTER_THE_LOSS = 600, 5

# Half a minute on a machine that has nothing else to do.
PATIENCE_SECONDS = 240


@pytest.fixture
def sandbox(marketplace_url: str) -> Iterator[httpx.Client]:
    """The marketplace, to be told what goes wrong in it and asked what it has served."""
    with httpx.Client(base_url=marketplace_url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def instance(
    marketplace_url: str,
    fresh_database_url: str,
    empty_database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance as in production, and the environment that all the processes read their settings from."""
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(PROJECT_FOLDER / "dagster.yaml", home)
    (tmp_path / "tracking.yaml").write_text("rules: []\n")
    with running_redis(tmp_path) as broker_url:
        for name, value in {
            "TICKETMARTS_HOME": tmp_path,
            "DAGSTER_HOME": home,
            "DAGSTER_DATABASE_URL": empty_database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
            "DATABASE_URL": fresh_database_url,
            "MARKETPLACE_BASE_URL": marketplace_url,
            "TRACKING_FILE": tmp_path / "tracking.yaml",
            "CELERY_BROKER_URL": broker_url,
            "CELERY_REDELIVERY_SECONDS": REDELIVERY_SECONDS,
            "SCRAPER_SHARDS": len(SHARDS),
            "SCRAPER_REQUESTS_PER_SECOND": REQUESTS_PER_SECOND,
        }.items():
            monkeypatch.setenv(name, str(value))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance


@pytest.mark.timeout(600)
def test_a_worker_is_lost_in_a_round_and_nothing_is_lost_or_double(
    instance: dg.DagsterInstance, sandbox: httpx.Client, fresh_database_url: str, tmp_path: Path
) -> None:
    of_lost, of_other = _events(sandbox)
    event_ids = [*of_lost, *of_other]
    with (
        connect(fresh_database_url) as connection,
        running_worker("one", tmp_path) as one,
        running_worker("two", tmp_path) as two,
    ):
        for worker in (one, two):
            worker.wait_until_ready()
        track(connection, event_ids, interval_seconds=600)
        slowly = {"fault": "timeout", "events": of_lost, "options": {"seconds": 0.1}}
        sandbox.put("/sandbox/faults", json={"keep_served": True, "rules": [slowly]}).raise_for_status()
        with executing_round(tmp_path, "tracked_events", "snapshots") as round_process:
            wait_until(
                lambda: len(_captures(connection, of_lost)) >= BATCH_SIZE or round_process.poll() is not None,
                "a first batch to be stored",
            )
            assert round_process.poll() is None, _log(tmp_path)
            (name,) = workers_of_step(instance, LOST_STEP)
            lost, left = (one, two) if name == one.name else (two, one)
            lost.kill()
            stored = _captures(connection, of_lost)
            assert BATCH_SIZE <= len(stored) < len(of_lost), "the worker was lost in the middle"
            with running_worker("three", tmp_path, CELERY_REDELIVERY_SECONDS=REDELIVERY_SECONDS_AFTER_THE_LOSS):
                assert round_process.wait(PATIENCE_SECONDS) == 0, _log(tmp_path)

        first, *others = workers_of_step(instance, LOST_STEP)
        assert first == lost.name
        assert set(others) <= {left.name, "three"}
        assert others
        captures = _captures(connection, event_ids)
        assert Counter(event_id for event_id, _, _ in captures) == Counter(event_ids), "each event once"
        assert set(stored) <= set(captures)
        (run,) = instance.get_runs(limit=1)
        assert {str(run_id) for _, _, run_id in captures} == {run.run_id}
        metadata = _metadata(instance, run.run_id)
        assert metadata["events_ok"] == len(event_ids)
        assert (metadata["events_failed"], metadata["events_skipped"]) == (0, 0)
        assert metadata["oldest_capture_age_seconds"] >= 0

        served = _served(sandbox)
        asked = Counter(answer["event_id"] for answer in served)
        assert {asked[event_id] for event_id, _, _ in stored} == {1}
        assert set(asked.values()) == {1, 2}, "what was under way, or not yet stored, was asked for again"
        _assert_polite(served, set(of_lost))

        newcomers = [event_id for event_id in _featured(sandbox) if event_id not in event_ids][:4]
        track(connection, newcomers, interval_seconds=600)
        with running_worker("four", tmp_path), executing_round(tmp_path) as round_process:
            assert round_process.wait(PATIENCE_SECONDS) == 0, _log(tmp_path)
        assert {event_id for event_id, _, _ in _captures(connection, newcomers)} == set(newcomers)
        (run,) = instance.get_runs(limit=1)
        _assert_marts_agree(connection, instance, run.run_id)


def _events(sandbox: httpx.Client) -> tuple[list[int], list[int]]:
    """Events of the shard whose worker is lost, so many that it stores some before its last; and of the other one."""
    featured = _featured(sandbox)
    of_lost = [event_id for event_id in featured if LOST.holds(event_id)]
    of_other = [event_id for event_id in featured if not LOST.holds(event_id)]
    return of_lost[: BATCH_SIZE + 14], of_other[:50]


def _featured(sandbox: httpx.Client) -> list[int]:
    answer = sandbox.get("/sandbox/featured", params={"count": 400}).raise_for_status().json()
    featured: list[int] = answer["event_ids"]
    return featured


def _log(folder: Path) -> str:
    return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in sorted(folder.glob("*.log")))


def _captures(connection: psycopg.Connection[Any], event_ids: list[int]) -> list[tuple[int, datetime, UUID]]:
    return connection.execute(
        "select event_id, captured_at, run_id from raw.snapshots where event_id = any(%s) order by event_id",
        (event_ids,),
    ).fetchall()


def _metadata(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    records = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    materialization = next(
        record.asset_materialization
        for record in records
        if record.asset_materialization and record.asset_materialization.asset_key == dg.AssetKey("snapshots")
    )
    return {name: value.value for name, value in materialization.metadata.items()}


def _assert_marts_agree(connection: psycopg.Connection[Any], instance: dg.DagsterInstance, run_id: str) -> None:
    checks = [
        record.get_dagster_event().asset_check_evaluation_data
        for record in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    assert [check.passed for check in checks if check.check_name == "agrees_with_raw"] == [True]
    assert connection.execute("select count(*) from raw.stale_hours").fetchone() == (0,)
    live = connection.execute("select event_id, listings from public.event_live order by event_id").fetchall()
    stored = connection.execute("select event_id, listing_count from raw.heads order by event_id").fetchall()
    assert live == stored


def _served(sandbox: httpx.Client) -> list[dict[str, Any]]:
    answer = sandbox.get("/sandbox/served", params={"limit": 1000}).raise_for_status().json()
    served: list[dict[str, Any]] = answer["served"]
    return served


def _assert_polite(served: list[dict[str, Any]], of_lost: set[int]) -> None:
    """No second has more requests than one process alone would make; each worker may be late with the one it has."""
    at = sorted(datetime.fromisoformat(answer["at"]) for answer in served)
    first = Counter(answer["event_id"] in of_lost for answer in served)
    assert min(first.values()) > REQUESTS_PER_SECOND, "both asked, for longer than a second"
    in_a_second = max(bisect_left(at, each + timedelta(seconds=1)) - number for number, each in enumerate(at))
    assert in_a_second <= REQUESTS_PER_SECOND + 1 + len(SHARDS)
