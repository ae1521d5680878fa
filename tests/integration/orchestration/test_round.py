"""The whole graph, materialized for real: sandbox over HTTP, PostgreSQL, dbt."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from ingestion.database import connect
from ingestion.tracking import track
from ingestion.tracking.cadence import slot_began_at
from orchestration.assets.ingestion import MARKETPLACE, snapshots, tracked_events
from orchestration.checks.agreement import agrees_with_raw
from orchestration.definitions import build_defs
from orchestration.partitions import day_of
from orchestration.pipeline import Pipeline


@pytest.fixture
def tracked(settings_for_runs: None, database_url: str, event_ids: list[int]) -> list[int]:  # noqa: ARG001
    with connect(database_url) as connection:
        track(connection, event_ids, interval_seconds=600)
    return event_ids


@pytest.fixture
def fresh_runs(settings_for_runs: None, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: ARG001
    """A database that no round has been run on, for a test whose rounds find events due or not."""
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    return fresh_database_url


def test_one_round_brings_every_event_from_the_marketplace_to_the_api(tracked: list[int], database_url: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = _run_round(instance)

        assert result.success
        assert _metadata(result, "snapshots")["events_ok"] == len(tracked)
        assert _metadata(result, "snapshots")["events_failed"] == 0
        assert _metadata(result, "snapshots")["observations"] > 0
        # A number, so that Dagster plots it: all have just been captured.
        assert 0 <= _metadata(result, "snapshots")["oldest_capture_age_seconds"] < 60
        assert _metadata(result, "tracked_events")["productions_changed"] == len(tracked)
        assert _metadata(result, "event_hourly")["rows_written"] == len(tracked)
        models = _materialized(result)
        assert {"event_hourly", "event_daily", "event_latest", "dim_events", "dim_venues"} <= models
        assert {"zone_hourly", "section_daily", "listing_lifecycle", "dim_performers", "event_performers"} <= models
        assert {"events", "performers", "event_live", "aggregated_analytics", "daily_analytics"} <= models
        assert {"zone_analytics", "section_analytics"} <= models
        assert result.get_asset_check_evaluations()
        assert all(check.passed for check in result.get_asset_check_evaluations())
        agreement = _agreement(result)
        assert 0 < agreement["hours_compared"] <= len(tracked)
        assert agreement["hours_that_differ"] == 0
    with connect(database_url) as connection:
        live = _rows(connection, "select event_id, event_name is not null, listings from public.event_live")
        stored = _rows(connection, "select event_id, true, listing_count from raw.heads")
        assert sorted(live) == sorted(stored)
        assert _rows(connection, "select count(*) from raw.stale_hours") == [(0,)]
        run_ids = _rows(connection, "select distinct run_id::text from raw.snapshots")
        assert run_ids == [(result.run_id,)]

        connection.execute("update marts.event_hourly set price_median = price_median + 0.01")
    falsified = _agreement(_run_check())
    assert 0 < falsified["hours_that_differ"] == falsified["hours_compared"]
    for metrics in falsified["differences"].values():
        assert [*metrics] == ["price_median"]
        mart, raw = metrics["price_median"]
        assert mart == pytest.approx(raw + 0.01)


def test_rules_bring_events_in_and_a_round_takes_what_is_due(
    fresh_runs: str, event_ids: list[int], tmp_path: Path
) -> None:
    (tmp_path / "tracking.yaml").write_text(f"rules: [{{name: named, events: {event_ids[:2]}}}]\n")

    def materialize() -> dg.ExecuteInProcessResult:
        return dg.materialize([MARKETPLACE, tracked_events, snapshots], resources={"pipeline": Pipeline()})

    first = materialize()
    assert _metadata(first, "tracked_events")["entered"] == {str(event_id): "named" for event_id in event_ids[:2]}
    assert _metadata(first, "tracked_events")["rules_were_run"] is True
    assert _metadata(first, "snapshots")["events_ok"] == 2

    with connect(fresh_runs) as connection:
        track(connection, event_ids[2:3], interval_seconds=600)
    began_at = datetime.now(UTC)
    second = materialize()
    assert _metadata(second, "tracked_events")["rules_were_run"] is False
    assert _metadata(second, "tracked_events")["entered"] == {}
    is_one_slot = slot_began_at(began_at, 600) == slot_began_at(datetime.now(UTC), 600)
    assert _metadata(second, "snapshots")["events_ok"] in ({1} if is_one_slot else {1, 3})


def test_a_round_in_which_most_events_fail_fails_and_keeps_what_was_captured(
    fresh_runs: str, event_ids: list[int]
) -> None:
    unknown = [1, 2, 3, 4, 5]
    with connect(fresh_runs) as connection:
        track(connection, [*event_ids, *unknown], interval_seconds=600)
        with dg.DagsterInstance.ephemeral() as instance:
            result = _run_round(instance, raise_on_error=False)
        assert not result.success
        assert "5 of the 9 events that were due failed" in str(result.get_step_failure_events()[0].step_failure_data)
        assert _rows(connection, "select count(*) from raw.snapshots") == [(len(event_ids),)]
        failures = _rows(connection, "select event_id, kind from raw.scrape_failures order by event_id")
        assert failures == [(event_id, "not_found") for event_id in unknown]


def _run_round(instance: dg.DagsterInstance, *, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
    job = build_defs().resolve_job_def("round")
    return job.execute_in_process(
        instance=instance, partition_key=day_of(datetime.now(UTC)), raise_on_error=raise_on_error
    )


def _materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}


def _run_check() -> dg.ExecuteInProcessResult:
    job = dg.define_asset_job("check", selection=dg.AssetSelection.checks(agrees_with_raw))
    defs = dg.Definitions(
        assets=[dg.AssetSpec("event_hourly")],
        asset_checks=[agrees_with_raw],
        jobs=[job],
        resources={"pipeline": Pipeline()},
    )
    return defs.resolve_job_def("check").execute_in_process()


def _agreement(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (check,) = (each for each in result.get_asset_check_evaluations() if each.check_name == "agrees_with_raw")
    metadata = {name: value.value for name, value in check.metadata.items()}
    assert check.passed == (metadata["hours_that_differ"] == 0)
    return metadata


def _metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    materialization = next(
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    )
    return {name: value.value for name, value in materialization.metadata.items()}


def _rows(connection: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    return connection.execute(statement.encode()).fetchall()
