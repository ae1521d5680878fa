"""The embedded PostgreSQL: started, stopped, killed, in the way of others, and where its account cannot reach."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from stack import ports, postgres
from stack.errors import StackError
from stack.postgres_cluster import PostgresServer


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that PostgreSQL's account can reach (pytest's own is for root alone)."""
    folder = Path(tempfile.mkdtemp(prefix="ticketmarts-test-"))
    folder.chmod(0o755)
    yield folder
    postgres.stop(folder)
    shutil.rmtree(folder)


@pytest.fixture
def unreachable_home() -> Iterator[Path]:
    """A data folder in one that is its owner's alone, as a checkout made under `mktemp -d` is."""
    folder = Path(tempfile.mkdtemp(prefix="ticketmarts-test-"))
    yield folder / "home"
    postgres.stop(folder / "home")
    data = postgres.cluster_of(folder / "home").folder
    if not data.is_relative_to(folder):
        shutil.rmtree(data.parent)
    shutil.rmtree(folder)


def connect(server: PostgresServer, database: str = postgres.DATA_DATABASE) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.url(database), autocommit=True)


def test_data_survives_a_stop_and_a_kill(home: Path):
    server = postgres.start(home, ports.free_port())
    with connect(server) as connection:
        connection.execute("create table kept as select 1 as value")
    postgres.stop(home)
    assert not postgres.is_running(home)

    server = postgres.start(home, ports.free_port())
    with connect(server) as connection:
        connection.execute("insert into kept values (2)")
    pid = postgres.cluster_of(home).running_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    assert not postgres.is_running(home)

    server = postgres.start(home, ports.free_port())
    with connect(server) as connection:
        assert connection.execute("select value from kept order by value").fetchall() == [(1,), (2,)]


def test_the_server_is_as_the_stack_wants_it(home: Path):
    server = postgres.start(home, ports.free_port())
    with connect(server, postgres.DAGSTER_DATABASE) as connection:
        settings = {
            name: connection.execute("select current_setting(%s)", (name,)).fetchone()
            for name in ("server_encoding", "TimeZone", "synchronous_commit", "fsync", "listen_addresses")
        }
    assert settings == {
        "server_encoding": ("UTF8",),
        "TimeZone": ("UTC",),
        "synchronous_commit": ("on",),
        "fsync": ("on",),
        "listen_addresses": ("127.0.0.1",),
    }
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(postgres.DATA_DATABASE, password="wrong"))


def test_a_number_in_postmaster_pid_that_another_process_has_now_is_no_server(home: Path):
    postgres.start(home, ports.free_port())
    postgres.stop(home)
    (postgres.cluster_of(home).data_folder / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert not postgres.is_running(home)
    postgres.start(home, ports.free_port())
    assert postgres.is_running(home)


def test_a_start_moves_a_server_left_running_to_the_port_asked_for(home: Path):
    postgres.start(home, ports.free_port())
    server = postgres.start(home, ports.free_port())
    with connect(server) as connection:
        assert connection.info.port == server.port


def test_what_stands_in_the_way_is_said(home: Path):
    in_use = pytest.raises(StackError, match=r"is in use by .*POSTGRES_PORT")
    with socket.create_server((ports.LOCALHOST, 0)) as other, in_use:
        postgres.start(home, other.getsockname()[1])
    (postgres.cluster_of(home).data_folder / "PG_VERSION").write_text("17\n")
    with pytest.raises(StackError, match="made by PostgreSQL 17, and this is PostgreSQL 18"):
        postgres.start(home, ports.free_port())


def test_a_folder_that_holds_something_else_is_left_alone(home: Path):
    (home / "postgres").mkdir()
    (home / "postgres" / "thesis.txt").touch()
    with pytest.raises(StackError, match="holds no PostgreSQL data"):
        postgres.start(home, ports.free_port())
    assert (home / "postgres" / "thesis.txt").exists()


def test_a_killed_initdb_leaves_nothing_half_made(home: Path):
    half_made = home / "postgres.making-killed"
    (half_made / "data").mkdir(parents=True)
    postgres.start(home, ports.free_port())
    assert not half_made.exists()


def test_a_home_that_the_account_cannot_reach(unreachable_home: Path):
    server = postgres.start(unreachable_home, ports.free_port())
    with connect(server) as connection:
        connection.execute("create table kept as select 1 as value")
    postgres.stop(unreachable_home)
    is_elsewhere = not postgres.cluster_of(unreachable_home).folder.is_relative_to(unreachable_home)
    assert is_elsewhere == (os.geteuid() == 0)
    assert bool(postgres.location_remarks(unreachable_home)) == is_elsewhere

    unreachable_home.parent.chmod(0o755)  # reachable now, but the data is where it is
    server = postgres.start(unreachable_home, ports.free_port())
    with connect(server) as connection:
        assert connection.execute("select value from kept").fetchall() == [(1,)]
