"""Processes of a stack that outlived it: found and ended, whoever their parent is now.

Everything the stack starts carries a mark in its environment, which children inherit: Dagster's code servers and run
workers too, and the orphans of a supervisor that was killed. A mark cannot be mistaken, as a process number can.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

_MARK = "TICKETMARTS_STACK"
_GRACE_SECONDS = 10


def mark(home: Path) -> dict[str, str]:
    """The variable that marks a process as belonging to the stack of ``home``."""
    return {_MARK: str(home.resolve())}


def processes_of(home: Path) -> list[psutil.Process]:
    """Every marked process of ``home`` that we may see, but for ourselves."""
    marked = str(home.resolve())
    own = psutil.Process().pid
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != own and process.environ().get(_MARK) == marked:
                found.append(process)
        except (psutil.Error, OSError):  # gone, or another user's
            continue
    return found


def end_processes_of(home: Path) -> int:
    """Ask each to end, end those that do not, and return how many there were."""
    leftovers = processes_of(home)
    for process in leftovers:
        _signal(process.terminate)
    _, stubborn = psutil.wait_procs(leftovers, timeout=_GRACE_SECONDS)
    while stubborn:
        for process in stubborn:
            _signal(process.kill)
        _, stubborn = psutil.wait_procs(stubborn, timeout=_GRACE_SECONDS)
        stubborn += processes_of(home)  # what they started in the meantime
    return len(leftovers)


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        send()
