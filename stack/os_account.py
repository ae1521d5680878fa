"""The operating-system account that PostgreSQL runs as, and what that account can reach.

PostgreSQL refuses to run as root, so root hands it to another account. What belongs here: which account,
how to run a program as it, and the test whether it can reach a path. What does not: PostgreSQL itself.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError

_CANDIDATES_FOR_ROOT = ("postgres", "nobody")


@dataclass(frozen=True)
class OsAccount:
    """An account to run programs as: our own, or, for root, an unprivileged one."""

    name: str
    uid: int
    gid: int
    is_own: bool

    def _identity(self) -> dict[str, Any]:
        return {} if self.is_own else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def run(self, *command: str | Path, timeout_seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program as this account in ``/``, with nothing in its environment that could lead it astray."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        return subprocess.run(
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env=environment,
            timeout=timeout_seconds,
            **self._identity(),
        )

    def can_write(self, folder: Path) -> bool:
        """Whether this account can reach ``folder`` and write in it, found out as this account."""
        return self.run("/bin/sh", "-c", 'cd "$1" && test -w .', "sh", folder).returncode == 0

    def can_execute(self, program: Path) -> bool:
        """Whether this account can run ``program --version``, found out by doing so."""
        try:
            return self.run(program, "--version").returncode == 0
        except OSError:
            return False

    def make_folder(self, folder: Path) -> None:
        """Make ``folder`` and give it to this account alone; parents made on the way stay ours, open to pass."""
        for parent in reversed([parent for parent in folder.parents if not parent.exists()]):
            parent.mkdir()
            parent.chmod(0o755)  # whatever our umask
        folder.mkdir(mode=0o700, exist_ok=True)
        if not self.is_own:
            os.chown(folder, self.uid, self.gid)


def account_for_postgres() -> OsAccount:
    """Our own account, or for root the first of ``postgres`` and ``nobody`` that exists."""
    if os.geteuid() != 0:
        uid = os.geteuid()
        return OsAccount(_name_of(uid), uid, os.getegid(), is_own=True)
    for name in _CANDIDATES_FOR_ROOT:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return OsAccount(name, entry.pw_uid, entry.pw_gid, is_own=False)
    raise StackError(
        "PostgreSQL does not run as root, and this machine has neither of the accounts "
        f"{' and '.join(_CANDIDATES_FOR_ROOT)}. Make one (`useradd --system postgres`), or run as another user."
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # containers often run as a number that has no name
        return str(uid)
