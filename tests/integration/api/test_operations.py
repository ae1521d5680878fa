"""How the pipeline is doing, for operations: against what raw says of the last day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.database import connect
from tests.integration.api.conftest import HAND_MADE, INTERVAL_SECONDS, NEVER_CAPTURED, History
from tests.integration.api.serving import Api

pytestmark = pytest.mark.usefixtures("history")


@pytest.fixture
def failures(history: History) -> Iterator[None]:
    """Failures of the last day, one before, one that was made again at once; an hour that waits for a build."""
    now = datetime.now(UTC)
    rows = [
        (timedelta(hours=1), "timeout", False),
        (timedelta(hours=2), "timeout", False),
        (timedelta(minutes=30), "blocked", False),
        (timedelta(minutes=31), "connection", True),
        (timedelta(hours=25), "not_found", False),
    ]
    with connect(history.database_url) as connection:
        for ago, kind, was_retried in rows:
            connection.execute(
                "insert into raw.scrape_failures (event_id, attempted_at, kind, message, was_retried)"
                " values (%s, %s, %s, %s, %s)",
                (NEVER_CAPTURED, now - ago, kind, f"it was {kind}", was_retried),
            )
        connection.execute(
            "insert into raw.stale_hours (event_id, hour_at) values (%s, date_trunc('hour', now()))", (NEVER_CAPTURED,)
        )
        yield
        connection.execute("delete from raw.scrape_failures where event_id = %s", (NEVER_CAPTURED,))
        connection.execute("delete from raw.stale_hours where event_id = %s", (NEVER_CAPTURED,))


@pytest.mark.usefixtures("failures")
def test_failures_are_counted_by_kind(api: Api) -> None:
    (health,) = api.rows("/pipeline_health", {"event_id": f"eq.{NEVER_CAPTURED}"}, role="service_role")
    assert health["failures_24h"] == 3
    assert health["failures_by_kind_24h"] == {"timeout": 2, "blocked": 1}
    assert (health["last_failure_kind"], health["last_failure_message"]) == ("blocked", "it was blocked")
    assert health["lag_seconds"] is health["lag_intervals"] is health["last_captured_at"] is None
    assert (health["captures_24h"], health["stale_hours"]) == (0, 1)


def test_lag_and_coverage_are_of_the_interval_in_force(api: Api, history: History) -> None:
    rows = api.rows("/pipeline_health", {"order": "event_id"}, role="service_role")
    tracked = history.truth("select event_id from raw.tracked_events order by event_id")
    assert [row["event_id"] for row in rows] == [row["event_id"] for row in tracked]
    health = {row["event_id"]: row for row in rows}
    for event_id in (*history.event_ids, HAND_MADE):
        row = health[event_id]
        (truth,) = history.truth(
            """
            select count(*) filter (where captured_at > now() - interval '24 hours') as captures,
                max(captured_at) as newest from raw.snapshots where event_id = %s
            """,
            event_id,
        )
        assert abs(row["captures_24h"] - truth["captures"]) <= 1  # one may grow too old between the two questions
        assert row["last_captured_at"] == truth["newest"]
        assert row["lag_intervals"] == pytest.approx(row["lag_seconds"] / INTERVAL_SECONDS, abs=0.01)
        assert row["failures_24h"] == 0
    whole_day = health[history.event_ids[0]]
    assert whole_day["captures_expected_24h"] == 86400 / INTERVAL_SECONDS
    assert whole_day["coverage_percent_24h"] == pytest.approx(100 * whole_day["captures_24h"] / 72, abs=1.5)
    assert health[HAND_MADE]["captures_expected_24h"] < 20
