"""The code location: what is in it, how it hangs together, and that the server can load it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ingestion.settings import PROJECT_FOLDER
from orchestration.assets.dbt_models import rows_written
from orchestration.definitions import build_defs
from orchestration.rounds import build_round_schedule, cron


@pytest.fixture(scope="module")
def graph() -> dg.BaseAssetGraph:
    return build_defs().get_repository_def().asset_graph


def test_lineage_goes_from_the_marketplace_to_every_view_of_the_api(graph: dg.BaseAssetGraph) -> None:
    for view in ("events", "aggregated_analytics", "daily_analytics", "event_live"):
        ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(view))
        assert dg.AssetKey("marketplace") in ancestors
        assert dg.AssetKey("tracked_events") in ancestors
    assert dg.AssetKey("snapshots") in graph.get_ancestor_asset_keys(dg.AssetKey("event_hourly"))


def test_every_model_is_an_asset_with_a_description_and_tests_are_checks(graph: dg.BaseAssetGraph) -> None:
    models = {path.stem for path in (PROJECT_FOLDER / "dbt_project" / "models").rglob("*.sql")}
    assets = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert models | {"marketplace", "tracked_events", "snapshots"} == assets
    assert [key for key in graph.get_all_asset_keys() if not graph.get(key).description] == []
    assert graph.asset_check_keys


def test_the_round_takes_in_the_whole_graph() -> None:
    job = build_defs().resolve_job_def("round")
    assert job.asset_layer.executable_asset_keys >= {dg.AssetKey("snapshots"), dg.AssetKey("event_live")}


@pytest.mark.parametrize(("minutes", "expected"), [(1, "*/1 * * * *"), (10, "*/10 * * * *"), (60, "0 * * * *")])
def test_the_interval_becomes_a_cron(minutes: int, expected: str) -> None:
    assert cron(minutes) == expected


def test_the_schedule_runs_from_the_start_and_skips_while_a_round_is_on() -> None:
    defs = build_defs()
    schedule = defs.resolve_schedule_def("every_interval")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=datetime(2026, 3, 1, tzinfo=UTC)
        )
        due = schedule.evaluate_tick(context)
        assert len(due.run_requests or []) == 1
        instance.create_run_for_job(defs.resolve_job_def("round"), status=dg.DagsterRunStatus.STARTED)
        late = schedule.evaluate_tick(context)
    assert not late.run_requests
    assert "is still on" in str(late.skip_message)


def test_rounds_begin_at_the_shortest_interval_of_the_tracking_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tracking.yaml"
    path.write_text("cadence: [{within: 24h, every: 5}, {within: 2h, every: 1}]\n")
    monkeypatch.setenv("TRACKING_FILE", str(path))
    assert build_defs().resolve_schedule_def("every_interval").cron_schedule == "*/1 * * * *"


def test_the_schedule_of_another_interval_has_another_cron() -> None:
    assert build_round_schedule(5).cron_schedule == "*/5 * * * *"


@pytest.mark.parametrize(("status", "rows"), [("INSERT 0 24", 24), ("SELECT 3", 3), ("CREATE VIEW", None), ("", None)])
def test_rows_are_read_from_a_statements_status(status: str, rows: int | None) -> None:
    assert rows_written(status) == rows


def test_the_workspace_loads_as_the_server_loads_it(tmp_path: Path) -> None:
    workspace = yaml.safe_load((PROJECT_FOLDER / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["python_module"]["module_name"] == "orchestration.definitions"
    listed = subprocess.run(
        [Path(sys.executable).parent / "dagster", "definitions", "validate", "-w", PROJECT_FOLDER / "workspace.yaml"],
        cwd=PROJECT_FOLDER,
        env={"PATH": "/usr/bin:/bin", "DAGSTER_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
