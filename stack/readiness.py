"""Waiting until supervised programs are ready, and telling which one is not, with the end of its log."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from stack.errors import StackError
from stack.programs import Program
from stack.supervision import Supervisor

_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 0.2
_LOG_TAIL_LINES = 15


def wait_until_ready(supervisor: Supervisor) -> None:
    """Return once every program is ready.

    Raises:
        StackError: one has given up, or is not ready in time.
    """
    waiting = list(supervisor.programs)
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    with httpx.Client(timeout=2, trust_env=False) as client:
        while True:
            states = supervisor.states()
            waiting = [program for program in waiting if not _is_ready(program, states, client)]
            if not waiting:
                return
            failed = [program for program in waiting if states.get(program.name) == "FATAL"]
            if failed or time.monotonic() > deadline:
                program = (failed or waiting)[0]
                raise StackError(_explain(supervisor, program, states.get(program.name, "not started")))
            if not supervisor.is_alive():
                raise StackError(f"supervisord has ended: {_tail(supervisor.log_path('supervisord'))}")
            time.sleep(_POLL_SECONDS)


def _is_ready(program: Program, states: dict[str, str], client: httpx.Client) -> bool:
    if program.port is None:
        return states.get(program.name) == "RUNNING"
    try:
        return client.get(program.url + program.ready_path).status_code < httpx.codes.BAD_REQUEST
    except httpx.TransportError:
        return False


def _explain(supervisor: Supervisor, program: Program, state: str) -> str:
    log = supervisor.log_path(program.name)
    where = f" on port {program.port} ({program.port_setting})" if program.port else ""
    return f"{program.name} does not come up{where}: {state.lower()}. The end of its log, {log}:\n{_tail(log)}"


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]) or "(nothing)"
    except FileNotFoundError:
        return "(there is none)"
