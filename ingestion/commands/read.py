"""``ticketmarts snapshot``, ``export`` and ``status``: what there is in raw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ingestion.commands.arguments import AsJson, EventId, OnlyEvents, parse_instant, show_minute
from ingestion.database import connect
from ingestion.exporting import export
from ingestion.settings import load_settings
from ingestion.snapshots import read_snapshot
from ingestion.status import Status, read_status
from ingestion.terminal import messages, print_json, print_json_line, print_table, show_progress

app = typer.Typer()


@app.command()
def snapshot(
    event_id: EventId,
    at: Annotated[str, typer.Argument(help="An instant, such as 2026-11-22T12:00:00+00:00, or now.")],
) -> None:
    """Print the book of an event as it was at an instant, as JSON lines, cheapest listing first."""
    with connect(load_settings().require_database_url()) as connection:
        listings = read_snapshot(connection, event_id, parse_instant(at))
    for listing in listings:
        print_json_line(listing)


@app.command("export")
def export_(
    what: Annotated[str, typer.Argument(help="observations (every listing of every capture), or a mart.")],
    output: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    event_ids: OnlyEvents = None,
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
            from_at=parse_instant(from_at) if from_at else None,
            to_at=parse_instant(to_at) if to_at else None,
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


def _status_lines(figures: Status) -> list[tuple[str, str]]:
    failures = ", ".join(f"{count} {kind}" for kind, count in sorted(figures.failures_last_hour.items()))
    newest = figures.newest_capture_at
    age = f" ({_duration((figures.now_at - newest).total_seconds())} ago)" if newest else ""
    return [
        ("events tracked", str(figures.events_tracked)),
        ("events overdue (newest capture older than two intervals)", str(figures.events_overdue)),
        ("events gone (404 several times in a row)", str(figures.events_gone)),
        ("rules of tracking.yaml last answered in full", show_minute(figures.rules_answered_at) or "never"),
        ("newest capture", f"{show_minute(newest) or 'none yet'}{age}"),
        ("captures in the last hour", str(figures.captures_last_hour)),
        ("failures in the last hour", failures or "none"),
        ("hours waiting to be rolled up", str(figures.stale_hours)),
        ("waiting since", show_minute(figures.oldest_stale_at) or "-"),
        ("raw data", f"{figures.raw_bytes / 2**20:,.0f} MiB"),
    ]


def _duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
