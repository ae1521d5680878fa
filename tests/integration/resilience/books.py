"""Books in plain values, as a marketplace served them and as the database gives them back.

What belongs here: the plain form, and reading it from a body and through the database's reading functions. What does
not: decoding what is stored step by step (``invariants``), and saying what differs (``comparison``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from psycopg.rows import dict_row

from ingestion.database import connect
from tests.integration.ingestion.marketplaces import listings_of

Instant: TypeAlias = tuple[int, datetime]
"""What names a capture: event and instant."""
Book: TypeAlias = tuple[tuple[Any, ...], ...]
"""The listings of a capture, each its values in the order of ``COLUMNS``, cheapest first."""

COLUMNS = (
    "price_cents",
    "source_listing_id",
    "section",
    "seat_row",
    "zone_id",
    "section_id",
    "seat_low",
    "seat_high",
    "splits",
    "delivery",
    "notes",
    "face_value_cents",
    "quantity",
    "all_in_cents",
)


def served_book(body: bytes) -> Book:
    """The book that a body of the sandbox tells of."""
    return _book(listings_of(body))


def recorded_books(path: Path) -> dict[Instant, Book]:
    """The books of a recording of good answers."""
    books = {}
    for line in path.read_bytes().splitlines():
        capture = orjson.loads(line)
        instant = capture["event_id"], datetime.fromisoformat(capture["captured_at"])
        books[instant] = served_book(orjson.dumps(capture["body"]))
    return books


def stored_books(database_url: str) -> dict[Instant, Book]:
    """Every capture in the database, as its reading functions give them."""
    with connect(database_url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        captures = cursor.execute("select event_id, captured_at from raw.snapshots").fetchall()
        listings: dict[Instant, list[dict[str, Any]]] = {(c["event_id"], c["captured_at"]): [] for c in captures}
        for event_id in sorted({event_id for event_id, _ in listings}):
            for row in cursor.execute("select * from raw.observations(%s, '-infinity', 'infinity')", (event_id,)):
                listings[event_id, row["captured_at"]].append(row)
    return {instant: _book(rows) for instant, rows in listings.items()}


def _book(listings: Iterable[Mapping[str, Any]]) -> Book:
    plain = (tuple(_plain(listing[column]) for column in COLUMNS) for listing in listings)
    return tuple(sorted(plain, key=lambda listing: listing[:2]))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
