"""What a range given to a build marks stale: `ticketmarts build --from T`, `--to T`, or both."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from orchestration.ledger import mark_stale
from tests.integration.codec.markets import PlainCapture, capture

HOURS = [datetime(2026, 3, 14, hour, tzinfo=UTC) for hour in (9, 10, 11)]


@pytest.mark.parametrize(
    ("from_at", "to_at", "marked"),
    [
        (HOURS[1], None, HOURS[1:]),
        (None, HOURS[1], HOURS[:1]),
        (HOURS[1], HOURS[2], HOURS[1:2]),
        (None, None, HOURS),
    ],
)
def test_a_range_may_be_open_on_either_side(
    fresh_database_url: str, from_at: datetime | None, to_at: datetime | None, marked: list[datetime]
) -> None:
    with connect(fresh_database_url) as connection:
        SnapshotWriter(connection).write([capture(PlainCapture(7, at, ())) for at in HOURS])
        connection.execute("delete from raw.stale_hours")
        mark_stale(connection, from_at, to_at)
        hours = connection.execute("select hour_at from raw.stale_hours order by 1").fetchall()
    assert [hour for (hour,) in hours] == marked
