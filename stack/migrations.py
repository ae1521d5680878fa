"""``supabase/migrations``, applied to a database with the official Supabase CLI, and its advisors asked.

What belongs here: asking the CLI and telling what went wrong. What does not: the SQL, which is in the migrations.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg

from ingestion.database import connect
from stack import node
from stack.errors import StackError
from stack.supabase_cli import complaint, run_cli

_GAVE_WAY = ("SQLSTATE 55P03", "SQLSTATE 40P01")
"""No lock within its time-out; or it and others waited for each other, and PostgreSQL chose it to end that."""


def apply_migrations(database_url: str) -> list[str]:
    """Apply what has not been applied yet, in order; return the names of the files that were.

    Raises:
        StackError: a migration failed (it is rolled back, those before it stay), or the database is out of reach.
    """
    result = run_cli("migration", "up", f"--remote={database_url}", "--yes")
    applied = re.findall(r"Applying migration (\S+?)\.\.\.", result.stdout + result.stderr)
    if result.returncode != 0:
        where = f"migration {applied[-1]} failed" if applied else "the migrations could not be applied"
        said = complaint(result)
        if any(code in said for code in _GAVE_WAY):
            said += (
                "\nIt gave up, so that nobody waits behind it: somebody reads or writes what it changes. Nothing of it "
                "was done. Let long queries, and a run of dbt, come to their end, and run it again."
            )
        raise StackError(f"{where}: {said}")
    return applied


def bring_up_to_date(database_url: str) -> None:
    """Apply what has not been applied yet, or, as a role that may not, see that there is nothing to apply.

    Raises:
        StackError: see ``apply_migrations``; or there is something to apply, and somebody else has to.
    """
    with connect(database_url) as connection:
        row = connection.execute("select has_database_privilege(current_database(), 'create'), current_user").fetchone()
        may_migrate, role = row or (False, "nobody")
        missing = [] if may_migrate else _not_applied(connection)
    if may_migrate:
        apply_migrations(database_url)
    elif missing:
        raise StackError(
            f"{len(missing)} migrations have not been applied, the first of them {missing[0]}, and {role} may not "
            "apply them. Run `ticketmarts migrate` with the DATABASE_URL of the database's owner, then this again."
        )


def _not_applied(connection: psycopg.Connection[Any]) -> list[str]:
    try:
        applied = connection.execute("select version from supabase_migrations.schema_migrations").fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.InsufficientPrivilege):
        applied = []
    versions = {version for (version,) in applied}
    files = sorted(path.name for path in (node.SUPABASE_FOLDER / "migrations").glob("*.sql"))
    return [name for name in files if name.partition("_")[0] not in versions]


def check_advisors(database_url: str) -> None:
    """Ask Supabase's security and performance advisors.

    Raises:
        StackError: they warn of something; the message is theirs.
    """
    result = run_cli("db", "advisors", f"--remote={database_url}", "--fail-on", "warn")
    if result.returncode != 0:
        raise StackError(f"the Supabase advisors are not content:\n{result.stdout}{complaint(result)}")
