"""The variables by which the parts of a running stack find each other, and ``stack.env``, where others find them.

What belongs here: names and values. What does not: reading them, which is `ingestion.settings`' business.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ingestion.settings import PROJECT_FOLDER, STACK_ENV_FILE, libpq_environment
from stack import leftovers, node

_DAGSTER_DIALECT = "postgresql+psycopg2://"


def database_variables(database_url: str) -> dict[str, str]:
    """How our programs, and libpq's, reach the data."""
    return {"DATABASE_URL": database_url, **libpq_environment(database_url)}


def dagster_variables(database_url: str, dagster_home: Path) -> dict[str, str]:
    """How Dagster reaches its storage: with psycopg2, since its event log does not work with psycopg 3."""
    _, _, address = database_url.partition("://")
    return {"DAGSTER_DATABASE_URL": _DAGSTER_DIALECT + address, "DAGSTER_HOME": str(dagster_home)}


def process_environment(home: Path, variables: dict[str, str]) -> dict[str, str]:
    """The environment of everything the stack starts: ours, these variables, our programs first, no telemetry."""
    base = node.node_environment()
    return {
        **base,
        **variables,
        **leftovers.mark(home),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), base["PATH"])),
        "PYTHONUNBUFFERED": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "TICKETMARTS_HOME": str(home),
    }


def write_stack_env(home: Path, variables: dict[str, str]) -> Path:
    """Write ``stack.env``, readable by us alone; a shell can source it, too."""
    path = home / STACK_ENV_FILE
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    lines = [f"{name}='{value}'" for name, value in variables.items()]
    path.write_text("\n".join(("# Written by `ticketmarts up` for as long as it runs.", *lines, "")))
    return path


def make_dagster_home(home: Path) -> Path:
    """Dagster's folder, with the project's ``dagster.yaml`` in it."""
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    link = dagster_home / "dagster.yaml"
    link.unlink(missing_ok=True)
    link.symlink_to(PROJECT_FOLDER / "dagster.yaml")
    return dagster_home
