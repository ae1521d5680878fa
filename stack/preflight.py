"""What must hold before anything is started, checked first, so that nothing stops half way for a foreseeable reason."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from ingestion.settings import PROJECT_FOLDER, Settings
from stack import node, ports
from stack.errors import StackError
from stack.programs import Program

_MIN_FREE_BYTES = 2**30


def check(home: Path, programs: Iterable[Program]) -> None:
    """Raise StackError, which says what to do, where the disk, a port, a tool or a file is not as it must be."""
    free_bytes = shutil.disk_usage(home).free
    if free_bytes < _MIN_FREE_BYTES:
        raise StackError(
            f"{free_bytes // 2**20} MB are free on the disk of {home}, and the stack needs "
            f"{_MIN_FREE_BYTES // 2**20} MB to begin with. Make room there, "
            "or set TICKETMARTS_HOME to a folder on another disk."
        )
    node.supabase_program()
    for file in ("workspace.yaml", "dagster.yaml"):
        if not (PROJECT_FOLDER / file).exists():
            raise StackError(f"{PROJECT_FOLDER / file} is missing: the checkout is not complete (`git status`).")
    taken: dict[int, str] = {}
    for program in programs:
        if program.port is None:
            continue
        if program.port in taken:
            raise StackError(f"{program.port_setting} and {taken[program.port]} are both {program.port}: change one.")
        taken[program.port] = program.port_setting
        ports.require_free(program.port, program.port_setting)


def check_database_setting(settings: Settings) -> None:
    """Refuse a DATABASE_URL that is this stack's own PostgreSQL: taken for somebody else's, it would not be started.

    One that is Dagster's, too, is refused as well: its tables, its connections, and what it writes all the time belong
    beside what is served, not into it.

    Raises:
        StackError: see there.
    """
    if settings.database_url is None:
        return
    where = conninfo_to_dict(settings.database_url)
    if settings.dagster_database_url is not None and _place(settings.dagster_database_url) == _place(
        settings.database_url
    ):
        raise StackError(
            "DAGSTER_DATABASE_URL and DATABASE_URL are the same database. Make one for Dagster "
            "(`create database dagster`), on the same server if you like, and name it in DAGSTER_DATABASE_URL."
        )
    if (where.get("host"), where.get("port")) == (ports.LOCALHOST, str(settings.postgres_port)):
        raise StackError(
            "DATABASE_URL is the embedded PostgreSQL of this very stack, so stack.env was probably sourced in this "
            "shell. Use another shell, or "
            "`unset DATABASE_URL DAGSTER_DATABASE_URL MARKETPLACE_BASE_URL SUPABASE_URL`."
        )


def _place(url: str) -> tuple[object, ...]:
    """Server and database of a URL, in whichever of its spellings."""
    _, _, address = url.partition("://")
    where = conninfo_to_dict(f"postgresql://{address}")
    return where.get("host", ports.LOCALHOST), str(where.get("port", 5432)), where.get("dbname")
