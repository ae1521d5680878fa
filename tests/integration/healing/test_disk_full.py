"""A disk that is really full: it is said, and when there is room again everything goes on and nothing is lost."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from stack import ports, postgres
from stack.migrations import apply_migrations
from stack.postgres_cluster import Cluster, PostgresServer
from stack.postgres_watch import PostgresWatch
from tests.integration.healing.waiting import wait_for
from tests.integration.resilience.books import stored_books
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.comparison import Round, differences
from tests.integration.resilience.invariants import broken_invariants, failures_and_quarantine
from tests.integration.resilience.market import HurriedSandbox

_SIZE_MB = 192
_FULL = "No space left on device"
_SMALL = {"shared_buffers": "16MB", "min_wal_size": "32MB", "max_wal_size": "32MB", "autovacuum": "off"}


class Disk:
    """A file system of its own, which can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave nothing free."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        """Take away what filled it."""
        self._ballast.unlink()


@pytest.fixture
def disk() -> Iterator[Disk]:
    folder = Path(tempfile.mkdtemp(prefix="ticketmarts-disk-"))
    options = f"size={_SIZE_MB}m,mode=755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"a file system cannot be mounted here, so no disk can be full: {mounted.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@pytest.fixture
def home(disk: Disk) -> Iterator[Path]:
    """A data folder on that disk, with a PostgreSQL that has little to write."""
    home = disk.folder / "home"
    home.mkdir()
    cluster = postgres.cluster_of(home)
    assert cluster.folder.is_relative_to(home)
    cluster.make(_SMALL)
    yield home
    postgres.stop(home)


def test_a_full_disk_delays_a_round_and_a_start_and_loses_nothing(
    disk: Disk, home: Path, market: HurriedSandbox, market_url: str, live_events: list[int]
) -> None:
    server, cluster = postgres.start(home, ports.free_port()), postgres.cluster_of(home)
    url = server.url(postgres.DATA_DATABASE)
    apply_migrations(url)
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory() as elsewhere, closing(Ticketmarts(url, market_url, Path(elsewhere))) as commands:

        def note(began_at: datetime) -> None:
            rounds.append(Round(began_at, datetime.now(UTC), 1, market.take_served()))

        def scrape() -> None:
            began_at = datetime.now(UTC)
            commands.scrape(live_events).finish()
            note(began_at)

        scrape()
        disk.fill()
        began_at = datetime.now(UTC)
        running = commands.scrape(live_events)
        wait_for("the round says so", lambda: _FULL in running.said)
        assert _FULL in _log(cluster)

        # Its log needs room, too: without that PostgreSQL ends, and does not start again. `up` looks every two seconds.
        _use_up_the_log(server, cluster)
        said: list[str] = []
        watch = PostgresWatch(home, server.port, said.append)
        for _ in range(3):
            watch.look()
        begun_again, why = said
        assert begun_again == "PostgreSQL has ended; starting it again"
        assert "the disk is full. Make room there" in why
        assert running.is_running

        disk.make_room()
        watch.look()
        assert said[2:] == ["PostgreSQL runs again"]
        running.finish()
        note(began_at)
        scrape()
    assert broken_invariants(url) == []
    assert differences(stored_books(url), {}, rounds) == []
    assert failures_and_quarantine(url) == []


def _use_up_the_log(server: PostgresServer, cluster: Cluster) -> None:
    """Switch to new segments until there is no room for one."""

    def has_ended() -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("select pg_logical_emit_message(true, '', 'x'), pg_switch_wal()")
        return cluster.running_pid() is None

    wait_for("PostgreSQL ends", has_ended)


def _log(cluster: Cluster) -> str:
    return "".join(path.read_text(errors="replace") for path in (cluster.folder / "log").glob("*.log"))
