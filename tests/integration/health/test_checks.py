"""The checks of ``ingestion.health``: content with a sound database, each discontent with what it is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ingestion.health import CHECKS, run_checks
from ingestion.health.capture_coverage import HOURS, check_capture_coverage
from ingestion.health.circuit_breaker import check_circuit_breaker
from ingestion.health.codec_round_trip import check_codec_round_trip
from ingestion.health.disk_forecast import check_disk_forecast
from ingestion.health.failure_rate import check_failure_rate
from ingestion.health.freshness import check_freshness
from ingestion.health.ledger_age import check_ledger_age
from ingestion.health.market_price_step import check_market_price_step
from ingestion.health.result import duration
from ingestion.health.zero_inventory import check_zero_inventory
from ingestion.settings import Settings, load_settings
from orchestration.dbt_project_files import dbt_environment, run_dbt
from tests.integration.health.markets import book, describe, fail, minutes_ago, watch, write

EVENT, OTHER = 7, 8
_REGULAR = [10 * n + 1 for n in range((HOURS + 2) * 6)]

Connection = psycopg.Connection[Any]


def test_a_sound_database_is_well_and_an_empty_one_too(connection: Connection, settings: Settings) -> None:
    empty = run_checks(connection, settings)
    assert [check.name for check in empty] == [check.name for check in CHECKS]
    assert [check.name for check in empty if not check.is_ok] == []
    watch(connection, [EVENT, OTHER])
    for event_id in (EVENT, OTHER):
        describe(connection, event_id, starts_in_hours=48)
        write(connection, event_id, _REGULAR, book(12))
    sound = {check.name: check for check in run_checks(connection, settings)}
    assert [name for name, check in sound.items() if not check.is_ok] == []
    assert sound["freshness"].figures["events_watched"] == 2
    assert sound["capture_coverage"].figures["coverage_share"] == 1
    assert sound["codec_round_trip"].figures["captures_read"] == 2
    assert all(check.summary and not check.problems and not check.what_to_do for check in sound.values())
    about_marts = run_checks(connection, settings, about=("event_hourly",))
    assert {check.name for check in about_marts} == {"ledger_age", "market_price_step"}


@pytest.mark.parametrize(("age_minutes", "is_ok"), [(29, True), (31, False)])
def test_an_event_is_overdue_after_three_intervals(connection: Connection, age_minutes: float, is_ok: bool) -> None:
    watch(connection, [EVENT, OTHER])
    write(connection, OTHER, [1], book(3))
    write(connection, EVENT, [age_minutes], book(3))
    fail(connection, EVENT, "timeout", age_minutes=20)
    result = check_freshness(connection)
    assert result.is_ok is is_ok
    if not is_ok:
        assert result.summary.startswith("1 of 2 events are overdue; the longest wait for a capture is 31 min")
        assert result.problems == (
            (
                f"event {EVENT} (without a name): newest capture 31 min old, every 10 min is wanted; "
                "last failure: timeout: it was timeout"
            ),
        )
        assert "schedule every_interval" in result.what_to_do


def test_an_event_never_captured_is_overdue_from_when_it_was_tracked(connection: Connection) -> None:
    watch(connection, [EVENT], since_minutes=5)
    watch(connection, [OTHER], since_minutes=35)
    result = check_freshness(connection)
    assert result.figures["events_overdue"] == 1
    assert f"event {OTHER} (without a name): never captured in 35 min, every 10 min is wanted" in result.problems[0]
    assert "no round has asked" in result.problems[0]


def test_an_imported_history_does_not_make_an_event_overdue_that_is_tracked_since_then(connection: Connection) -> None:
    watch(connection, [EVENT], since_minutes=5)
    watch(connection, [OTHER], since_minutes=35)
    for event_id in (EVENT, OTHER):
        write(connection, event_id, [1000, 990], book(3))
    result = check_freshness(connection)
    assert result.figures["events_overdue"] == 1
    assert f"event {OTHER} (without a name): never captured in 35 min" in result.problems[0]


def test_events_that_began_or_are_gone_or_untracked_are_not_waited_for(connection: Connection) -> None:
    watch(connection, [EVENT, OTHER, 9])
    describe(connection, EVENT, starts_in_hours=-1)
    describe(connection, OTHER, starts_in_hours=5, state="gone")
    connection.execute("update raw.tracked_events set is_tracked = false where event_id = 9")
    assert check_freshness(connection).figures["events_watched"] == 0
    assert check_freshness(connection).is_ok


def test_only_the_worst_events_are_named(connection: Connection) -> None:
    watch(connection, range(1, 31))
    result = check_freshness(connection)
    assert result.figures["events_overdue"] == 30
    assert len(result.problems) == 10


def test_an_hour_with_gaps_is_named_and_the_hour_in_progress_is_not(connection: Connection) -> None:
    watch(connection, [EVENT, OTHER])
    write(connection, OTHER, _REGULAR, book(3))
    hour_at = minutes_ago(120).replace(minute=0, second=0, microsecond=0)
    outside = [age for age in _REGULAR if not hour_at <= minutes_ago(age) < hour_at + timedelta(hours=1)]
    write(connection, EVENT, outside, book(3))
    result = check_capture_coverage(connection)
    assert result.figures["captures_expected"] == 2 * 6 * HOURS
    assert result.problems == (f"hour {hour_at:%Y-%m-%d %H:%M} UTC: 6 of 12 captures, 1 events without any",)


def test_more_captures_of_one_event_do_not_make_up_for_another(connection: Connection) -> None:
    watch(connection, [EVENT, OTHER])
    write(connection, OTHER, [age / 4 for age in range(4, 4 * 60 * (HOURS + 2), 11)], book(2))
    result = check_capture_coverage(connection)
    assert result.figures["hours_with_gaps"] == HOURS
    assert result.figures["coverage_share"] == 0.5


def test_an_event_is_expected_from_the_hour_after_it_was_tracked(connection: Connection) -> None:
    watch(connection, [EVENT], since_minutes=59)
    assert check_capture_coverage(connection).figures["captures_expected"] == 0


def test_failures_are_counted_by_kind_and_a_tenth_is_too_many(connection: Connection) -> None:
    watch(connection, [EVENT])
    write(connection, EVENT, range(1, 46), book(2))
    fail(connection, EVENT, "timeout", count=5)
    few = check_failure_rate(connection)
    assert few.is_ok
    assert few.summary == "5 of 50 attempts in the last hour failed (10.0%), 5 timeout"
    fail(connection, EVENT, "blocked", count=2)
    fail(connection, EVENT, "bad_payload", count=50, age_minutes=61)
    connection.execute("update raw.scrape_failures set was_retried = true where attempted_at > now() - interval '1 ms'")
    many = check_failure_rate(connection)
    assert not many.is_ok
    assert many.problems == ("timeout: 5 attempts", "blocked: 2 attempts")
    assert (many.figures["failed"], many.figures["failed_blocked"], many.figures["attempts"]) == (7, 2, 52)


def test_what_was_tried_again_at_once_is_no_failure_nor_are_few_attempts(connection: Connection) -> None:
    watch(connection, [EVENT])
    fail(connection, EVENT, "timeout", count=19)
    assert check_failure_rate(connection).is_ok
    fail(connection, EVENT, "blocked", count=30)
    assert not check_failure_rate(connection).is_ok
    connection.execute("update raw.scrape_failures set was_retried = true where kind = 'blocked'")
    assert check_failure_rate(connection).is_ok


def test_an_open_breaker_is_told_of_the_marketplace_in_force(connection: Connection) -> None:
    connection.execute(
        """
        insert into raw.circuit_breakers (marketplace, opened_at, open_until, times_opened, kind, message)
        values ('https://a.example', now(), now() + interval '30 minutes', 2, 'blocked', 'a challenge')
        """
    )
    assert check_circuit_breaker(connection, "https://b.example").is_ok
    for marketplace in ("https://a.example", None):
        result = check_circuit_breaker(connection, marketplace)
        assert not result.is_ok
        assert "opened 2 times in a row" in result.problems[0]
        assert "blocked: a challenge" in result.problems[0]


def test_an_emptied_book_is_a_surprise_and_one_that_was_small_is_not(connection: Connection) -> None:
    watch(connection, [EVENT, OTHER, 9])
    write(connection, EVENT, [60, 50], book(10))
    write(connection, EVENT, [5], [])
    write(connection, OTHER, [60], book(9))
    write(connection, OTHER, [5], [])
    write(connection, 9, [2000], book(50))
    write(connection, 9, [5], [])
    result = check_zero_inventory(connection)
    assert result.figures["events_emptied"] == 1
    assert result.problems[0].startswith(f"event {EVENT} (without a name): no listing at ")
    assert result.problems[0].endswith("10 within the day before")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("update raw.snapshots set content_hash = content_hash + 1", "hash, listings and tickets are"),
        ("update raw.snapshots set listing_count = listing_count + 1", "by raw.observations than in raw.snapshots"),
        ("update raw.keyframes set price_cents[1] = price_cents[1] + 1", "hash, listings and tickets are"),
        ("update raw.placements set section = 'elsewhere' where section = 'S1'", "listings differ between"),
        ("update raw.terms set notes = 'other'", "listings differ between"),
        ("delete from raw.keyframes", "no keyframe"),
    ],
)
def test_a_damaged_book_is_noticed(connection: Connection, damage: str, said: str) -> None:
    write(connection, EVENT, [60], book(8))
    write(connection, EVENT, [40, 30, 20, 10], book(7))
    assert check_codec_round_trip(connection).is_ok
    connection.execute(damage.encode())
    result = check_codec_round_trip(connection)
    assert not result.is_ok
    assert any(said in problem for problem in result.problems), result.problems


def test_marks_wait_half_an_hour_and_those_of_history_six_hours(connection: Connection) -> None:
    connection.execute(
        "insert into raw.stale_hours (event_id, hour_at, marked_at) values (1, now() - interval '9 days', %s)",
        (minutes_ago(300),),
    )
    waiting = check_ledger_age(connection)
    assert waiting.is_ok
    assert waiting.summary.startswith("1 hours of events wait to be rolled up, the oldest since 5 h 0 min")
    connection.execute("update raw.stale_hours set marked_at = %s", (minutes_ago(361),))
    assert check_ledger_age(connection).problems == ("the oldest mark waits since 6 h 1 min",)
    connection.execute("update raw.stale_hours set hour_at = now(), marked_at = %s", (minutes_ago(31),))
    assert check_ledger_age(connection).problems == ("hours of the last two days wait since 31 min",)


def test_the_marts_that_dbt_made_are_compared(connection: Connection, fresh_database_url: str) -> None:
    events = range(1, 7)
    for event_id in events:
        write(connection, event_id, [140, 80], book(6, price_cents=1000 * event_id))
    environment = dbt_environment(load_settings(with_running_stack=False, database_url=fresh_database_url))

    def build() -> None:
        run_dbt(["run", "--select", "+event_hourly", "+event_latest"], environment)

    build()
    before = check_market_price_step(connection)
    assert (before.is_ok, before.figures) == (True, {"events_compared": 6, "step_share": 0})
    assert check_ledger_age(connection).figures["marts_behind_seconds"] == 0

    # One event alone may do what it likes; captured, and not rolled up yet, the marts are behind.
    write(connection, 1, [2], book(6, price_cents=9000))
    for event_id in events[1:]:
        write(connection, event_id, [2], book(6, price_cents=1300 * event_id))
    connection.execute("update raw.stale_hours set marked_at = now()")
    assert check_ledger_age(connection).problems == ("event_latest is 1 h 18 min behind raw",)
    build()
    assert check_ledger_age(connection).figures["marts_behind_seconds"] == 0
    after = check_market_price_step(connection)
    assert not after.is_ok
    assert after.problems == ("prices of 6 events have moved together by +30.0%",)


def test_the_disk_is_forecast_from_the_days_partitions(connection: Connection) -> None:
    for day in range(1, 4):
        write(connection, EVENT, [1440 * day], book(200 + day))
    known = check_disk_forecast(connection, None)
    assert known.is_ok
    taken, growth = known.figures["database_bytes"], known.figures["growth_bytes_a_day"]
    assert isinstance(taken, int)
    assert isinstance(growth, int)
    assert 0 < growth < taken
    assert known.figures["free_bytes"]  # of this machine's disk, which the server is on
    soon = check_disk_forecast(connection, taken + 13 * growth)
    assert soon.problems[-1].endswith("a day the disk is full in 13 days")
    assert check_disk_forecast(connection, 2 * taken + 15 * growth).is_ok
    full = check_disk_forecast(connection, taken * 1.01)
    assert full.problems[0].endswith("are free")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min"), (3599, "59 min"), (7260, "2 h 1 min"), (90_000, "1 d 1 h"), (-5, "0 s")],
)
def test_durations_are_put_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
