"""Books: their limits, and hashes that know every value and no order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.codec.book import NO_ALL_IN, Book, BookError, build_book
from tests.integration.codec.markets import PlainListing, capture_of, listings

COLUMNS: dict[str, list[Any]] = {
    "source_listing_id": ["VB1", "VB22222222222", "é"],
    "placement_id": [1, 2, 2],
    "terms_id": [-1, -1, 2],
    "seat_low": [None, "", "5"],
    "seat_high": [None, "9", None],
    "quantity": [1, 2, 32767],
    "price_cents": [0, 2**31 - 1, 5],
    "all_in_cents": [NO_ALL_IN, 0, 2**31 - 1],
}
OTHER: dict[str, Any] = {
    "source_listing_id": "VB2",
    "placement_id": 3,
    "terms_id": 3,
    "seat_low": "6",
    "seat_high": "6",
    "quantity": 3,
    "price_cents": 3,
    "all_in_cents": 3,
}


def book_of(**columns: Any) -> Book:
    return build_book(**{**COLUMNS, **columns})[0]


def test_a_book_keeps_its_columns_together() -> None:
    book, order = build_book(**COLUMNS)
    for name, values in COLUMNS.items():
        assert list(getattr(book, name)) == [values[i] for i in order]
    assert (len(book), book.ticket_count) == (3, 32770)
    assert (np.diff(book.identity.astype(object)) > 0).all()


def test_an_empty_book() -> None:
    book = build_book(**{name: [] for name in COLUMNS})[0]
    assert (len(book), book.ticket_count) == (0, 0)
    assert book.content_hash != book_of().content_hash


@given(st.permutations(range(3)))
def test_the_hash_knows_no_order(order: list[int]) -> None:
    shuffled = {name: [values[i] for i in order] for name, values in COLUMNS.items()}
    assert book_of(**shuffled).content_hash == book_of().content_hash


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("name", COLUMNS)
def test_the_hash_knows_every_value(name: str, row: int) -> None:
    values = [*COLUMNS[name][:row], OTHER[name], *COLUMNS[name][row + 1 :]]
    assert book_of(**{name: values}).content_hash != book_of().content_hash


def test_the_hash_knows_one_seat_from_the_other_and_none_from_empty() -> None:
    seats = [None, "", "5", "6"]
    hashes = {book_of(seat_low=[low] * 3, seat_high=[high] * 3).content_hash for low in seats for high in seats}
    assert len(hashes) == 16


@given(st.lists(listings, min_size=1, max_size=5, unique_by=lambda x: x.source_listing_id))
def test_a_listing_is_the_same_whatever_else_is_in_the_book(many: list[PlainListing]) -> None:
    together = capture_of(many).book
    alone = [int(capture_of([listing]).book.identity[0]) for listing in many]
    assert sorted(alone) == together.identity.tolist()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"quantity": [1, 0, 1]}, "quantity 0 is not between 1 and 32767"),
        ({"quantity": [1, 32768, 1]}, "quantity 32768"),
        ({"price_cents": [0, -1, 0]}, "price_cents -1 is not between 0 and 2147483647"),
        ({"price_cents": [0, 2**31, 0]}, "price_cents 2147483648"),
        ({"all_in_cents": [0, -2, 0]}, "all_in_cents -2 is not between -1 and"),
        ({"all_in_cents": [0, 2**31, 0]}, "all_in_cents 2147483648"),
        ({"source_listing_id": ["a", "b", "a"]}, "a listing id comes twice"),
        ({"source_listing_id": ["a", "b\x00", "c"]}, "NUL"),
        ({"seat_low": [None, None, "\x00"]}, "NUL"),
        ({"seat_high": [None, None, "\x00"]}, "NUL"),
    ],
)
def test_what_cannot_be_a_book(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(BookError, match=message):
        book_of(**columns)
