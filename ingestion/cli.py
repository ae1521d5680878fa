"""The commands of ``ticketmarts`` that fill raw and look at it.

What belongs here: arguments, messages and exit statuses. What does not: anything that a program could want.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from ingestion.database import connect
from ingestion.exporting import export
from ingestion.importing import import_recordings
from ingestion.loading import LoadResult
from ingestion.marketplace import open_marketplace
from ingestion.recordings import STANDARD_INPUT, RecordingError
from ingestion.scraping import scrape_round
from ingestion.settings import Settings, load_settings
from ingestion.snapshots import read_snapshot
from ingestion.status import Status, read_status
from ingestion.terminal import messages, print_json, print_json_line, print_table, show_progress
from ingestion.tracking import ProductionsReport, events_to_scrape, list_tracked, refresh_productions, track, untrack

app = typer.Typer(no_args_is_help=True)
track_app = typer.Typer(no_args_is_help=True, help="Choose which events are scraped.")
app.add_typer(track_app, name="track")

_LARGEST_ID = 2**63 - 1

EventIds = Annotated[
    list[int], typer.Argument(metavar="EVENT…", min=1, max=_LARGEST_ID, help="Production ids of the marketplace.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@track_app.command("add")
def track_add(event_ids: EventIds) -> None:
    """Track events from now on, and ask the marketplace what they are."""
    settings = load_settings()
    with connect(settings.require_database_url()) as connection:
        added = track(connection, event_ids, settings.scraper_interval_seconds)
        report = asyncio.run(_refresh(settings, connection))
    messages.print(f"tracking {added} more events, a capture every {settings.scraper_interval_minutes} minutes")
    for event_id, reason in report.failed.items():
        messages.print(f"event {event_id} is tracked, but the marketplace does not tell what it is: {reason}")
    if report.failed:
        raise typer.Exit(1)


@track_app.command("remove")
def track_remove(event_ids: EventIds) -> None:
    """Stop tracking events; what was captured of them stays."""
    with connect(load_settings().require_database_url()) as connection:
        removed = untrack(connection, event_ids)
    messages.print(f"{removed} of {len(event_ids)} events are no longer tracked")


@track_app.command("list")
def track_list(as_json: AsJson = False) -> None:
    """List the tracked events, those that start first at the top."""
    with connect(load_settings().require_database_url()) as connection:
        events = list_tracked(connection)
    if as_json:
        print_json(events)
    elif events:
        print_table(
            [
                {
                    "event": event.event_id,
                    "name": event.name,
                    "starts at": _minute(event.starts_at),
                    "every": f"{event.interval_seconds // 60} min",
                    "newest capture": _minute(event.newest_capture_at),
                }
                for event in events
            ]
        )
    else:
        messages.print("no event is tracked; `ticketmarts track add EVENT` starts")


@app.command()
def scrape(
    event_ids: Annotated[
        list[int] | None,
        typer.Option("--event", min=1, max=_LARGEST_ID, help="Only this event; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Capture every tracked event once, now."""
    settings = load_settings()
    with connect(settings.require_database_url()) as connection:
        if event_ids:
            tracked = {event.event_id: event.interval_seconds for event in list_tracked(connection)}
            intervals = {event_id: tracked.get(event_id, settings.scraper_interval_seconds) for event_id in event_ids}
        else:
            intervals = events_to_scrape(connection, datetime.now(UTC))
        with show_progress("scraping", len(intervals)) as on_progress:
            report = scrape_round(settings, connection, intervals, on_progress=on_progress)
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
    with connect(settings.require_database_url()) as connection, show_progress("importing", expected) as on_progress:
        report = import_recordings(
            connection, files, interval_seconds=settings.scraper_interval_seconds, on_progress=on_progress
        )
    _report(report.loaded, report.answer_count, report.seconds, as_json=as_json)
    if report.loaded.snapshots.conflicts:
        raise typer.Exit(1)


@app.command()
def snapshot(
    event_id: Annotated[int, typer.Argument(metavar="EVENT", min=1, max=_LARGEST_ID)],
    at: Annotated[str, typer.Argument(help="An instant, such as 2026-11-22T12:00:00+00:00, or now.")],
) -> None:
    """Print the book of an event as it was at an instant, as JSON lines, cheapest listing first."""
    with connect(load_settings().require_database_url()) as connection:
        listings = read_snapshot(connection, event_id, _instant(at))
    for listing in listings:
        print_json_line(listing)


@app.command("export")
def export_(
    what: Annotated[str, typer.Argument(help="observations (every listing of every capture), or a mart.")],
    output: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    event_ids: Annotated[list[int] | None, typer.Option("--event", help="Only this event; may be repeated.")] = None,
    from_at: Annotated[str | None, typer.Option("--from", help="Only captures from this instant on.")] = None,
    to_at: Annotated[str | None, typer.Option("--to", help="Only captures before this instant.")] = None,
) -> None:
    """Write observations or a mart to a Parquet file."""
    with connect(load_settings().require_database_url()) as connection, show_progress("exporting", None) as on_progress:
        rows = export(
            connection,
            what,
            output,
            event_ids=event_ids or (),
            from_at=_instant(from_at) if from_at else None,
            to_at=_instant(to_at) if to_at else None,
            on_progress=on_progress,
        )
    messages.print(f"{rows:,} rows in {output}")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the data is fresh, and what is missing."""
    with connect(load_settings().require_database_url()) as connection:
        figures = read_status(connection)
    if as_json:
        print_json(figures)
    else:
        print_table([{"what": what, "now": value} for what, value in _status_lines(figures)])


async def _refresh(settings: Settings, connection: psycopg.Connection[Any]) -> ProductionsReport:
    async with open_marketplace(settings, connection) as marketplace:
        return await refresh_productions(connection, marketplace)


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
    for conflict in snapshots.conflicts:
        messages.print(
            f"event {conflict.event_id} at {conflict.captured_at.isoformat()}: refused, "
            "another book is stored for that instant"
        )


def _status_lines(figures: Status) -> list[tuple[str, str]]:
    failures = ", ".join(f"{count} {kind}" for kind, count in sorted(figures.failures_last_hour.items()))
    newest = figures.newest_capture_at
    age = f" ({_duration((figures.now_at - newest).total_seconds())} ago)" if newest else ""
    return [
        ("events tracked", str(figures.events_tracked)),
        ("events overdue (newest capture older than two intervals)", str(figures.events_overdue)),
        ("newest capture", f"{_minute(newest) or 'none yet'}{age}"),
        ("captures in the last hour", str(figures.captures_last_hour)),
        ("failures in the last hour", failures or "none"),
        ("hours waiting to be rolled up", str(figures.stale_hours)),
        ("waiting since", _minute(figures.oldest_stale_at) or "-"),
        ("raw data", f"{figures.raw_bytes / 2**20:,.0f} MiB"),
    ]


def _instant(text: str) -> datetime:
    if text == "now":
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write one like 2026-11-22T12:00:00+00:00") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _minute(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else None


def _duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
