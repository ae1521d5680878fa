"""Connections of our own to the database.

What belongs here: how to connect, how to say that it did not work, and going on when the database has been away. What
does not: statements.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_after_delay, wait_exponential

from ingestion.errors import UserError

PATIENCE_SECONDS = 300.0
"""A database that is restarted or fails over is back within a minute or two; the next round is due after ten."""
_LONGEST_WAIT_SECONDS = 5.0

_logger = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class DatabaseUnavailableError(UserError):
    """The database could not be reached; the message says where it was looked for and why, never the password."""


class Database:
    """A connection that is made anew when it is lost, for work that must not be lost with it.

    To be used as a context manager. Connecting for the first time is not tried twice: a wrong address should be told
    at once.
    """

    def __init__(self, url: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._url = url
        self._patience_seconds = patience_seconds
        self.connection = connect(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def another(self) -> Database:
        """Another connection to the same database."""
        return Database(self._url, self._patience_seconds)

    def run(self, work: Callable[[psycopg.Connection[Any]], _Result]) -> _Result:
        """Do work that may be done twice; while the database is away or refuses for the moment, again and again.

        Raises:
            DatabaseUnavailableError, psycopg.OperationalError: it stayed away for longer than the patience.
            Whatever else ``work`` raises, at once.
        """
        for attempt in Retrying(
            # Operational errors are the server's, not the statement's: shut down, restarting, full, deadlocked.
            retry=retry_if_exception_type((psycopg.OperationalError, DatabaseUnavailableError)),
            wait=wait_exponential(multiplier=0.1, max=_LONGEST_WAIT_SECONDS),
            stop=stop_after_delay(self._patience_seconds),
            before_sleep=before_sleep_log(_logger, logging.WARNING),
            reraise=True,
        ):
            with attempt:
                if self.connection.closed:
                    self.connection = connect(self._url)
                return work(self.connection)
        raise AssertionError("tenacity ended without a result")  # pragma: no cover


def connect(database_url: str) -> psycopg.Connection[Any]:
    """An autocommit connection whose session is in UTC; transactions are opened where they are needed.

    Raises:
        DatabaseUnavailableError: see there.
    """
    place = _place(database_url)
    own_options = conninfo_to_dict(database_url).get("options", "")  # some hosted poolers are told the project here
    try:
        return psycopg.connect(
            database_url,
            autocommit=True,
            application_name="ticketmarts",
            options=f"{own_options} -c timezone=UTC".strip(),
            connect_timeout=10,
            # A server that has gone without a word is noticed within a minute, not after the system's two hours.
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=60_000,
        )
    except psycopg.Error as error:
        raise DatabaseUnavailableError(f"cannot reach the database at {place}: {error}".strip()) from error


def _place(database_url: str) -> str:
    """Where a URL points, for people to read."""
    try:
        where = conninfo_to_dict(database_url)
    except psycopg.Error:
        where = {}
    place = f"{where.get('host', 'localhost')}:{where.get('port', 5432)}/{where.get('dbname', '')}"
    # libpq's own message repeats what it cannot read, password and all; an @ elsewhere is the rest of a password.
    if not where or "@" in place:
        raise DatabaseUnavailableError(
            "DATABASE_URL cannot be read as a URL. Write postgresql://user:password@host:5432/database, "
            "with %40 for an @ in the password, %2F for a /, %3A for a :."
        )
    return place
