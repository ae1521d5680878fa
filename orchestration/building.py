"""Bringing the marts up to what raw says: one builder at a time, as many dbt runs as the ledger needs.

What belongs here: the lock and the loops. What does not: which windows are stale (``ledger``) or SQL (dbt's).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from ingestion.database import connect
from ingestion.errors import UserError
from ingestion.settings import Settings
from orchestration.dbt_project_files import BUILD_ARGUMENTS, batch_hours, dbt_environment, prepare_manifest, run_dbt
from orchestration.ledger import mark_stale, newest_mark, stale_hours

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
    prepare_manifest(settings)  # every run then begins with its saved parse
    with only_builder(database_url), connect(database_url) as connection:
        if from_at is not None or to_at is not None:
            mark_stale(connection, from_at, to_at)
        arguments = [*BUILD_ARGUMENTS, *(["--full-refresh"] if full_refresh else [])]
        stale = stale_hours(connection)
        while True:
            on_run(stale)
            mark = newest_mark(connection)
            run_dbt(arguments, dbt_environment(settings))
            left = stale_hours(connection, up_to_mark=mark)
            rebuilt += stale - left
            if left and left >= stale:
                raise _nothing_cleared(left)
            # With what was marked meanwhile: a start that has moved marks hours during the run itself.
            arguments, stale = [*BUILD_ARGUMENTS], stale_hours(connection)
            if not stale:
                return rebuilt


def build_all_but_the_last_batch(
    settings: Settings, from_at: datetime, to_at: datetime, between_batches: Callable[[], None]
) -> int:
    """Mark [from_at, to_at) stale, and run dbt until one more run will do. Says how many hours were rebuilt.

    ``between_batches`` is called after each of these runs, while others may build.

    Raises:
        DbtError, NothingClearedError: as build_marts.
    """
    database_url, rebuilt = settings.require_database_url(), 0
    with connect(database_url) as connection:
        mark_stale(connection, from_at, to_at)
        # A run takes the newest hours first, so what is older than the range does not stand in its way.
        while (stale := stale_hours(connection, since_at=from_at)) > batch_hours():
            mark = newest_mark(connection)
            with only_builder(database_url):
                run_dbt(["run"], dbt_environment(settings))
            cleared = stale - stale_hours(connection, since_at=from_at, up_to_mark=mark)
            if cleared <= 0:
                raise _nothing_cleared(stale)
            rebuilt += cleared
            between_batches()
    return rebuilt


def _nothing_cleared(stale: int) -> NothingClearedError:
    return NothingClearedError(
        f"dbt ran without an error, but {stale} hours are as stale as before; "
        "`dbt build` in dbt_project/ shows what it did"
    )
