"""``ticketmarts export``: what is in the file is what was captured, and the file is whole or not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from ingestion.exporting import ExportError, export
from tests.integration.codec.markets import PlainCapture, PlainListing, capture

_BEFORE_MIDNIGHT = datetime(2026, 3, 14, 23, 50, tzinfo=UTC)


def _listing(listing_id: str, price_cents: int) -> PlainListing:
    where = ("Floor 1", None, "401890", "316", None, None)
    return PlainListing(listing_id, *where, (1, 3), "E-tickets", "", None, 2, price_cents, None)


_CAPTURES = [
    PlainCapture(7, _BEFORE_MIDNIGHT, (_listing("a", 100), _listing("b", 200))),
    PlainCapture(7, _BEFORE_MIDNIGHT + timedelta(minutes=10), (_listing("b", 250),)),
    PlainCapture(7, _BEFORE_MIDNIGHT + timedelta(minutes=20), ()),
    PlainCapture(8, _BEFORE_MIDNIGHT, (_listing("c", 300),)),
]


@pytest.fixture(scope="module")
def filled_url(database_url: str) -> str:
    with connect(database_url) as connection:
        SnapshotWriter(connection).write([capture(plain) for plain in _CAPTURES])
        connection.execute("create table marts.event_sample (event_id bigint, day date, get_in numeric(12,2))")
        connection.execute("insert into marts.event_sample values (7, '2026-03-14', 1.5), (8, null, null)")
    return database_url


def test_observations_are_every_listing_of_every_capture(filled_url: str, tmp_path: Path) -> None:
    with connect(filled_url) as connection:
        assert export(connection, "observations", tmp_path / "all.parquet") == 4
    table = pq.read_table(tmp_path / "all.parquet")
    assert table.schema.field("captured_at").type == pa.timestamp("us", tz="UTC")
    rows = [(r["event_id"], r["captured_at"], r["source_listing_id"], r["price_cents"]) for r in table.to_pylist()]
    assert rows == [
        (plain.event_id, plain.captured_at, listing.source_listing_id, listing.price_cents)
        for plain in _CAPTURES
        for listing in plain.listings
    ]
    assert table.to_pylist()[0]["splits"] == [1, 3]
    assert table.to_pylist()[0]["all_in_cents"] is None


def test_observations_are_bounded_by_event_and_instants(filled_url: str, tmp_path: Path) -> None:
    output = tmp_path / "some.parquet"
    with connect(filled_url) as connection:
        from_at = _BEFORE_MIDNIGHT + timedelta(minutes=5)
        assert export(connection, "observations", output, event_ids=[7], from_at=from_at) == 1
        assert export(connection, "observations", output, event_ids=[7], to_at=from_at) == 2
    assert pq.read_table(output)["source_listing_id"].to_pylist() == ["a", "b"]


def test_a_mart_keeps_its_types(filled_url: str, tmp_path: Path) -> None:
    output = tmp_path / "mart.parquet"
    with connect(filled_url) as connection:
        assert export(connection, "event_sample", output) == 2
    table = pq.read_table(output)
    assert table.schema.field("get_in").type == pa.decimal128(12, 2)
    assert table["get_in"].to_pylist() == [Decimal("1.50"), None]


@pytest.mark.parametrize(
    ("what", "bounds", "message"),
    [
        ("event_weekly", {}, "there is no mart event_weekly; there are observations, event_sample"),
        ("event_sample", {"event_ids": [7]}, "a mart is exported whole"),
        ("observations", {"event_ids": [9]}, "nothing to export"),
    ],
)
def test_what_cannot_be_exported_is_said_and_leaves_an_old_file_alone(
    filled_url: str, tmp_path: Path, what: str, bounds: dict[str, list[int]], message: str
) -> None:
    output = tmp_path / "old.parquet"
    output.write_bytes(b"old")
    with connect(filled_url) as connection, pytest.raises(ExportError, match=message):
        export(connection, what, output, event_ids=bounds.get("event_ids", []))
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


def test_a_folder_that_is_not_there_is_said(filled_url: str, tmp_path: Path) -> None:
    with connect(filled_url) as connection, pytest.raises(ExportError, match="cannot write"):
        export(connection, "event_sample", tmp_path / "nowhere" / "mart.parquet")
