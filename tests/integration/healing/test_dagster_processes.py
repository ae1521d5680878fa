"""Whatever process of Dagster's dies, or is replaced: rounds go on, one at a time, and nothing is lost or double."""

from __future__ import annotations

import time
from collections.abc import Iterator

import dagster as dg
import psutil
import pytest
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG

from ingestion.database import connect
from ingestion.tracking import track
from tests.integration.healing.code_location import IS_SCHEDULED
from tests.integration.healing.dagster_processes import worker_of
from tests.integration.healing.drill import Drill, opened_drill
from tests.integration.healing.waiting import wait_for
from tests.integration.resilience.crashing import CRASHES
from tests.integration.resilience.invariants import failures_and_quarantine

pytestmark = pytest.mark.timeout(900)
DAEMON, WEBSERVER = "dagster-daemon", "dagster-webserver"


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    with opened_drill(tmp_path_factory.mktemp("drill")) as drill:
        yield drill


@pytest.fixture(autouse=True)
def _from_the_beginning(drill: Drill) -> None:
    drill.forget()
    drill.hold.unlink(missing_ok=True)


def test_a_worker_killed_in_the_middle_of_a_round_leaves_nothing_double(drill: Drill) -> None:
    with drill.marketplace.closed():
        run_id = drill.processes.launch(drill.instance)
        wait_for("the round asks", lambda: drill.marketplace.waiting)
        worker_of(drill.instance, run_id).kill()
    drill.wait_for_status(run_id, dg.DagsterRunStatus.FAILURE)
    retry = drill.wait_for_retry(run_id)
    drill.wait_for_success(retry)
    assert {captured_by for _, captured_by in drill.captures()} == {retry}
    drill.assert_captured()


def test_a_run_that_fails_of_itself_is_not_made_again(drill: Drill) -> None:
    with connect(drill.database_url) as connection:
        track(connection, [1, 2, 3, 4, 5], interval_seconds=3600)
        run_id = drill.processes.launch(drill.instance)
        drill.wait_for_status(run_id, dg.DagsterRunStatus.FAILURE)
        connection.execute("delete from raw.tracked_events where event_id <= 5")
    wait_for("Dagster decides", lambda: "Not retrying run since it failed due to an asset" in drill.said_of(run_id))
    assert drill.instance.get_runs(dg.RunsFilter(tags={"dagster/parent_run_id": run_id})) == []
    drill.assert_captured()


def test_a_run_whose_whole_machine_dies_is_noticed_and_made_again_from_where_it_was(drill: Drill) -> None:
    """Nobody is left to say that the worker has died: not the server that started it, and not the daemon."""
    drill.hold.touch()
    run_id = drill.processes.launch(drill.instance)
    drill.wait_for_step(run_id, "marts")
    worker = worker_of(drill.instance, run_id)
    drill.processes.kill_with_all_it_started(DAEMON)
    wait_for("its worker has gone", lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    drill.hold.unlink()
    drill.processes.start_daemon()
    failed = drill.wait_for_status(run_id, dg.DagsterRunStatus.FAILURE)
    assert "has ended without a word" in drill.said_of(run_id)
    assert failed.tags.get(RUN_FAILURE_REASON_TAG) != "STEP_FAILURE"
    retry = drill.wait_for_retry(run_id)
    # The slot of the pool, which the dead one had, is free again.
    drill.wait_for_success(retry)
    assert drill.steps_run(retry) == {"marts"}
    assert {captured_by for _, captured_by in drill.captures()} == {run_id}
    drill.assert_captured()


def test_a_round_outlives_the_daemon_and_the_schedule_goes_on_one_round_at_a_time(drill: Drill) -> None:
    drill.hold.touch()
    run_id = drill.processes.launch(drill.instance)
    drill.wait_for_step(run_id, "marts")
    drill.processes.kill(DAEMON)
    killed_at = time.time()
    drill.processes.start_daemon(**{IS_SCHEDULED: "yes"})
    skipped = wait_for("a tick of the new daemon", lambda: drill.ticks_since(killed_at))[0]
    assert (skipped.status, skipped.skip_reason) == (TickStatus.SKIPPED, f"round {run_id} is still on")
    assert [run.run_id for run in drill.rounds_under_way()] == [run_id]
    drill.hold.unlink()
    # The daemon that had started it is no more, and nobody takes it for dead.
    drill.wait_for_success(run_id)
    assert drill.instance.get_runs(dg.RunsFilter(tags={"dagster/parent_run_id": run_id})) == []
    drill.assert_captured()
    drill.processes.kill_with_all_it_started(DAEMON)
    drill.processes.start_daemon()


def test_a_deploy_lets_the_run_under_way_end_with_the_code_that_it_began_with(drill: Drill) -> None:
    """Each release is in a folder of its own. The webserver is killed; the daemon is told to end."""
    drill.hold.touch()
    run_id = drill.processes.launch(drill.instance)
    drill.wait_for_step(run_id, "marts")
    drill.processes.use_release(drill.release("second"))
    drill.processes.kill(WEBSERVER)
    drill.processes.stop(DAEMON)
    drill.processes.start_daemon()
    drill.processes.start_webserver()
    assert drill.processes.status_shown(run_id) == "STARTED"
    drill.hold.unlink()
    drill.wait_for_success(run_id)
    assert drill.release_of(run_id) == "first"
    drill.assert_captured()
    drill.forget()
    after = drill.processes.launch(drill.instance)
    drill.wait_for_success(after)
    assert drill.processes.status_shown(after) == "SUCCESS"
    assert drill.release_of(after) == "second"
    drill.assert_captured()


def test_a_database_that_crashes_under_a_round_delays_it(drill: Drill) -> None:
    """Dagster's own tables are away with it, as in the stack. Daemon and webserver find it again; nothing is lost."""
    with drill.marketplace.closed():
        run_id = drill.processes.launch(drill.instance)
        wait_for("the round asks", lambda: drill.marketplace.waiting)
        drill.postgres.crash(CRASHES[0])
        drill.postgres.recover()
    # What had been fetched is stored by the worker itself; if it had come to grief, its run would be made again.
    drill.wait_for_success(run_id)
    assert {captured_by for _, captured_by in drill.captures()} == {run_id}
    drill.assert_captured()
    drill.forget()
    # The webserver's connections are gone, which it learns by using them.
    after = wait_for("the webserver finds the database again", drill.processes.try_to_launch)
    drill.wait_for_success(after)
    drill.assert_captured()
    assert failures_and_quarantine(drill.database_url) == []
