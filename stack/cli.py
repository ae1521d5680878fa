"""The program ``ticketmarts``: finds the module of a command, runs it, and tells of failures.

What belongs here: mounting commands, exit statuses (0 done, 1 failed, 2 wrong use), one clear line for what goes wrong.
What does not: any command; each lives with what it does. Only the module of the command asked for is imported.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ingestion.errors import UserError

_STACK, _ORCHESTRATION, _SANDBOX = "stack.commands", "orchestration.cli", "sandbox.cli"
_ALERTS, _METRICS = "orchestration.alerting.cli", "ingestion.commands.metrics"
_TRACK, _CAPTURE, _READ, _QUARANTINE = (
    f"ingestion.commands.{name}" for name in ("track", "capture", "read", "quarantine")
)
_MODULE_OF_COMMAND = {
    "up": _STACK,
    "down": _STACK,
    "migrate": _STACK,
    "smoke": _STACK,
    "token": _STACK,
    "track": _TRACK,
    "scrape": _CAPTURE,
    "import": _CAPTURE,
    "snapshot": _READ,
    "export": _READ,
    "status": _READ,
    "quarantine": _QUARANTINE,
    "build": _ORCHESTRATION,
    "housekeeping": _ORCHESTRATION,
    "forget-ticks-ahead": _ORCHESTRATION,
    "alerts": _ALERTS,
    "metrics": _METRICS,
    "sandbox": _SANDBOX,
}
_GROUPS = {_TRACK: "track", _QUARANTINE: "quarantine", _ALERTS: "alerts", _METRICS: "metrics", _SANDBOX: "sandbox"}
"""Modules whose commands stand behind a word of their own."""


def main() -> None:
    """Run one command and exit."""
    wants_traceback = False
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

    @app.callback()
    def options(
        *, debug: Annotated[bool, typer.Option("--debug", help="Show the whole trace of a failure.")] = False
    ) -> None:
        """Resale-ticket market data: captured, kept losslessly, rolled up by the hour and the day, served."""
        nonlocal wants_traceback
        wants_traceback = debug

    for module in modules_for(sys.argv[1:]):
        app.add_typer(import_module(module).app, name=_GROUPS.get(module))
    try:
        app()
    except Exception as error:  # noqa: BLE001 -- the outermost place: whatever it is becomes one line and a status
        if wants_traceback:
            traceback.print_exception(error)
        typer.echo(f"error: {describe(error)}", err=True)
        sys.exit(1)


def modules_for(arguments: list[str]) -> list[str]:
    """The module of the command asked for; all of them where that is none we know (``--help``, a typing error)."""
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    if asked in _MODULE_OF_COMMAND:
        return [_MODULE_OF_COMMAND[asked]]
    return list(dict.fromkeys(_MODULE_OF_COMMAND.values()))


def describe(error: Exception) -> str:
    """What is meant for people is said as it is. Anything else is a mistake of ours: its trace goes to a file."""
    is_sandbox = type(error).__module__.startswith("sandbox.")  # which shares no code with us, this class neither
    if isinstance(error, UserError) or is_sandbox:
        return str(error)
    with tempfile.NamedTemporaryFile("w", prefix="ticketmarts-", suffix=".trace", delete=False) as file:
        traceback.print_exception(error, file=file)
    return f"{type(error).__name__}: {error} (unforeseen; the trace is in {Path(file.name)}, or use --debug)"
