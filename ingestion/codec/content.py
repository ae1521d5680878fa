"""What listings share, and 64-bit names for it that any process derives without asking the database.

What belongs here: the two kinds of shared content and their hashes. What does not: storing them (``writer``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

_NO_CONTENT = blake2b(digest_size=8)


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
    return int.from_bytes(_digest(tuple(placement)), "big", signed=True)


def terms_id(terms: Terms) -> int:
    """The signed 64-bit key of ``raw.terms``."""
    return int.from_bytes(_digest(tuple(terms)), "big", signed=True)


def content_ids(contents: Iterable[tuple[Any, ...]]) -> NDArray[np.int64]:
    """The keys of many placements or terms, each given as a plain tuple."""
    return np.frombuffer(b"".join(map(_digest, contents)), dtype=">i8").astype(np.int64)


def _digest(content: tuple[Any, ...]) -> bytes:
    digest = _NO_CONTENT.copy()  # in two thirds of the time that making one takes
    digest.update(orjson.dumps(content))  # of texts and integers the same bytes as json's, in a tenth of its time
    return digest.digest()


def content_hash(content: object) -> int:
    """BLAKE2b (RFC 7693), 8 bytes, of the canonical JSON of ``content``, as PostgreSQL's signed bigint."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
