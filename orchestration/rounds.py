"""The round: scrape everything that is due and roll it up, every interval.

What belongs here: the job and its schedule. What does not: what its assets do.
"""

from __future__ import annotations

import dagster as dg

MINUTES_PER_HOUR = 60
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

# In one process: half the time of a process a step, and dbt is one step in any case.
round_job = dg.define_asset_job(
    "round",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Run the rules if they are due, capture every tracked event that is due, bring the marts up to it.",
)


def build_round_schedule(interval_minutes: int) -> dg.ScheduleDefinition:
    """The schedule of the round, at the shortest interval of all events: a round takes those that are due.

    A round that is still on when the next is due makes that one be skipped.
    """

    @dg.schedule(
        job=round_job,
        name="every_interval",
        cron_schedule=cron(interval_minutes),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def every_interval(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        unfinished = context.instance.get_run_records(
            dg.RunsFilter(job_name=round_job.name, statuses=_UNFINISHED), limit=1
        )
        if unfinished:
            return dg.SkipReason(f"round {unfinished[0].dagster_run.run_id} is still on")
        return dg.RunRequest()

    return every_interval


def cron(interval_minutes: int) -> str:
    """Every so many minutes of the hour, beginning at :00; ``*/60`` is no cron."""
    return "0 * * * *" if interval_minutes == MINUTES_PER_HOUR else f"*/{interval_minutes} * * * *"
