"""Dagster's own past: runs past their age, with their events and logs.

What belongs here: which runs go, and which stay for what the UI shows of them. What does not: ticks of schedules and
sensors, which Dagster purges itself (``retention`` in dagster.yaml); SQL, since the tables are Dagster's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import dagster as dg

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_MATERIALIZATION = dg.DagsterEventType.ASSET_MATERIALIZATION


@dataclass(frozen=True)
class OldRuns:
    """Finished runs past their age: how many were deleted, and how many stay because something is newest in them."""

    deleted: int
    kept: int


def delete_old_runs(instance: dg.DagsterInstance, before: datetime, *, is_dry_run: bool = False) -> OldRuns:
    """Delete the finished runs that were created before an instant, with their events and what their steps printed.

    A run stays while it holds the newest materialization of an asset, or of one of the asset's partitions: what the
    asset's page and its strip of days show. Broken off, it goes on where it was when it is called again.
    """
    newest = _newest_materializations(instance)
    deleted = kept = 0
    for run_id in instance.get_run_ids(dg.RunsFilter(statuses=_FINISHED, created_before=before)):
        if _holds_any(instance, run_id, newest):
            kept += 1
            continue
        deleted += 1
        if not is_dry_run:
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            # Dagster's own order is the other one; broken off between the two, it leaves events that nobody finds.
            instance.event_log_storage.delete_events(run_id)
            instance.delete_run(run_id)
    return OldRuns(deleted, kept)


def _newest_materializations(instance: dg.DagsterInstance) -> set[int]:
    """By their numbers in the event log."""
    newest: set[int] = set()
    for record in instance.get_asset_records():
        entry = record.asset_entry
        if entry.last_materialization_storage_id is not None:
            newest.add(entry.last_materialization_storage_id)
        by_partition = instance.event_log_storage.get_latest_storage_id_by_partition(entry.asset_key, _MATERIALIZATION)
        newest.update(by_partition.values())
    return newest


def _holds_any(instance: dg.DagsterInstance, run_id: str, newest: set[int]) -> bool:
    cursor: str | None = None
    while True:
        # A run that has one mostly has it among its first.
        page = instance.get_records_for_run(run_id, cursor, _MATERIALIZATION, limit=20)
        if any(record.storage_id in newest for record in page.records):
            return True
        if not page.has_more:
            return False
        cursor = page.cursor
