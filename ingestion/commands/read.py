"""``ticketmarts snapshot``, ``export`` and ``status``: what there is in raw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ingestion.commands.arguments import AsJson, EventId, OnlyEvents, parse_instant
from ingestion.commands.status_report import show_status
from ingestion.database import connect
from ingestion.exporting import export
from ingestion.settings import load_settings
from ingestion.snapshots import read_snapshot
from ingestion.status import read_status
from ingestion.terminal import messages, print_json, print_json_line, show_progress

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
    """Say whether the data is fresh, what is missing, and why."""
    settings = load_settings()
    with connect(settings.require_database_url()) as connection:
        figures = read_status(connection, settings)
    if as_json:
        print_json(figures)
    else:
        show_status(figures)
