"""A database as the release before left it: its schema, its captures, its marts and its API.

``release_before/database.sql.gz`` is what ``pg_dump --inserts --no-owner`` of PostgreSQL 15 wrote of a database in
which that release itself had worked, with its migrations up to ``LAST_MIGRATION``, its importer and its dbt models: two
events that it tracked and knew of, and ``release_before/recording.jsonl.gz``, of which the last six captures were not
rolled up yet; a row of everything else; at its end, comments that pg_dump leaves out, on rules of views. It is kept,
and not made anew by a test, since today's code is not that release's.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ingestion.database import connect
from stack.postgres_cluster import PostgresServer
from tests.integration.resilience.invariants import broken_invariants_in

LAST_MIGRATION = "20261124110000_loads.sql"
_RELEASE_BEFORE = Path(__file__).parent / "release_before"
EVENTS = (21, 22)


@contextmanager
def database_of_the_release_before(server: PostgresServer, name: str) -> Iterator[str]:
    """That database, for as long as the context lasts."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            with psycopg.connect(server.url(name)) as inside:
                inside.execute(gzip.decompress((_RELEASE_BEFORE / "database.sql.gz").read_bytes()))
            yield server.url(name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def broken_in_raw(url: str) -> list[str]:
    """The invariants of raw that do not hold, that of the ledger aside: builds have cleared its marks."""
    with connect(url) as connection, connection.transaction(force_rollback=True):
        connection.execute("select raw.mark_stale('-infinity', 'infinity')")
        return broken_invariants_in(connection)


def recording() -> list[dict[str, Any]]:
    """The captures of that database, line by line."""
    lines = gzip.decompress((_RELEASE_BEFORE / "recording.jsonl.gz").read_bytes()).splitlines()
    return [json.loads(line) for line in lines]
