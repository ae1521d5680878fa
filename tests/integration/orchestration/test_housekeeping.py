"""Keeping house in Dagster: its own old runs, on its storage in PostgreSQL, and the job that does it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster import _check as check

from ingestion.database import connect
from ingestion.settings import load_settings
from orchestration.definitions import build_defs
from orchestration.housekeeping import housekeeping_schedule
from orchestration.old_runs import OldRuns, delete_old_runs
from orchestration.storage import DagsterUnavailableError, find_instance
from stack.environment import dagster_variables, make_dagster_home

DAYS = dg.DailyPartitionsDefinition("2026-03-01")
SOON = timedelta(minutes=1)


@dg.asset
def plain() -> None:
    print("printed by a step")  # noqa: T201


@dg.asset(partitions_def=DAYS, deps=[plain])
def by_day() -> None: ...


@dg.op
def fail() -> None:
    raise dg.Failure("on purpose")


@dg.job
def failing() -> None:
    fail()


@pytest.fixture
def dagster_home(fresh_database_url: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's own dagster.yaml, with storage in another database than the data's, made once for all tests."""
    home = make_dagster_home(tmp_path)
    for name, value in dagster_variables(database_url, home).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("TICKETMARTS_HOME", str(tmp_path))
    return home


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    assert dagster_home.exists()
    with check.not_none(find_instance(load_settings())) as instance:
        yield instance
        instance.wipe()


def run(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition, day: str | None = None) -> str:
    result = dg.materialize([plain, by_day], instance=instance, selection=list(assets), partition_key=day)
    return result.run_id


def run_ids(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_run_ids())


def events(instance: dg.DagsterInstance) -> dict[str, int]:
    """Rows of the event log by run, as PostgreSQL has them."""
    with psycopg.connect(os.environ["DAGSTER_DATABASE_URL"].replace("+psycopg2", "")) as connection:
        rows = connection.execute("select run_id, count(*) from event_logs group by 1").fetchall()
    assert instance.is_persistent
    return dict(rows)


def test_old_runs_go_with_their_events_and_what_is_newest_stays(instance: dg.DagsterInstance) -> None:
    superseded = [run(instance, plain), run(instance, plain, by_day, day="2026-03-01")]
    failed = failing.execute_in_process(instance=instance, raise_on_error=False).run_id
    of_first_day = run(instance, by_day, day="2026-03-01")
    of_second_day = run(instance, plain, by_day, day="2026-03-02")
    unfinished = instance.create_run_for_job(failing, status=dg.DagsterRunStatus.STARTED).run_id
    logs = {run_id: Path(instance.storage_directory()) / run_id for run_id in (*superseded, of_second_day)}
    assert all(path.is_dir() for path in logs.values())
    strip = instance.event_log_storage.get_materialized_partitions(by_day.key)
    now = datetime.now(UTC)

    assert delete_old_runs(instance, now - SOON) == OldRuns(0, 0), "none is old yet"
    before = run_ids(instance)
    assert delete_old_runs(instance, now, is_dry_run=True) == OldRuns(deleted=3, kept=2)
    assert run_ids(instance) == before
    assert delete_old_runs(instance, now) == OldRuns(deleted=3, kept=2)

    assert run_ids(instance) == {of_first_day, of_second_day, unfinished}
    assert set(events(instance)) <= {of_first_day, of_second_day, unfinished}
    assert events(instance)[of_second_day] > 0
    assert failed not in events(instance)
    assert {run_id for run_id, path in logs.items() if path.exists()} == {of_second_day}
    assert instance.event_log_storage.get_materialized_partitions(by_day.key) == strip == {"2026-03-01", "2026-03-02"}
    newest = instance.get_latest_materialization_event(plain.key)
    assert newest is not None
    assert newest.run_id == of_second_day
    assert delete_old_runs(instance, now) == OldRuns(deleted=0, kept=2)

    again = run(instance, plain, by_day, day="2026-03-02")
    assert delete_old_runs(instance, datetime.now(UTC)) == OldRuns(deleted=1, kept=2)
    assert run_ids(instance) == {of_first_day, again, unfinished}


def test_many_materializations_of_a_run_are_all_looked_at(instance: dg.DagsterInstance) -> None:
    @dg.multi_asset(specs=[dg.AssetSpec(f"asset_{n}") for n in range(45)])
    def many() -> Iterator[dg.MaterializeResult[None]]:
        for n in range(45):
            yield dg.MaterializeResult(asset_key=f"asset_{n}")

    @dg.multi_asset(specs=[dg.AssetSpec(f"asset_{n}") for n in range(44)])
    def all_but_one() -> Iterator[dg.MaterializeResult[None]]:
        for n in range(44):
            yield dg.MaterializeResult(asset_key=f"asset_{n}")

    first = dg.materialize([many], instance=instance).run_id
    second = dg.materialize([all_but_one], instance=instance).run_id
    assert delete_old_runs(instance, datetime.now(UTC)) == OldRuns(deleted=0, kept=2)
    third = dg.materialize([many], instance=instance).run_id
    assert delete_old_runs(instance, datetime.now(UTC)) == OldRuns(deleted=2, kept=1)
    assert run_ids(instance) == {third} != {first, second}


