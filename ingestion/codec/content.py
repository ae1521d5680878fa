"""What listings share, and 64-bit names for it that any process derives without asking the database.

What belongs here: the two kinds of shared content and their hashes. What does not: storing them (``writer``).
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import NamedTuple

import orjson


class Placement(NamedTuple):
    """Where a listing is. Any part may be missing from the marketplace's answer (None)."""

    section: str | None
    seat_row: str | None
    zone_id: str | None
    section_id: str | None


class Terms(NamedTuple):
    """How a listing is sold: the quantities a buyer may take of it, delivery, notes, face value in cents."""

    splits: tuple[int, ...]
    delivery: str | None
    notes: str | None
    face_value_cents: int | None


def placement_id(placement: Placement) -> int:
    """The signed 64-bit key of ``raw.placements``."""
    return _hash(_canonical(placement))


def terms_id(terms: Terms) -> int:
    """The signed 64-bit key of ``raw.terms``."""
    return _hash(_canonical(terms))


def content_hash(content: object) -> int:
    """BLAKE2b (RFC 7693), 8 bytes, of the canonical JSON of ``content``, as PostgreSQL's signed bigint."""
    return _hash(json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode())


def _canonical(content: Placement | Terms) -> bytes:
    # Of texts and integers orjson makes the same bytes as json, in a tenth of the time. It knows no named tuples.
    return orjson.dumps(tuple(content))


def _hash(canonical_json: bytes) -> int:
    return int.from_bytes(blake2b(canonical_json, digest_size=8).digest(), "big", signed=True)
