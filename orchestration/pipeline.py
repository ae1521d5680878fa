"""The one resource of our own: settings and database for the length of a run.

What belongs here: what assets ask for. What does not: defaults (``ingestion.settings``).
"""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
import psycopg

from ingestion.database import connect
from ingestion.settings import Settings, load_settings
from orchestration.dbt_project_files import dbt_environment


class Pipeline(dg.ConfigurableResource[None]):
    """The settings in force, read anew in every run, so that a changed ``.env`` needs no restart."""

    def settings(self) -> Settings:
        """The settings; SettingsError where one is wrong."""
        return load_settings()

    def connect(self) -> psycopg.Connection[Any]:
        """A connection to the data; DatabaseUnavailableError where there is none."""
        return connect(self.settings().require_database_url())

    def point_dbt_here(self) -> None:
        """Put the database in force into this run's environment, from which dagster-dbt starts dbt."""
        os.environ.update(dbt_environment(self.settings()))
