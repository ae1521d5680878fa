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

from ingestion.codec.book import Book, Int32s, Texts, build_book
from ingestion.codec.copy_format import read_arrays_as_numpy

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
_ARRAYS = ", ".join(ARRAY_COLUMNS)

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
        read_arrays_as_numpy(cursor)
        cursor.execute(_READ, {"event_ids": [e for e, _ in pairs], "instants": [at for _, at in pairs]})
        rows = cursor.fetchall()
    return {event_id: _replay(list(entries)) for event_id, entries in groupby(rows, key=itemgetter(0))}


def _replay(rows: Sequence[tuple[Any, ...]]) -> StoredBook:
    """Apply deltas to a keyframe: the last word on a key counts, and its first says what the listing is."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    change_count, arrays = columns[2], dict(zip(ARRAY_COLUMNS, columns[3:], strict=True))
    key, quantity, price_cents, all_in_cents = (np.concatenate(arrays[name]) for name in ARRAY_COLUMNS[:4])
    last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
    last = last[quantity[last] > 0]

    described = [len(ids) for ids in arrays["source_listing_id"]]
    described_key = np.concatenate([keys[:n] for keys, n in zip(arrays["listing_key"], described, strict=True)])
    unique_key, first = np.unique(described_key, return_index=True)
    what = first[np.searchsorted(unique_key, key[last])]

    book, order = build_book(
        source_listing_id=_texts(arrays["source_listing_id"], described)[what].tolist(),
        placement_id=np.concatenate(arrays["placement_id"])[what],
        terms_id=np.concatenate(arrays["terms_id"])[what],
        seat_low=_texts(arrays["seat_low"], described)[what].tolist(),
        seat_high=_texts(arrays["seat_high"], described)[what].tolist(),
        quantity=quantity[last],
        price_cents=price_cents[last],
        all_in_cents=all_in_cents[last],
    )
    return StoredBook(book, key[last][order], sum(change_count))


def _texts(arrays: Sequence[Sequence[str | None]], lengths: Sequence[int]) -> Texts:
    """Text arrays end to end; one that was stored empty because it held nothing but nulls gets them back."""
    texts = np.empty(sum(lengths), dtype=object)
    texts[:] = [text for array, n in zip(arrays, lengths, strict=True) for text in (array or [None] * n)]
    return texts
