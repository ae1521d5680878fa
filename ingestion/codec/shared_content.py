"""Stores placements and terms once, whoever sees them first.

What belongs here: writing ``raw.placements`` and ``raw.terms``. What does not: their hashes (``content``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from ingestion.codec.capture import Capture
from ingestion.codec.content import Placement, Terms

MOST_REMEMBERED = 1_000_000
"""Keys held in memory (about 100 MB); past that they are forgotten and asked for again."""

# The comparison sees rows that were there before; those of another transaction at this instant it does not, which
# leaves a collision of two 64-bit hashes within the same milliseconds unseen.
_SAVE_PLACEMENTS = """
    with given as (
        select * from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
        as g (placement_id, section, seat_row, zone_id, section_id)
    ),
    inserted as (
        insert into raw.placements select * from given order by placement_id on conflict (placement_id) do nothing
    )
    select g.placement_id from given as g
    inner join raw.placements as p on g.placement_id = p.placement_id
    where (g.section, g.seat_row, g.zone_id, g.section_id)
        is distinct from (p.section, p.seat_row, p.zone_id, p.section_id)
"""
_SAVE_TERMS = """
    with given as (
        select g.terms_id, g.splits::smallint[] as splits, g.delivery, g.notes, g.face_value_cents
        from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::integer[])
        as g (terms_id, splits, delivery, notes, face_value_cents)
    ),
    inserted as (
        insert into raw.terms select * from given order by terms_id on conflict (terms_id) do nothing
    )
    select g.terms_id from given as g
    inner join raw.terms as t on g.terms_id = t.terms_id
    where (g.splits, g.delivery, g.notes, g.face_value_cents)
        is distinct from (t.splits, t.delivery, t.notes, t.face_value_cents)
"""


class ContentCollisionError(Exception):
    """Two different placements or terms have the same 64-bit hash; nothing of the batch was stored."""


@dataclass(frozen=True)
class StoredContent:
    """Keys that a transaction has stored; worth remembering once it has committed."""

    placement_ids: frozenset[int]
    terms_ids: frozenset[int]


class SharedContent:
    """Knows which placements and terms are in the database already."""

    def __init__(self) -> None:
        self._placement_ids: set[int] = set()
        self._terms_ids: set[int] = set()

    def save(self, connection: psycopg.Connection[Any], captures: Iterable[Capture]) -> StoredContent:
        """Store what captures refer to, where it is not known to be stored; in order of key, as locks go.

        Raises:
            ContentCollisionError: see there.
        """
        placements: dict[int, Placement] = {}
        terms: dict[int, Terms] = {}
        for capture in captures:
            _add_unknown(placements, capture.placements, self._placement_ids)
            _add_unknown(terms, capture.terms, self._terms_ids)
        if placements:
            rows = [(key, *placement) for key, placement in placements.items()]
            _save(connection, _SAVE_PLACEMENTS, rows, "placements")
        if terms:
            term_rows = [
                (key, "{" + ",".join(map(str, t.splits)) + "}", t.delivery, t.notes, t.face_value_cents)
                for key, t in terms.items()
            ]
            _save(connection, _SAVE_TERMS, term_rows, "terms")
        return StoredContent(frozenset(placements), frozenset(terms))

    def remember(self, stored: StoredContent) -> None:
        """Take note of what a committed transaction has stored."""
        for known, new in ((self._placement_ids, stored.placement_ids), (self._terms_ids, stored.terms_ids)):
            if len(known) > MOST_REMEMBERED:
                known.clear()
            known.update(new)


def _add_unknown(wanted: dict[int, Any], given: Mapping[int, Any], known: set[int]) -> None:
    for key in given.keys() - known:
        wanted[key] = given[key]


def _save(connection: psycopg.Connection[Any], statement: str, rows: Iterable[tuple[Any, ...]], table: str) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    collided = connection.execute(statement.encode(), columns).fetchall()
    if collided:
        raise ContentCollisionError(
            f"two different contents have the same key in raw.{table}: {[key for (key,) in collided]}"
        )
