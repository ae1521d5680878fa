"""What is known of the events, and the captures of their listings.

What belongs here: assets around ``ingestion``. Scraping cannot be done for the past, so nothing here is partitioned.
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import dagster as dg

from ingestion.health.freshness import oldest_capture_age_seconds
from ingestion.marketplace import open_marketplace
from ingestion.scraping import RoundReport, scrape_round
from ingestion.tracking import (
    GONE,
    HIDDEN,
    ON_SALE,
    TrackedEvent,
    TrackingReport,
    describe,
    events_to_scrape,
    list_tracked,
    load_plan,
    update_tracking,
)
from orchestration.assets.raw_columns import SNAPSHOTS_COLUMNS, TRACKED_EVENTS_COLUMNS
from orchestration.pipeline import Pipeline

EVENTS_SHOWN = 100
"""Of the tracked ones, in the metadata of every round: a thousand would be 12 MB of event log a day."""

OWNERS = ["team:data-engineering"]
SNAPSHOTS_DESCRIPTION = (
    "One capture of every tracked event that is due (raw.snapshots, raw.keyframes and what they refer to), stored as "
    "what differs from the capture before; failures in raw.scrape_failures, distrusted bodies in raw.quarantine."
)

MARKETPLACE = dg.AssetSpec(
    "marketplace",
    owners=OWNERS,
    group_name="ingestion",
    kinds={"http"},
    description="The marketplace's API: every listing of every event on sale, and what the events are.",
)


@dg.asset(
    deps=[MARKETPLACE],
    group_name="ingestion",
    owners=OWNERS,
    kinds={"python", "postgres"},
    metadata={"dagster/column_schema": TRACKED_EVENTS_COLUMNS},
    description="The events that are scraped (raw.tracked_events), which enter and leave by the rules of "
    "tracking.yaml, and what the marketplace says of them (raw.productions): asked again hourly, kept as a new version "
    "where it changed.",
)
def tracked_events(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult[None]:
    """Run the rules and refresh the productions, as far as they are due."""
    settings = pipeline.settings()
    plan = load_plan(settings)

    async def update() -> TrackingReport:
        async with open_marketplace(settings, database) as marketplace:
            return await update_tracking(database, marketplace, plan)

    with pipeline.database() as database:
        report = asyncio.run(update())
        events = [event for event in database.run(list_tracked) if event.is_tracked]
    for line in describe(report):
        context.log.info(line)
    return dg.MaterializeResult(metadata=tracking_metadata(report, events))


@dg.asset(
    deps=[MARKETPLACE, tracked_events],
    group_name="ingestion",
    owners=OWNERS,
    kinds={"python", "postgres"},
    metadata={"dagster/column_schema": SNAPSHOTS_COLUMNS},
    description=SNAPSHOTS_DESCRIPTION,
)
def snapshots(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[dg.MaterializeResult[None]]:
    """Scrape one round. What was captured is stored before too many failures fail the run."""
    settings = pipeline.settings()
    with pipeline.database() as database:
        cadence, now = load_plan(settings).cadence, datetime.now(UTC)
        events = database.run(lambda connection: events_to_scrape(connection, cadence, now))
        report = scrape_round(settings, database, events.due, run_id=UUID(context.run.run_id))
        metadata = round_metadata(report, database.run(oldest_capture_age_seconds))
    fail_if_most_failed(report, metadata, len(events.intervals), settings.scraper_max_failed_share)
    yield dg.MaterializeResult(metadata=metadata)


def fail_if_most_failed(
    report: RoundReport, metadata: dict[str, dg.MetadataValue], event_count: int, max_failed_share: float
) -> None:
    """Raise where more than that share of all events failed; what was captured is stored by then."""
    # Of all events: between the ticks at which most are due, one that keeps failing may be the whole round.
    if report.failed_count > max_failed_share * event_count:
        raise dg.Failure(
            f"{report.failed_count} of the {report.event_count} events that were due failed; "
            f"what was captured is stored. {report.open_breaker or ''}".strip(),
            metadata=metadata,
            allow_retries=False,
        )


def tracking_metadata(report: TrackingReport, events: Sequence[TrackedEvent]) -> dict[str, dg.MetadataValue]:
    """What a person wants to see of the tracked events."""
    discovery, json = report.discovery, dg.MetadataValue.json
    return {
        "events_tracked": dg.MetadataValue.int(len(events)),
        "rules_were_run": dg.MetadataValue.bool(discovery is not None),
        "rules_not_answered_in_full": json(discovery.problems if discovery else {}),
        "entered": json({str(event.event_id): event.rule for event in discovery.entered} if discovery else {}),
        "left": json({str(event.event_id): event.why for event in report.left}),
        "moved": json({str(each.event_id): [str(each.moved_from_at), str(each.starts_at)] for each in report.moved}),
        **{
            name: json({str(change.event_id): change.name for change in report.turned(state)})
            for name, state in (("hidden", HIDDEN), ("gone", GONE), ("back", ON_SALE))
        },
        "productions_checked": dg.MetadataValue.int(report.productions.checked),
        "productions_changed": dg.MetadataValue.int(len(report.changes)),
        "productions_failed": json({str(k): v for k, v in report.productions.failed.items()}),
        "next_events": dg.MetadataValue.md(
            "\n".join(
                (
                    "| event | name | starts at | state |",
                    "| --- | --- | --- | --- |",
                    *(
                        f"| {event.event_id} | {event.name or ''} | {event.starts_at or ''} | {event.state or ''} |"
                        for event in events[:EVENTS_SHOWN]
                    ),
                )
            )
        ),
    }


def round_metadata(report: RoundReport, oldest_age_seconds: float | None) -> dict[str, dg.MetadataValue]:
    """What a person wants to see of a round; its numbers are plotted over time. No age where no event is tracked."""
    written = report.loaded.snapshots
    age = {} if oldest_age_seconds is None else {"oldest_capture_age_seconds": oldest_age_seconds}
    return {
        "events_ok": dg.MetadataValue.int(report.captured_count),
        "events_unchanged": dg.MetadataValue.int(report.loaded.unchanged),
        "events_failed": dg.MetadataValue.int(report.loaded.failure_count),
        "events_skipped": dg.MetadataValue.int(report.skipped_count),
        "failures_by_kind": dg.MetadataValue.json({kind.value: n for kind, n in report.loaded.failures.items()}),
        "retries_by_kind": dg.MetadataValue.json({kind.value: n for kind, n in report.loaded.retried.items()}),
        "failed_events": dg.MetadataValue.json({str(k): why for k, why in report.loaded.failed_events.items()}),
        "observations": dg.MetadataValue.int(written.observations),
        "changes": dg.MetadataValue.int(written.changes),
        "new_keys": dg.MetadataValue.json([str(key) for key in report.loaded.new_keys]),
        "tickets_rejected": dg.MetadataValue.int(report.loaded.rejected_tickets),
        "fetched_bytes": dg.MetadataValue.int(report.loaded.body_bytes),
        "scrape_seconds": dg.MetadataValue.float(round(report.seconds, 3)),
        **{name: dg.MetadataValue.float(seconds) for name, seconds in age.items()},
    }
