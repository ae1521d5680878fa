"""A marketplace that turns us away is left alone, by this round and by those that follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.circuit_breaker import FAILURES_TO_OPEN, FIRST_PAUSE, LONGEST_PAUSE, CircuitBreaker, load_breaker
from ingestion.database import Database
from ingestion.failures import CaptureError, FailureKind
from ingestion.marketplace import ATTEMPTS
from ingestion.scraping import scrape_round
from ingestion.settings import Settings
from tests.integration.ingestion.marketplaces import Reply, ScriptedMarketplace, serving
from tests.unit.ingestion.bodies import listings_body

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
BLOCKED = CaptureError(FailureKind.BLOCKED, "a challenge")
EVENTS = range(1, 21)


def test_three_refusals_in_a_row_open_it_and_other_failures_do_not() -> None:
    breaker = CircuitBreaker("here", None, NOW)
    for error in (BLOCKED, BLOCKED, CaptureError(FailureKind.NOT_FOUND, "gone")):
        breaker.note_failure(error, NOW)
    assert not breaker.is_open
    breaker.note_success()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.note_failure(BLOCKED, NOW)
    assert not breaker.is_open
    breaker.note_failure(CaptureError(FailureKind.ACCESS_DENIED, "no"), NOW)
    assert breaker.is_open
    assert breaker.state is not None
    assert breaker.state.open_until == NOW + FIRST_PAUSE
    assert "nothing is asked before 2026-03-15 12:30 UTC" in str(breaker.state)


def test_each_time_in_a_row_it_stays_open_for_twice_as_long() -> None:
    breaker, now, pauses = CircuitBreaker("here", None, NOW), NOW, []
    for _ in range(9):
        for _ in range(FAILURES_TO_OPEN):
            breaker.note_failure(BLOCKED, now)
        assert breaker.state is not None
        pauses.append(breaker.state.open_until - now)
        now = breaker.state.open_until
        breaker = CircuitBreaker("here", breaker.state, now)
        assert breaker.is_probing
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE


def test_after_its_pause_one_answer_decides() -> None:
    breaker = CircuitBreaker("here", None, NOW)
    for _ in range(FAILURES_TO_OPEN):
        breaker.note_failure(BLOCKED, NOW)
    assert CircuitBreaker("here", breaker.state, NOW + FIRST_PAUSE - timedelta(seconds=1)).is_open
    let_in = CircuitBreaker("here", breaker.state, NOW + FIRST_PAUSE)
    let_in.note_success()
    assert (let_in.is_open, let_in.is_probing, let_in.state) == (False, False, None)
    turned_away = CircuitBreaker("here", breaker.state, NOW + FIRST_PAUSE)
    turned_away.note_failure(BLOCKED, NOW + FIRST_PAUSE)
    assert turned_away.is_open


@pytest.mark.parametrize("reply", [Reply(body=b"<html>"), Reply(403, b"{}")])
def test_a_round_stops_asking_and_the_next_does_not_begin(
    settings_for: Callable[[str], Settings], database: Database, reply: Reply
) -> None:
    scripted = ScriptedMarketplace()
    for event_id in EVENTS:
        scripted.set_replies(event_id, reply)
    with serving(scripted.app) as url:
        settings = settings_for(url).model_copy(update={"scraper_max_concurrency": 1})
        first = scrape_round(settings, database, dict.fromkeys(EVENTS, 600))
        asked = scripted.requests.total()
        second = scrape_round(settings, database, dict.fromkeys(EVENTS, 600))

        assert asked == FAILURES_TO_OPEN
        assert scripted.requests.total() == asked
        assert (first.loaded.failure_count, first.skipped_count) == (asked, len(EVENTS) - asked)
        assert (second.loaded.failure_count, second.skipped_count) == (0, len(EVENTS))
        assert first.failed_share == second.failed_share == 1.0
        assert second.open_breaker is not None

        # The pause is over, and the marketplace lets us in again.
        database.connection.execute("update raw.circuit_breakers set open_until = now()")
        for event_id in EVENTS:
            scripted.set_replies(event_id, Reply(body=listings_body(event_id=event_id)))
        third = scrape_round(settings, database, dict.fromkeys(EVENTS, 600))
        assert (third.captured_count, third.open_breaker) == (len(EVENTS), None)
        assert (
            load_breaker(database.connection, settings.require_marketplace_base_url(), datetime.now(UTC)).state is None
        )


def test_an_event_that_waits_to_be_asked_again_when_the_breaker_opens_has_failed(
    settings_for: Callable[[str], Settings], database: Database
) -> None:
    scripted = ScriptedMarketplace()
    scripted.set_replies(4, Reply(500))
    for event_id in (1, 2, 3):
        scripted.set_replies(event_id, Reply(403, b"{}", delay_seconds=0.05))
    with serving(scripted.app) as url:
        report = scrape_round(settings_for(url), database, dict.fromkeys((4, 1, 2, 3), 600))
    failures = database.connection.execute(
        "select event_id, kind, was_retried from raw.scrape_failures order by event_id, attempted_at"
    ).fetchall()
    tries = scripted.requests[4]
    assert tries < ATTEMPTS
    assert failures == [
        *((event_id, "access_denied", False) for event_id in (1, 2, 3)),
        *((4, "server_error", n < tries) for n in range(1, tries + 1)),
    ]
    assert (report.captured_count, report.skipped_count, report.loaded.failure_count) == (0, 0, 4)
