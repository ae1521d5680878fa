"""How long a person waits: for a warm start of everything, and for a round from the scrape to fresh marts in Dagster.

What belongs here: the whole stack as `make up` runs it, in a folder and on ports of its own. What does not: parts of it
(``writer``).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient

from benchmarks.report import Figure, console, show
from ingestion.settings import STACK_ENV_FILE
from stack import ports

HISTORY_DAYS = 1
ROUNDS = 3
_NAME = "stack"
_POLL_SECONDS = 0.2
_LONGEST_START_SECONDS = 600
_LONGEST_ROUND_SECONDS = 300
_SETTINGS_WITH_PORTS = ("POSTGRES_PORT", "API_PORT", "DAGSTER_PORT", "SANDBOX_PORT")
_FINISHED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    # /var/tmp, since root's PostgreSQL, another user, must reach it.
    with tempfile.TemporaryDirectory(prefix="ticketmarts-bench-", dir="/var/tmp") as home:
        Path(home).chmod(0o755)
        # The scheduled rounds stay out of the way of those that are measured.
        settings = {"TICKETMARTS_HOME": home, "SCRAPER_INTERVAL_MINUTES": "60"}
        settings |= {name: str(ports.free_port()) for name in _SETTINGS_WITH_PORTS}
        console.print(f"{_NAME}: first start, with {HISTORY_DAYS} day of 24 events' history")
        with _up(settings, "--history-days", str(HISTORY_DAYS)):
            pass
        with _up(settings, "--history-days", str(HISTORY_DAYS)) as start_seconds:
            figures = [Figure(_NAME, "warm `make up` until every port answers", f"{start_seconds:.1f} s", "≤ 20 s")]
            round_seconds = sorted(_round_seconds(settings) for _ in range(ROUNDS))
        figures.append(
            Figure(
                _NAME,
                f"a round of 24 events in Dagster, launch to fresh marts ({ROUNDS} rounds)",
                f"{round_seconds[len(round_seconds) // 2]:.1f} s median, {round_seconds[-1]:.1f} s at most",
                "≤ 45 s",
            )
        )
    return [show(figure) for figure in figures]


@contextmanager
def _up(settings: dict[str, str], *options: str) -> Iterator[float]:
    """The stack, from start to stop; yields the seconds until it was ready."""
    program = Path(sys.executable).parent / "ticketmarts"
    home = Path(settings["TICKETMARTS_HOME"])
    started = time.monotonic()
    with (home / "up.log").open("w") as log:
        process = subprocess.Popen([program, "up", *options], env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            while "ticketmarts is up" not in (home / "up.log").read_text():
                if process.poll() is not None or time.monotonic() - started > _LONGEST_START_SECONDS:
                    sys.exit(f"error: the stack did not start:\n{(home / 'up.log').read_text()}")
                time.sleep(_POLL_SECONDS)
            seconds = time.monotonic() - started
            _require_answers(settings)
            yield seconds
        finally:
            process.terminate()
            process.wait()


def _require_answers(settings: dict[str, str]) -> None:
    """Ready means that somebody answers, not that a line was printed."""
    lines = (Path(settings["TICKETMARTS_HOME"]) / STACK_ENV_FILE).read_text().splitlines()
    anon_key = next(line.partition("=")[2].strip("'") for line in lines if line.startswith("SUPABASE_ANON_KEY="))
    for url, headers in (
        (f"http://127.0.0.1:{settings['DAGSTER_PORT']}/server_info", {}),
        (f"http://127.0.0.1:{settings['SANDBOX_PORT']}/healthz", {}),
        (f"http://127.0.0.1:{settings['API_PORT']}/rest/v1/event_live?limit=1", {"apikey": anon_key}),
    ):
        httpx.get(url, headers=headers).raise_for_status()


def _round_seconds(settings: dict[str, str]) -> float:
    client = DagsterGraphQLClient("127.0.0.1", port_number=int(settings["DAGSTER_PORT"]))
    started = time.monotonic()
    run_id = client.submit_job_execution("round")
    while (status := client.get_run_status(run_id)) not in _FINISHED:
        if time.monotonic() - started > _LONGEST_ROUND_SECONDS:
            break
        time.sleep(_POLL_SECONDS)
    if status != DagsterRunStatus.SUCCESS:
        sys.exit(f"error: run {run_id} of the round ended as {status.value}")
    return time.monotonic() - started
