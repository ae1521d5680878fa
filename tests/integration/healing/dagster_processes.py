"""Dagster as it runs in earnest: daemon and webserver as processes with our dagster.yaml, to be killed.

What belongs here: starting, killing, asking. What does not: when, and what must be true after it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psutil
import pytest
import yaml

from ingestion.settings import PROJECT_FOLDER
from stack.ports import free_port
from tests.integration.healing.waiting import PATIENCE_SECONDS, wait_for

LOCATION = "drill"
_LAUNCH = """
mutation ($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: {}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""


def hurried_dagster_yaml() -> dict[str, Any]:
    """Ours, but that Dagster looks every second where it would look every thirty."""
    document: dict[str, Any] = yaml.safe_load((PROJECT_FOLDER / "dagster.yaml").read_text())
    document["run_monitoring"] |= {"poll_interval_seconds": 1, "free_slots_after_run_end_seconds": 1}
    return document


class DagsterProcesses:
    """A daemon and a webserver on one instance, each with the group of processes that it has started."""

    def __init__(self, home: Path, dagster_url: str, environment: Mapping[str, str]) -> None:
        self.home = home
        (home / "dagster.yaml").write_text(yaml.safe_dump(hurried_dagster_yaml()))
        self._environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "DAGSTER_DATABASE_URL": dagster_url.replace("postgresql://", "postgresql+psycopg2://", 1),
            "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "1",
            "PYTHONPATH": str(PROJECT_FOLDER),
            **environment,
        }
        self._port = free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.url = f"http://127.0.0.1:{self._port}"

    def use_release(self, folder: Path) -> None:
        """Whatever starts from now on loads the code from this folder."""
        location = {"relative_path": str(folder / "definitions.py"), "location_name": LOCATION}
        (self.home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"python_file": location}]}))

    def start_daemon(self, **environment: str) -> None:
        """Returns at once."""
        self._start("dagster-daemon", "run", **environment)

    def start_webserver(self) -> None:
        """Returns when it answers."""
        self._start("dagster-webserver", "-h", "127.0.0.1", "-p", str(self._port))
        wait_for("the webserver answers", self._answers)

    def kill(self, program: str) -> None:
        """SIGKILL to the one process, of which those that it has started do not hear."""
        self._processes[program].kill()
        self._processes[program].wait()

    def kill_with_all_it_started(self, program: str) -> None:
        """As a machine that goes down, or a service that is stopped with its whole group."""
        with suppress(ProcessLookupError):
            os.killpg(self._processes[program].pid, signal.SIGKILL)
        self._processes[program].wait()

    def stop(self, program: str) -> None:
        """SIGTERM, and wait until it has gone of itself."""
        self._processes[program].terminate()
        self._processes[program].wait(PATIENCE_SECONDS)

    @contextmanager
    def open_instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance, for whoever wants to look; this process finds the database as others do until it closes."""
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("DAGSTER_DATABASE_URL", self._environment["DAGSTER_DATABASE_URL"])
            with dg.DagsterInstance.from_config(str(self.home)) as instance:
                yield instance

    def close(self) -> None:
        """End everything."""
        for program in self._processes:
            self.kill_with_all_it_started(program)
        for process in _processes_of(self.home):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def launch(self, instance: dg.DagsterInstance) -> str:
        """Ask the webserver for a round, as its button does; the daemon starts it. The run's id, once it is queued."""
        run_id = self.try_to_launch()
        assert instance.get_run_by_id(run_id) is not None
        return run_id

    def try_to_launch(self) -> str:
        """The run's id; empty where the database refuses."""
        selector = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION, "jobName": "round"}
        answer = httpx.post(
            f"{self.url}/graphql",
            json={"query": _LAUNCH, "variables": {"selector": selector}},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )
        if "OperationalError" in answer.text:
            return ""
        assert answer.is_success, f"{answer.text}\n{self.log('dagster-webserver')[-4000:]}"
        launched = answer.json()["data"]["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status_shown(self, run_id: str) -> str:
        """What the webserver says of a run."""
        query = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        answer = httpx.post(
            f"{self.url}/graphql", json={"query": query, "variables": {"id": run_id}}, timeout=60, trust_env=False
        )
        return str(answer.raise_for_status().json()["data"]["runOrError"]["status"])

    def log(self, program: str) -> str:
        """What it has written."""
        return (self.home / f"{program}.log").read_text(errors="replace")

    def _start(self, program: str, *arguments: str, **environment: str) -> None:
        with (self.home / f"{program}.log").open("ab") as log:
            self._processes[program] = subprocess.Popen(
                [Path(sys.executable).parent / program, *arguments, "-w", self.home / "workspace.yaml"],
                env={**self._environment, **environment},
                cwd=self.home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/server_info", timeout=10, trust_env=False).is_success
        except httpx.TransportError:
            return False


def worker_of(instance: dg.DagsterInstance, run_id: str) -> psutil.Process:
    """The process that a run is executed by."""
    (said,) = (entry.message for entry in instance.all_logs(run_id) if "Started process for run" in entry.message)
    return psutil.Process(int(said.rpartition("pid: ")[2].rstrip(").")))


def _processes_of(home: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get("DAGSTER_HOME") == str(home):
                yield process
