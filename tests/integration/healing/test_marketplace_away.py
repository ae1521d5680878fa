"""A marketplace that is away for an hour: told once, nothing invented, and the first round after it has everything.

The hour is one of the past: the captures before it are a recording that ends where it begins, and the rounds that find
nobody there are as many as an hour has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from pydantic import SecretStr

from ingestion.alerts import DATABASE, Evaluation, database_problems, evaluate
from ingestion.alerts.channels import Webhook
from ingestion.circuit_breaker import FAILURES_TO_OPEN
from ingestion.database import Database
from ingestion.scraping import RoundReport, scrape_round
from ingestion.settings import Settings, load_settings
from ingestion.tracking import events_to_scrape, track
from ingestion.tracking.cadence import Cadence
from sandbox.faults.control import FAULTS_PATH
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record
from tests.integration.alerts.receivers import WebhookReceiver, webhook_receiver
from tests.integration.ingestion.marketplaces import HOST
from tests.integration.marts.warehouse import Warehouse

EVENTS = 6
INTERVAL_SECONDS = 600
ROUNDS_AN_HOUR = 6
HOUR = timedelta(hours=1)
# In the order in which a marketplace in trouble has them: no answer, errors, and a wall for whoever keeps asking.
TROUBLES = ("connection_reset", "server_error", "blocked")


class Outage:
    """Rounds and evaluations of alerts, the latter at instants of their own."""

    def __init__(self, settings: Settings, database: Database, webhook: WebhookReceiver) -> None:
        self.settings = settings
        self.database = database
        self._webhook = webhook
        self._evaluated_at = datetime.now(UTC)

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """To the database of both."""
        return self.database.connection

    def round(self) -> RoundReport:
        """One, of what is due."""
        events = events_to_scrape(self.connection, Cadence(INTERVAL_SECONDS), datetime.now(UTC))
        return scrape_round(self.settings, self.database, events.due)

    def evaluate(self, minutes_later: int) -> Evaluation:
        """Of all that is found now, so long after the last time."""
        self._evaluated_at += timedelta(minutes=minutes_later)
        found = {DATABASE: database_problems(self.connection, self.settings)}
        return evaluate(self.connection, found, [Webhook(SecretStr(self._webhook.url))], self._evaluated_at)

    def set_trouble(self, fault: str | None) -> None:
        """What the marketplace does with every request from now on."""
        url = f"{self.settings.marketplace_base_url}{FAULTS_PATH}"
        if fault is None:
            httpx.delete(url, trust_env=False).raise_for_status()
        else:
            httpx.put(url, json={"rules": [{"fault": fault}]}, trust_env=False).raise_for_status()


@pytest.fixture
def webhook() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def event_ids(live_events: list[int]) -> list[int]:
    return live_events[:EVENTS]


@pytest.fixture
def outage(
    fresh_warehouse: Warehouse,
    market_url: str,
    webhook: WebhookReceiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Outage]:
    monkeypatch.setenv("NO_PROXY", HOST)
    settings = load_settings(
        with_running_stack=False,
        dotenv=tmp_path / "none.env",
        database_url=fresh_warehouse.database_url,
        database_disk_gb=1000,
        marketplace_base_url=market_url,
        scraper_requests_per_second=1000,
        scraper_max_concurrency=EVENTS,
    )
    with Database(fresh_warehouse.database_url) as database:
        yield Outage(settings, database, webhook)


def test_an_hour_away_is_told_once_invents_nothing_and_is_over_with_the_first_round(
    outage: Outage, fresh_warehouse: Warehouse, webhook: WebhookReceiver, event_ids: list[int]
) -> None:
    away_from_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    plan = RecordingPlan(tuple(event_ids), away_from_at - 2 * HOUR, away_from_at, INTERVAL_SECONDS, DEFAULT_SEED)
    fresh_warehouse.record(orjson.loads(line) for line in record(plan))
    track(outage.connection, event_ids, INTERVAL_SECONDS)
    outage.connection.execute("update raw.tracked_events set added_at = now() - interval '1 day'")

    for trouble in TROUBLES:
        outage.set_trouble(trouble)
        for _ in range(ROUNDS_AN_HOUR // len(TROUBLES)):
            report = outage.round()
            assert report.captured_count == 0
            outage.evaluate(minutes_later=10)
    # The wall was met once: who opened the breaker in the fifth round asked nobody in the sixth.
    assert report.open_breaker is not None
    assert (report.skipped_count, report.loaded.failure_count) == (EVENTS, 0)
    failures = outage.connection.execute(
        "select kind, count(*) from raw.scrape_failures where not was_retried group by kind"
    ).fetchall()
    kinds = dict(failures)
    assert kinds.pop("blocked") >= FAILURES_TO_OPEN
    assert kinds == {"connection": 2 * EVENTS, "server_error": 2 * EVENTS}
    fresh_warehouse.build()
    before = {row["hour"] for row in fresh_warehouse.rows(_HOURLY)}
    assert before == {away_from_at - HOUR, away_from_at - 2 * HOUR}

    # Its pause is over, and the marketplace is back: nobody does anything.
    outage.set_trouble(None)
    outage.connection.execute("update raw.circuit_breakers set open_until = now()")
    report = outage.round()
    assert (report.captured_count, report.open_breaker) == (EVENTS, None)
    told_in = [bool(outage.evaluate(minutes_later=11).told) for _ in range(3)]
    fresh_warehouse.build()
    hours = Counter(row["hour"] for row in fresh_warehouse.rows(_HOURLY))
    captured = outage.connection.execute(_CAPTURED_HOURS).fetchall()
    assert hours == dict(captured)
    assert away_from_at not in hours
    assert set(hours) > before

    said = "\n".join(webhook.texts)
    for problem in ("freshness", "circuit breaker"):
        assert said.count(f"PROBLEM {problem}") == 1
        assert said.count(f"Over: {problem}") == 1
    # What looks back at the hour that is lost says so once, and for as long as it sees it.
    for problem in ("capture coverage", "failure rate"):
        assert said.count(f"PROBLEM {problem}") == 1
        assert said.count(f"Over: {problem}") == 0
    assert not told_in[-1]


_HOURLY = "select event_id, hour, captures, listings_close from marts.event_hourly order by event_id, hour"
_CAPTURED_HOURS = """
select hour, count(*)
from (select distinct event_id, date_trunc('hour', captured_at, 'UTC') as hour from raw.snapshots) as captured
group by hour
"""
