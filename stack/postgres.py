"""The stack's own PostgreSQL: where its data lives, its databases, starting and stopping it.

What belongs here: choosing a folder that PostgreSQL's account can reach, and what the stack wants of the server.
What does not: how a cluster is made and started (``stack.postgres_cluster``), its tables (``supabase/migrations``).
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from stack.errors import StackError
from stack.os_account import OsAccount, account_for_postgres
from stack.postgres_cluster import Cluster, PostgresServer
from stack.postgres_programs import SHARED_FOLDER, programs_for

DATA_DATABASE = "ticketmarts"
DAGSTER_DATABASE = "dagster"
PORT_SETTING = "POSTGRES_PORT"


def cluster_of(home: Path) -> Cluster:
    """The cluster of the data folder ``home``: in it, or, where root's PostgreSQL cannot reach that, in /var/lib.

    Raises:
        StackError: there is data in ``home`` that PostgreSQL's account can no longer reach.
    """
    account = account_for_postgres()
    programs = programs_for(account)
    inside = Cluster(home.resolve() / "postgres", account, programs)
    if account.is_own:
        return inside
    outside = Cluster(_outside_folder(home), account, programs)
    if outside.exists:
        return outside
    if not inside.exists:
        return inside if _can_hold_data(account, home) else outside
    is_its_own = inside.folder.stat().st_uid == account.uid  # else the start says whose it is
    if is_its_own and not account.can_write(inside.folder):
        raise StackError(
            f"PostgreSQL runs as {account.name} here, and that account can no longer reach its data in "
            f"{inside.folder}. Let it pass through the folders above (`chmod o+x`)."
        )
    return inside


def start(home: Path, port: int) -> PostgresServer:
    """Start the server of ``home``, made first where there is none, with the stack's databases in it.

    One left running by a killed stack is stopped cleanly first: it may be on another port.
    """
    cluster = cluster_of(home)
    if not cluster.exists:
        cluster.make()
    cluster.stop()
    server = cluster.start(port, PORT_SETTING)
    for database in (DATA_DATABASE, DAGSTER_DATABASE):
        _make_database(server, database)
    return server


def stop(home: Path) -> None:
    """Stop the server of ``home``, if it runs."""
    cluster = cluster_of(home)
    if cluster.exists:
        cluster.stop()


def is_running(home: Path) -> bool:
    """Whether the server of ``home`` runs."""
    cluster = cluster_of(home)
    return cluster.exists and cluster.running_pid() is not None


def location_remarks(home: Path) -> list[str]:
    """What a person should know of where things are, one line each; empty where all is in ``home``."""
    cluster = cluster_of(home)
    remarks = []
    if not cluster.folder.is_relative_to(home.resolve()):
        remarks.append(
            f"PostgreSQL runs as {cluster.account.name}, which cannot reach {home}: data in {cluster.folder}"
        )
    if cluster.programs.is_copy:
        remarks.append(f"PostgreSQL's programs were copied to {cluster.programs.bin_folder} for the same reason")
    return remarks


def _outside_folder(home: Path) -> Path:
    return SHARED_FOLDER / hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16] / "postgres"


def _can_hold_data(account: OsAccount, home: Path) -> bool:
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="postgres.reach-", dir=home) as probe:
        account.make_folder(Path(probe))
        return account.can_write(Path(probe))


def _make_database(server: PostgresServer, name: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
