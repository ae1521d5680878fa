"""``ticketmarts track``: which events are scraped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ingestion.commands.arguments import DRY_RUN, AsJson, EventIds, show_minute
from ingestion.database import Database, connect
from ingestion.marketplace import open_marketplace
from ingestion.settings import Settings, load_settings
from ingestion.terminal import messages, print_json, print_table
from ingestion.tracking import (
    Cadence,
    Plan,
    ProductionsReport,
    TrackedEvent,
    TrackingReport,
    describe,
    list_tracked,
    load_plan,
    refresh_productions,
    rehearse_discovery,
    track,
    untrack,
    update_tracking,
)

app = typer.Typer(no_args_is_help=True, help="Choose which events are scraped.")

_MOST_SHOWN = 10
"""Events that are named at once and shown; for more there is ``track list``."""


@app.command("add")
def add(event_ids: EventIds) -> None:
    """Track events from now on, whatever the rules of tracking.yaml find, and ask the marketplace what they are."""
    settings = load_settings()
    plan = load_plan(settings)
    with Database(settings.require_database_url()) as database:
        added = database.run(lambda connection: track(connection, event_ids, settings.scraper_interval_seconds))
        report = asyncio.run(_refresh(settings, database))
        events = database.run(lambda connection: list_tracked(connection, event_ids))
    messages.print(f"tracking {added} more events, a capture every {settings.scraper_interval_minutes} minutes")
    for event_id, reason in report.failed.items():
        messages.print(f"event {event_id} is tracked, but the marketplace does not tell what it is: {reason}")
    if len(events) <= _MOST_SHOWN:
        _show(events, plan.cadence)
    if report.failed:
        raise typer.Exit(1)


@app.command("remove")
def remove(event_ids: EventIds) -> None:
    """Stop tracking events, whatever the rules of tracking.yaml find; what was captured of them stays."""
    settings = load_settings()
    plan = load_plan(settings)
    with connect(settings.require_database_url()) as connection:
        removed = untrack(connection, event_ids)
        events = list_tracked(connection, event_ids)
    messages.print(f"{removed} of {len(event_ids)} events are no longer tracked")
    if len(events) <= _MOST_SHOWN:
        _show(events, plan.cadence)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tracked events, those that start first at the top, and those that are kept out by hand.

    Kept out by hand are events that a rule of tracking.yaml finds, but that `track remove` has removed.
    """
    settings = load_settings()
    plan = load_plan(settings)
    with connect(settings.require_database_url()) as connection:
        events = list_tracked(connection)
    if as_json:
        now = datetime.now(UTC)
        print_json([_facts(event, plan.cadence, now) for event in events])
    elif events:
        _show(events, plan.cadence)
    else:
        messages.print("no event is tracked; `ticketmarts track add EVENT` starts, and so do rules in tracking.yaml")


@app.command("discover")
def discover(
    *,
    is_rehearsal: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the rules of tracking.yaml now: say which events entered and left, and what else was noticed."""
    settings = load_settings()
    plan = load_plan(settings)
    with Database(settings.require_database_url()) as database:
        report = asyncio.run(_discover(settings, database, plan, is_rehearsal=is_rehearsal))
    discovery = report.discovery
    if discovery is None:
        raise AssertionError("it was told to run the rules")
    if as_json:
        print_json(
            {
                "found": discovery.found_count,
                "entered": [asdict(event) for event in discovery.entered],
                "left": [asdict(event) for event in report.left],
                "problems": discovery.problems,
                "changes": [asdict(change) for change in report.changes],
                "productions_failed": report.productions.failed,
            }
        )
    else:
        if is_rehearsal:
            messages.print(DRY_RUN)
        for line in describe(report):
            messages.print(line)
        messages.print(
            f"{discovery.found_count} events found by the rules; "
            f"{len(discovery.entered)} entered, {len(report.left)} left"
        )
    if discovery.problems or report.productions.failed:
        raise typer.Exit(1)


async def _refresh(settings: Settings, database: Database) -> ProductionsReport:
    async with open_marketplace(settings, database) as marketplace:
        return await refresh_productions(database, marketplace)


async def _discover(settings: Settings, database: Database, plan: Plan, *, is_rehearsal: bool) -> TrackingReport:
    async with open_marketplace(settings, database) as marketplace:
        if is_rehearsal:
            return await rehearse_discovery(database, marketplace, plan)
        return await update_tracking(database, marketplace, plan, discover_now=True)


def _facts(event: TrackedEvent, cadence: Cadence, now: datetime) -> dict[str, Any]:
    change = cadence.next_change(event.starts_at, now)
    return {
        **asdict(event),
        "next_interval_seconds": change and change[1],
        "next_interval_at": change and change[0],
        "not_scraped_because": event.why_not_scraped(now),
    }


def _show(events: Sequence[TrackedEvent], cadence: Cadence) -> None:
    """A table of events, without the columns that say nothing of any of them."""
    now = datetime.now(UTC)
    rows = [_row(event, cadence, now) for event in events]
    said = {heading for row in rows for heading, value in row.items() if value is not None}
    if rows:
        print_table([{heading: value for heading, value in row.items() if heading in said} for row in rows])


def _row(event: TrackedEvent, cadence: Cadence, now: datetime) -> dict[str, Any]:
    change = cadence.next_change(event.starts_at, now)
    return {
        "event": event.event_id,
        "name": event.name,
        "starts at": show_minute(event.starts_at),
        "moved from": show_minute(event.moved_from_at),
        "tracked by": "hand" if event.added_by_hand else f"rule {event.rule}" if event.rule else None,
        "state": event.state and event.state.replace("_", " "),
        "every": f"{event.interval_seconds // 60} min",
        "then": change and f"{change[1] // 60} min from {show_minute(change[0])}",
        "newest capture": show_minute(event.newest_capture_at),
        "not scraped": event.why_not_scraped(now),
    }
