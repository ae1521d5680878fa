"""The round: scrape everything that is due and roll it up, every interval; and settling what rounds leave behind.

What belongs here: jobs and schedules. What does not: what their assets do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from ingestion.database import connect
from ingestion.settings import load_settings
from orchestration.ledger import stale_hours
from orchestration.partitions import day_of

MINUTES_PER_HOUR = 60
_SETTLE_CRON = "5 * * * *"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
ROUND_TAGS = {"ticketmarts/alone": "round"}
"""Of runs with this tag one is let out of Dagster's queue at a time (dagster.yaml): one that was made again for a
crashed one, or started by hand, does not ask the marketplace beside the schedule's."""
# What is stale is what is to be built; the day says where in the UI a run is to be found.
_ONLY_WHAT_IS_STALE = {"ops": {"dbt_models": {"config": {"rebuild": False}}}}


def build_jobs(
    dbt_models: dg.AssetsDefinition, executor: dg.ExecutorDefinition, tags: Mapping[str, str]
) -> list[dg.UnresolvedAssetJobDefinition]:
    """The round over all assets, and the same without scraping."""
    return [
        dg.define_asset_job(
            "round",
            selection=dg.AssetSelection.all(),
            config=_ONLY_WHAT_IS_STALE,
            executor_def=executor,
            description="Run the rules if they are due, capture every tracked event that is due, bring the marts up to "
            "it.",
            tags={**tags, **ROUND_TAGS},
        ),
        dg.define_asset_job(
            "settle",
            selection=dg.AssetSelection.assets(dbt_models),
            config=_ONLY_WHAT_IS_STALE,
            executor_def=executor,
            description="Bring the marts up to what is captured, without scraping: hours and days that have closed, "
            "late captures included.",
            tags=tags,
        ),
    ]


def build_schedules(interval_minutes: int) -> list[dg.ScheduleDefinition]:
    """The round at the shortest interval of all events, of which each takes those that are due; settling every hour."""
    return [_every_interval(interval_minutes), _settle_hours_and_days()]


def _every_interval(interval_minutes: int) -> dg.ScheduleDefinition:
    @dg.schedule(
        job_name="round",
        name="every_interval",
        cron_schedule=cron(interval_minutes),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A round that is still on when the next is due makes that one be skipped.",
    )
    def every_interval(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        unfinished = _unfinished_round(context.instance)
        if unfinished is not None:
            return dg.SkipReason(f"round {unfinished} is still on")
        return dg.RunRequest(partition_key=day_of(context.scheduled_execution_time))

    return every_interval


def _settle_hours_and_days() -> dg.ScheduleDefinition:
    @dg.schedule(
        job_name="settle",
        name="settle_hours_and_days",
        cron_schedule=_SETTLE_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Five minutes into an hour, the one before it (and its day, at midnight) is rolled up, if no round "
        "has done that: where the marketplace is away, a round fails before it comes to the marts.",
    )
    def settle_hours_and_days(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        unfinished = _unfinished_round(context.instance)
        if unfinished is not None:
            return dg.SkipReason(f"round {unfinished} is on, and settles what there is")
        with connect(load_settings().require_database_url()) as connection:
            if not stale_hours(connection):
                return dg.SkipReason("nothing is stale: the marts say what raw says")
        return dg.RunRequest(partition_key=day_of(context.scheduled_execution_time - timedelta(hours=1)))

    return settle_hours_and_days


def _unfinished_round(instance: dg.DagsterInstance) -> str | None:
    records = instance.get_run_records(dg.RunsFilter(job_name="round", statuses=_UNFINISHED), limit=1)
    return records[0].dagster_run.run_id if records else None


def cron(interval_minutes: int) -> str:
    """Every so many minutes of the hour, beginning at :00; ``*/60`` is no cron."""
    return "0 * * * *" if interval_minutes == MINUTES_PER_HOUR else f"*/{interval_minutes} * * * *"
