"""``supabase/migrations``, applied to a database with the official Supabase CLI, and its advisors asked.

What belongs here: running the CLI and telling what went wrong. What does not: the SQL, which is in the migrations.
"""

from __future__ import annotations

import re
import subprocess

from stack import node
from stack.errors import StackError

_TIMEOUT_SECONDS = 600


def apply_migrations(database_url: str) -> list[str]:
    """Apply what has not been applied yet, in order; return the names of the files that were.

    Raises:
        StackError: a migration failed (it is rolled back, those before it stay), or the database is out of reach.
    """
    result = _run_cli("migration", "up", f"--remote={database_url}", "--yes")
    applied = re.findall(r"Applying migration (\S+?)\.\.\.", result.stdout + result.stderr)
    if result.returncode != 0:
        where = f"migration {applied[-1]} failed" if applied else "the migrations could not be applied"
        raise StackError(f"{where}: {_complaint(result)}")
    return applied


def check_advisors(database_url: str) -> None:
    """Ask Supabase's security and performance advisors.

    Raises:
        StackError: they warn of something; the message is theirs.
    """
    result = _run_cli("db", "advisors", f"--remote={database_url}", "--fail-on", "warn")
    if result.returncode != 0:
        raise StackError(f"the Supabase advisors are not content:\n{result.stdout}{_complaint(result)}")


def _run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(node.supabase_program()), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=node.SUPABASE_FOLDER.parent,
        env=node.node_environment(),
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT_SECONDS,
    )


def _complaint(result: subprocess.CompletedProcess[str]) -> str:
    """What the CLI says, without its progress lines and without the address (which has the password)."""
    progress = ("Target:", "Confirmed by", "Applying migration", "Remote database is up to date", "Connecting to")
    lines = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith(progress)]
    return re.sub(r"(postgres(?:ql)?://[^:/\s]+:)[^@\s]+@", r"\1***@", "\n".join(lines))
