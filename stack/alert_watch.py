"""Whether anybody evaluates alerts; if nobody does, `up` does it.

What belongs here: noticing silence. What does not: alerts. Dagster's sensor evaluates them every minute, but a sensor
cannot tell that its daemon has died; `up` watches over the daemon anyway.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from ingestion.alerts import last_evaluated_at
from ingestion.database import DatabaseUnavailableError, connect

SILENT_SECONDS = 300.0
"""Five ticks of the sensor; a daemon that starts needs up to one."""
_SECONDS_BETWEEN_LOOKS = 60.0
_CLOCKS_DIFFER = timedelta(minutes=1)


class AlertWatch:
    """Looks every minute; the evaluation is a process of its own, since it takes seconds and Dagster's code.

    ``environment`` is that of the stack's programs. Counting starts when this is made.
    """

    def __init__(self, environment: dict[str, str], silent_seconds: float = SILENT_SECONDS) -> None:
        self._environment = environment
        self._silent_seconds = silent_seconds
        self._last_word_at = datetime.now(UTC)
        self._looked_at = time.monotonic()
        self._evaluation: subprocess.Popen[bytes] | None = None

    def look_if_due(self) -> bool:
        """To be called often; says whether an evaluation was begun."""
        if time.monotonic() - self._looked_at < _SECONDS_BETWEEN_LOOKS:
            return False
        self._looked_at = time.monotonic()
        return self.look()

    def look(self) -> bool:
        """Begin an evaluation if there has been none for too long; says whether it did."""
        if self._evaluation is not None and self._evaluation.poll() is None:
            return False
        try:
            with connect(self._environment["DATABASE_URL"]) as connection:
                evaluated_at = last_evaluated_at(connection)
        except (DatabaseUnavailableError, psycopg.Error):  # which `up` notices by itself, if the database is its own
            return False
        now = datetime.now(UTC)
        if evaluated_at is not None and evaluated_at <= now + _CLOCKS_DIFFER:
            self._last_word_at = max(self._last_word_at, evaluated_at)
        # A word of the future is of a clock that was ahead, and those who tick by it are silent until then.
        self._last_word_at = min(self._last_word_at, now + _CLOCKS_DIFFER)
        if (now - self._last_word_at).total_seconds() < self._silent_seconds:
            return False
        # What it says is for people at a terminal: whoever is to be told is told by it.
        self._evaluation = subprocess.Popen(
            [str(Path(sys.executable).parent / "ticketmarts"), "alerts", "check"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return True

    def wait(self) -> int | None:
        """The exit status of the evaluation that was begun last; None where none was."""
        return self._evaluation.wait() if self._evaluation else None
