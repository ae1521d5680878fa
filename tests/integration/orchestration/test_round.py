"""The whole graph, materialized for real: sandbox over HTTP, PostgreSQL, dbt."""

from __future__ import annotations

from typing import Any

import dagster as dg
import psycopg
import pytest

from ingestion.database import connect
from ingestion.tracking import track
from orchestration.definitions import build_defs


@pytest.fixture
def tracked(settings_for_runs: None, database_url: str, event_ids: list[int]) -> list[int]:  # noqa: ARG001
    with connect(database_url) as connection:
        track(connection, event_ids, interval_seconds=600)
    return event_ids


def test_one_round_brings_every_event_from_the_marketplace_to_the_api(tracked: list[int], database_url: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = _run_round(instance)

        assert result.success
        assert _metadata(result, "snapshots")["events_ok"] == len(tracked)
        assert _metadata(result, "snapshots")["events_failed"] == 0
        assert _metadata(result, "snapshots")["observations"] > 0
        assert _metadata(result, "tracked_events")["productions_changed"] == len(tracked)
        assert _metadata(result, "event_hourly")["rows_written"] == len(tracked)
        models = _materialized(result)
        assert {"event_hourly", "event_daily", "event_latest", "dim_events", "dim_venues"} <= models
        assert {"events", "aggregated_analytics", "daily_analytics", "event_live"} <= models
        assert result.get_asset_check_evaluations()
        assert all(check.passed for check in result.get_asset_check_evaluations())
    with connect(database_url) as connection:
        live = _rows(connection, "select event_id, event_name is not null, listings from public.event_live")
        stored = _rows(connection, "select event_id, true, listing_count from raw.heads")
        assert sorted(live) == sorted(stored)
        assert _rows(connection, "select count(*) from raw.stale_hours") == [(0,)]
        run_ids = _rows(connection, "select distinct run_id::text from raw.snapshots")
        assert run_ids == [(result.run_id,)]


def test_a_round_in_which_most_events_fail_fails_and_keeps_what_was_captured(
    tracked: list[int], database_url: str
) -> None:
    unknown = [1, 2, 3, 4, 5]
    with connect(database_url) as connection:
        track(connection, unknown, interval_seconds=600)
        before = _rows(connection, "select count(*) from raw.snapshots")[0][0]
        with dg.DagsterInstance.ephemeral() as instance:
            result = _run_round(instance, raise_on_error=False)
        assert not result.success
        assert "5 of 9 events failed" in str(result.get_step_failure_events()[0].step_failure_data)
        assert _rows(connection, "select count(*) from raw.snapshots") == [(before + len(tracked),)]
        failures = _rows(connection, "select event_id, kind from raw.scrape_failures order by event_id")
        assert failures == [(event_id, "not_found") for event_id in unknown]


def _run_round(instance: dg.DagsterInstance, *, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
    return build_defs().resolve_job_def("round").execute_in_process(instance=instance, raise_on_error=raise_on_error)


def _materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}


def _metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    materialization = next(
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    )
    return {name: value.value for name, value in materialization.metadata.items()}


def _rows(connection: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    return connection.execute(statement.encode()).fetchall()
