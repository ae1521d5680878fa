"""A book: the listings of one capture as parallel columns, in order of their identity.

What belongs here: the columns, their limits and their hashes. What does not: keys and differences (``delta``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Int16s: TypeAlias = NDArray[np.int16]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
UInt64s: TypeAlias = NDArray[np.uint64]
Integers: TypeAlias = NDArray[np.signedinteger[Any]]
Texts: TypeAlias = NDArray[np.object_]

NO_ALL_IN = -1
"""Stands in ``all_in_cents`` where the marketplace gave no all-in price: an array without nulls is one numpy block."""

_LIMITS = {"quantity": (1, 2**15 - 1), "price_cents": (0, 2**31 - 1), "all_in_cents": (NO_ALL_IN, 2**31 - 1)}


class BookError(ValueError):
    """Listings that cannot be a book: a value out of range, an id twice, text that PostgreSQL cannot hold."""


@dataclass(frozen=True)
class Book:
    """The n listings of one capture; every column has length n and the order of ``identity``.

    ``identity`` is a 64-bit hash of all that is fixed about a listing (source id, placement, terms, seats), so
    two books are compared by merging two sorted integer arrays. ``seat_low`` and ``seat_high`` hold None where
    the marketplace named no seat.
    """

    identity: UInt64s
    source_listing_id: Texts
    placement_id: Int64s
    terms_id: Int64s
    seat_low: Texts
    seat_high: Texts
    quantity: Int16s
    price_cents: Int32s
    all_in_cents: Int32s

    def __len__(self) -> int:
        return len(self.identity)

    @cached_property
    def ticket_count(self) -> int:
        """Tickets in all listings together."""
        return int(self.quantity.sum(dtype=np.int64))

    @cached_property
    def content_hash(self) -> int:
        """Signed 64-bit hash of every value of every listing, whatever order the listings came in."""
        digest = blake2b(digest_size=8)
        for column in (self.identity, self.quantity, self.price_cents, self.all_in_cents):
            digest.update(np.ascontiguousarray(column).tobytes())
        return int.from_bytes(digest.digest(), "big", signed=True)


def build_book(
    *,
    source_listing_id: Sequence[str],
    placement_id: Sequence[int] | Integers,
    terms_id: Sequence[int] | Integers,
    seat_low: Sequence[str | None],
    seat_high: Sequence[str | None],
    quantity: Sequence[int] | Integers,
    price_cents: Sequence[int] | Integers,
    all_in_cents: Sequence[int] | Integers,
) -> tuple[Book, Int64s]:
    """Make a book of parallel columns in any order; ``NO_ALL_IN`` stands for a missing all-in price.

    Returns:
        the book, and the order it has put the listings in: its listing i is the given listing ``order[i]``.

    Raises:
        BookError: a quantity or price is out of range, a source id comes twice, or a text holds NUL.
    """
    numbers = {"quantity": quantity, "price_cents": price_cents, "all_in_cents": all_in_cents}
    checked = {name: _within_limits(name, values) for name, values in numbers.items()}
    if len(set(source_listing_id)) != len(source_listing_id):
        raise BookError("a listing id comes twice in one book")
    placement_ids = np.asarray(placement_id, dtype=np.int64)
    terms_ids = np.asarray(terms_id, dtype=np.int64)
    identity = _identity(source_listing_id, placement_ids, terms_ids, seat_low, seat_high)
    order = np.argsort(identity)
    book = Book(
        identity=identity[order],
        source_listing_id=_texts(source_listing_id)[order],
        placement_id=placement_ids[order],
        terms_id=terms_ids[order],
        seat_low=_texts(seat_low)[order],
        seat_high=_texts(seat_high)[order],
        quantity=checked["quantity"].astype(np.int16)[order],
        price_cents=checked["price_cents"].astype(np.int32)[order],
        all_in_cents=checked["all_in_cents"].astype(np.int32)[order],
    )
    return book, order


def _within_limits(name: str, values: Any) -> Int64s:
    column = np.asarray(values, dtype=np.int64)
    low, high = _LIMITS[name]
    wrong = (column < low) | (column > high)
    if wrong.any():
        raise BookError(f"{name} {column[wrong][0]} is not between {low} and {high}")
    return column


def _texts(values: Sequence[str | None]) -> Texts:
    return np.fromiter(values, dtype=object, count=len(values))


def _identity(
    source_listing_id: Sequence[str],
    placement_id: Int64s,
    terms_id: Int64s,
    seat_low: Sequence[str | None],
    seat_high: Sequence[str | None],
) -> UInt64s:
    mixed = _hash_texts(source_listing_id)
    mixed = _mix(mixed ^ placement_id.view(np.uint64))
    mixed = _mix(mixed ^ terms_id.view(np.uint64))
    for sign, seats in (("<", seat_low), (">", seat_high)):
        if seats.count(None) != len(seats):
            # A listing without seats must not change its identity when another one in the book has some.
            named = np.array([seat is not None for seat in seats])
            mixed[named] = _mix(mixed[named] ^ _hash_texts([f"{sign}{seat}" for seat in seats if seat is not None]))
    return mixed


def _hash_texts(texts: Sequence[str]) -> UInt64s:
    """A stable 64-bit hash of each text, without a Python loop: words of 8 bytes are folded in column by column."""
    if not texts:
        return np.empty(0, dtype=np.uint64)
    joined = "".join(texts)
    if "\x00" in joined:
        raise BookError("a text holds the character NUL, which PostgreSQL cannot store")
    encoded: Sequence[str] | Sequence[bytes] = texts
    if not joined.isascii():
        encoded = [text.encode() for text in texts]
    width = -(-max(map(len, encoded)) // 8) * 8 or 8
    words = np.array(encoded, dtype=f"S{width}").view("<u8").reshape(len(texts), width // 8)
    mixed = np.zeros(len(texts), dtype=np.uint64)
    for word in words.T:
        # Padding must not change a hash: the width of the matrix is the longest text's, another one in each book.
        padding = word == 0
        mixed = np.where(padding, mixed, _mix(mixed ^ word)) if padding.any() else _mix(mixed ^ word)
    return mixed


def _mix(words: UInt64s) -> UInt64s:
    """The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)."""
    mixed = words + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
