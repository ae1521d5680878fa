"""What is known of the events, and the captures of their listings.

What belongs here: assets around ``ingestion``. Scraping cannot be done for the past, so nothing here is partitioned.
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import dagster as dg

from ingestion.marketplace import open_marketplace
from ingestion.scraping import RoundReport, scrape_round
from ingestion.tracking import ProductionsReport, events_to_scrape, list_tracked, refresh_productions
from orchestration.pipeline import Pipeline

MARKETPLACE = dg.AssetSpec(
    "marketplace",
    group_name="ingestion",
    kinds={"http"},
    description="The marketplace's API: every listing of every event on sale, and what the events are.",
)


@dg.asset(
    deps=[MARKETPLACE],
    group_name="ingestion",
    kinds={"python", "postgres"},
    description="The events that are scraped (raw.tracked_events) and what the marketplace says of them "
    "(raw.productions): asked again hourly, kept as a new version where it changed.",
)
def tracked_events(pipeline: Pipeline) -> dg.MaterializeResult[None]:
    """Refresh the productions that are due."""
    settings = pipeline.settings()

    async def refresh() -> ProductionsReport:
        async with open_marketplace(settings, database) as marketplace:
            return await refresh_productions(database.connection, marketplace)

    with pipeline.database() as database:
        report = asyncio.run(refresh())
        events = list_tracked(database.connection)
    return dg.MaterializeResult(
        metadata={
            "events_tracked": len(events),
            "productions_checked": report.checked,
            "productions_changed": report.changed,
            "productions_failed": dg.MetadataValue.json({str(k): v for k, v in report.failed.items()}),
            "events": dg.MetadataValue.md(
                "\n".join(
                    (
                        "| event | name | starts at |",
                        "| --- | --- | --- |",
                        *(f"| {event.event_id} | {event.name or ''} | {event.starts_at or ''} |" for event in events),
                    )
                )
            ),
        }
    )


@dg.asset(
    deps=[MARKETPLACE, tracked_events],
    group_name="ingestion",
    kinds={"python", "postgres"},
    description="One capture of every tracked event (raw.snapshots, raw.keyframes and what they refer to), stored as "
    "what differs from the capture before; failures in raw.scrape_failures, distrusted bodies in raw.quarantine.",
)
def snapshots(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[dg.MaterializeResult[None]]:
    """Scrape one round. What was captured is stored before too many failures fail the run."""
    settings = pipeline.settings()
    with pipeline.database() as database:
        intervals = events_to_scrape(database.connection, datetime.now(UTC))
        report = scrape_round(settings, database, intervals, run_id=UUID(context.run.run_id))
    if report.failed_share > settings.scraper_max_failed_share:
        raise dg.Failure(
            f"{report.event_count - report.captured_count} of {report.event_count} events failed; "
            f"what was captured is stored. {report.open_breaker or ''}".strip(),
            metadata=round_metadata(report),
            allow_retries=False,
        )
    yield dg.MaterializeResult(metadata=round_metadata(report))


def round_metadata(report: RoundReport) -> dict[str, dg.MetadataValue]:
    """What a person wants to see of a round."""
    written = report.loaded.snapshots
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
        "tickets_rejected": dg.MetadataValue.int(report.loaded.rejected_tickets),
        "fetched_bytes": dg.MetadataValue.int(report.loaded.body_bytes),
        "scrape_seconds": dg.MetadataValue.float(round(report.seconds, 3)),
    }
