"""``ticketmarts scrape`` and ``import``: what fills raw."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ingestion.commands.arguments import AsJson, OnlyEvents
from ingestion.database import Database
from ingestion.importing import import_recordings
from ingestion.loading import LoadResult
from ingestion.recordings import STANDARD_INPUT, RecordingError
from ingestion.scraping import scrape_round
from ingestion.settings import load_settings
from ingestion.terminal import messages, print_json, show_progress
from ingestion.tracking import events_to_scrape, list_tracked, load_plan

app = typer.Typer()


@app.command()
def scrape(
    event_ids: OnlyEvents = None,
    as_json: AsJson = False,
) -> None:
    """Capture every tracked event that is not over once, now, whether it is due or not."""
    settings = load_settings()
    plan = load_plan(settings)
    with Database(settings.require_database_url()) as database:
        if event_ids:
            tracked = {event.event_id: event.interval_seconds for event in database.run(list_tracked)}
            intervals = {event_id: tracked.get(event_id, settings.scraper_interval_seconds) for event_id in event_ids}
        else:
            now = datetime.now(UTC)
            intervals = database.run(lambda connection: events_to_scrape(connection, plan.cadence, now)).intervals
        with show_progress("scraping", len(intervals)) as on_progress:
            report = scrape_round(settings, database, intervals, on_progress=on_progress)
    _report(report.loaded, report.event_count, report.seconds, as_json=as_json)
    if report.open_breaker is not None:
        messages.print(f"{report.skipped_count} events skipped: {report.open_breaker}")
    if report.failed_share > settings.scraper_max_failed_share:
        raise typer.Exit(1)


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Recordings, .jsonl, .gz or .zst; - is stdin.")],
    expected: Annotated[int | None, typer.Option(help="Captures to come, for the progress bar.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Import recordings of captured answers. Importing one twice changes nothing."""
    settings = load_settings()
    for file in files:
        if file != STANDARD_INPUT and not file.exists():
            raise RecordingError(f"there is no file {file}")
    with Database(settings.require_database_url()) as database, show_progress("importing", expected) as on_progress:
        report = import_recordings(
            database, files, interval_seconds=settings.scraper_interval_seconds, on_progress=on_progress
        )
    _report(report.loaded, report.answer_count, report.seconds, as_json=as_json)
    if report.loaded.snapshots.conflicts:
        raise typer.Exit(1)


def _report(loaded: LoadResult, answer_count: int, seconds: float, *, as_json: bool) -> None:
    snapshots = loaded.snapshots
    if as_json:
        print_json(
            {
                "answers": answer_count,
                "captured": snapshots.written,
                "repeated": snapshots.repeated,
                "conflicts": [(c.event_id, c.captured_at) for c in snapshots.conflicts],
                "failures": dict(loaded.failures),
                "observations": snapshots.observations,
                "changes": snapshots.changes,
                "rejected_tickets": loaded.rejected_tickets,
                "new_keys": [f"{key.place}.{key.key}" for key in loaded.new_keys],
                "body_bytes": loaded.body_bytes,
                "seconds": round(seconds, 3),
            }
        )
        return
    messages.print(
        f"{snapshots.written} captures with {snapshots.observations:,} observations in {seconds:.1f} s; "
        f"{snapshots.repeated} were there already, {loaded.failure_count} failed"
    )
    for event_id, reason in loaded.failed_events.items():
        messages.print(f"event {event_id}: {reason}")
    for key in loaded.new_keys:
        messages.print(str(key))
    for conflict in snapshots.conflicts:
        messages.print(
            f"event {conflict.event_id} at {conflict.captured_at.isoformat()}: refused, "
            "another book is stored for that instant"
        )
