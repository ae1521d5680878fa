"""A pipeline in the hands of a real Dagster, for accidents to happen to.

What belongs here: setting it up, waiting for what runs do, and what must be true afterwards. What does not: accidents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from psycopg import sql

from ingestion.database import connect
from ingestion.tracking import track
from stack.migrations import apply_migrations
from stack.throw_away_postgres import throw_away_postgres
from tests.integration.healing.code_location import HOLD_FILE
from tests.integration.healing.dagster_processes import DagsterProcesses
from tests.integration.healing.gate import GatedMarketplace, gated_marketplace
from tests.integration.healing.waiting import wait_for
from tests.integration.resilience.books import served_book, stored_books
from tests.integration.resilience.crashing import CrashingPostgres
from tests.integration.resilience.invariants import broken_invariants
from tests.integration.resilience.market import small_events

EVENTS = 3


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
        """The run, when it has one of these."""

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
        """Until it has begun."""

        def has_begun() -> bool:
            return any(
                entry.step_key == step for entry in self.instance.all_logs(run_id, dg.DagsterEventType.STEP_START)
            )

        wait_for(f"{step} of run {run_id} begins", has_begun)

    def steps_run(self, run_id: str) -> set[str | None]:
        """Those that have ended well."""
        return {entry.step_key for entry in self.instance.all_logs(run_id, dg.DagsterEventType.STEP_SUCCESS)}

    def rounds_under_way(self) -> list[dg.DagsterRun]:
        """Those that wait or run."""
        started = dg.RunsFilter(job_name="round", statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
        return list(self.instance.get_runs(started))

    def ticks_since(self, at: float) -> list[InstigatorTick]:
        """Those of the schedule that are decided."""
        return [
            tick
            for schedule in self.instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
            for tick in self.instance.get_ticks(schedule.instigator_origin_id, schedule.selector_id, after=at)
            if tick.status != TickStatus.STARTED
        ]

    def release_of(self, run_id: str) -> str:
        """The code that made the run's marts."""
        (made,) = self.instance.all_logs(run_id, dg.DagsterEventType.ASSET_MATERIALIZATION)[-1:]
        assert made.asset_materialization is not None
        return str(made.asset_materialization.metadata["release"].value)

    def said_of(self, run_id: str) -> str:
        """All that Dagster knows of it."""
        return "\n".join(str(entry.message) for entry in self.instance.all_logs(run_id))

    def captures(self) -> list[tuple[Any, ...]]:
        """Event and run of each."""
        with connect(self.database_url) as connection:
            return connection.execute("select event_id, run_id::text from raw.snapshots order by event_id").fetchall()

    def assert_captured(self, *, each: int = 1) -> None:
        """Every event so often, as it was served, and raw is whole."""
        stored = stored_books(self.database_url)
        assert Counter(event_id for event_id, _ in stored) == dict.fromkeys(self.event_ids, each)
        for (event_id, _), book in stored.items():
            assert book in [served_book(body) for body in self.marketplace.sandbox.served[event_id]]
        assert broken_invariants(self.database_url) == []


@contextmanager
def opened_drill(folder: Path) -> Iterator[Drill]:
    """All of it, running, for the length of the context."""
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
        dagster_url = server.url("dagster")
        with (
            closing(DagsterProcesses(folder / "dagster", dagster_url, environment)) as processes,
            processes.open_instance() as instance,
        ):
            drill = Drill(database_url, CrashingPostgres(server), marketplace, processes, instance, folder, event_ids)
            processes.use_release(drill.release("first"))
            processes.start_daemon()
            processes.start_webserver()
            yield drill
