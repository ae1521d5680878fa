"""The official Supabase CLI: running it, and what it complains of.

What belongs here: the program. What does not: what it is asked to do (``migrations``, ``database_types``).
"""

from __future__ import annotations

import re
import subprocess

from stack import node

_TIMEOUT_SECONDS = 600


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in the checkout and wait; what it printed and its exit status are in the result."""
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


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """What the CLI says, without its progress lines and without the address (which has the password)."""
    progress = ("Target:", "Confirmed by", "Applying migration", "Remote database is up to date", "Connecting to")
    lines = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith(progress)]
    return re.sub(r"(postgres(?:ql)?://[^:/\s]+:)[^@\s]+@", r"\1***@", "\n".join(lines))
