"""Everything that `make up` starts, in a folder and on ports of its own: started, watched and stopped.

What belongs here: the stack as a person has it, and what can be asked of it from outside. What does not: what is
measured (``stack_times``).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from ingestion.database import connect
from ingestion.settings import Settings, load_settings
from stack import ports

_POLL_SECONDS = 0.2
_LONGEST_START_SECONDS = 600
_LONGEST_ROUND_SECONDS = 600
_ROUNDS_QUERY = """
    query { runsOrError(filter: {pipelineName: "round"}) {
        ... on Runs { results { runId status creationTime endTime tags { key value } } }
        ... on PythonError { message }
    } }
"""


@dataclass(frozen=True)
class Round:
    """A scheduled run of the job ``round``: when it was made and when its marts were fresh, in seconds of the epoch."""

    created_at: float
    ended_at: float

    def seconds_since_tick(self, interval_minutes: int) -> float:
        """From the minute that the schedule names, to fresh marts."""
        return self.ended_at - self.created_at + self.created_at % (interval_minutes * 60)


@dataclass(frozen=True)
class RunningStack:
    """A stack that answers. ``seconds_to_start`` are those until it did."""

    process: psutil.Process
    home: Path
    dagster_port: int
    seconds_to_start: float

    @property
    def settings(self) -> Settings:
        """The settings in force, with what the stack says of itself to other programs: addresses and keys."""
        return load_settings(ticketmarts_home=self.home)

    @property
    def database_url(self) -> str:
        """The served database, as its owner."""
        return self.settings.require_database_url()

    def wait_for_rounds(self, count: int) -> list[Round]:
        """Wait until so many rounds have begun from now on and ended, and say which."""
        began_at, deadline = time.time(), time.monotonic() + count * _LONGEST_ROUND_SECONDS
        while True:
            rounds = [each for each in self._scheduled_rounds() if each.created_at > began_at]
            if len(rounds) >= count:
                return rounds
            if time.monotonic() > deadline:
                sys.exit(f"error: {len(rounds)} scheduled rounds have ended, {count} were wanted; {self.home / 'logs'}")
            time.sleep(_POLL_SECONDS)

    def _scheduled_rounds(self) -> list[Round]:
        answer = httpx.post(
            f"http://127.0.0.1:{self.dagster_port}/graphql",
            json={"query": _ROUNDS_QUERY},
            timeout=60,
            trust_env=False,
        ).raise_for_status()
        runs: list[dict[str, Any]] = answer.json()["data"]["runsOrError"]["results"]
        failed = [run["runId"] for run in runs if run["status"] == "FAILURE"]
        if failed:
            sys.exit(f"error: run {failed[0]} of the round failed")
        is_scheduled = {run["runId"] for run in runs for tag in run["tags"] if tag["key"] == "dagster/schedule_name"}
        ended = (run for run in runs if run["status"] == "SUCCESS" and run["runId"] in is_scheduled)
        return sorted((Round(run["creationTime"], run["endTime"]) for run in ended), key=lambda each: each.created_at)

    def dagster_megabytes(self) -> float:
        """The memory of Dagster's processes; what several share is counted once."""
        dagster = [process for process in self.process.children(recursive=True) if "dagster" in str(process.cmdline())]
        return sum(process.memory_full_info().pss for process in dagster) / 1e6

    def sessions(self) -> int:
        """Connections to the served database so far."""
        with connect(self.database_url) as connection:
            row = connection.execute(
                "select sessions from pg_stat_database where datname = current_database()"
            ).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def own_settings(**settings: str) -> Iterator[dict[str, str]]:
    """Settings of a stack in a new folder, on free ports."""
    # /var/tmp, since root's PostgreSQL, another user, must reach it.
    with tempfile.TemporaryDirectory(prefix="ticketmarts-bench-", dir="/var/tmp") as home:
        Path(home).chmod(0o755)
        names = ("POSTGRES_PORT", "API_PORT", "DAGSTER_PORT", "SANDBOX_PORT", "METRICS_PORT")
        yield {"TICKETMARTS_HOME": home, **{name: str(ports.free_port()) for name in names}, **settings}


@contextmanager
def running_stack(settings: Mapping[str, str], *options: str) -> Iterator[RunningStack]:
    """The stack, from start to stop."""
    program = Path(sys.executable).parent / "ticketmarts"
    log_file = Path(settings["TICKETMARTS_HOME"]) / "up.log"
    started = time.monotonic()
    with log_file.open("w") as log:
        process = psutil.Popen([program, "up", *options], env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            while "ticketmarts is up" not in log_file.read_text():
                if process.poll() is not None or time.monotonic() - started > _LONGEST_START_SECONDS:
                    sys.exit(f"error: the stack did not start:\n{log_file.read_text()}")
                time.sleep(_POLL_SECONDS)
            seconds = time.monotonic() - started
            stack = RunningStack(psutil.Process(process.pid), log_file.parent, int(settings["DAGSTER_PORT"]), seconds)
            _require_answers(stack)
            yield stack
        finally:
            process.terminate()
            process.wait()


def _require_answers(stack: RunningStack) -> None:
    """Ready means that somebody answers, not that a line was printed."""
    for url in (f"http://127.0.0.1:{stack.dagster_port}/server_info", f"{stack.settings.supabase_url}/healthz"):
        httpx.get(url, trust_env=False).raise_for_status()