def test_broken_off_between_events_and_run_it_is_finished_the_next_time(instance: dg.DagsterInstance) -> None:
    broken = run(instance, plain)
    newest = run(instance, plain)
    instance.event_log_storage.delete_events(broken)
    assert delete_old_runs(instance, datetime.now(UTC)) == OldRuns(deleted=1, kept=1)
    assert run_ids(instance) == {newest}


def test_ticks_of_schedules_are_purged_by_dagster(instance: dg.DagsterInstance) -> None:
    from dagster._core.definitions.run_request import InstigatorType  # noqa: PLC0415 -- an enum that dg lacks

    for kind in (InstigatorType.SCHEDULE, InstigatorType.SENSOR):
        assert all(0 < days <= 14 for days in instance.get_tick_retention_settings(kind).values()), kind


def test_the_job_does_it_and_says_what_it_did(instance: dg.DagsterInstance, fresh_database_url: str) -> None:
    old = datetime.now(UTC) - timedelta(days=100)
    with connect(fresh_database_url) as connection:
        connection.execute("select raw.ensure_partitions('2026-03-01', '2026-03-01')")
        connection.execute(
            "insert into raw.scrape_failures (event_id, attempted_at, kind, message) values (1, %s, 'timeout', '')",
            (old,),
        )
        job = build_defs().resolve_job_def("housekeeping")
        foreseen = job.execute_in_process(
            instance=instance, run_config={"ops": {"keep_house_daily": {"config": {"dry_run": True}}}}
        )
        assert connection.execute("select count(*) from raw.scrape_failures").fetchall() == [(1,)]
        done = job.execute_in_process(instance=instance)
        assert connection.execute("select count(*) from raw.scrape_failures").fetchall() == [(0,)]
    assert foreseen.success
    assert instance.get_latest_materialization_event(dg.AssetKey("housekeeping")) is not None
    (materialization,) = done.get_asset_materialization_events() or [None]
    assert materialization is not None
    said = {name: value.value for name, value in materialization.materialization.metadata.items()}
    assert said == {
        **said,
        "days_dropped": [],
        "captures_dropped": 0,
        "bytes_freed": 0,
        "old_days_kept": {},
        "failures_deleted": 1,
        "quarantine_deleted": 0,
        "tables_analyzed": ["raw.snapshots", "raw.keyframes"],
        "dagster_runs_deleted": 0,
        "old_dagster_runs_kept": 0,
    }
    assert len(said["days_made"]) == 4
    assert said["seconds"] > said["analyze_seconds"] > 0


def test_the_schedule_runs_once_a_day_and_never_two_at_once(instance: dg.DagsterInstance) -> None:
    defs = build_defs()
    schedule = defs.resolve_schedule_def(housekeeping_schedule.name)
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime(2026, 3, 1, tzinfo=UTC),
        repository_def=defs.get_repository_def(),
    ) as context:
        assert len(schedule.evaluate_tick(context).run_requests or []) == 1
        job = defs.resolve_job_def("housekeeping")
        assert job.tags["dagster/priority"] == "-1", "rounds in the queue go first"
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        late = schedule.evaluate_tick(context)
    assert not late.run_requests
    assert "is still on" in str(late.skip_message)


def test_the_command_does_both(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(*arguments: str) -> dict[str, Any]:
        program = Path(sys.executable).parent / "ticketmarts"
        ended = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
        said: dict[str, Any] = json.loads(ended.stdout)
        return said

    run(instance, plain)
    run(instance, plain)
    monkeypatch.setenv("RETENTION_DAGSTER_RUNS_DAYS", "1")
    assert command("housekeeping", "--dry-run", "--json")["is_dry_run"] is True
    said = command("housekeeping", "--json")
    assert said["dagster_runs"] == {"deleted": 0, "kept": 0}
    assert said["old_days"] == []
    assert said["analyzed"]["tables"] == ["raw.snapshots", "raw.keyframes"]
    assert len(said["days_made"]) == 4
    program = Path(sys.executable).parent / "ticketmarts"
    dry = subprocess.run([program, "housekeeping", "--dry-run"], check=True, stderr=subprocess.PIPE, text=True).stderr
    assert "a dry run; nothing has changed" in dry
    assert "raw.snapshots and raw.keyframes analyzed" in dry
    monkeypatch.delenv("DAGSTER_HOME")
    assert command("housekeeping", "--json")["dagster_runs"] is None


def test_a_storage_out_of_reach_is_said(dagster_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dagster_home.exists()
    monkeypatch.setenv("DAGSTER_DATABASE_URL", "postgresql+psycopg2://nobody:secret@127.0.0.1:1/nowhere")
    with pytest.raises(DagsterUnavailableError, match="cannot open Dagster's storage") as failure:
        find_instance(load_settings())
    assert "secret" not in str(failure.value)
