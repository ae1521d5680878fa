"""One PostgreSQL data folder: making it, starting and stopping its server, and saying clearly why that failed.

A cluster is a folder with ``data`` (PostgreSQL's own), ``password`` (the superuser's) and ``log``. What belongs here:
everything true of any such folder. What does not: where the stack keeps its own and which databases it has
(``stack.postgres``), and the throw-away kind for tests (``stack.throw_away_postgres``).
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from stack import ports
from stack.errors import StackError
from stack.os_account import OsAccount
from stack.postgres_programs import PostgresPrograms
from stack.postgres_settings import SETTINGS_WHEN_MADE, settings_at_start

SUPERUSER = "postgres"  # as on Supabase

_START_TIMEOUT_SECONDS = 300  # recovery after a crash replays up to max_wal_size
_STOP_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class PostgresServer:
    """A running server; ``url`` is how to reach a database of it as superuser."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str, *, user: str = SUPERUSER, password: str | None = None) -> str:
        """The libpq address of ``database``. The embedded server speaks no TLS, and asking costs a round trip."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@{ports.LOCALHOST}:{self.port}/{database}?sslmode=disable"


@dataclass(frozen=True)
class Cluster:
    """A cluster's folder, with the account and the programs that serve it."""

    folder: Path
    account: OsAccount
    programs: PostgresPrograms

    @property
    def data_folder(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.folder / "data"

    @property
    def exists(self) -> bool:
        """Whether the cluster has been made. It is never half there: it is made aside and renamed."""
        try:
            return (self.data_folder / "PG_VERSION").exists()
        except PermissionError as error:
            raise StackError(
                f"{self.folder} belongs to another account, perhaps of an earlier start as root. "
                "Start as that user again, or set TICKETMARTS_HOME to another folder."
            ) from error

    def make(self, settings: Mapping[str, str] | None = None) -> None:
        """Run initdb into a folder beside this one and rename that, so that a kill leaves nothing half made."""
        if self.folder.exists() and any(self.folder.iterdir()):
            raise StackError(
                f"{self.folder} exists but holds no PostgreSQL data. Move it away, or set TICKETMARTS_HOME elsewhere."
            )
        self.account.make_folder(self.folder)  # empty still; what is made aside takes its place
        for leftover in self.folder.parent.glob(f"{self.folder.name}.making-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}.making-", dir=self.folder.parent))
        try:
            self.account.make_folder(aside)
            password_file = aside / "password"
            password_file.touch(mode=0o600)
            password_file.write_text(secrets.token_hex(24))
            if not self.account.is_own:
                os.chown(password_file, self.account.uid, self.account.gid)
            self._initdb(aside / "data", password_file, {**SETTINGS_WHEN_MADE, **(settings or {})})
            aside.rename(self.folder)
        except OSError as error:
            raise StackError(f"cannot make PostgreSQL's data folder {self.folder}: {error}") from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _initdb(self, data_folder: Path, password_file: Path, settings: Mapping[str, str]) -> None:
        result = self.account.run(
            self.programs.path("initdb"),
            *("--pgdata", data_folder, "--username", SUPERUSER, "--pwfile", password_file),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions"),
            timeout_seconds=_START_TIMEOUT_SECONDS,
        )
        if result.returncode != 0:
            raise StackError(_explain(f"cannot make PostgreSQL's data folder {self.folder}", result.stderr))
        # Before version 16, initdb itself took no settings.
        with (data_folder / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self, port: int, port_setting: str) -> PostgresServer:
        """Start the server and wait until it takes connections.

        Raises:
            StackError: the port is in use, the data is another version's, the disk is full, or what PostgreSQL says.
        """
        self._require_our_data()
        self._clear_stale_run()
        ports.require_free(port, port_setting)
        options = {"port": str(port), **settings_at_start()}
        log = self.folder / "start.log"
        result = self._pg_ctl(
            "start",
            *("--wait", "--timeout", str(_START_TIMEOUT_SECONDS), "--log", str(log), "--options"),
            shlex.join(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
        )
        if result.returncode != 0:
            raise StackError(_explain(f"PostgreSQL in {self.folder} does not start", self._log_tail(log)))
        return PostgresServer(port, (self.folder / "password").read_text())

    def stop(self) -> None:
        """Stop the server, if it runs: open transactions are rolled back, everything committed is on disk."""
        pid = self.running_pid()
        if pid is None:
            return
        result = self._pg_ctl("stop", "--wait", "--mode", "fast", "--timeout", str(_STOP_TIMEOUT_SECONDS))
        if result.returncode != 0 and psutil.pid_exists(pid):
            raise StackError(f"PostgreSQL (process {pid}) in {self.folder} does not stop: {result.stderr.strip()}")

    def running_pid(self) -> int | None:
        """The server's process, or None where there is none: a number left behind by a kill does not count."""
        try:
            pid = int((self.data_folder / "postmaster.pid").read_text().split("\n", 1)[0])
            return pid if self._is_of_this_cluster(psutil.Process(pid)) else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def _is_of_this_cluster(self, process: psutil.Process) -> bool:
        """PostgreSQL's processes are known by their working folder; also those whose server was killed."""
        try:
            return process.cwd() == str(self.data_folder.resolve()) and process.name().startswith("postgres")
        except psutil.Error:  # gone, or another user's
            return False

    def _require_our_data(self) -> None:
        owner = self.folder.stat().st_uid
        if owner != self.account.uid:
            raise StackError(
                f"{self.folder} belongs to user {owner}, and PostgreSQL would run as {self.account.name} "
                f"({self.account.uid}). Start as that user, or `chown -R {self.account.name} {self.folder}`."
            )
        found = (self.data_folder / "PG_VERSION").read_text().strip()
        if found != str(self.programs.major_version):
            raise StackError(
                f"{self.folder} was made by PostgreSQL {found}, and this is PostgreSQL {self.programs.major_version}. "
                f"To begin anew, move it away (`mv {self.folder} {self.folder}.{found}`); to keep its data, dump it "
                "with the release of ticketmarts that made it (`pg_dump`) and restore it here (`pg_restore`)."
            )

    def _clear_stale_run(self) -> None:
        """After a kill -9: end backends that outlived their server, and forget its number, perhaps reused since."""
        if self.running_pid() is not None:
            return
        orphans = [process for process in psutil.process_iter() if self._is_of_this_cluster(process)]
        for orphan in orphans:
            orphan.kill()
        psutil.wait_procs(orphans, timeout=_STOP_TIMEOUT_SECONDS)
        (self.data_folder / "postmaster.pid").unlink(missing_ok=True)

    def _pg_ctl(self, action: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self.account.run(
            self.programs.path("pg_ctl"),
            *(action, "--pgdata", str(self.data_folder), *options),
            timeout_seconds=_START_TIMEOUT_SECONDS + _STOP_TIMEOUT_SECONDS,
        )

    def _log_tail(self, start_log: Path) -> str:
        logs = [
            start_log,
            *sorted((self.folder / "log").glob("*.log"), key=lambda log: log.stat().st_mtime)[-1:],
        ]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())


def _explain(what: str, output: str) -> str:
    """One clear line out of PostgreSQL's output."""
    if "No space left on device" in output:
        return f"{what}: the disk is full. Make room there, or set TICKETMARTS_HOME to a folder on another disk."
    telling = [line for line in output.splitlines() if any(w in line for w in ("FATAL", "PANIC", "error:"))]
    lines = telling[-1:] or output.strip().splitlines()[-3:] or ["it says nothing"]
    return f"{what}: {' '.join(lines)}"
