"""The code location: everything Dagster shall know, wired once.

What belongs here: wiring. Tests call ``build_defs`` with resources and assets of their own and patch nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from ingestion.settings import Settings, load_settings
from ingestion.tracking import load_plan
from orchestration.alerting.sensor import alerts
from orchestration.assets.dbt_models import build_dbt_assets
from orchestration.assets.exposures import build_exposures
from orchestration.assets.ingestion import MARKETPLACE, snapshots, tracked_events
from orchestration.assets.sharded_snapshots import build_sharded_snapshots
from orchestration.checks.agreement import agrees_with_raw
from orchestration.checks.health import build_health_checks
from orchestration.dbt_program import DbtProgram
from orchestration.dbt_project_files import DBT_FOLDER, DBT_PROGRAM, prepare_manifest
from orchestration.executors import choose_executor, run_tags
from orchestration.housekeeping import housekeeping_job, housekeeping_schedule
from orchestration.partitions import build_days
from orchestration.pipeline import Pipeline
from orchestration.rounds import build_jobs, build_schedules


def build_defs(
    *,
    resource_overrides: Mapping[str, Any] | None = None,
    ingestion_overrides: Sequence[dg.AssetsDefinition] | None = None,
) -> dg.Definitions:
    """Fresh definitions, with some resources replaced, or the assets that ask the marketplace."""
    settings = load_settings()
    resources = {
        "pipeline": Pipeline(),
        "dbt": DbtProgram(project_dir=str(DBT_FOLDER), profiles_dir=str(DBT_FOLDER), dbt_executable=str(DBT_PROGRAM)),
        **(resource_overrides or {}),
    }
    manifest = prepare_manifest(settings)
    dbt_models = build_dbt_assets(manifest, build_days(settings))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # a link in the UI more or less
        ingestion = dg.with_source_code_references(ingestion_overrides or [tracked_events, _snapshots(settings)])
    is_live = settings.ticketmarts_env == "live"
    return dg.Definitions(
        assets=[MARKETPLACE, *ingestion, dbt_models, *build_exposures(manifest)],
        asset_checks=[agrees_with_raw, *build_health_checks()],
        jobs=[*build_jobs(dbt_models, choose_executor(settings), run_tags(settings)), housekeeping_job],
        schedules=[*build_schedules(load_plan(settings).cadence.tightest_minutes), housekeeping_schedule]
        if is_live
        else [],
        sensors=[alerts] if is_live else [],
        resources=resources,
        executor=dg.in_process_executor,
    )


def _snapshots(settings: Settings) -> dg.AssetsDefinition:
    return snapshots if settings.scraper_shards == 1 else build_sharded_snapshots(settings.scraper_shards)


@dg.definitions
def defs() -> dg.Definitions:
    """What ``workspace.yaml`` loads."""
    return build_defs()
