"""A PostgreSQL server that lives for one test run or benchmark, in a temporary folder, and leaves nothing behind.

It is the same PostgreSQL with the same settings as the stack's, unless another is asked for. One whose owner was killed
is swept away by the next.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from stack import ports
from stack.errors import StackError
from stack.os_account import OsAccount, account_for_postgres
from stack.postgres_cluster import Cluster, PostgresServer
from stack.postgres_programs import programs_for, programs_in

_PREFIX = "ticketmarts-throw-away-"
_PORT_ATTEMPTS = 5
_WITHOUT_DISK = {"fsync": "off", "full_page_writes": "off"}


@contextmanager
def throw_away_postgres(
    *, is_durable: bool = False, bin_folder: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A fresh server on a free port, stopped and removed at the end.

    Benchmarks want ``is_durable``: fsync as it is. ``bin_folder`` has the programs of another PostgreSQL; ``settings``
    go beyond the stack's.
    """
    account = account_for_postgres()
    programs = programs_for(account) if bin_folder is None else programs_in(bin_folder, account)
    parent = _temporary_folder(account)
    for abandoned in parent.glob(f"{_PREFIX}*"):
        if not _is_owner_alive(abandoned):
            with suppress(StackError):  # another one sweeps there, too, and is done first
                _discard(Cluster(abandoned / "postgres", account, programs))
    # The name tells the owner: process number and the second it began.
    own_name = f"{_PREFIX}{os.getpid()}-{int(psutil.Process().create_time())}-"
    folder = Path(tempfile.mkdtemp(prefix=own_name, dir=parent))
    folder.chmod(0o755)
    cluster = Cluster(folder / "postgres", account, programs)
    try:
        cluster.make({**({} if is_durable else _WITHOUT_DISK), **(settings or {})})
        yield _start_somewhere(cluster)
    finally:
        _discard(cluster)


def _start_somewhere(cluster: Cluster) -> PostgresServer:
    for attempt in range(1, _PORT_ATTEMPTS + 1):
        try:
            return cluster.start(ports.free_port(), "the port")
        except StackError:  # another process may have taken the port in between
            if attempt == _PORT_ATTEMPTS:
                raise
    raise AssertionError


def _temporary_folder(account: OsAccount) -> Path:
    for candidate in dict.fromkeys((tempfile.gettempdir(), "/var/tmp", "/tmp")):  # noqa: S108
        folder = Path(candidate)
        if folder.is_dir() and (account.is_own or account.can_write(folder)):
            return folder
    raise StackError(f"the account {account.name} can write to no temporary folder. Set TMPDIR to one that it can.")


def _is_owner_alive(folder: Path) -> bool:
    pid, began_at_second, _ = folder.name.removeprefix(_PREFIX).split("-", 2)
    try:
        return int(psutil.Process(int(pid)).create_time()) == int(began_at_second)
    except psutil.NoSuchProcess:
        return False


def _discard(cluster: Cluster) -> None:
    if cluster.exists:
        cluster.stop()
    shutil.rmtree(cluster.folder.parent, ignore_errors=True)
