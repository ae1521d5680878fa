"""``ticketmarts track``: which events are scraped."""

from __future__ import annotations

import asyncio

import typer

from ingestion.commands.arguments import AsJson, EventIds, show_minute
from ingestion.database import Database, connect
from ingestion.marketplace import open_marketplace
from ingestion.settings import Settings, load_settings
from ingestion.terminal import messages, print_json, print_table
from ingestion.tracking import ProductionsReport, list_tracked, refresh_productions, track, untrack

app = typer.Typer(no_args_is_help=True, help="Choose which events are scraped.")


@app.command("add")
def add(event_ids: EventIds) -> None:
    """Track events from now on, and ask the marketplace what they are."""
    settings = load_settings()
    with Database(settings.require_database_url()) as database:
        added = track(database.connection, event_ids, settings.scraper_interval_seconds)
        report = asyncio.run(_refresh(settings, database))
    messages.print(f"tracking {added} more events, a capture every {settings.scraper_interval_minutes} minutes")
    for event_id, reason in report.failed.items():
        messages.print(f"event {event_id} is tracked, but the marketplace does not tell what it is: {reason}")
    if report.failed:
        raise typer.Exit(1)


@app.command("remove")
def remove(event_ids: EventIds) -> None:
    """Stop tracking events; what was captured of them stays."""
    with connect(load_settings().require_database_url()) as connection:
        removed = untrack(connection, event_ids)
    messages.print(f"{removed} of {len(event_ids)} events are no longer tracked")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
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
                    "starts at": show_minute(event.starts_at),
                    "every": f"{event.interval_seconds // 60} min",
                    "newest capture": show_minute(event.newest_capture_at),
                }
                for event in events
            ]
        )
    else:
        messages.print("no event is tracked; `ticketmarts track add EVENT` starts")


async def _refresh(settings: Settings, database: Database) -> ProductionsReport:
    async with open_marketplace(settings, database) as marketplace:
        return await refresh_productions(database.connection, marketplace)
