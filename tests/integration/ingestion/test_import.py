"""``ticketmarts import``: recordings become the captures that they hold, once, and a broken one stops in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zstandard

from ingestion.snapshots import NoSnapshotError, read_snapshot
from sandbox.marketplace import InventedMarketplace
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, captures, record
from tests.integration.ingestion.conftest import Finished
from tests.integration.ingestion.marketplaces import listings_of

Run = Callable[..., Finished]
TABLES = ("snapshots", "keyframes", "heads", "stale_hours", "seating", "placements", "terms", "scrape_failures")


@pytest.fixture(scope="module")
def plan(event_ids: list[int]) -> RecordingPlan:
    """More captures than go into one batch, across a UTC midnight."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = timedelta(hours=2)
    return RecordingPlan(tuple(event_ids), midnight - span, midnight + span, 600, DEFAULT_SEED)


@pytest.fixture(scope="module")
def recorded(plan: RecordingPlan) -> list[bytes]:
    return list(record(plan))


def stored(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    return {table: connection.execute(f"select * from raw.{table} order by 1, 2").fetchall() for table in TABLES}


def written(folder: Path, lines: Sequence[bytes]) -> Path:
    path = folder / "recording.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def captured_count(connection: psycopg.Connection[Any]) -> int:
    return int(connection.execute("select count(*) from raw.snapshots").fetchall()[0][0])


def test_every_capture_is_what_the_sandbox_says_it_was(
    ticketmarts: Run, connection: psycopg.Connection[Any], plan: RecordingPlan, recorded: list[bytes], tmp_path: Path
) -> None:
    path = tmp_path / "recording.jsonl.zst"
    path.write_bytes(zstandard.compress(b"".join(recorded)))
    imported = ticketmarts("import", path, "--json", "--expected", len(plan))
    assert imported.returncode == 0, imported.stderr
    report = json.loads(imported.stdout)
    assert (report["answers"], report["captured"], report["repeated"]) == (72, 72, 0)
    assert imported.stderr.decode().splitlines()[-1] == "importing: 72, done"

    market = InventedMarketplace(DEFAULT_SEED)
    for event_id, captured_at in captures(plan):
        expected = listings_of(market.listings(event_id, captured_at).body)
        rows = read_snapshot(connection, event_id, captured_at)
        assert rows == [{"captured_at": captured_at, **listing} for listing in expected]
    between = ticketmarts("snapshot", event_id, (captured_at + timedelta(seconds=1)).isoformat())
    assert [json.loads(line)["source_listing_id"] for line in between.stdout.splitlines()] == [
        listing["source_listing_id"] for listing in expected
    ]
    before = ticketmarts("snapshot", event_id, (plan.from_at - timedelta(days=1)).isoformat())
    assert before.returncode == 1
    assert b"its captures are from " in before.stderr


def test_importing_twice_changes_nothing(
    ticketmarts: Run, connection: psycopg.Connection[Any], recorded: list[bytes], tmp_path: Path
) -> None:
    failure = b'{"event_id":7,"captured_at":"2026-01-01T00:00:00Z","status":404,"headers":{},"body":"gone"}\n'
    path = written(tmp_path, [failure, *recorded[:9]])
    assert ticketmarts("import", path).returncode == 0
    before = stored(connection)
    assert (len(before["snapshots"]), len(before["scrape_failures"])) == (9, 1)
    again = ticketmarts("import", "-", stdin=path.read_bytes())
    assert again.returncode == 0
    assert again.stderr.decode().splitlines()[-2].startswith("0 captures with 0 observations in ")
    assert "; 9 were there already, 1 failed" in again.stderr.decode()
    assert stored(connection) == before


def test_a_conflict_is_refused_and_told_with_status_1(
    ticketmarts: Run, connection: psycopg.Connection[Any], recorded: list[bytes], tmp_path: Path
) -> None:
    assert ticketmarts("import", written(tmp_path, recorded[:6])).returncode == 0
    before = stored(connection)
    line = json.loads(recorded[1])
    line["body"]["tickets"][0]["p"] = "1.23"
    other = written(tmp_path, [recorded[0], json.dumps(line).encode() + b"\n", recorded[6]])
    imported = ticketmarts("import", other)
    assert imported.returncode == 1
    told = f"event {line['event_id']} at {line['captured_at']}: refused, another book is stored for that instant"
    instant = datetime.fromisoformat(line["captured_at"])
    assert told.replace(line["captured_at"], instant.isoformat()) in imported.stderr.decode().splitlines()
    assert captured_count(connection) == 7, "what came after the conflict is stored"
    assert stored(connection)["snapshots"][:1] == before["snapshots"][:1]


def test_a_broken_recording_keeps_the_batches_before_it_and_can_be_resumed(
    ticketmarts: Run, connection: psycopg.Connection[Any], recorded: list[bytes], tmp_path: Path
) -> None:
    path = written(tmp_path, [*recorded[:69], b'{"event_id": 7}\n', *recorded[69:]])
    imported = ticketmarts("import", path)
    assert imported.returncode == 1
    (said,) = imported.stderr.decode().splitlines()
    assert said.startswith(f"error: {path}, line 70: Object missing required field `captured_at`")
    assert captured_count(connection) == 64
    assert ticketmarts("import", written(tmp_path, recorded)).returncode == 0
    assert captured_count(connection) == 72


def test_history_from_before_what_is_stored(
    ticketmarts: Run, connection: psycopg.Connection[Any], plan: RecordingPlan, recorded: list[bytes], tmp_path: Path
) -> None:
    for lines in (recorded[36:], recorded[::2], recorded):
        assert ticketmarts("import", written(tmp_path, lines)).returncode == 0
    market = InventedMarketplace(DEFAULT_SEED)
    for event_id, captured_at in captures(plan):
        rows = read_snapshot(connection, event_id, captured_at)
        expected = listings_of(market.listings(event_id, captured_at).body)
        assert rows == [{"captured_at": captured_at, **listing} for listing in expected]


def test_there_is_no_snapshot_of_what_was_never_captured(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(NoSnapshotError, match="event 7 has never been captured"):
        read_snapshot(connection, 7, datetime.now(UTC))
