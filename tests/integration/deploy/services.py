"""The services of the units on this machine: each command line as it stands, with its unit's environment and no other.

What belongs here: what systemd does in starting and stopping a service, without its confinement. What does not: reading
units (``units``), and what services do (tests).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ingestion.settings import PROJECT_FOLDER
from stack.node import node_program
from tests.integration.deploy.units import DEPLOY, RELEASE, Unit, read_unit

_READY_SECONDS = 90
STOP_SECONDS = 60
_PATH_OF_SYSTEMD = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Server:
    """A folder in place of a server's ``/etc``, ``/run`` and ``/var``, with the settings of each environment file."""

    folder: Path
    settings: Mapping[str, Mapping[str, str]]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("etc", "run", "state/dagster", "log", "journal"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "state" / "dagster" / "dagster.yaml").symlink_to(PROJECT_FOLDER / "dagster.yaml")
        (self.folder / "etc" / "tracking.yaml").write_text("rules: []\n")
        # The checkout under test, whichever one these programs were installed for.
        checkout = {"PYTHONPATH": str(PROJECT_FOLDER)}
        for name, variables in self.settings.items():
            file = self.folder / "etc" / name
            file.touch(mode=0o600)
            file.write_text("".join(f"{key}='{value}'\n" for key, value in {**checkout, **variables}.items()))
        workspace = (DEPLOY / "workspace.yaml").read_text()
        for ours, theirs in self._places.items():
            workspace = workspace.replace(ours, theirs)
        (self.folder / "workspace.yaml").write_text(workspace)

    @property
    def _places(self) -> dict[str, str]:
        current, release = "/opt/ticketmarts/current", f"/opt/ticketmarts/releases/{RELEASE}"
        programs = str(Path(sys.executable).parent)
        return {
            current: str(PROJECT_FOLDER),
            f"{current}/.venv/bin": programs,
            f"{current}/.venv/bin/node": str(node_program()),
            f"{current}/deploy/workspace.yaml": str(self.folder / "workspace.yaml"),
            f"{release}/.venv/bin": programs,
            "/etc/ticketmarts": str(self.folder / "etc"),
            "/run/ticketmarts": str(self.folder / "run"),
            "/var/lib/ticketmarts": str(self.folder / "state"),
            "/var/log/ticketmarts": str(self.folder / "log"),
        }

    def start(self, name: str) -> None:
        """Start a service, and do not wait until it is ready."""
        unit = read_unit(name, self._places)
        self.running[name] = self._popen(unit, "ExecStart", self._environment(unit))

    def wait_until_ready(self, name: str) -> None:
        """Run what the unit has run after the start; with nothing to run, a service is ready when it runs."""
        unit = read_unit(name, self._places)
        if unit.all("ExecStartPost"):
            environment = {**self._environment(unit), "MAINPID": str(self.running[name].pid)}
            waiting = self._popen(unit, "ExecStartPost", environment)
            deadline = time.monotonic() + _READY_SECONDS
            # Asking for the main process also takes away what is left of it, as systemd does, should it have ended.
            while waiting.poll() is None and time.monotonic() < deadline:
                self.running[name].poll()
                time.sleep(0.05)
            if waiting.poll() is None:
                os.killpg(waiting.pid, signal.SIGKILL)
            assert waiting.wait() == 0, f"{name} did not become ready:\n{self.journal(name)}"

    def run(self, name: str, **more: str) -> int:
        """Run a oneshot service to its end, and return its exit status."""
        unit = read_unit(name, self._places)
        assert unit.one("Type") == "oneshot"
        return self._popen(unit, "ExecStart", {**self._environment(unit), **more}).wait(timeout=_READY_SECONDS)

    def ask_to_stop(self, name: str) -> None:
        """Send the first signal of a stop: to the main process, and but for KillMode=mixed to all of the service's."""
        main, unit = self.running[name], read_unit(name)
        stop_signal = signal.Signals[unit.one("KillSignal", "SIGTERM")]
        if unit.one("KillMode", "control-group") == "mixed":
            main.send_signal(stop_signal)
        else:
            os.killpg(main.pid, stop_signal)

    def wait_until_stopped(self, name: str) -> int:
        """The exit status of a service that was asked to stop; none of its processes is left."""
        deadline = time.monotonic() + STOP_SECONDS
        main = self.running[name]
        status = main.wait(timeout=STOP_SECONDS)
        while _has_processes(main.pid):  # what watches over a Python's semaphores ends after it
            assert time.monotonic() < deadline, f"{name} left processes behind"
            time.sleep(0.1)
        del self.running[name]
        return status

    def kill_all(self) -> None:
        """End what is left, whatever state it is in."""
        for main in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(main.pid, signal.SIGKILL)
            main.wait()

    def journal(self, name: str) -> str:
        """All that a service has written."""
        return (self.folder / "journal" / name).read_text()

    def command_lines(self) -> list[list[str]]:
        """Of every process of every service."""
        found = []
        for main in self.running.values():
            process = psutil.Process(main.pid)
            found += [part.cmdline() for part in (process, *process.children(recursive=True))]
        return found

    def _environment(self, unit: Unit) -> dict[str, str]:
        account = unit.one("User")
        of_account = {"HOME": str(self.folder / "state"), "USER": account, "LOGNAME": account, "SHELL": "/bin/sh"}
        # Coverage, proxies, or a stack's variables in ours must not be what makes it work.
        return {"PATH": _PATH_OF_SYSTEMD, "LANG": "C.UTF-8", **of_account, **unit.environment()}

    def _popen(self, unit: Unit, key: str, environment: dict[str, str]) -> subprocess.Popen[Any]:
        with (self.folder / "journal" / unit.name).open("ab") as journal:
            return subprocess.Popen(
                unit.command(key, environment),
                env=environment,
                cwd=unit.one("WorkingDirectory", "/"),
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=journal,
                start_new_session=True,
                umask=int(unit.one("UMask"), 8),
            )


def _has_processes(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
