"""The code location: what is in it, how it hangs together, and that the server can load it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.execution.api import create_execution_plan

from ingestion.database import connect
from ingestion.settings import PROJECT_FOLDER, load_settings
from orchestration.assets.dbt_models import rows_written
from orchestration.column_lineage import find_lineage, read_lineage, write_lineage
from orchestration.dbt_project_files import (
    DBT_FOLDER,
    MANIFEST,
    SAVED_PARSE,
    dbt_environment,
    prepare_manifest,
    run_dbt,
)
from orchestration.definitions import build_defs
from orchestration.partitions import day_of
from orchestration.rounds import cron

EXPOSURES = {"public_clients", "user_clients", "operators"}
WITHOUT_COLUMN_LINEAGE = {
    *("cheapest_by_zone", "compare_events", "event_summary", "listings_at", "market_changes", "pair_get_in"),
    *("price_distribution", "price_history", "search_events", "top_movers"),
    *("int_listing_states", "listings_live"),
}
"""Models that call functions which return rows: SQL does not say from which columns those are made."""
SNAPSHOT = Path(__file__).parent / "graph.yaml"


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
    assert models | EXPOSURES | {"marketplace", "tracked_events", "snapshots"} == assets
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
    with (
        dg.instance_for_test() as instance,
        dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=datetime(2026, 3, 1, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        ) as context,
    ):
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


def test_the_graph_is_the_one_that_was_reviewed(graph: dg.BaseAssetGraph) -> None:
    """A change of assets, dependencies, jobs, schedules or checks shows in the diff of `graph.yaml`."""
    defs = build_defs()
    found = {
        "assets": {
            key.to_user_string(): {
                "group": graph.get(key).group_name,
                "kinds": sorted(graph.get(key).kinds),
                "owners": sorted(graph.get(key).owners),
                "partitions": type(graph.get(key).partitions_def).__name__ if graph.get(key).partitions_def else None,
                "deps": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            }
            for key in sorted(graph.get_all_asset_keys())
        },
        "checks": sorted(f"{key.asset_key.to_user_string()}: {key.name}" for key in graph.asset_check_keys),
        "jobs": {
            job.name: len(job.asset_layer.executable_asset_keys)
            for job in sorted(defs.resolve_all_job_defs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "schedules": {
            schedule.name: f"{schedule.job_name} at {schedule.cron_schedule}"
            for schedule in defs.get_repository_def().schedule_defs
        },
    }
    if os.environ.get("UPDATE_GRAPH"):
        SNAPSHOT.write_text(yaml.safe_dump(found, sort_keys=False, width=120))
    assert found == yaml.safe_load(SNAPSHOT.read_text()), "run this test with UPDATE_GRAPH=1 and review the diff"


def test_shards_are_behind_the_same_asset(monkeypatch: pytest.MonkeyPatch, graph: dg.BaseAssetGraph) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://:hidden@127.0.0.1:1/0")
    monkeypatch.setenv("SCRAPER_SHARDS", "3")
    defs = build_defs()
    sharded, node = (each.get(dg.AssetKey("snapshots")) for each in (defs.get_repository_def().asset_graph, graph))
    for what in ("parent_keys", "child_keys", "group_name", "kinds", "owners", "description", "check_keys"):
        assert getattr(sharded, what) == getattr(node, what), what
    job = defs.resolve_job_def("round")
    steps = create_execution_plan(job).step_keys_to_execute
    shards = [step for step in steps if step.startswith("snapshots.")]
    schemas = [each.metadata["dagster/column_schema"] for each in (sharded, node)]
    assert schemas[0] == schemas[1]
    assert sorted(shards) == [*(f"snapshots.shard_{number}_of_3" for number in (1, 2, 3)), "snapshots.sum_up"]
    assert job.executor_def.name == "celery"
    assert "hidden" not in dg.serialize_value(job.get_job_snapshot()), "a broker's address may hold a password"


def test_without_a_broker_nothing_of_celery_is_imported() -> None:
    program = "import sys; from orchestration.definitions import build_defs; build_defs(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True
    )
    modules = set(loaded.stdout.split())
    assert "dagster" in modules
    assert not modules & {"celery", "kombu", "redis", "dagster_celery"}


def test_every_asset_says_whose_it_is_and_where_its_code_is(graph: dg.BaseAssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.owners, key
        assert node.group_name, key
        if key.to_user_string() not in EXPOSURES | {"marketplace"}:
            assert node.metadata.get("dagster/code_references"), key


def test_every_model_tells_its_columns_and_where_they_come_from(graph: dg.BaseAssetGraph) -> None:
    models = {path.stem for path in (DBT_FOLDER / "models").rglob("*.sql")}
    without_lineage = set()
    for name in sorted(models):
        metadata = graph.get(dg.AssetKey(name)).metadata
        columns = {column.name: column.description for column in metadata["dagster/column_schema"].columns}
        assert columns, name
        assert [column for column, description in columns.items() if not description] == [], name
        if "dagster/column_lineage" not in metadata:
            without_lineage.add(name)
            continue
        lineage = metadata["dagster/column_lineage"].value.deps_by_column
        assert set(lineage) == set(columns), name
        assert all(graph.has(dep.asset_key) for made_of in lineage.values() for dep in made_of), name
    assert without_lineage == WITHOUT_COLUMN_LINEAGE
    get_in = graph.get(dg.AssetKey("event_live")).metadata["dagster/column_lineage"].value.deps_by_column["get_in"]
    assert get_in == [dg.TableColumnDep(dg.AssetKey("event_latest"), "get_in")]


@pytest.mark.parametrize("name", ["tracked_events", "snapshots"])
def test_what_ingestion_writes_tells_the_columns_that_the_database_has(
    graph: dg.BaseAssetGraph, database_url: str, name: str
) -> None:
    columns = graph.get(dg.AssetKey(name)).metadata["dagster/column_schema"].columns
    with connect(database_url) as connection:
        stored = connection.execute(
            """
            select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a
            where a.attrelid = to_regclass('raw.' || %s) and a.attnum > 0 and not a.attisdropped
            order by a.attnum
            """,
            (name,),
        ).fetchall()
    assert [(column.name, column.type) for column in columns] == stored
    assert all(column.description for column in columns)


def test_the_lineage_of_columns_is_what_the_sql_says(database_url: str, tmp_path: Path) -> None:
    settings = load_settings(with_running_stack=False, database_url=database_url)
    run_dbt(["compile"], dbt_environment(settings), tmp_path)
    found = find_lineage(json.loads((tmp_path / "manifest.json").read_text()))
    if os.environ.get("UPDATE_GRAPH"):
        write_lineage(found)
    assert found == read_lineage(), "run this test with UPDATE_GRAPH=1 and review the diff"


def test_a_build_writes_nothing_into_the_folder_that_others_read(database_url: str) -> None:
    settings = load_settings(with_running_stack=False, database_url=database_url)
    manifest = prepare_manifest(settings)

    def written() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in [*(DBT_FOLDER / "target").glob("*.*"), manifest]}

    before = written()
    assert SAVED_PARSE in before
    run_dbt(["list"], dbt_environment(settings))
    assert written() == before


def test_clients_read_what_their_role_may_and_no_view_is_left_out(graph: dg.BaseAssetGraph) -> None:
    everybody = ["anon", "authenticated", "service_role"]
    readers = {"public_clients": everybody, "user_clients": everybody[1:], "operators": everybody[2:]}
    nodes = json.loads(MANIFEST.read_text())["nodes"].values()
    served = {
        node["name"]: node["config"]["meta"].get("api_roles", everybody) for node in nodes if node["fqn"][1] == "api"
    }
    for client, roles in readers.items():
        read = {key.to_user_string() for key in graph.get(dg.AssetKey(client)).parent_keys}
        tests = {node["name"] for node in nodes if node["resource_type"] == "test"}
        assert read == {name for name, may in served.items() if may == roles and name not in tests}, client


def test_only_what_follows_the_ledger_is_partitioned_by_days_up_to_today(graph: dg.BaseAssetGraph) -> None:
    days = graph.get(dg.AssetKey("event_hourly")).partitions_def
    assert days is not None
    assert days.get_last_partition_key() == day_of(datetime.now(UTC))
    assert graph.get(dg.AssetKey("event_daily")).partitions_def == days
    for name in ("snapshots", "dim_events", "event_live"):
        assert graph.get(dg.AssetKey(name)).partitions_def is None


def test_a_passive_dagster_starts_nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMARTS_ENV", "passive")
    defs = build_defs()
    assert list(defs.get_repository_def().schedule_defs) == []
    assert defs.resolve_job_def("round")


def test_settling_waits_for_rounds_and_for_something_to_be_stale(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    defs = build_defs()
    schedule = defs.resolve_schedule_def("settle_hours_and_days")
    at = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)
    with (
        connect(database_url) as connection,
        dg.instance_for_test() as instance,
        dg.build_schedule_context(
            instance=instance, scheduled_execution_time=at, repository_def=defs.get_repository_def()
        ) as context,
    ):
        assert "nothing is stale" in str(schedule.evaluate_tick(context).skip_message)
        connection.execute("insert into raw.stale_hours (event_id, hour_at) values (1, '2026-03-01T23:00:00Z')")
        (due,) = schedule.evaluate_tick(context).run_requests or []
        assert (due.partition_key, due.job_name) == ("2026-03-01", None), "the day that has closed"
        instance.create_run_for_job(defs.resolve_job_def("round"), status=dg.DagsterRunStatus.STARTED)
        assert "settles what there is" in str(schedule.evaluate_tick(context).skip_message)
        connection.execute("delete from raw.stale_hours")


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
