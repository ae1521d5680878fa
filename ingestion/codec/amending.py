"""What is stored instead where listings join captures that are stored already.

What belongs here: the books, keys and deltas of amended captures and of those behind them. What does not: captures
that are new (``placing``), transactions and statements that write (``writer``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import psycopg

from ingestion.codec.book import Book
from ingestion.codec.capture import Amendment, RefusedListing, utc_hour
from ingestion.codec.delta import EMPTY_STATE, BookState, Delta, ListingKeys, encode, keys_in, whole_book
from ingestion.codec.heads import Head
from ingestion.codec.placing import Place, find_places
from ingestion.codec.stored import StoredBook, read_books

NOT_STORED = "its capture is not stored"
LEFT_NOTHING_OUT = "the capture that is stored for its instant has not left it out"
IS_IN_THE_BOOK = "its listing id is in the book already"


@dataclass(frozen=True)
class AmendedCapture:
    """A capture as it is from now on; ``keyframe`` is None where it has none."""

    amendment: Amendment
    book: Book
    delta: Delta
    keyframe: Delta | None
    rejected_count: int


@dataclass
class Amended:
    """What a batch of amendments amounts to."""

    captures: list[AmendedCapture] = field(default_factory=list)
    re_encoded: list[tuple[int, datetime, Delta]] = field(default_factory=list)
    stale_hours: set[tuple[int, datetime]] = field(default_factory=set)
    refused: list[RefusedListing] = field(default_factory=list)

    def refuse(self, amendment: Amendment, listing_ids: Iterable[str], reason: str) -> None:
        """Say of listings of an amendment that they do not join."""
        at = (amendment.event_id, amendment.captured_at)
        self.refused += [RefusedListing(*at, listing_id, reason) for listing_id in listing_ids]


@dataclass
class _Joined:
    """A capture with the listings that join it, before its delta is known."""

    amendment: Amendment
    place: Place
    stored: StoredBook
    book: Book
    keys_after: ListingKeys = EMPTY_STATE
    untouched_after: StoredBook | None = None


def amend(connection: psycopg.Connection[Any], amendments: Sequence[Amendment], heads: Mapping[int, Head]) -> Amended:
    """Join listings to their captures, one amendment a capture. Changes ``heads`` accordingly.

    The listings that a capture has keep their keys, and so does the capture behind it: only that one's delta is
    written anew, and nothing behind it changes.
    """
    amended = Amended()
    in_order = sorted(amendments, key=attrgetter("event_id", "captured_at"))
    for event_id, of_event in groupby(in_order, key=attrgetter("event_id")):
        joined = _join(connection, event_id, list(of_event), amended)
        _choose_keys(connection, event_id, joined)
        if joined:
            _encode(connection, heads[event_id], joined, amended)
    return amended


def _join(
    connection: psycopg.Connection[Any], event_id: int, amendments: Sequence[Amendment], amended: Amended
) -> list[_Joined]:
    joined = []
    places = find_places(connection, event_id, [amendment.captured_at for amendment in amendments])
    for amendment, place in zip(amendments, places, strict=True):
        added = amendment.book
        if place.content_hash is None:
            amended.refuse(amendment, added.source_listing_id, NOT_STORED)
            continue
        if len(added) > (place.rejected_count or 0):
            amended.refuse(amendment, added.source_listing_id, LEFT_NOTHING_OUT)
            continue
        stored = _read(connection, event_id, amendment.captured_at)
        held = set(stored.book.source_listing_id)
        is_new = np.array([listing_id not in held for listing_id in added.source_listing_id], dtype=bool)
        amended.refuse(amendment, added.source_listing_id[~is_new], IS_IN_THE_BOOK)
        if is_new.any():
            joined.append(_Joined(amendment, place, stored, _with_listings(stored.book, added, is_new)))
    return joined


def _choose_keys(connection: psycopg.Connection[Any], event_id: int, joined: Sequence[_Joined]) -> None:
    """From the last capture to the first: a listing that joins takes the key that it has in the capture behind."""
    behind: _Joined | None = None
    for item in reversed(joined):
        keys_behind: ListingKeys = EMPTY_STATE
        if behind is not None and behind.amendment.captured_at == item.place.after_at:
            keys_behind = behind.keys_after
        elif item.place.after_at is not None:
            item.untouched_after = _read(connection, event_id, item.place.after_at)
            keys_behind = _state(item.untouched_after)
        item.keys_after = keys_in(item.book, _state(item.stored), keys_behind)
        behind = item


def _encode(connection: psycopg.Connection[Any], head: Head, joined: Sequence[_Joined], amended: Amended) -> None:
    state, state_at = EMPTY_STATE, None
    for item in joined:
        at = item.amendment.captured_at
        if item.place.before_at is not None and item.place.before_at != state_at:
            state = _state(_read(connection, head.event_id, item.place.before_at))
        delta, state, head.next_listing_key = encode(state, item.book, head.next_listing_key, item.keys_after)
        state_at = at
        keyframe = whole_book(item.book, state.listing_key) if item.place.has_keyframe else None
        joining_count = len(item.book) - len(item.stored.book)
        rejected_count = (item.place.rejected_count or 0) - joining_count
        amended.captures.append(AmendedCapture(item.amendment, item.book, delta, keyframe, rejected_count))
        amended.stale_hours.add((head.event_id, utc_hour(at)))
        if item.untouched_after is not None and item.place.after_at is not None:
            after = item.untouched_after
            delta, _, head.next_listing_key = encode(state, after.book, head.next_listing_key, _state(after))
            amended.re_encoded.append((head.event_id, item.place.after_at, delta))
        if item.place.after_at is not None:
            amended.stale_hours.add((head.event_id, utc_hour(item.place.after_at)))
        if head.captured_at == at:
            head.content_hash = item.book.content_hash
            head.listing_count = len(item.book)


def _read(connection: psycopg.Connection[Any], event_id: int, at: datetime) -> StoredBook:
    return read_books(connection, [(event_id, at)])[event_id]


def _state(stored: StoredBook) -> BookState:
    return BookState.of(stored.book, stored.listing_key)


def _with_listings(book: Book, added: Book, is_new: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Book:
    columns = {
        column.name: np.concatenate((getattr(book, column.name), getattr(added, column.name)[is_new]))
        for column in fields(Book)
    }
    order = np.argsort(columns["identity"])
    return Book(**{name: values[order] for name, values in columns.items()})
