"""The one resource of our own: settings and database for the length of a run.

What belongs here: what assets ask for. What does not: defaults (``ingestion.settings``).
"""

from __future__ import annotations

import os

import dagster as dg

from ingestion.database import Database
from ingestion.settings import Settings, load_settings
from orchestration.dbt_project_files import dbt_environment


class Pipeline(dg.ConfigurableResource[None]):
    """The settings in force, read anew in every run, so that a changed ``.env`` needs no restart."""

    def settings(self) -> Settings:
        """The settings; SettingsError where one is wrong."""
        return load_settings()

    def database(self) -> Database:
        """The database of the data, connected to; DatabaseUnavailableError where there is none."""
        return Database(self.settings().require_database_url())

    def point_dbt_here(self) -> None:
        """Put the database in force into this run's environment, from which dagster-dbt starts dbt."""
        os.environ.update(dbt_environment(self.settings()))
