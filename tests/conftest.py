"""Fixtures for everybody: a throw-away PostgreSQL, databases with every migration applied, and the Data API."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import IO

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import TypeAdapter

from ingestion.settings import ApiServerChoice
from stack import ports
from stack.api import api_command, api_environment, api_url, give_roles_passwords, postgrest_command
from stack.keys import Keys, make_keys
from stack.migrations import apply_migrations
from stack.node import node_environment
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres

# A shell lets what it starts in the background ignore Ctrl-C. Dagster makes SIGTERM mean the same, in this process too,
# and what the tests start inherits both: no service would end when it is told to.
signal.signal(signal.SIGINT, signal.default_int_handler)

_TEMPLATE = "migrated_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL of its own for this run, with the roles and the template that `database_url` copies."""
    with throw_away_postgres() as server:
        _execute(server, sql.SQL("create database {}").format(sql.Identifier(_TEMPLATE)))
        apply_migrations(server.url(_TEMPLATE))
        yield server


@pytest.fixture(scope="module")
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with every migration applied, shared by the tests of one module."""
    with migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
def fresh_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with every migration applied, for one test alone."""
    with migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database without anything in it, for one test alone."""
    with _database(postgres_server, template="template1") as url:
        yield url


@dataclass(frozen=True)
class ApiServer:
    """A running Data API: its address, and keys to speak to it with."""

    url: str
    keys: Keys

    def client(self, key: str | None = None, token: str | None = None) -> httpx.Client:
        """A client as supabase-js is one: the key in ``apikey``, and as bearer token unless there is another."""
        apikey = key or self.keys.anon_key
        headers = {"apikey": apikey, "Authorization": f"Bearer {token or apikey}"}
        return httpx.Client(base_url=f"{self.url}/rest/v1", headers=headers, timeout=30, trust_env=False)


@pytest.fixture(scope="session")
def api_keys(postgres_server: PostgresServer) -> Keys:
    """Keys and role passwords that every API server of this run shares, as they share the PostgreSQL server."""
    keys = make_keys()
    give_roles_passwords(postgres_server, keys)
    return keys


@pytest.fixture(scope="module")
def api_server(postgres_server: PostgresServer, database_url: str, api_keys: Keys) -> Iterator[ApiServer]:
    """The Data API on the database of `database_url`. It notices new tables and views within about a second."""
    with running_api(postgres_server, str(conninfo_to_dict(database_url)["dbname"]), api_keys) as server:
        yield server


@contextmanager
def running_api(
    server: PostgresServer, database: str, keys: Keys, log: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator[ApiServer]:
    """The Data API on a database of a server whose roles have the passwords of ``keys``; it writes to ``log``."""
    port = ports.free_port()
    commands = [api_command()]
    # Without being asked to, no test depends on what else is installed.
    postgrest = postgrest_command(TypeAdapter(ApiServerChoice).validate_python(os.environ.get("API_SERVER", "lite")))
    if postgrest is not None:
        commands.append(postgrest)
    variables = api_environment(server, database, keys, port, ports.free_port() if postgrest else None)
    environment = {**node_environment(), **variables}
    processes = [subprocess.Popen(command, env=environment, stdout=log, stderr=log) for command in commands]
    try:
        wait_until_answering(f"{api_url(port)}/healthz", processes)
        yield ApiServer(api_url(port), keys)
    finally:
        for process in processes:
            process.terminate()
            process.wait(timeout=10)


def wait_until_answering(url: str, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        with suppress(httpx.TransportError):
            if httpx.get(url, trust_env=False).status_code == httpx.codes.OK:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} does not answer; exit statuses {[process.poll() for process in processes]}")


@contextmanager
def migrated_database(server: PostgresServer) -> Iterator[str]:
    """A database with every migration applied, for as long as the context lasts."""
    with _database(server, template=_TEMPLATE) as url:
        yield url


@contextmanager
def _database(server: PostgresServer, *, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    # With file_copy a database takes 20 ms; with wal_log it is 100 ms.
    statement = "create database {} template {} strategy file_copy"
    _execute(server, sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield server.url(name)
    finally:
        _execute(server, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _execute(server: PostgresServer, statement: sql.Composed) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement)
