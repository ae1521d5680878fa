"""Where the dbt project is, its manifest, and the environment that dbt runs in.

What belongs here: files and variables. What does not: running a build (``building``, ``assets.dbt_models``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from ingestion.errors import UserError
from ingestion.settings import PROJECT_FOLDER, Settings, libpq_environment

DBT_FOLDER = PROJECT_FOLDER / "dbt_project"
SAVED_PARSE = DBT_FOLDER / "target" / "partial_parse.msgpack"
MANIFEST = DBT_FOLDER / "target" / "parsed" / "manifest.json"
"""Apart from dbt's own, which every dbt command run in the project by hand writes over while Dagster may read it."""

DBT_PROGRAM = Path(sys.executable).parent / "dbt"

BUILD_ARGUMENTS = ("build", "--exclude-resource-type", "unit_test")
"""Models and data tests. Unit tests run on fixtures, not on data: they belong to `make test`, not to every round."""

_PARSED_SUFFIXES = frozenset((".sql", ".yml", ".md"))
# Parsing connects to nothing, but the profile wants its variables.
_NO_DATABASE = {
    "PGHOST": "localhost",
    "PGUSER": "nobody",
    "PGDATABASE": "none",
    "DBT_PROFILES_DIR": str(DBT_FOLDER),
}


class DbtError(UserError):
    """dbt ended without success; the message carries what it printed last."""


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables by which ``profiles.yml`` finds the database in force."""
    return {
        **libpq_environment(settings.require_database_url()),
        "DBT_PROFILES_DIR": str(DBT_FOLDER),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def batch_hours() -> int:
    """How many hours of the past one dbt run takes from the ledger at most."""
    return int(yaml.safe_load((DBT_FOLDER / "dbt_project.yml").read_text())["vars"]["max_stale_hours"])


def prepare_manifest(settings: Settings) -> Path:
    """Parse the project if its manifest is missing or older than a file that it was made of.

    ``DbtProject.prepare_if_dev`` would do so under ``dagster dev`` alone; this project's code location is also loaded
    by a plain webserver, the daemon and tests.

    Raises:
        DbtError: the project does not parse.
    """
    if not MANIFEST.exists() or MANIFEST.stat().st_mtime < _newest_source():
        # dbt throws its saved parse away when the profile's variables change, so it is made with those of the builds.
        variables = dbt_environment(settings) if settings.database_url else _NO_DATABASE
        MANIFEST.parent.mkdir(parents=True, exist_ok=True)
        # Aside, then renamed: daemon and webserver are both at it when the stack starts.
        with TemporaryDirectory(dir=MANIFEST.parent, prefix="parse-") as aside:
            run_dbt(["parse"], variables, Path(aside))
            for kept in (SAVED_PARSE, MANIFEST):
                (Path(aside) / kept.name).replace(kept)
    return MANIFEST


def run_dbt(arguments: list[str], variables: dict[str, str], target: Path | None = None) -> None:
    """Run one dbt command in the project's folder, with ``variables`` over this process's environment.

    What it writes of itself goes to ``target``, or away: two at once would write over each other's in one folder.

    Raises:
        DbtError: it failed.
    """
    with TemporaryDirectory(prefix="ticketmarts-dbt-") as away:
        saved_parse = ["--partial-parse-file-path", str(SAVED_PARSE)] if SAVED_PARSE.exists() else []
        ended = subprocess.run(
            [DBT_PROGRAM, *arguments, "--target-path", str(target or away), *saved_parse],
            cwd=DBT_FOLDER,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if ended.returncode:
        raise DbtError(f"dbt {arguments[0]} failed:\n{ended.stdout[-4000:].strip()}")


def _newest_source() -> float:
    # Not even looked into: another process's parse may come and go there.
    made = ("target", "logs")
    tops = (top for top in DBT_FOLDER.iterdir() if top.name not in made)
    files = (path for top in tops for path in ([top] if top.is_file() else top.rglob("*")))
    return max(path.stat().st_mtime for path in files if path.suffix in _PARSED_SUFFIXES)
