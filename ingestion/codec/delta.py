"""What differs between two books of one event, and how listings get their keys.

What belongs here: pure functions on numpy arrays. What does not: PostgreSQL (``copy_format``, ``stored``, ``writer``).

A listing key is an integer that an event gives to one identity for as long as the listing stays; deltas speak of
keys, so that a change costs 14 bytes rather than a listing's whole description.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.codec.book import Book, Int16s, Int32s, Int64s, Texts, UInt64s


@dataclass(frozen=True)
class ListingKeys:
    """Which key each identity has, in order of identity."""

    identity: UInt64s
    listing_key: Int32s


@dataclass(frozen=True)
class BookState(ListingKeys):
    """What a writer must remember of a book to say what differs in the next: 22 bytes a listing."""

    quantity: Int16s
    price_cents: Int32s
    all_in_cents: Int32s

    @classmethod
    def of(cls, book: Book, listing_key: Int32s) -> BookState:
        """The state of ``book`` whose listings have these keys, in the book's order."""
        return cls(book.identity, listing_key, book.quantity, book.price_cents, book.all_in_cents)


EMPTY_STATE = BookState(
    identity=np.empty(0, dtype=np.uint64),
    listing_key=np.empty(0, dtype=np.int32),
    quantity=np.empty(0, dtype=np.int16),
    price_cents=np.empty(0, dtype=np.int32),
    all_in_cents=np.empty(0, dtype=np.int32),
)


@dataclass(frozen=True)
class Delta:
    """The listings that changed: first those new in it, then those of another quantity or price, last those gone.

    ``listing_key`` names them all, ``quantity`` and the prices cover all but the gone, the columns from
    ``source_listing_id`` on only the new: each column is as long as it has something to say.
    """

    listing_key: Int32s
    quantity: Int16s
    price_cents: Int32s
    all_in_cents: Int32s
    source_listing_id: Texts
    placement_id: Int64s
    terms_id: Int64s
    seat_low: Texts
    seat_high: Texts

    @property
    def change_count(self) -> int:
        """Listings added, gone, or of another quantity or price."""
        return len(self.listing_key)


def encode(
    before: BookState, book: Book, next_listing_key: int, keys_after: ListingKeys = EMPTY_STATE
) -> tuple[Delta, BookState, int]:
    """Say how ``book`` differs from the state ``before`` it.

    A listing takes its key from ``keys_after`` if that has it, else from ``before``, else a fresh one. ``keys_after``
    are keys that stored deltas behind ``book`` speak of: with these kept, nothing that was stored behind it changes.
    Where ``before`` has another key for the same listing, the delta says that the one is gone and the other is new.

    Returns:
        the delta, the state of ``book``, and the next fresh key.
    """
    known, at = _locate(before.identity, book.identity)
    returning, at_after = _locate(keys_after.identity, book.identity)
    in_both = np.flatnonzero(known & returning)
    known[in_both] = before.listing_key[at[in_both]] == keys_after.listing_key[at_after[in_both]]
    returning &= ~known
    listing_key = np.zeros(len(book), dtype=np.int32)
    listing_key[known] = before.listing_key[at[known]]
    listing_key[returning] = keys_after.listing_key[at_after[returning]]
    fresh = ~known & ~returning
    fresh_count = int(np.count_nonzero(fresh))
    listing_key[fresh] = np.arange(next_listing_key, next_listing_key + fresh_count, dtype=np.int32)

    at_known = at[known]
    changed = np.flatnonzero(known)[
        (before.quantity[at_known] != book.quantity[known])
        | (before.price_cents[at_known] != book.price_cents[known])
        | (before.all_in_cents[at_known] != book.all_in_cents[known])
    ]
    still_there = np.zeros(len(before.identity), dtype=bool)
    still_there[at_known] = True
    gone_key = before.listing_key[~still_there]

    added = np.flatnonzero(~known)
    delta = _delta(book, listing_key, added, changed, gone_key)
    return delta, BookState.of(book, listing_key), next_listing_key + fresh_count


def keys_in(book: Book, first: ListingKeys, second: ListingKeys) -> ListingKeys:
    """The keys that listings of ``book`` have in ``first``, or else in ``second``."""
    identity, at = np.unique(np.concatenate((first.identity, second.identity)), return_index=True)
    wanted = np.isin(identity, book.identity, assume_unique=True)
    listing_key = np.concatenate((first.listing_key, second.listing_key))[at]
    return ListingKeys(identity[wanted], listing_key[wanted])


def whole_book(book: Book, listing_key: Int32s) -> Delta:
    """The delta of a keyframe: every listing as if new."""
    nothing = np.empty(0, dtype=np.int64)
    return _delta(book, listing_key, np.arange(len(book)), nothing, np.empty(0, dtype=np.int32))


def _locate(identity: UInt64s, wanted: UInt64s) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Int64s]:
    """For each wanted identity: whether it is there, and where."""
    if not len(identity):
        return np.zeros(len(wanted), dtype=bool), np.zeros(len(wanted), dtype=np.int64)
    at = np.minimum(np.searchsorted(identity, wanted), len(identity) - 1)
    return identity[at] == wanted, at


def _delta(book: Book, listing_key: Int32s, added: Int64s, changed: Int64s, gone_key: Int32s) -> Delta:
    rows = np.concatenate((added, changed))
    return Delta(
        listing_key=np.concatenate((listing_key[rows], gone_key)),
        quantity=book.quantity[rows],
        price_cents=book.price_cents[rows],
        all_in_cents=book.all_in_cents[rows],
        source_listing_id=book.source_listing_id[added],
        placement_id=book.placement_id[added],
        terms_id=book.terms_id[added],
        seat_low=book.seat_low[added],
        seat_high=book.seat_high[added],
    )
