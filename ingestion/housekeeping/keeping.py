"""Keeping house in raw, once a day: what is done, in which order, and what is said of it.

What belongs here: the whole of it. What does not: its parts (``days``, ``leftovers``, ``statistics``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ingestion.database import Database
from ingestion.housekeeping.days import OldDay, drop_old_days, make_days_ahead
from ingestion.housekeeping.leftovers import delete_old_failures, delete_old_items
from ingestion.housekeeping.statistics import Analyzed, analyze_parents
from ingestion.settings import Settings

PATIENCE_SECONDS = 60.0
"""A day that is in use is tried again for a minute; tomorrow will do as well."""


@dataclass(frozen=True)
class HousekeepingReport:
    """What was done in raw, or would be: days made, days past their age, rows deleted, tables analyzed."""

    is_dry_run: bool
    days_made: list[date]
    old_days: list[OldDay]
    failures_deleted: int
    quarantine_deleted: int
    analyzed: Analyzed
    seconds: float

    @property
    def dropped(self) -> list[OldDay]:
        """The days that are gone."""
        return [day for day in self.old_days if day.kept_because is None]

    @property
    def kept(self) -> list[OldDay]:
        """The days that could not be dropped yet."""
        return [day for day in self.old_days if day.kept_because is not None]


def keep_house(settings: Settings, *, is_dry_run: bool = False, now: datetime | None = None) -> HousekeepingReport:
    """Make partitions ahead, drop days of captures past their age, delete old failures and quarantined items, analyze.

    Every step is a transaction, or some: broken off anywhere, and done again, it ends the same. A dry run changes
    nothing; it does not see what in quarantine would go with the days that it would drop.

    Raises:
        SettingsError: no database. DatabaseUnavailableError, psycopg.OperationalError: it was away for a minute.
    """
    began, now = time.perf_counter(), now or datetime.now(UTC)
    with Database(settings.require_database_url(), PATIENCE_SECONDS) as database:
        days_made = make_days_ahead(database, now, is_dry_run=is_dry_run)
        old_days = drop_old_days(database, now, settings.retention_raw_days, is_dry_run=is_dry_run)
        analyzed = analyze_parents(database, is_dry_run=is_dry_run)
        failures = delete_old_failures(database, now, settings.retention_failures_days, is_dry_run=is_dry_run)
        items = delete_old_items(database, now, settings.retention_quarantine_days, is_dry_run=is_dry_run)
    seconds = round(time.perf_counter() - began, 3)
    return HousekeepingReport(is_dry_run, days_made, old_days, failures, items, analyzed, seconds)
