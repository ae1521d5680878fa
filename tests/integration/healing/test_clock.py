"""A clock that jumps: no round is made up for, none is waited for, and the marts are right when the clock is.

The instants are given to what takes one: nobody can set the clock of a machine that others use. Where code asks the
clock itself, what it would have written is put where a clock that is ahead puts it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, SensorInstigatorData, TickStatus
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from ingestion.alerts import evaluate
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from ingestion.settings import PROJECT_FOLDER
from ingestion.tracking import events_to_scrape, track
from ingestion.tracking.cadence import Cadence
from orchestration.alerting.dagster_problems import dagster_problems
from stack.alert_watch import AlertWatch
from tests.integration.alerts import code_location
from tests.integration.codec.markets import PlainCapture, capture
from tests.integration.health.markets import book
from tests.integration.marts.warehouse import Warehouse

INTERVAL_SECONDS = 600
EVERY = Cadence(INTERVAL_SECONDS)
EVENT = 7
AHEAD = timedelta(hours=5)


@pytest.fixture
def connection(fresh_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(fresh_database_url) as connection:
        track(connection, [EVENT], INTERVAL_SECONDS)
        yield connection


def write(connection: psycopg.Connection[Any], at: datetime, listings: int = 3) -> None:
    """A capture, as a round at that instant stores it."""
    SnapshotWriter(connection).write([capture(PlainCapture(EVENT, at, tuple(book(listings))))])


def is_due(connection: psycopg.Connection[Any], at: datetime) -> bool:
    return EVENT in events_to_scrape(connection, EVERY, at).due


def test_an_event_is_due_by_the_right_clock_whatever_a_wrong_one_has_written(
    connection: psycopg.Connection[Any],
) -> None:
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    write(connection, noon + timedelta(minutes=2))
    # Set back by two minutes within the slot, nothing is asked for twice; into the slot before, it is.
    assert not is_due(connection, noon + timedelta(minutes=4))
    assert not is_due(connection, noon + timedelta(minutes=2))
    assert is_due(connection, noon - timedelta(minutes=1))
    # Five hours ahead for one round; then right again.
    write(connection, noon + AHEAD)
    assert not is_due(connection, noon + AHEAD + timedelta(minutes=4))
    assert not is_due(connection, noon + timedelta(minutes=9))
    assert is_due(connection, noon + timedelta(minutes=10))
    write(connection, noon + timedelta(minutes=11))
    assert not is_due(connection, noon + timedelta(minutes=12))
    assert is_due(connection, noon + timedelta(minutes=20))


@pytest.fixture
def instance(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """One with our dagster.yaml, and a code location with a schedule of every ten minutes."""
    document = yaml.safe_load((PROJECT_FOLDER / "dagster.yaml").read_text())
    document["code_servers"]["wait_for_local_processes_on_shutdown"] = True  # or a later test is told of it
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("DAGSTER_DATABASE_URL", empty_database_url.replace("postgresql://", "postgresql+psycopg2://", 1))
    monkeypatch.setenv("TEST_WORDS_FILE", str(tmp_path / "words"))
    (tmp_path / "words").touch()
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@contextmanager
def scheduler(instance: dg.DagsterInstance) -> Iterator[Callable[[datetime], list[tuple[datetime, TickStatus]]]]:
    """A scheduler, to be told what its clock says; it tells of all ticks so far."""
    target = PythonFileTarget(
        python_file=str(Path(code_location.__file__)), attribute="defs", working_directory=None, location_name="small"
    )
    with create_test_daemon_workspace_context(target, instance) as workspace:
        remembered: dict[str, Any] = {}

        def tick(now: datetime) -> list[tuple[datetime, TickStatus]]:
            for _ in launch_scheduled_runs(workspace, logging.getLogger("scheduler"), now, remembered):
                pass
            (state,) = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
            return sorted((datetime.fromtimestamp(tick.timestamp, UTC), tick.status) for tick in ticks)

        yield tick


def _forget_ticks_ahead(dagster_home: Path) -> str:
    """What the command prints."""
    program = [sys.executable, "-c", "from stack.cli import main; main()"]
    environment = {**os.environ, "DAGSTER_HOME": str(dagster_home), "COLUMNS": "200"}
    return subprocess.run(
        [*program, "forget-ticks-ahead"], env=environment, check=True, stderr=subprocess.PIPE, text=True
    ).stderr


def test_missed_rounds_are_not_made_up_for_and_a_clock_that_was_ahead_is_told_and_forgotten(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    hour_at = now.replace(minute=0) - timedelta(hours=2)
    with scheduler(instance) as tick:
        tick(hour_at + timedelta(minutes=1))
        assert len(tick(hour_at + timedelta(minutes=10))) == 1
        # Back by minutes and on again: no tick twice.
        assert len(tick(hour_at + timedelta(minutes=7))) == 1
        assert len(tick(hour_at + timedelta(minutes=11))) == 1
        assert len(tick(hour_at + timedelta(minutes=20))) == 2
        # Hours ahead: one round, not one for each that was missed.
        ahead_at = now.replace(minute=0) + AHEAD
        assert len(tick(ahead_at + timedelta(minutes=1))) == 3
        # Right again: Dagster waits for five hours, and people are told.
        assert len(tick(now + timedelta(minutes=30))) == 3
    repository = code_location.build_code_location().get_repository_def()
    (problem,) = dagster_problems(instance, repository)
    assert problem.name == "schedule_every_ten_minutes"
    assert "has ticked for an instant that is yet to come" in problem.summary
    assert "forget-ticks-ahead" in problem.what_to_do

    # A sensor waits, too.
    (schedule,) = instance.all_instigator_state()
    origin = RemoteInstigatorOrigin(schedule.origin.repository_origin, "alerts")
    data = SensorInstigatorData(last_tick_timestamp=(now + AHEAD).timestamp(), cursor="kept", min_interval=60)
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data))
    assert _forget_ticks_ahead(tmp_path) == (
        "begun anew: alerts, every_ten_minutes; now start dagster-daemon anew, which remembers, too\n"
    )
    assert _forget_ticks_ahead(tmp_path) == "no schedule and no sensor has a tick that is yet to come\n"
    (sensor,) = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    assert isinstance(sensor.instigator_data, SensorInstigatorData)
    assert (sensor.instigator_data.last_tick_timestamp, sensor.instigator_data.cursor) == (None, "kept")
    assert dagster_problems(instance, repository) == []
    with scheduler(instance) as tick:
        assert len(tick(now + timedelta(minutes=10))) == 1


def test_an_evaluation_of_alerts_that_is_yet_to_come_keeps_nobody_from_looking(
    connection: psycopg.Connection[Any], fresh_database_url: str, tmp_path: Path
) -> None:
    evaluate(connection, {}, [], datetime.now(UTC) + AHEAD)
    environment = {**os.environ, "DATABASE_URL": fresh_database_url, "TICKETMARTS_HOME": str(tmp_path)}
    alert_watch = AlertWatch(environment, silent_seconds=0)
    assert alert_watch.look()
    assert alert_watch.wait() == 0


def test_the_marts_are_right_when_the_clock_is(fresh_warehouse: Warehouse) -> None:
    """The captures are those of a clock that was five hours ahead for two rounds, and set back by minutes later."""
    warehouse = fresh_warehouse
    with connect(warehouse.database_url) as connection:
        track(connection, [EVENT], INTERVAL_SECONDS)
        hour_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
        write(connection, hour_at + timedelta(minutes=10))
        for minutes, listings in ((20, 9), (30, 8)):
            write(connection, hour_at + AHEAD + timedelta(minutes=minutes), listings)
        warehouse.build()
        finality = {row["hour"]: row["is_final"] for row in warehouse.rows(_HOURS)}
        assert finality == {hour_at: True, hour_at + AHEAD: False}
        # Right again, and a little later set back by three minutes: older than the newest, and out of order.
        for minutes, listings in ((40, 4), (50, 5), (48, 6)):
            write(connection, hour_at + timedelta(minutes=minutes), listings)
        warehouse.build()
        books = connection.execute(
            "select captured_at, listing_count from raw.snapshots where event_id = %s order by 1", (EVENT,)
        ).fetchall()
    minutes_and_listings = [((at - hour_at).total_seconds() / 60, count) for at, count in books]
    assert minutes_and_listings == [(10, 3), (40, 4), (48, 6), (50, 5), (320, 9), (330, 8)]
    rows = {row["hour"]: row for row in warehouse.rows(_HOURS)}
    assert (rows[hour_at]["captures"], rows[hour_at]["listings_close"]) == (4, 5)
    # The delta of the first capture ahead was made anew against what has come before it since.
    assert rows[hour_at + AHEAD]["listings_added"] == 4
    assert warehouse.stale_hours() == 0


_HOURS = """
select hour, is_final, captures, listings_close, listings_added from public.aggregated_analytics order by hour
"""
