"""Fixtures for everybody: a throw-away PostgreSQL for the whole run, and databases with every migration applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest
from psycopg import sql

from stack.migrations import apply_migrations
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres

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
    with _migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
def fresh_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with every migration applied, for one test alone."""
    with _migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database without anything in it, for one test alone."""
    with _database(postgres_server, template="template1") as url:
        yield url


@contextmanager
def _migrated_database(server: PostgresServer) -> Iterator[str]:
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
