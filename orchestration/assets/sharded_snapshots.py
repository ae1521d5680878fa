"""The asset `snapshots` where workers share a round: an op for each shard behind it, and one that sums up.

What belongs here: the graph of ops. What does not: what a shard is and does (``ingestion.sharding``). The asset has the
same name, dependencies and metadata as the one that a single process makes (``ingestion``).
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import dagster as dg

from ingestion.health.freshness import oldest_capture_age_seconds
from ingestion.sharding import Round, Shard, read_report, scrape_shard
from ingestion.tracking import load_plan
from orchestration.assets.ingestion import OWNERS, SNAPSHOTS_DESCRIPTION, fail_if_most_failed, round_metadata
from orchestration.assets.raw_columns import SNAPSHOTS_COLUMNS
from orchestration.pipeline import Pipeline


def build_sharded_snapshots(shards: int) -> dg.AssetsDefinition:
    """`snapshots`, made by so many ops side by side. What they pass on is in the database alone."""
    ops = [_build_shard_op(Shard(number, shards)) for number in range(1, shards + 1)]

    @dg.graph_asset(
        name="snapshots",
        ins={name: dg.AssetIn(dagster_type=dg.Nothing) for name in ("marketplace", "tracked_events")},
        group_name="ingestion",
        owners=OWNERS,
        kinds={"python", "postgres"},
        metadata={"dagster/column_schema": SNAPSHOTS_COLUMNS},
        description=SNAPSHOTS_DESCRIPTION,
    )
    def snapshots(marketplace: Any, tracked_events: Any) -> Any:  # nodes of a graph, not values
        return sum_up(shards=[op(marketplace=marketplace, tracked_events=tracked_events) for op in ops])

    return snapshots


def _build_shard_op(shard: Shard) -> dg.OpDefinition:
    # The count is in the name, so that a worker with another SCRAPER_SHARDS has no such step and says so.
    @dg.op(
        name=f"shard_{shard.number}_of_{shard.count}",
        ins={"marketplace": dg.In(dg.Nothing), "tracked_events": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        description="Capture the events of this part that are due in the round and not captured in it yet.",
    )
    def capture(context: dg.OpExecutionContext, pipeline: Pipeline) -> None:
        settings = pipeline.settings()
        with pipeline.database() as database:
            cadence = load_plan(settings).cadence
            report = scrape_shard(settings, database, cadence, shard, _round_of(context))
        context.log.info("%d of %d events captured", report.captured_count, report.event_count)

    return capture


@dg.op(
    ins={"shards": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing),
    description="What the shards have done together, read from raw; fails where too much of it has failed.",
)
def sum_up(context: dg.OpExecutionContext, pipeline: Pipeline) -> None:
    """The metadata of the asset, and the decision that is the whole round's."""
    settings = pipeline.settings()
    cadence, marketplace = load_plan(settings).cadence, settings.require_marketplace_base_url()
    with pipeline.database() as database:
        report, events = database.run(
            lambda connection: read_report(connection, cadence, marketplace, _round_of(context))
        )
        metadata = round_metadata(report, database.run(oldest_capture_age_seconds))
    fail_if_most_failed(report, metadata, len(events.intervals), settings.scraper_max_failed_share)
    context.add_output_metadata(metadata)


def _round_of(context: dg.OpExecutionContext) -> Round:
    """A run is a round: all its steps see the same beginning, and so does a step that is done again."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None or record.start_time is None:
        raise dg.DagsterInvariantViolationError(f"run {context.run.run_id} has not started")
    return Round(UUID(context.run.run_id), datetime.fromtimestamp(record.start_time, UTC))
