"""A small code location for Dagster: an asset, a check of it and a schedule, which do what a file of words says.

What belongs here: definitions. What does not: running them (``test_dagster``).
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg


def _is_said(word: str) -> bool:
    return word in Path(os.environ["TEST_WORDS_FILE"]).read_text().split()


@dg.asset
def numbers() -> int:
    """A number, or an error that has another one behind it."""
    if _is_said("run_fails"):
        try:
            int("the cause:\nno number")
        except ValueError as error:
            raise RuntimeError("around it") from error
    return 1


@dg.asset_check(asset=numbers)
def is_right() -> dg.AssetCheckResult:
    """Whether the number is right; wrong is a warning, as for dbt's tests here."""
    return dg.AssetCheckResult(
        passed=not _is_said("check_fails"), severity=dg.AssetCheckSeverity.WARN, description="1 is compared"
    )


@dg.asset_check(asset=numbers, name="freshness")
def freshness() -> dg.AssetCheckResult:
    """One of those that the database is asked for anyway."""
    return dg.AssetCheckResult(passed=False)


count = dg.define_asset_job("count", selection=[numbers])


@dg.schedule(
    job=count, cron_schedule="*/10 * * * *", execution_timezone="UTC", default_status=dg.DefaultScheduleStatus.RUNNING
)
def every_ten_minutes() -> dg.SkipReason:
    """Nothing, in its time."""
    if _is_said("schedule_fails"):
        raise RuntimeError("tracking.yaml is wrong")
    return dg.SkipReason("no run is wanted")


def build_code_location() -> dg.Definitions:
    """All of it."""
    return dg.Definitions(
        assets=[numbers],
        asset_checks=[is_right, freshness],
        jobs=[count],
        schedules=[every_ten_minutes],
        executor=dg.in_process_executor,
    )


defs = build_code_location()
