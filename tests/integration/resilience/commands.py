"""The command ``ticketmarts`` in processes that cost little to start, so that they can be killed by the dozen.

A process of its own costs a second of imports. These are forked by one that has imported already what the command
needs, and run its entry point: everything that it does, from its arguments to its exit status, is the real thing.
What belongs here: starting, killing, waiting. What does not: when to do so.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ingestion.database import connect

_LONGEST_RUN_SECONDS = 120
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["pytest", "stack.cli", "ingestion.commands.capture", __name__])


class Running:
    """A command that runs, or has run."""

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        self._arguments = arguments
        self._log = log
        self._database_url = environment["DATABASE_URL"]
        self._process = _context.Process(target=_run_command, args=(arguments, dict(environment), log))
        self._process.start()
        self._started = time.monotonic()
        self.seconds = 0.0

    def kill_after(self, seconds: float) -> bool:
        """SIGKILL it then; False if it was done already, which must have gone well."""
        self._process.join(max(self._started + seconds - time.monotonic(), 0))
        self.kill()
        self.seconds = time.monotonic() - self._started
        if self._process.exitcode == -signal.SIGKILL:
            return True
        self.finish()
        return False

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.join()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def wait_until_connected(self) -> None:
        """Until it has a connection to the database."""
        with connect(self._database_url) as connection:
            mine = "select from pg_stat_activity where application_name = 'ticketmarts' and pid <> pg_backend_pid()"
            while self.is_running and not connection.execute(mine).rowcount:
                time.sleep(0.002)

    def finish(self, status: int = 0) -> str:
        """Wait for it; its exit status must be this one. What it said."""
        self._process.join(_LONGEST_RUN_SECONDS)
        self.seconds = self.seconds or time.monotonic() - self._started
        what = f"ticketmarts {' '.join(self._arguments)[:200]}"
        if self._process.exitcode is None:
            self._process.kill()
            raise AssertionError(f"{what} did not end within {_LONGEST_RUN_SECONDS} s; it said:\n{self.said}")
        assert self._process.exitcode == status, f"{what} ended with {self._process.exitcode}; it said:\n{self.said}"
        return self.said

    @property
    def said(self) -> str:
        """What it wrote, to standard output and error."""
        return self._log.read_text() if self._log.exists() else ""


class Ticketmarts:
    """Starts commands for one database and one marketplace; ``folder`` is for what they read and say."""

    def __init__(self, database_url: str, marketplace_url: str, folder: Path, **settings: str) -> None:
        self.database_url = database_url
        self.folder = folder
        self._started: list[Running] = []
        self._environment = {
            "TICKETMARTS_HOME": str(folder / "home"),
            "DATABASE_URL": database_url,
            "MARKETPLACE_BASE_URL": marketplace_url,
            "SCRAPER_REQUESTS_PER_SECOND": "1000",
            "SCRAPER_MAX_CONCURRENCY": "16",
            "NO_PROXY": "127.0.0.1",
            **settings,
        }

    def start(self, *arguments: object) -> Running:
        """Start ``ticketmarts`` with these arguments."""
        log = self.folder / f"command-{len(self._started)}.log"
        self._started.append(Running(tuple(map(str, arguments)), self._environment, log))
        return self._started[-1]

    def close(self) -> None:
        """Kill what a failed test has left: it would wait for its database for minutes."""
        for running in self._started:
            running.kill()

    def scrape(self, event_ids: list[int]) -> Running:
        """Start a round of these events."""
        return self.start("scrape", *(part for event_id in event_ids for part in ("--event", event_id)))


def _run_command(arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
    os.environ.update(environment)
    with log.open("wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["ticketmarts", *arguments]
    from stack.cli import main  # noqa: PLC0415 -- not before the environment is the command's

    main()
