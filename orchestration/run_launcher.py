"""Runs as processes of this machine, whose end is noticed whatever has ended with them.

What belongs here: whether a run's process is alive. What does not: what follows if it is not, which is run
monitoring's and run retries' (dagster.yaml).

Dagster's own launcher leaves that to the code server that started the process. Where both end at once (the machine goes
down, a service is stopped with all that it has started) nobody is left to say so: the run stays "started" for ever,
and a schedule that waits for its end never starts another.
"""

from __future__ import annotations

import dagster as dg
import psutil
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.remote_origin import (
    CodeLocationOrigin,
    GrpcServerCodeLocationOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
)

_MOST_EVENTS_BEFORE_ITS_START = 20
_MARK_OF_A_WORKER = "--multiprocessing-fork"


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's launcher, which run monitoring can ask about the processes of its runs."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a started run is there. One that cannot be known is taken to be."""
        origin = run.remote_job_origin
        is_here = origin is not None and is_of_this_machine(origin.repository_origin.code_location_origin)
        pid = self._pid(run.run_id) if is_here else None
        if pid is None or _is_worker(pid):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"the run's process {pid} has ended without a word")

    def _pid(self, run_id: str) -> int | None:
        """The process that says first of all that it is the run's; None where somebody else executes the run."""
        events = self._instance.get_records_for_run(
            run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=_MOST_EVENTS_BEFORE_ITS_START
        )
        for record in events.records:
            event = record.event_log_entry.get_dagster_event()
            if (event.message or "").startswith("Started process for run"):
                return int(str(event.engine_event_data.metadata["pid"].value))
        return None


def is_of_this_machine(origin: CodeLocationOrigin) -> bool:
    """A code server of one's own (``grpc_server`` in workspace.yaml) may be elsewhere, if it is not at a socket."""
    if isinstance(origin, GrpcServerCodeLocationOrigin):
        return origin.socket is not None
    return isinstance(origin, ManagedGrpcPythonEnvCodeLocationOrigin)


def _is_worker(pid: int) -> bool:
    """Whether a process is a run's. After a restart of the machine its number may be another's."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and _MARK_OF_A_WORKER in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
