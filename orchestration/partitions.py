"""The UTC days that models are partitioned by.

What belongs here: which days there are. What does not: which of them are stale, which the ledger says; a day that was
never materialized in Dagster may be rolled up all the same.
"""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from ingestion.settings import Settings


def build_days(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Every day from HISTORY_START_DATE on, the one in progress included."""
    return dg.DailyPartitionsDefinition(start_date=settings.history_start_date.isoformat(), end_offset=1)


def day_of(at: datetime) -> str:
    """The partition key of an instant."""
    return at.astimezone(UTC).date().isoformat()
