"""Whatever process of Dagster's dies, or is replaced: rounds go on, one at a time, and nothing is lost or double."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import psycopg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG
from psycopg import sql

from ingestion.database import connect
from ingestion.tracking import track
from stack.migrations import apply_migrations
from stack.throw_away_postgres import throw_away_postgres
from tests.integration.healing.code_location import HOLD_FILE, IS_SCHEDULED
from tests.integration.healing.dagster_processes import DagsterProcesses, worker_of
from tests.integration.healing.gate import GatedMarketplace, gated_marketplace
from tests.integration.healing.waiting import wait_for
from tests.integration.resilience.books import served_book, stored_books
from tests.integration.resilience.crashing import CRASHES, CrashingPostgres
from tests.integration.resilience.invariants import broken_invariants, failures_and_quarantine
from tests.integration.resilience.market import small_events

EVENTS = 3
DAEMON, WEBSERVER = "dagster-daemon", "dagster-webserver"


@dataclass
class Drill:
    """A pipeline in the hands of a real Dagster, both in one PostgreSQL, as the stack has it."""

    database_url: str
    postgres: CrashingPostgres
    marketplace: GatedMarketplace
    processes: DagsterProcesses
    instance: dg.DagsterInstance
    folder: Path
    event_ids: list[int]

    @property
    def hold(self) -> Path:
        """While it is there, the asset marts is busy, in the slot of its pool."""
        return self.folder / "hold"

    def release(self, name: str) -> Path:
        """A folder with code of that name."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        imported = "from tests.integration.healing.code_location import build_code_location\n"
        (folder / "definitions.py").write_text(f"{imported}\ndefs = build_code_location({name!r})\n")
        return folder

    def forget(self) -> None:
        """As if no round had ever been, so that every event is due."""
        with connect(self.database_url) as connection:
            for table in ("snapshots", "heads", "keyframes", "loads", "stale_hours", "scrape_failures", "known_bodies"):
                connection.execute(f"delete from raw.{table}".encode())
        self.marketplace.sandbox.served.clear()

    def wait_for_status(self, run_id: str, *statuses: dg.DagsterRunStatus) -> dg.DagsterRun:
        def find() -> dg.DagsterRun | None:
            run = self.instance.get_run_by_id(run_id)
            assert run is not None
            return run if run.status in statuses else None

        return wait_for(f"run {run_id} is {statuses}", find)

    def wait_for_success(self, run_id: str) -> None:
        """However it ends, it must be well."""
        run = self.wait_for_status(run_id, dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
        assert run.status == dg.DagsterRunStatus.SUCCESS, self.said_of(run_id)

    def wait_for_retry(self, run_id: str) -> str:
        """The run that Dagster makes in place of one."""
        children = dg.RunsFilter(tags={"dagster/parent_run_id": run_id})
        return wait_for(f"run {run_id} is made again", lambda: self.instance.get_runs(children))[0].run_id

    def wait_for_step(self, run_id: str, step: str) -> None:
        def has_begun() -> bool:
            return any(
                entry.step_key == step for entry in self.instance.all_logs(run_id, dg.DagsterEventType.STEP_START)
            )

        wait_for(f"{step} of run {run_id} begins", has_begun)

    def steps_run(self, run_id: str) -> set[str | None]:
        return {entry.step_key for entry in self.instance.all_logs(run_id, dg.DagsterEventType.STEP_SUCCESS)}

    def rounds_under_way(self) -> list[dg.DagsterRun]:
        started = dg.RunsFilter(job_name="round", statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
        return list(self.instance.get_runs(started))

    def ticks_since(self, at: float) -> list[InstigatorTick]:
        (schedule,) = self.instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
        ticks = self.instance.get_ticks(schedule.instigator_origin_id, schedule.selector_id, after=at)
        return [tick for tick in ticks if tick.status != TickStatus.STARTED]

    def release_of(self, run_id: str) -> str:
        (made,) = self.instance.all_logs(run_id, dg.DagsterEventType.ASSET_MATERIALIZATION)[-1:]
        assert made.asset_materialization is not None
        return str(made.asset_materialization.metadata["release"].value)

    def said_of(self, run_id: str) -> str:
        return "\n".join(str(entry.message) for entry in self.instance.all_logs(run_id))

    def captures(self) -> list[tuple[Any, ...]]:
        with connect(self.database_url) as connection:
            return connection.execute("select event_id, run_id::text from raw.snapshots order by event_id").fetchall()

    def assert_captured(self, *, each: int = 1) -> None:
        """Every event so often, as it was served, and raw is whole."""
        stored = stored_books(self.database_url)
        assert Counter(event_id for event_id, _ in stored) == dict.fromkeys(self.event_ids, each)
        for (event_id, _), book in stored.items():
            assert book in [served_book(body) for body in self.marketplace.sandbox.served[event_id]]
        assert broken_invariants(self.database_url) == []


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    folder = tmp_path_factory.mktemp("drill")
    (folder / "dagster").mkdir()
    (folder / "tracking.yaml").write_text("rules: []\n")
    event_ids = small_events(EVENTS)
    with throw_away_postgres(is_durable=True) as server, gated_marketplace() as marketplace:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for name in ("ticketmarts", "dagster"):
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        database_url = server.url("ticketmarts")
        apply_migrations(database_url)
        with connect(database_url) as connection:
            track(connection, event_ids, interval_seconds=3600)
        environment = {
            "TICKETMARTS_HOME": str(folder),
            "DATABASE_URL": database_url,
            "MARKETPLACE_BASE_URL": marketplace.url,
            "SCRAPER_REQUESTS_PER_SECOND": "1000",
            "TRACKING_FILE": str(folder / "tracking.yaml"),
            "NO_PROXY": "127.0.0.1",
            HOLD_FILE: str(folder / "hold"),
        }
        with closing(DagsterProcesses(folder / "dagster", server.url("dagster"), environment)) as processes:
            with processes.open_instance() as instance:
                drill = Drill(
                    database_url, CrashingPostgres(server), marketplace, processes, instance, folder, event_ids
                )
                processes.use_release(drill.release("first"))
                processes.start_daemon()
                processes.start_webserver()
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
    drill.processes.kill_with_all_it_started(DAEMON)
    drill.hold.touch()
    drill.processes.start_daemon(**{IS_SCHEDULED: "yes"})
    (run,) = wait_for("the schedule starts a round", drill.rounds_under_way)
    drill.wait_for_step(run.run_id, "marts")
    drill.processes.kill(DAEMON)
    killed_at = time.time()
    drill.processes.start_daemon(**{IS_SCHEDULED: "yes"})
    skipped = wait_for("a tick of the new daemon", lambda: drill.ticks_since(killed_at))[0]
    assert (skipped.status, skipped.skip_reason) == (TickStatus.SKIPPED, f"round {run.run_id} is still on")
    assert [each.run_id for each in drill.rounds_under_way()] == [run.run_id]
    drill.hold.unlink()
    # The daemon that had started it is no more, and nobody takes it for dead.
    drill.wait_for_success(run.run_id)
    assert drill.instance.get_runs(dg.RunsFilter(tags={"dagster/parent_run_id": run.run_id})) == []
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
    """Dagster's own tables are away with it, as in the stack. Daemon and webserver find it again, and nothing is lost."""
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
