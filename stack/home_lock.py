"""One stack for each data folder: the lock that `up` holds, and how `down` finds who holds it."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.errors import StackError

_FILE = "up.lock"
_STOP_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 0.1


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Hold the lock of ``home``; the system frees it with our process, however that ends.

    Raises:
        StackError: another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / _FILE).open("a+") as file:
        if not _try_lock(file.fileno()):
            raise StackError(
                f"the stack of {home} is already running (process {_holder(home)}). Stop it with `ticketmarts down`, "
                "or set TICKETMARTS_HOME and the ports to run another beside it."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def stop_holder(home: Path) -> bool:
    """Ask the holder to stop and wait until it has; False where nobody holds the lock."""
    try:
        file = (home / _FILE).open("a+")
    except FileNotFoundError:
        return False
    with file:
        if _try_lock(file.fileno()):
            return False
        pid = _holder(home)
        try:
            os.kill(int(pid), signal.SIGTERM)
        except PermissionError as error:
            raise StackError(f"process {pid} is another user's: stop it as that user.") from error
        deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if _try_lock(file.fileno()):
                return True
            time.sleep(_POLL_SECONDS)
    raise StackError(f"process {pid} was asked to stop {_STOP_TIMEOUT_SECONDS} s ago and still runs.")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(home: Path) -> str:
    return (home / _FILE).read_text().strip()
