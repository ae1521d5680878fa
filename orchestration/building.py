"""Bringing the marts up to what raw says: one builder at a time, as many dbt runs as the ledger needs.

What belongs here: the lock and the loop. What does not: which windows are stale (the ledger says) or SQL (dbt's).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from ingestion.database import connect
from ingestion.errors import UserError
from ingestion.settings import Settings
from orchestration.dbt_project_files import BUILD_ARGUMENTS, dbt_environment, run_dbt

_BUILD_LOCK = "hashtext('ticketmarts.build')"


class NothingClearedError(UserError):
    """A dbt run succeeded and left the ledger as long as it was, so another would, too."""


@contextmanager
def only_builder(database_url: str) -> Iterator[None]:
    """Wait until nobody else builds marts in this database, and keep others out for the length of the context.

    Claimed windows are kept in a table that two builds at once would overwrite for each other. The lock belongs to a
    session of its own, so that it goes with the process, however that ends.
    """
    with connect(database_url) as connection:
        connection.execute(f"select pg_advisory_lock({_BUILD_LOCK})".encode())
        yield


def build_marts(
    settings: Settings,
    *,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    full_refresh: bool = False,
    on_run: Callable[[int], None] = lambda _: None,
) -> int:
    """Run dbt until no hour is stale; with a range, over its hours as well. Says how many hours were rebuilt.

    ``on_run`` hears before each run how many hours are stale.

    Raises:
        DbtError: a run failed; its windows stay stale and are rebuilt by the next. NothingClearedError: see there.
    """
    database_url = settings.require_database_url()
    rebuilt = 0
    with only_builder(database_url), connect(database_url) as connection:
        if from_at is not None or to_at is not None:
            connection.execute(
                "select raw.mark_stale(coalesce(%s, '-infinity'), coalesce(%s, 'infinity'))", (from_at, to_at)
            )
        arguments = [*BUILD_ARGUMENTS, *(["--full-refresh"] if full_refresh else [])]
        stale = _stale_hours(connection)
        while True:
            on_run(stale)
            newest_mark = _newest_mark(connection)
            run_dbt(arguments, dbt_environment(settings))
            left = _stale_hours(connection, up_to_mark=newest_mark)
            rebuilt += stale - left
            if left and left >= stale:
                raise NothingClearedError(
                    f"dbt ran without an error, but {left} hours are as stale as before; "
                    "`dbt build` in dbt_project/ shows what it did"
                )
            # With what was marked meanwhile: a start that has moved marks hours during the run itself.
            arguments, stale = [*BUILD_ARGUMENTS], _stale_hours(connection)
            if not stale:
                return rebuilt


def _newest_mark(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select coalesce(max(mark), 0) from raw.stale_hours").fetchone()
    return row[0] if row else 0


def _stale_hours(connection: psycopg.Connection[Any], up_to_mark: int | None = None) -> int:
    """Hours in the ledger; those marked after ``up_to_mark`` belong to a later build."""
    row = connection.execute(
        "select count(*) from raw.stale_hours where %(mark)s::bigint is null or mark <= %(mark)s", {"mark": up_to_mark}
    ).fetchone()
    return row[0] if row else 0
