"""Dagster's instance, for a command that is no run of Dagster's.

What belongs here: finding it. What does not: what is in it.
"""

from __future__ import annotations

import os

import dagster as dg
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import SQLAlchemyError

from ingestion.errors import UserError
from ingestion.settings import Settings


class DagsterUnavailableError(UserError):
    """Dagster's storage could not be reached; the message says whose, and why."""


def find_instance(settings: Settings) -> dg.DagsterInstance | None:
    """The instance of ``DAGSTER_HOME``, which a running stack sets; None where there is none.

    Raises:
        DagsterUnavailableError: see there.
    """
    home = settings.dagster_home
    if home is None or not (home / "dagster.yaml").exists():
        return None
    # dagster.yaml names the variable, which the stack's file has where this process has not.
    if settings.dagster_database_url is not None:
        os.environ.setdefault("DAGSTER_DATABASE_URL", settings.dagster_database_url)
    try:
        return dg.DagsterInstance.from_config(str(home))
    except (SQLAlchemyError, DagsterPostgresException, dg.DagsterError) as error:
        reason = str(error.__cause__ or error).split("\n", 1)[0]
        raise DagsterUnavailableError(f"cannot open Dagster's storage of {home}: {reason}") from error
