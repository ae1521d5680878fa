"""The code location: everything Dagster shall know, wired once.

What belongs here: wiring. Tests call ``build_defs`` with resources of their own and patch nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from ingestion.settings import load_settings
from ingestion.tracking import load_plan
from orchestration.assets.dbt_models import build_dbt_assets
from orchestration.assets.ingestion import MARKETPLACE, snapshots, tracked_events
from orchestration.dbt_project_files import DBT_FOLDER, DBT_PROGRAM, prepare_manifest
from orchestration.pipeline import Pipeline
from orchestration.rounds import build_round_schedule, round_job


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Fresh definitions, with some resources replaced."""
    settings = load_settings()
    resources = {
        "pipeline": Pipeline(),
        "dbt": DbtCliResource(
            project_dir=str(DBT_FOLDER), profiles_dir=str(DBT_FOLDER), dbt_executable=str(DBT_PROGRAM)
        ),
        **(resource_overrides or {}),
    }
    return dg.Definitions(
        assets=[MARKETPLACE, tracked_events, snapshots, build_dbt_assets(prepare_manifest(settings))],
        jobs=[round_job],
        schedules=[build_round_schedule(load_plan(settings).cadence.tightest_minutes)],
        resources=resources,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What ``workspace.yaml`` loads."""
    return build_defs()
