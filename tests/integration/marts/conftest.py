"""Fixtures of the marts' tests: databases with dbt pointed at them.

dbt writes the database's name into what it parses, and parsing takes seconds. So a test's database is renamed for as
long as the test has it, and what was parsed for one serves the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from stack.postgres_cluster import PostgresServer
from tests.integration.marts.warehouse import DATABASE, Dbt, Warehouse


@pytest.fixture(scope="module")
def warehouse(
    postgres_server: PostgresServer, database_url: str, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """A migrated database with dbt pointed at it, shared by the tests of one module (which has no fresh ones)."""
    with opened_warehouse(postgres_server, database_url, dbt, tmp_path_factory.mktemp("recordings")) as warehouse:
        yield warehouse


@pytest.fixture
def fresh_warehouse(
    postgres_server: PostgresServer, fresh_database_url: str, dbt: Dbt, tmp_path: Path
) -> Iterator[Warehouse]:
    """A migrated database with dbt pointed at it, for one test alone."""
    with opened_warehouse(postgres_server, fresh_database_url, dbt, tmp_path) as warehouse:
        yield warehouse


@contextmanager
def opened_warehouse(server: PostgresServer, database_url: str, dbt: Dbt, folder: Path) -> Iterator[Warehouse]:
    """The warehouse in a database, which has the warehouse's name for so long."""
    original = str(conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        _rename(connection, original, DATABASE)
        try:
            with Warehouse(server.url(DATABASE), dbt, folder) as warehouse:
                yield warehouse
        finally:
            _rename(connection, DATABASE, original)


@contextmanager
def copied_database(server: PostgresServer, database_url: str) -> Iterator[str]:
    """A copy of a database that nobody is connected to."""
    original = str(conninfo_to_dict(database_url)["dbname"])
    copy = f"{original}_copy"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        statement = sql.SQL("create database {} template {} strategy file_copy")
        connection.execute(statement.format(sql.Identifier(copy), sql.Identifier(original)))
        try:
            yield server.url(copy)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(copy)))


def _rename(connection: psycopg.Connection, old: str, new: str) -> None:
    connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (old,))
    connection.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(old), sql.Identifier(new)))
