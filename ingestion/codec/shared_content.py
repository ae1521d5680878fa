"""Stores placements and terms once, whoever sees them first.

What belongs here: writing ``raw.placements`` and ``raw.terms``. What does not: their hashes (``content``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg.types.json import Jsonb

from ingestion.codec.capture import Amendment, Capture
from ingestion.codec.content import Placement, Terms

MOST_REMEMBERED = 1_000_000
"""Keys held in memory (about 100 MB); past that they are forgotten and asked for again."""

# The comparison sees rows that were there before; those of another transaction at this instant it does not, which
# leaves a collision of two 64-bit hashes within the same milliseconds unseen.
_SAVE_PLACEMENTS = """
    with given as (
        select * from jsonb_to_recordset(%s)
        as g (placement_id bigint, section text, seat_row text, zone_id text, section_id text)
    ),
    inserted as (
        insert into raw.placements
        select g.* from given as g
        where not exists (select from raw.placements as p where p.placement_id = g.placement_id)
        order by g.placement_id
        on conflict (placement_id) do nothing
    )
    select g.placement_id from given as g
    inner join raw.placements as p on g.placement_id = p.placement_id
    where (g.section, g.seat_row, g.zone_id, g.section_id)
        is distinct from (p.section, p.seat_row, p.zone_id, p.section_id)
"""
_SAVE_TERMS = """
    with given as (
        select * from jsonb_to_recordset(%s)
        as g (terms_id bigint, splits smallint[], delivery text, notes text, face_value_cents integer)
    ),
    inserted as (
        insert into raw.terms
        select g.* from given as g
        where not exists (select from raw.terms as t where t.terms_id = g.terms_id)
        order by g.terms_id
        on conflict (terms_id) do nothing
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

    def save(self, connection: psycopg.Connection[Any], captures: Iterable[Capture | Amendment]) -> StoredContent:
        """Store what captures refer to, where it is not known to be stored; in order of key, as locks go.

        Raises:
            ContentCollisionError: see there.
        """
        placements: dict[int, Placement] = {}
        terms: dict[int, Terms] = {}
        for capture in captures:
            _add_unknown(placements, capture.placements, self._placement_ids, "placements")
            _add_unknown(terms, capture.terms, self._terms_ids, "terms")
        if placements:
            rows = [{"placement_id": key, **placement._asdict()} for key, placement in placements.items()]
            _save(connection, _SAVE_PLACEMENTS, rows, "placements")
        if terms:
            rows = [{"terms_id": key, **content._asdict()} for key, content in terms.items()]
            _save(connection, _SAVE_TERMS, rows, "terms")
        return StoredContent(frozenset(placements), frozenset(terms))

    def remember(self, stored: StoredContent) -> None:
        """Take note of what a committed transaction has stored."""
        for known, new in ((self._placement_ids, stored.placement_ids), (self._terms_ids, stored.terms_ids)):
            if len(known) > MOST_REMEMBERED:
                known.clear()
            known.update(new)


def _add_unknown(wanted: dict[int, Any], given: Mapping[int, Any], known: set[int], table: str) -> None:
    for key in given.keys() - known:
        if wanted.setdefault(key, given[key]) != given[key]:
            raise _collision(table, [key])


def _save(connection: psycopg.Connection[Any], statement: str, rows: list[dict[str, Any]], table: str) -> None:
    # One JSON document: psycopg makes array parameters element by element, in Python.
    collided = connection.execute(statement.encode(), [Jsonb(rows, dumps=orjson.dumps)]).fetchall()
    if collided:
        raise _collision(table, [key for (key,) in collided])


def _collision(table: str, keys: list[int]) -> ContentCollisionError:
    return ContentCollisionError(f"two different contents have the same key in raw.{table}: {keys}")
