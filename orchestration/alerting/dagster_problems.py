"""What Dagster's instance tells of problems.

What belongs here: its newest word on each job, check, schedule and daemon, and that one has never had any. What does
not: the database (``ingestion.health``), whose checks are left out here so that nothing is told twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    ScheduleInstigatorData,
    TickStatus,
)
from dagster._core.storage.tags import WILL_RETRY_TAG
from dagster._utils.schedules import reverse_cron_string_iterator
from dagster_shared.error import SerializableErrorInfo

from ingestion.alerts import Problem
from ingestion.health import CHECKS
from ingestion.health.result import duration
from orchestration.clock import CLOCKS_DIFFER

SILENT_DAEMON_SECONDS = 300
"""Every daemon reports each half minute; one that launches a slow tick may be late by minutes. Dagster's own page calls
a daemon dead after half an hour: three rounds."""
TICKS_MISSED = 2
"""A tick is late by seconds as a rule; one that is missed comes with the next."""
PATIENCE_SECONDS = 180
"""After a standstill the daemon's parts start one after the other: what is silent at first has a word to say soon."""
_LATE_TICK_SECONDS = 120
_JOB_OF_THE_UI = "__ASSET_JOB"
_OUR_CHECKS = frozenset(check.name for check in CHECKS)
_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_ERROR_TYPES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


def dagster_problems(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition) -> list[Problem]:
    """Everything of these definitions that is wrong at this moment by the newest word on it."""
    return [
        *_failed_runs(instance, repository),
        *_failed_checks(instance, repository),
        *_stalled_schedules(instance, repository),
    ]


def daemon_problems(instance: dg.DagsterInstance) -> list[Problem]:
    """That daemons are silent which the instance needs. One that has never reported is, too."""
    heartbeats = instance.get_daemon_heartbeats()
    # Of the daemon's first minute nothing is told: what is new is silent for less than the patience.
    silent = {
        daemon: time.time() - heartbeats[daemon].timestamp if daemon in heartbeats else None
        for daemon in instance.get_required_daemon_types()
        if daemon not in heartbeats or time.time() - heartbeats[daemon].timestamp > SILENT_DAEMON_SECONDS
    }
    if not silent:
        return []
    known = [seconds for seconds in silent.values() if seconds is not None]
    return [
        Problem(
            "daemon",
            (f"dagster-daemon has been silent for {duration(min(known))}" if known else "dagster-daemon never reported")
            + ": no schedule runs",
            tuple(
                f"{daemon}: {'never' if seconds is None else duration(seconds)}"
                for daemon, seconds in sorted(silent.items())
            ),
            "Start it again (`ticketmarts up` does so by itself and keeps its log in logs/dagster-daemon.log).",
            PATIENCE_SECONDS,
        )
    ]


def newest_round(instance: dg.DagsterInstance) -> tuple[float, float] | None:
    """When the newest round that succeeded began and ended, in seconds since 1970; None where there is none."""
    filters = dg.RunsFilter(job_name="round", statuses=[dg.DagsterRunStatus.SUCCESS])
    for record in instance.get_run_records(filters, limit=1):
        if record.start_time is not None and record.end_time is not None:
            return record.start_time, record.end_time
    return None


def _failed_runs(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition) -> Iterator[Problem]:
    for job in sorted(repository.job_names):
        newest = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=_FINISHED), limit=1)
        for record in newest:
            run = record.dagster_run
            if run.status == dg.DagsterRunStatus.FAILURE and run.tags.get(WILL_RETRY_TAG) != "true":
                is_by_hand = job == _JOB_OF_THE_UI
                yield Problem(
                    "run_by_hand" if is_by_hand else f"run_{job}",
                    "the newest run of assets from the UI, or of a backfill, failed"
                    if is_by_hand
                    else f"the newest run of the job {job} failed",
                    (f"run {run.run_id}: {_error_of(instance, run.run_id)}",),
                    f"Open the run in Dagster (/runs/{run.run_id}); the next one that succeeds ends this alert.",
                )


def _error_of(instance: dg.DagsterInstance, run_id: str) -> str:
    """The first error of a run, in a line."""
    for record in instance.get_records_for_run(run_id, of_type=_ERROR_TYPES, limit=1).records:
        event = record.event_log_entry.get_dagster_event()
        if event.is_step_failure:
            error = event.step_failure_data.error
            if error is not None:
                return f"{event.step_key}: {_cause_of(error)}"
        return " ".join((event.message or "").split())
    return "it says nothing of why"


