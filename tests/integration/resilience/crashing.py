"""A PostgreSQL that can lose its power: one of its own, durable, whose processes are killed and started again.

What belongs here: crashing and recovering. What does not: when, and what must be true after it.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import psycopg

from stack.os_account import account_for_postgres
from stack.postgres_cluster import Cluster, PostgresServer
from stack.postgres_programs import programs_for

CRASHES = ("immediate", "killed")
"""As `pg_ctl stop -m immediate` does it, whose clients are still told; or SIGKILL to every process, out of the blue."""
_LONGEST_END_SECONDS = 30


class CrashingPostgres:
    """A running server that can be made to crash."""

    def __init__(self, server: PostgresServer) -> None:
        with psycopg.connect(server.url("postgres")) as connection:
            ((data_folder,),) = connection.execute("select current_setting('data_directory')").fetchall()
        account = account_for_postgres()
        self._cluster = Cluster(Path(data_folder).parent, account, programs_for(account))
        self._port = server.port

    def crash(self, how: str) -> None:
        """End the server at once in one of the ways of ``CRASHES``: what was not committed is gone."""
        pid = self._cluster.running_pid()
        assert pid is not None, "the server does not run"
        server = psutil.Process(pid)
        processes = [server, *server.children(recursive=True)]
        if how == "immediate":
            server.send_signal(signal.SIGQUIT)
        else:
            for process in processes:
                if process.is_running():
                    process.kill()
        deadline = time.monotonic() + _LONGEST_END_SECONDS
        while any(map(_is_alive, processes)):
            assert time.monotonic() < deadline, f"PostgreSQL outlived {how}"
            time.sleep(0.005)

    def recover(self) -> None:
        """Start it again on the same port; it replays its log first."""
        self._cluster.start(self._port, "the port")


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
