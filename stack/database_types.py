"""``supabase/types/database.ts``: TypeScript types of what the API serves, for supabase-js. Run by ``make types``.

What belongs here: generating them from a database, and writing the file. What does not: the types, which are what
migrations and dbt make of a fresh database.
"""

from __future__ import annotations

import subprocess
import sys

import psycopg

from ingestion.errors import UserError
from ingestion.settings import load_settings
from orchestration.dbt_project_files import dbt_environment, run_dbt
from stack import node
from stack.errors import StackError
from stack.migrations import apply_migrations
from stack.supabase_cli import complaint, run_cli
from stack.throw_away_postgres import throw_away_postgres

TYPES_FILE = node.SUPABASE_FOLDER / "types" / "database.ts"
_HEAD = (
    "// What the API serves, for createClient<Database>. Written by `make types` from a fresh database; not by hand.\n"
)
_DATABASE = "types"


def generate_types(database_url: str) -> str:
    """The file's text, as the schema ``public`` of a built database has it.

    Raises:
        StackError: the CLI failed, or what it wrote is no TypeScript.
    """
    generated = run_cli("gen", "types", "typescript", f"--remote={database_url}", "--schema", "public")
    if generated.returncode != 0:
        raise StackError(f"the types could not be generated: {complaint(generated)}")
    printed = subprocess.run(
        [str(node.node_program()), str(TYPES_FILE.with_name("print_types.mjs"))],
        check=False,
        input=generated.stdout,
        capture_output=True,
        text=True,
        env=node.node_environment(),
    )
    if printed.returncode != 0:
        raise StackError(f"the generated types could not be read:\n{printed.stderr}")
    return _HEAD + printed.stdout


def write_types() -> bool:
    """Write the file from a database that is made for it and thrown away; say whether it is another than before."""
    with throw_away_postgres() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {_DATABASE}".encode())
        database_url = server.url(_DATABASE)
        apply_migrations(database_url)
        run_dbt(["run"], dbt_environment(load_settings(with_running_stack=False, database_url=database_url)))
        text = generate_types(database_url)
    is_other = not TYPES_FILE.exists() or TYPES_FILE.read_text() != text
    TYPES_FILE.write_text(text)
    return is_other


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{TYPES_FILE}: {'written' if write_types() else 'as before'}\n")
    except UserError as error:
        sys.exit(f"error: {error}")
