"""The whole stack, started and stopped as a person does: nothing is in the way of anything, nothing is left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from ingestion.settings import load_settings
from stack import leftovers, ports, postgres

_PROGRAM = Path(sys.executable).parent / "ticketmarts"
_PORT_SETTINGS = ("POSTGRES_PORT", "API_PORT", "DAGSTER_PORT", "SANDBOX_PORT", "METRICS_PORT")


@dataclass
class Stack:
    """A stack of its own data folder and ports, run by the real command."""

    home: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: ports.free_port() for name in _PORT_SETTINGS})
    process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The settings, by which this stack and no other is meant."""
        given = {name: str(port) for name, port in self.ports.items()}
        unset = dict.fromkeys(("DATABASE_URL", "DAGSTER_DATABASE_URL", "MARKETPLACE_BASE_URL", "SUPABASE_URL"), "")
        return {**os.environ, **unset, **given, "TICKETMARTS_HOME": str(self.home)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, to its end."""
        command = [str(_PROGRAM), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=self.environment, timeout=120)

    def start(self) -> None:
        """Begin `up`."""
        self.process = subprocess.Popen(
            [_PROGRAM, "up", "--history-days", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
        )

    def read_until(self, beginning: str) -> str:
        """What it prints up to a line that begins so."""
        assert self.process is not None
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if line.startswith(beginning):
                return printed
        raise AssertionError(printed)

    def up(self) -> str:
        """Start it, and return what it printed until it was up."""
        self.start()
        return self.read_until("Ctrl-C here")

    def wait(self) -> int:
        """The exit status of `up`."""
        assert self.process is not None
        self.process.communicate(timeout=60)
        return self.process.returncode

    def answers(self) -> dict[str, int]:
        """What the ports say."""
        paths = {
            "API_PORT": "/healthz",
            "DAGSTER_PORT": "/server_info",
            "SANDBOX_PORT": "/healthz",
            "METRICS_PORT": "/metrics",
        }
        return {
            name: httpx.get(f"http://127.0.0.1:{self.ports[name]}{path}", trust_env=False).status_code
            for name, path in paths.items()
        }

    def program(self, name: str) -> psutil.Process | None:
        """The process that the supervisor keeps running under a name."""
        for process in leftovers.processes_of(self.home):
            with suppress(psutil.Error):
                if name in {Path(part).name for part in process.cmdline()[:2]}:
                    return process
        return None

    def is_gone(self) -> bool:
        """Whether nothing of it runs, and every port is free."""
        return (
            not leftovers.processes_of(self.home)
            and not postgres.is_running(self.home)
            and all(ports.is_free(port) for port in self.ports.values())
        )


@pytest.fixture
def stack() -> Iterator[Stack]:
    home = Path(tempfile.mkdtemp(prefix="ticketmarts-test-"))
    home.chmod(0o755)
    stack = Stack(home)
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.process.kill()
        stack.process.communicate()
    leftovers.end_processes_of(home)
    postgres.stop(home)
    shutil.rmtree(home)


def test_up_and_down_and_up_again_after_a_kill(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    printed = stack.up()
    assert stack.answers() == {"API_PORT": 200, "DAGSTER_PORT": 200, "SANDBOX_PORT": 200, "METRICS_PORT": 200}
    for name in ("DATABASE_URL", "DAGSTER_DATABASE_URL", "MARKETPLACE_BASE_URL", "SUPABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings(ticketmarts_home=stack.home)
    assert settings.database_url is not None
    assert settings.database_url in printed
    assert settings.supabase_url == f"http://127.0.0.1:{stack.ports['API_PORT']}"

    second = stack.run("up")
    assert second.returncode == 1
    assert re.search(r"error: the stack of .* is already running \(process \d+\)", second.stderr)

    # PostgreSQL killed alone is started again, and the API finds it.
    pid = postgres.cluster_of(stack.home).running_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _until(lambda: postgres.cluster_of(stack.home).running_pid() not in (None, pid))
    _until(lambda: stack.answers()["API_PORT"] == 200)

    # So are Dagster's programs, by the supervisor; and Dagster's tables are not among the served ones.
    killed = {name: stack.program(name) for name in ("dagster-webserver", "dagster-daemon")}
    for process in killed.values():
        assert process is not None
        process.kill()
    _until(lambda: all(stack.program(name) not in (None, process) for name, process in killed.items()))
    _until(lambda: stack.answers()["DAGSTER_PORT"] == 200)
    assert "event_logs" not in _tables(settings.database_url)
    assert settings.dagster_database_url is not None
    assert "event_logs" in _tables(settings.dagster_database_url.replace("+psycopg2", ""))

    # A kill -9 of `up` and of the supervisor leaves orphans; the next start ends them and goes on.
    assert stack.process is not None
    for process in (psutil.Process(stack.process.pid), *psutil.Process(stack.process.pid).children()):
        process.kill()
    stack.wait()
    assert leftovers.processes_of(stack.home) != []
    printed = stack.up()
    assert re.search(r"ended \d+ processes that a killed run had left behind", printed)

    # All of it ends, also what Dagster has started, and the exit status is 0.
    assert stack.run("down").stdout == "stopped\n"
    assert stack.wait() == 0
    assert stack.is_gone()
    assert not (stack.home / "stack.env").exists()


@pytest.mark.parametrize("step", ["PostgreSQL", "migrations", "sandbox"])
def test_ctrl_c_while_starting_is_no_failure(stack: Stack, step: str):
    stack.start()
    stack.read_until(f"starting {step}")
    assert stack.process is not None
    stack.process.send_signal(signal.SIGINT)
    assert stack.wait() == 0
    assert stack.is_gone()


def test_a_port_in_use_stops_the_start_before_anything_runs(stack: Stack):
    blocker = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(stack.ports["DAGSTER_PORT"])],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: not ports.is_free(stack.ports["DAGSTER_PORT"]))
        result = stack.run("up")
    finally:
        blocker.kill()
        blocker.wait()
    assert result.returncode == 1
    assert f"port {stack.ports['DAGSTER_PORT']} is in use by process {blocker.pid}" in result.stderr
    assert "set DAGSTER_PORT" in result.stderr
    assert not (stack.home / "postgres").exists()


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("select tablename from pg_tables")}


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        with suppress(httpx.TransportError):
            if condition():
                return
        time.sleep(0.1)
    raise AssertionError("it does not come to pass")
