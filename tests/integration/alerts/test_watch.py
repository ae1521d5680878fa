"""``up`` evaluates alerts where nobody else does."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.alerts import evaluate
from stack.alert_watch import SILENT_SECONDS, AlertWatch
from tests.integration.alerts.receivers import WebhookReceiver
from tests.integration.health.markets import book, watch, write


@pytest.fixture
def environment(fresh_database_url: str, webhook: WebhookReceiver, tmp_path: Path) -> dict[str, str]:
    """That of a stack without Dagster."""
    return {
        **os.environ,
        "TICKETMARTS_HOME": str(tmp_path / "home"),
        "DATABASE_URL": fresh_database_url,
        "ALERT_WEBHOOK_URL": webhook.url,
    }


def test_where_nobody_evaluates_up_does_and_people_are_told(
    environment: dict[str, str], connection: psycopg.Connection[Any], webhook: WebhookReceiver
) -> None:
    watch(connection, [7])
    write(connection, 7, [50], book(3))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    evaluate(connection, {}, [], long_ago)
    alert_watch = AlertWatch(environment, silent_seconds=0)
    assert not alert_watch.look_if_due()  # a minute has not gone by
    assert alert_watch.look()
    assert alert_watch.wait() == 0
    assert len(webhook.texts) == 1
    assert "PROBLEM freshness" in webhook.texts[0]


def test_where_somebody_evaluates_up_does_not(
    environment: dict[str, str], connection: psycopg.Connection[Any], webhook: WebhookReceiver
) -> None:
    assert not AlertWatch(environment, silent_seconds=SILENT_SECONDS).look()
    alert_watch = AlertWatch(environment, silent_seconds=5)
    evaluate(connection, {}, [], datetime.now(UTC) + timedelta(seconds=30))
    assert not alert_watch.look()
    away = {**environment, "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    assert not AlertWatch(away, silent_seconds=0).look()
    assert alert_watch.wait() is None
    assert webhook.requests == 0