def _cause_of(error: SerializableErrorInfo) -> str:
    """The error that all others came of, in a line: what is around it says only where it came through."""
    while error.cause is not None:
        error = error.cause
    return " ".join(error.message.split())


def _failed_checks(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition) -> Iterator[Problem]:
    keys = [key for key in repository.asset_graph.asset_check_keys if key.name not in _OUR_CHECKS]
    # A query for each check; the one that asks for all at once reads every execution there ever was.
    summaries = instance.event_log_storage.get_asset_check_summary_records(keys)
    for key in sorted(keys, key=lambda key: (key.asset_key.to_user_string(), key.name)):
        summary = summaries.get(key)
        record = summary.last_completed_check_execution_record if summary else None
        evaluation = record.event.asset_check_evaluation if record is not None and record.event else None
        if record is not None and evaluation is not None and not evaluation.passed:
            asset = key.asset_key.to_user_string()
            yield Problem(
                f"check_{asset}_{key.name}",
                f"the check {key.name} of the asset {asset} fails",
                (evaluation.description,) if evaluation.description else (),
                f"Dagster shows its figures (/runs/{record.run_id}); a dbt test names the rows that it minds "
                "(`dbt test --store-failures`).",
            )


def _stalled_schedules(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition) -> Iterator[Problem]:
    states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    for schedule in repository.schedule_defs:
        # One that somebody has stopped is stopped; and of code locations that once were, the newest tick counts.
        running = [
            state
            for state in states
            if state.instigator_name == schedule.name and state.status != InstigatorStatus.STOPPED
        ]
        ticks = [tick for state in running for tick in _newest_tick(instance, state)]
        last = max(ticks, key=lambda tick: tick.timestamp, default=None)
        # One that has not ticked since it was started, or never, counts from its start.
        counts_from = max([_started(state) for state in running] + [tick.timestamp for tick in ticks], default=None)
        if counts_from is None:
            continue
        if last is not None and last.status == TickStatus.FAILURE:
            error = _cause_of(last.error) if last.error else "it says nothing of why"
            yield Problem(
                f"schedule_{schedule.name}",
                f"the schedule {schedule.name} fails",
                (error,),
                "The settings or tracking.yaml are wrong, or the database is away; the next good tick ends this alert.",
                PATIENCE_SECONDS,
            )
        elif counts_from > time.time() + CLOCKS_DIFFER.total_seconds():
            did = "has ticked for" if last is not None and last.timestamp == counts_from else "was started at"
            yield Problem(
                f"schedule_{schedule.name}",
                f"the schedule {schedule.name} {did} an instant that is yet to come: the clock was ahead, and "
                f"Dagster waits for {duration(counts_from - time.time())} until it is there again",
                (),
                "If the clock is right now: `ticketmarts forget-ticks-ahead`, then start dagster-daemon anew.",
                PATIENCE_SECONDS,
            )
        elif counts_from < _due_by(schedule):
            never = ", nor ever" if last is None else ""
            yield Problem(
                f"schedule_{schedule.name}",
                f"the schedule {schedule.name} has not ticked for {duration(time.time() - counts_from)}{never}",
                (),
                "See that dagster-daemon runs and loads the code location (Dagster: Deployment).",
                PATIENCE_SECONDS,
            )


def _started(state: InstigatorState) -> float:
    """When somebody switched it on, or the daemon first saw it."""
    data = state.instigator_data
    return (data.start_timestamp or 0.0) if isinstance(data, ScheduleInstigatorData) else 0.0


def _newest_tick(instance: dg.DagsterInstance, state: InstigatorState) -> Sequence[InstigatorTick]:
    return instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)


def _due_by(schedule: dg.ScheduleDefinition) -> float:
    """The instant of the newest tick that must have been by now."""
    cron = schedule.cron_schedule
    ticks = reverse_cron_string_iterator(
        time.time() - _LATE_TICK_SECONDS, cron if isinstance(cron, str) else cron[0], schedule.execution_timezone
    )
    return next(islice(ticks, TICKS_MISSED - 1, None)).timestamp()
