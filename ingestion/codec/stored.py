"""Reads a book back from keyframe and deltas, for a writer that does not remember it.

What belongs here: decoding in Python, for writing. People and dbt read through the SQL functions
``raw.listings_at`` and ``raw.listing_states``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import psycopg

from ingestion.codec.book import Book, Int32s, Int64s, build_book
from ingestion.codec.copy_format import joined_integer_arrays

ARRAY_COLUMNS = (
    "listing_key",
    "quantity",
    "price_cents",
    "all_in_cents",
    "source_listing_id",
    "placement_id",
    "terms_id",
    "seat_low",
    "seat_high",
)
_NUMBER_COLUMNS = ("listing_key", "quantity", "price_cents", "all_in_cents", "placement_id", "terms_id")
_TEXT_COLUMNS = ("source_listing_id", "seat_low", "seat_high")

# Number arrays come in the form in which the server would send them, as one piece of bytes: an event has some 200 of
# them, and making each an object of its own took longer than all the rest.
_ARRAYS = ", ".join((*(f"array_send({column})" for column in _NUMBER_COLUMNS), *_TEXT_COLUMNS))

# Newest first, so that the scan of the daily partitions stops at the first keyframe it finds.
_READ = f"""
    with wanted as (select * from unnest(%(event_ids)s::bigint[], %(instants)s::timestamptz[]) as w (event_id, at)),
    base as (
        select w.event_id, w.at, k.captured_at
        from wanted as w
        cross join lateral (
            select k.captured_at from raw.keyframes as k
            where k.event_id = w.event_id and k.captured_at <= w.at
            order by k.captured_at desc limit 1
        ) as k
    )
    select b.event_id, k.captured_at, 0 as change_count, {_ARRAYS}
    from base as b cross join lateral (
        select * from raw.keyframes as k where k.event_id = b.event_id and k.captured_at = b.captured_at
    ) as k
    union all
    select b.event_id, s.captured_at, s.change_count, {_ARRAYS}
    from base as b cross join lateral (
        select * from raw.snapshots as s
        where s.event_id = b.event_id and s.captured_at > b.captured_at and s.captured_at <= b.at
    ) as s
    order by 1, 2
"""  # noqa: S608  # the names of the columns are ours


@dataclass(frozen=True)
class StoredBook:
    """A book as it is stored, with its listing keys, and how many changes lie between its keyframe and it."""

    book: Book
    listing_key: Int32s
    changes_since_keyframe: int


def read_books(connection: psycopg.Connection[Any], wanted: Iterable[tuple[int, datetime]]) -> dict[int, StoredBook]:
    """The books of captures given as (event_id, captured_at), one an event."""
    pairs = list(wanted)
    if not pairs:
        return {}
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_READ, {"event_ids": [e for e, _ in pairs], "instants": [at for _, at in pairs]})
        rows = cursor.fetchall()
    return {event_id: _replay(list(entries)) for event_id, entries in groupby(rows, key=itemgetter(0))}


def _replay(rows: Sequence[tuple[Any, ...]]) -> StoredBook:
    """Apply deltas to a keyframe: the last word on a key counts, and its first says what the listing is."""
    _, _, change_count, *columns = zip(*rows, strict=True)
    arrays = dict(zip((*_NUMBER_COLUMNS, *_TEXT_COLUMNS), columns, strict=True))
    key, key_lengths = joined_integer_arrays(arrays["listing_key"], np.dtype(np.int32))
    quantity, value_lengths = joined_integer_arrays(arrays["quantity"], np.dtype(np.int16))
    placement_id, described_lengths = joined_integer_arrays(arrays["placement_id"], np.dtype(np.int64))

    value_at = _positions(key_lengths, value_lengths)
    last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
    last = last[value_at[last] >= 0]  # a gone listing has no values
    value = value_at[last]

    described_at = _positions(key_lengths, described_lengths)
    descriptions = np.flatnonzero(described_at >= 0)
    described_key, first = np.unique(key[descriptions], return_index=True)
    what = described_at[descriptions[first[np.searchsorted(described_key, key[last])]]]

    book, order = build_book(
        source_listing_id=_chosen_texts(arrays["source_listing_id"], described_lengths, what),
        placement_id=placement_id[what],
        terms_id=joined_integer_arrays(arrays["terms_id"], np.dtype(np.int64))[0][what],
        seat_low=_chosen_texts(arrays["seat_low"], described_lengths, what),
        seat_high=_chosen_texts(arrays["seat_high"], described_lengths, what),
        quantity=quantity[value],
        price_cents=joined_integer_arrays(arrays["price_cents"], np.dtype(np.int32))[0][value],
        all_in_cents=joined_integer_arrays(arrays["all_in_cents"], np.dtype(np.int32))[0][value],
    )
    return StoredBook(book, key[last][order], sum(change_count))


def _positions(key_lengths: Int64s, lengths: Int64s) -> Int64s:
    """For each key of all rows end to end: where its element is in a column whose rows are shorter; -1: nowhere."""
    row = np.repeat(np.arange(len(key_lengths)), key_lengths)
    in_row = np.arange(len(row)) - (np.cumsum(key_lengths) - key_lengths)[row]
    return np.where(in_row < lengths[row], in_row + (np.cumsum(lengths) - lengths)[row], -1)


def _chosen_texts(arrays: Sequence[Sequence[Any] | None], lengths: Int64s, chosen: Int64s) -> list[Any]:
    """Some elements of text arrays end to end; one that is null because it held nothing but nulls gets them back."""
    if not any(arrays):
        return [None] * len(chosen)
    texts = [text for array, n in zip(arrays, lengths.tolist(), strict=True) for text in (array or [None] * n)]
    return [texts[position] for position in chosen.tolist()]
