"""Connections of our own to the database.

What belongs here: how to connect and how to say that it did not work. What does not: statements.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ingestion.errors import UserError


class DatabaseUnavailableError(UserError):
    """The database could not be reached; the message says where it was looked for and why, never the password."""


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
