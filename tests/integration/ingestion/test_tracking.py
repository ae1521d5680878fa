"""Tracked events and the versions of their productions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ingestion.database import Database
from ingestion.marketplace import open_marketplace
from ingestion.settings import Settings
from ingestion.tracking import (
    SCRAPING_GRACE,
    Cadence,
    ProductionsReport,
    events_to_scrape,
    list_tracked,
    refresh_productions,
    save_production,
    track,
    untrack,
)
from ingestion.wire_format.productions import ProductionDocument
from tests.integration.codec.markets import START
from tests.integration.ingestion.marketplaces import Reply, ScriptedMarketplace, serving

EVENT = 7
HOUR = timedelta(hours=1)
NOW = datetime(2026, 9, 7, 12, tzinfo=UTC)


def production(starts_at: datetime | None, **keys: Any) -> ProductionDocument:
    return {"id": EVENT, "name": "Final", "utcDate": starts_at and starts_at.isoformat(), **keys}


def versions(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(
        "select observed_at, starts_at, document ->> 'name' from raw.productions order by 1"
    ).fetchall()


def test_tracking_says_how_many_were_not_tracked_before(connection: psycopg.Connection[Any]) -> None:
    assert track(connection, [1, 2, 2], 600) == 2
    assert track(connection, [2, 3], 1200) == 1
    assert untrack(connection, [1, 2, 99]) == 2
    assert untrack(connection, [1]) == 0
    assert track(connection, [1], 300) == 1
    assert {event.event_id: event.interval_seconds for event in list_tracked(connection)} == {1: 300, 3: 1200}


def test_events_are_scraped_until_well_after_their_start(connection: psycopg.Connection[Any]) -> None:
    starts = {
        1: NOW + HOUR,
        2: NOW - SCRAPING_GRACE + HOUR,
        3: NOW - SCRAPING_GRACE - HOUR,
        4: None,
        5: datetime(9999, 12, 31, 23, tzinfo=UTC),
        6: NOW,
    }
    track(connection, [*starts], 600)
    untrack(connection, [6])
    for event_id, start in starts.items():
        save_production(connection, event_id, production(start), NOW)
    assert events_to_scrape(connection, Cadence(600), NOW).intervals == dict.fromkeys([1, 2, 4, 5], 600)
    assert [event.event_id for event in list_tracked(connection)] == [3, 2, 1, 5, 4]


def test_a_version_is_kept_only_when_something_changed(connection: psycopg.Connection[Any]) -> None:
    saves = [
        (production(START), True),
        (dict(reversed(production(START).items())), False),
        (production(START, name="The final"), True),
        (production(START), True),
        (production(START), False),
    ]
    for n, (document, is_new) in enumerate(saves):
        assert save_production(connection, EVENT, document, NOW + n * HOUR) is is_new
    assert versions(connection) == [
        (NOW, START, "Final"),
        (NOW + 2 * HOUR, START, "The final"),
        (NOW + 3 * HOUR, START, "Final"),
    ]


def test_productions_are_asked_about_once_an_hour_and_failures_stay_theirs(
    database: Database, settings_for: Callable[[str], Settings]
) -> None:
    scripted = ScriptedMarketplace()
    scripted.set_replies(1, Reply(body=json.dumps({**production(START), "id": 1}).encode()))
    scripted.set_replies(2, Reply(404))
    scripted.set_replies(3, Reply(body=b'{"id": 4}'))
    scripted.set_replies(4, Reply(body=b'{"id": 4, "name": "A\\u0000B"}'))
    scripted.set_replies(5, Reply(body=b"<html>"))
    scripted.set_replies(6, Reply(500))
    track(database.connection, scripted.events, 600)

    async def refresh(url: str) -> ProductionsReport:
        async with open_marketplace(settings_for(url), database) as marketplace:
            return await refresh_productions(database, marketplace)

    with serving(scripted.app) as url:
        first, second = asyncio.run(refresh(url)), asyncio.run(refresh(url))
    assert (first.checked, len(first.changes), set(first.failed)) == (6, 2, {2, 3, 5, 6})
    assert first.failed[2].startswith("not_found: ")
    assert first.failed[3] == "wrong_production: asked for production 3, got 4"
    assert first.failed[5].startswith("blocked: ")
    # Only what may go better in a moment is asked about again within the hour.
    assert (second.checked, second.changes, set(second.failed)) == (1, [], {6})
    names = {event.event_id: event.name for event in list_tracked(database.connection)}
    assert names == {1: "Final", 2: None, 3: None, 4: "AB", 5: None, 6: None}
