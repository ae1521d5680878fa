"""A code location that is quick to load: real rounds, and what holds a slot of dbt's pool for as long as it is told.

What belongs here: definitions. What does not: running them (``test_dagster_processes``), dbt, whose part in an accident
``test_builds`` shows.
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

import os
import time
from pathlib import Path

import dagster as dg

from ingestion.settings import load_settings
from orchestration.assets.ingestion import MARKETPLACE, snapshots, tracked_events
from orchestration.partitions import build_days
from orchestration.pipeline import Pipeline
from orchestration.pools import DBT_POOL
from orchestration.rounds import ROUND_TAGS, build_schedules

HOLD_FILE, IS_SCHEDULED = "TEST_HOLD_FILE", "TEST_IS_SCHEDULED"
"""Variables of the environment: a file that keeps the asset marts busy; whether there is a round every minute."""


def build_code_location(release: str) -> dg.Definitions:
    """All of it; ``release`` is the name of the code that is running."""

    @dg.asset(deps=[snapshots], pool=DBT_POOL, partitions_def=build_days(load_settings()))
    def marts() -> dg.MaterializeResult[None]:
        """As long as the file is there, it is busy."""
        while Path(os.environ[HOLD_FILE]).exists():
            time.sleep(0.05)
        return dg.MaterializeResult(metadata={"release": release})

    everything = dg.AssetSelection.all()
    return dg.Definitions(
        assets=[MARKETPLACE, tracked_events, snapshots, marts],
        jobs=[dg.define_asset_job("round", selection=everything, executor_def=dg.in_process_executor, tags=ROUND_TAGS)],
        schedules=build_schedules(1)[:1] if os.environ.get(IS_SCHEDULED) else [],
        resources={"pipeline": Pipeline()},
        executor=dg.in_process_executor,
    )
