"""The programs that the stack keeps running beside PostgreSQL: command, port, and how each shows that it is ready."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ingestion.settings import PROJECT_FOLDER, Settings
from stack import api, ports
from stack.errors import StackError

POSTGREST = "postgrest"


@dataclass(frozen=True)
class Program:
    """One supervised program. ``ready_path`` answers below 400 once it is ready; without a port, running is ready."""

    name: str
    command: tuple[str, ...]
    port: int | None = None
    port_setting: str = ""
    ready_path: str = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{ports.LOCALHOST}:{self.port}"


def programs_for(settings: Settings, *, with_api: bool) -> list[Program]:
    """In the order in which they start; they stop in the opposite one."""
    programs = []
    if settings.marketplace_base_url is None:
        programs.append(_sandbox(settings.sandbox_port))
    if with_api:
        postgrest = api.postgrest_command(settings.api_server)
        if postgrest is not None:
            programs.append(Program(POSTGREST, tuple(postgrest), ports.free_port(), "PGRST_SERVER_PORT", "/"))
        command = tuple(api.api_command())
        programs.append(Program("api", command, settings.api_port, "API_PORT", "/healthz"))
    programs.append(_metrics(settings.metrics_port))
    return [*programs, _dagster_webserver(settings.dagster_port), _dagster_daemon()]


def _sandbox(port: int) -> Program:
    command = (_script("ticketmarts"), "sandbox", "serve", "--port", str(port))
    return Program("sandbox", command, port, "SANDBOX_PORT", "/healthz")


def _metrics(port: int) -> Program:
    command = (_script("ticketmarts"), "metrics", "serve", "--port", str(port))
    return Program("metrics", command, port, "METRICS_PORT", "/metrics")


def _dagster_webserver(port: int) -> Program:
    command = (_script("dagster-webserver"), "-h", ports.LOCALHOST, "-p", str(port), "-w", _workspace())
    return Program("dagster-webserver", command, port, "DAGSTER_PORT", "/server_info")


def _dagster_daemon() -> Program:
    return Program("dagster-daemon", (_script("dagster-daemon"), "run", "-w", _workspace()))


def _workspace() -> str:
    return str(PROJECT_FOLDER / "workspace.yaml")


def _script(name: str) -> str:
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise StackError(f"the program {name} is not installed ({path} is missing): run `make install`.")
    return str(path)
