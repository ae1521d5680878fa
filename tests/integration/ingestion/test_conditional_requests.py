"""What the marketplace need not send again: asked with an ETag, a 304 is a capture like any other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingestion.answers import Answer, KnownBody, read_answer
from ingestion.database import Database
from ingestion.loading import Loader
from ingestion.scraping import RoundReport, scrape_round
from ingestion.settings import Settings
from ingestion.snapshots import read_snapshot
from sandbox.marketplace import Answer as SandboxAnswer
from sandbox.marketplace import InventedMarketplace
from sandbox.randomness import DEFAULT_SEED
from sandbox.server import app_of
from tests.integration.ingestion.marketplaces import Reply, ScriptedMarketplace, listings_of, serving
from tests.unit.ingestion.bodies import EVENT_ID, listings_body, ticket, tickets

SettingsFor = Callable[[str], Settings]
BODY = listings_body([*tickets(2), ticket(i="bad", p="NaN")])


@pytest.fixture
def scripted() -> ScriptedMarketplace:
    return ScriptedMarketplace()


def scrape(settings: Settings, database: Database) -> RoundReport:
    return scrape_round(settings, database, {EVENT_ID: 600})


def asked_with(scripted: ScriptedMarketplace) -> list[str | None]:
    return [headers.get("if-none-match") for headers in scripted.headers]


def snapshots(database: Database) -> list[tuple[Any, ...]]:
    return database.connection.execute(
        """
        select http_status, listing_count, change_count, rejected_count, body_bytes
        from raw.snapshots order by captured_at
        """
    ).fetchall()


def test_a_304_is_a_capture_of_the_book_that_was_known(
    scripted: ScriptedMarketplace, settings_for: SettingsFor, database: Database
) -> None:
    etag = {"etag": 'W/"a"'}
    scripted.set_replies(
        EVENT_ID, Reply(body=BODY, headers=etag), Reply(304), Reply(304), Reply(body=listings_body()), Reply(body=BODY)
    )
    with serving(scripted.app) as url:
        reports = [scrape(settings_for(url), database) for _ in range(5)]
    # The fourth answer names no ETag, so the fifth is asked with the newest that is known, which is still the first's.
    assert asked_with(scripted) == [None, 'W/"a"', 'W/"a"', 'W/"a"', 'W/"a"']
    assert snapshots(database) == [
        (200, 2, 2, 1, len(BODY)),
        (304, 2, 0, 1, 0),
        (304, 2, 0, 1, 0),
        (200, 2, 0, 0, len(listings_body())),
        (200, 2, 0, 1, len(BODY)),
    ]
    assert [report.captured_count for report in reports] == [1] * 5
    assert [report.loaded.unchanged for report in reports] == [0, 1, 1, 0, 0]
    assert len(database.connection.execute("select from raw.scrape_failures").fetchall()) == 0


def test_the_sandbox_answers_304_and_what_is_read_back_is_what_it_had_served(
    settings_for: SettingsFor, database: Database, event_ids: list[int]
) -> None:
    stands_still_at = datetime.now(UTC)

    class Still(InventedMarketplace):
        def listings(self, event_id: int, _: datetime) -> SandboxAnswer:
            return super().listings(event_id, stands_still_at)

    intervals = dict.fromkeys(event_ids, 600)
    with serving(app_of(Still(DEFAULT_SEED), DEFAULT_SEED)) as url:
        first, second = (scrape_round(settings_for(url), database, intervals) for _ in range(2))
    assert (first.loaded.unchanged, second.loaded.unchanged) == (0, 3)
    assert second.loaded.body_bytes == 0
    for event_id in event_ids:
        served = listings_of(Still(DEFAULT_SEED).listings(event_id, stands_still_at).body)
        read = [dict(listing) for listing in read_snapshot(database.connection, event_id, datetime.now(UTC))]
        assert [{k: v for k, v in listing.items() if k != "captured_at"} for listing in read] == served


@pytest.mark.parametrize(
    "body",
    [listings_body(event_id=99), listings_body(listingCount="833"), BODY[:-9]],
    ids=["of another event", "with another count", "cut off"],
)
def test_the_etag_of_a_body_that_cannot_be_trusted_is_forgotten(
    scripted: ScriptedMarketplace, settings_for: SettingsFor, database: Database, body: bytes
) -> None:
    scripted.set_replies(EVENT_ID, Reply(body=body, headers={"etag": '"bad"'}), Reply(body=BODY))
    with serving(scripted.app) as url:
        for _ in range(2):
            scrape(settings_for(url), database)
    assert asked_with(scripted) == [None, None]


def test_the_etag_of_a_body_that_is_held_is_not_asked_with(
    scripted: ScriptedMarketplace, settings_for: SettingsFor, database: Database
) -> None:
    whole, fraction = listings_body(tickets(100)), listings_body(tickets(20))
    scripted.set_replies(
        EVENT_ID,
        Reply(body=whole, headers={"etag": '"whole"'}),
        Reply(body=fraction, headers={"etag": '"fraction"'}),
        Reply(304),
    )
    with serving(scripted.app) as url:
        for _ in range(3):
            scrape(settings_for(url), database)
    assert asked_with(scripted) == [None, '"whole"', '"whole"']
    assert [(status, count) for status, count, *_ in snapshots(database)] == [(200, 100), (304, 100)]


def test_an_etag_means_nothing_to_another_marketplace(settings_for: SettingsFor, database: Database) -> None:
    here, there = ScriptedMarketplace(), ScriptedMarketplace()
    for marketplace in (here, there):
        marketplace.set_replies(EVENT_ID, Reply(body=BODY, headers={"etag": '"here"'}))
        with serving(marketplace.app) as url:
            scrape(settings_for(url), database)
    assert asked_with(there) == [None]


def test_a_304_that_was_not_asked_for_is_no_capture(
    scripted: ScriptedMarketplace, settings_for: SettingsFor, database: Database
) -> None:
    scripted.set_replies(EVENT_ID, Reply(304))
    with serving(scripted.app) as url:
        report = scrape(settings_for(url), database)
    assert report.loaded.failed_events == {EVENT_ID: "bad_payload: the marketplace answered with status 304"}
    assert snapshots(database) == []


def test_a_304_at_the_beginning_of_a_day_is_stored_whole(database: Database) -> None:
    before_midnight = datetime(2026, 9, 7, 23, 55, tzinfo=UTC)
    known = KnownBody("here", '"a"', before_midnight)
    loader = Loader(database)
    loader.load([read_answer(Answer(EVENT_ID, before_midnight, 200, BODY), 600, None)])
    after = before_midnight + timedelta(minutes=10)
    loader.load([read_answer(Answer(EVENT_ID, after, 304, b"", known=known), 600, None)])
    keyframes = database.connection.execute(
        "select captured_at, cardinality(listing_key) from raw.keyframes"
    ).fetchall()
    assert sorted(keyframes) == [(before_midnight, 2), (after, 2)]
    stale = database.connection.execute("select hour_at from raw.stale_hours order by 1").fetchall()
    assert [hour_at.hour for (hour_at,) in stale] == [23, 0]
