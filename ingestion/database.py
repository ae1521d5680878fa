"""Connections of our own to the database.

What belongs here: how to connect and how to say that it did not work. What does not: statements.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ingestion.errors import UserError


class DatabaseUnavailableError(UserError):
    """The database could not be reached; the message says where it was looked for and why it failed."""


def connect(database_url: str) -> psycopg.Connection[Any]:
    """An autocommit connection whose session is in UTC; transactions are opened where they are needed.

    Raises:
        DatabaseUnavailableError: see there.
    """
    try:
        return psycopg.connect(
            database_url, autocommit=True, application_name="ticketmarts", options="-c timezone=UTC", connect_timeout=10
        )
    except psycopg.Error as error:
        where = conninfo_to_dict(database_url)
        place = f"{where.get('host', 'localhost')}:{where.get('port', 5432)}/{where.get('dbname', '')}"
        raise DatabaseUnavailableError(f"cannot reach the database at {place}: {error}".strip()) from error
