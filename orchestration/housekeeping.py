"""Keeping house, once a day: the job, its schedule, and what Dagster shows of it.

What belongs here: the seam between Dagster and what is done in raw (``ingestion.housekeeping``) and in Dagster's own
storage (``old_runs``). What does not: doing it.
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

import time
from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

from ingestion.housekeeping.keeping import HousekeepingReport, keep_house
from orchestration.old_runs import OldRuns, delete_old_runs
from orchestration.pipeline import Pipeline

HOUSEKEEPING = "housekeeping"
"""The job, its pool, and the asset under which its history is plotted."""

# A quiet hour in America, in the middle between two rounds and not with what settles hours.
_CRON = "17 9 * * *"
_UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
]


class HousekeepingConfig(dg.Config):
    """What a person may say in the launchpad."""

    dry_run: bool = Field(default=False, description="Say what would go, and change nothing.")


# A pool of its own has one slot, so two never run at once; and a round in the queue goes first.
@dg.op(
    pool=HOUSEKEEPING,
    description="Make partitions ahead; take away what is past its age, in raw and in Dagster; analyze.",
)
def keep_house_daily(context: dg.OpExecutionContext, pipeline: Pipeline, config: HousekeepingConfig) -> None:
    """Raw first: that is what a round could come to wait for."""
    settings, began = pipeline.settings(), time.perf_counter()
    report = keep_house(settings, is_dry_run=config.dry_run)
    for day in report.kept:
        context.log.warning("%s is past its age and still there: %s", day.day, day.kept_because)
    before = datetime.now(UTC) - timedelta(days=settings.retention_dagster_runs_days)
    old_runs = delete_old_runs(context.instance, before, is_dry_run=config.dry_run)
    metadata = housekeeping_metadata(report, old_runs, time.perf_counter() - began)
    context.add_output_metadata(metadata)
    if not config.dry_run:
        context.log_event(dg.AssetMaterialization(HOUSEKEEPING, metadata=metadata))


@dg.job(
    name=HOUSEKEEPING,
    executor_def=dg.in_process_executor,
    tags={"dagster/priority": "-1"},
    description="Partitions of the next days, retention of captures, failures and quarantine, statistics of raw's "
    "partitioned tables, Dagster's old runs.",
)
def housekeeping_job() -> None:
    """Once a day."""
    keep_house_daily()


@dg.schedule(
    job=housekeeping_job,
    name="daily_housekeeping",
    cron_schedule=_CRON,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="One that is still on when the next is due makes that one be skipped.",
)
def housekeeping_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A run a day."""
    unfinished = context.instance.get_run_ids(dg.RunsFilter(job_name=HOUSEKEEPING, statuses=_UNFINISHED), limit=1)
    if unfinished:
        return dg.SkipReason(f"housekeeping {unfinished[0]} is still on")
    return dg.RunRequest()


def housekeeping_metadata(report: HousekeepingReport, old_runs: OldRuns, seconds: float) -> dict[str, dg.MetadataValue]:
    """What a person wants to see of it."""
    return {
        "days_made": dg.MetadataValue.json([str(day) for day in report.days_made]),
        "days_dropped": dg.MetadataValue.json([str(day.day) for day in report.dropped]),
        "captures_dropped": dg.MetadataValue.int(sum(day.captures for day in report.dropped)),
        "bytes_freed": dg.MetadataValue.int(sum(day.bytes for day in report.dropped)),
        "old_days_kept": dg.MetadataValue.json({str(day.day): day.kept_because for day in report.kept}),
        "failures_deleted": dg.MetadataValue.int(report.failures_deleted),
        "quarantine_deleted": dg.MetadataValue.int(report.quarantine_deleted),
        "tables_analyzed": dg.MetadataValue.json(list(report.analyzed.tables)),
        "analyze_seconds": dg.MetadataValue.float(report.analyzed.seconds),
        "dagster_runs_deleted": dg.MetadataValue.int(old_runs.deleted),
        "old_dagster_runs_kept": dg.MetadataValue.int(old_runs.kept),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
    }
