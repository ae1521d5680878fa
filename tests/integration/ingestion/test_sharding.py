"""A round in parts: every event in one of them, and a part that is handed out twice done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ingestion.circuit_breaker import FAILURES_TO_OPEN
from ingestion.database import Database
from ingestion.settings import Settings
from ingestion.sharding import Round, Shard, read_report, scrape_shard
from ingestion.tracking import track
from ingestion.tracking.cadence import Cadence
from tests.integration.ingestion.marketplaces import Reply, ScriptedMarketplace, serving
from tests.unit.ingestion.bodies import listings_body

CADENCE = Cadence(600)
EVENTS = range(5_000_001, 5_000_013)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_event_is_in_one_shard_and_all_shards_together_ask_as_many_at_a_time_as_one(count: int) -> None:
    shards = [Shard(number, count) for number in range(1, count + 1)]
    held = Counter(
        shard.number for event_id in range(5_000_000, 5_004_000) for shard in shards if shard.holds(event_id)
    )
    assert held.total() == 4000
    assert min(held.values()) > 0.8 * 4000 / count
    for concurrency in (count, count + 1, 64):
        assert sum(shard.concurrency(concurrency) for shard in shards) == concurrency
        assert min(shard.concurrency(concurrency) for shard in shards) >= 1


def test_a_shard_that_is_done_again_asks_only_for_what_is_missing(
    settings_for: Callable[[str], Settings], database: Database
) -> None:
    scripted = _marketplace()
    track(database.connection, [*EVENTS], interval_seconds=600)
    of, shards = Round(uuid4(), datetime.now(UTC)), [Shard(1, 2), Shard(2, 2)]
    # As many as its own as a lost worker had stored.
    lost = [event_id for event_id in EVENTS if shards[0].holds(event_id)][:2]
    with serving(scripted.app) as url:
        settings = _for_shards(settings_for(url))
        for event_id in set(EVENTS) - set(lost):
            scripted.set_replies(event_id, Reply(404, b"{}"))
        reports = [scrape_shard(settings, database, CADENCE, shard, of) for shard in shards]
        assert [report.captured_count for report in reports] == [2, 0]
        report, _ = read_report(database.connection, CADENCE, url, of)
        assert (report.event_count, report.captured_count, report.loaded.failure_count) == (12, 2, 10)
        assert {*report.loaded.failed_events} == set(EVENTS) - set(lost)

        for event_id in EVENTS:
            scripted.set_replies(event_id, Reply(body=listings_body(event_id=event_id)))
        again = [scrape_shard(settings, database, CADENCE, shard, of) for shard in shards]
        assert sum(report.event_count for report in again) == 10
        assert {scripted.requests[event_id] for event_id in lost} == {1}
        report, events = read_report(database.connection, CADENCE, url, of)
    assert (report.event_count, report.captured_count, report.failed_count) == (12, 12, 0)
    assert report.loaded.snapshots.observations == sum(
        each.loaded.snapshots.observations for each in (*reports, *again)
    )
    assert report.loaded.body_bytes > 0
    assert events.due == {}


def test_a_shard_that_is_handed_out_twice_at_once_is_done_once(
    settings_for: Callable[[str], Settings], database: Database
) -> None:
    scripted = _marketplace()
    track(database.connection, [*EVENTS], interval_seconds=600)
    of = Round(uuid4(), datetime.now(UTC))
    with serving(scripted.app) as url, ThreadPoolExecutor() as pool, database.another() as another:
        settings = _for_shards(settings_for(url))
        handed_out = [
            pool.submit(scrape_shard, settings, each, CADENCE, Shard(1, 1), of) for each in (database, another)
        ]
        captured = sorted(each.result(60).captured_count for each in handed_out)
    assert captured == [0, len(EVENTS)]
    assert set(scripted.requests.values()) == {1}


def test_when_one_worker_is_turned_away_the_others_stop_asking(
    settings_for: Callable[[str], Settings], database: Database
) -> None:
    scripted, events = ScriptedMarketplace(), range(5_000_001, 5_000_101)
    for event_id in events:
        scripted.set_replies(event_id, Reply(403, b"{}", delay_seconds=0.02))
    track(database.connection, [*events], interval_seconds=600)
    of = Round(uuid4(), datetime.now(UTC))
    with serving(scripted.app) as url, ThreadPoolExecutor() as pool, database.another() as another:
        settings = _for_shards(settings_for(url)).model_copy(update={"scraper_max_concurrency": 2})
        workers = [
            pool.submit(scrape_shard, settings, each, CADENCE, Shard(number, 2), of)
            for number, each in ((1, database), (2, another))
        ]
        reports = [each.result(60) for each in workers]
        report, _ = read_report(database.connection, CADENCE, url, of)
    assert all(each.open_breaker for each in (*reports, report))
    assert FAILURES_TO_OPEN <= scripted.requests.total() <= 2 * FAILURES_TO_OPEN
    assert report.loaded.failure_count == scripted.requests.total()
    assert report.failed_share == 1


def test_others_hear_at_once_of_what_a_worker_finds_that_is_still_at_work(
    settings_for: Callable[[str], Settings], database: Database
) -> None:
    scripted, events = ScriptedMarketplace(), range(5_000_001, 5_000_081)
    refused, shards = [event_id for event_id in events if Shard(1, 2).holds(event_id)], [Shard(1, 2), Shard(2, 2)]
    for event_id in events:
        scripted.set_replies(event_id, Reply(body=listings_body(event_id=event_id), delay_seconds=0.1))
    for event_id in refused[1:]:
        scripted.set_replies(event_id, Reply(403, b"{}"))
    # Longer than the other worker needs for all of its events.
    scripted.set_replies(refused[0], Reply(body=listings_body(event_id=refused[0]), delay_seconds=3))
    track(database.connection, [*events], interval_seconds=600)
    of = Round(uuid4(), datetime.now(UTC))
    with serving(scripted.app) as url, ThreadPoolExecutor() as pool, database.another() as another:
        settings = _for_shards(settings_for(url)).model_copy(update={"scraper_max_concurrency": 4})
        workers = [
            pool.submit(scrape_shard, settings, each, CADENCE, shard, of)
            for shard, each in zip(shards, (database, another), strict=True)
        ]
        turned_away, let_in = (each.result(60) for each in workers)
    assert turned_away.loaded.failure_count == FAILURES_TO_OPEN
    assert turned_away.captured_count == 1, "what was under way when it opened is a capture all the same"
    assert let_in.skipped_count > 0
    assert let_in.loaded.failure_count == 0


def test_what_no_worker_has_asked_for_is_skipped(settings_for: Callable[[str], Settings], database: Database) -> None:
    scripted = _marketplace()
    track(database.connection, [*EVENTS], interval_seconds=600)
    of, shard = Round(uuid4(), datetime.now(UTC)), Shard(1, 2)
    with serving(scripted.app) as url:
        scrape_shard(_for_shards(settings_for(url)), database, CADENCE, shard, of)
        report, _ = read_report(database.connection, CADENCE, url, of)
    own = sum(map(shard.holds, EVENTS))
    assert (report.event_count, report.captured_count, report.skipped_count) == (12, own, 12 - own)


def _marketplace() -> ScriptedMarketplace:
    scripted = ScriptedMarketplace()
    for event_id in EVENTS:
        scripted.set_replies(event_id, Reply(body=listings_body(event_id=event_id), delay_seconds=0.02))
    return scripted


def _for_shards(settings: Settings) -> Settings:
    return settings.model_copy(update={"scraper_shards": 2})
