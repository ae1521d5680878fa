"""Work goes on where the connection was lost, and only then."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from ingestion.database import Database, DatabaseUnavailableError


def end_session(connection: psycopg.Connection[Any]) -> None:
    """Have the server end the session of this connection, as it does when it is shut down."""
    connection.execute("select pg_terminate_backend(pg_backend_pid())")


def test_work_that_was_cut_off_is_done_again_on_a_new_connection(database: Database) -> None:
    backends = []

    def work(connection: psycopg.Connection[Any]) -> int:
        backends.append(connection.info.backend_pid)
        with connection.transaction():
            connection.execute("insert into raw.tracked_events (event_id, interval_seconds) values (1, 600)")
            if len(backends) < 3:
                end_session(connection)
        return len(backends)

    assert database.run(work) == 3
    assert len(set(backends)) == 3
    assert database.connection.execute("select count(*) from raw.tracked_events").fetchone() == (1,)


def test_a_mistake_of_ours_is_not_made_twice(database: Database) -> None:
    calls = []

    def work(connection: psycopg.Connection[Any]) -> None:
        calls.append(connection)
        connection.execute("select from raw.no_such_table")

    with pytest.raises(psycopg.errors.UndefinedTable):
        database.run(work)
    assert len(calls) == 1


def test_patience_ends(fresh_database_url: str) -> None:
    with Database(fresh_database_url, patience_seconds=0.2) as database, pytest.raises(psycopg.OperationalError):
        database.run(end_session)


def test_a_wrong_address_is_told_at_once() -> None:
    with pytest.raises(DatabaseUnavailableError, match=r"cannot reach the database at 127\.0\.0\.1:1/nowhere"):
        Database("postgresql://postgres:secret@127.0.0.1:1/nowhere")
