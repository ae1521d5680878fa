"""Deltas: what they say of two books, told again by a decoder of plain dictionaries that shares no code with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.codec.book import Book
from ingestion.codec.delta import EMPTY_STATE, BookState, Delta, encode, whole_book
from tests.integration.codec.markets import EVENT_IDS, PlainListing, capture, capture_of, captures_of_events, listings

Listing = dict[str, Any]
WHAT = ("source_listing_id", "placement_id", "terms_id", "seat_low", "seat_high")
VALUES = ("quantity", "price_cents", "all_in_cents")
books = st.lists(listings, max_size=6, unique_by=lambda x: x.source_listing_id).map(lambda x: capture_of(x).book)


def apply(known: dict[int, Listing], delta: Delta) -> dict[int, Listing]:
    """What a reader makes of a delta: the new listings come first, then the changed ones, last the gone."""
    known = {key: dict(listing) for key, listing in known.items()}
    for position, key in enumerate(delta.listing_key.tolist()):
        if position >= len(delta.quantity):
            del known[key]
            continue
        if position < len(delta.source_listing_id):
            assert key not in known
            known[key] = {name: getattr(delta, name)[position] for name in WHAT}
        known[key] |= {name: getattr(delta, name)[position] for name in VALUES}
    return known


def rows(book: Book) -> list[Listing]:
    return [{name: getattr(book, name)[i] for name in (*WHAT, *VALUES)} for i in range(len(book))]


def as_set(listed: Any) -> set[str]:
    return {repr(sorted(listing.items())) for listing in listed}


told_by_one_event = captures_of_events().map(lambda told: [capture(x).book for x in told if x.event_id == EVENT_IDS[0]])


@given(st.lists(books, max_size=6) | told_by_one_event)
def test_deltas_tell_every_book(told: list[Book]) -> None:
    state, next_key = EMPTY_STATE, 1
    known: dict[int, Listing] = {}
    for book in told:
        delta, state, next_key = encode(state, book, next_key)
        before, known = known, apply(known, delta)
        assert as_set(known.values()) == as_set(rows(book))
        assert sorted(known) == sorted(state.listing_key.tolist())
        assert all(key < next_key for key in known)
        # Nothing is said of what stayed as it was.
        assert delta.change_count == len(set(before) ^ set(known)) + sum(
            before[key] != known[key] for key in set(before) & set(known)
        )
        assert as_set(apply({}, whole_book(book, state.listing_key)).values()) == as_set(rows(book))


@given(books, st.lists(books, max_size=3), books)
def test_a_book_put_in_between_leaves_what_follows_as_it_was(before: Book, between: list[Book], after: Book) -> None:
    _, before_state, next_key = encode(EMPTY_STATE, before, 1)
    _, after_state, next_key = encode(before_state, after, next_key)
    known = apply({}, whole_book(before, before_state.listing_key))
    state = before_state
    for book in between:
        delta, state, next_key = encode(state, book, next_key, after_state)
        known = apply(known, delta)
        assert as_set(known.values()) == as_set(rows(book))
    delta, again, fresh = encode(state, after, next_key, after_state)
    assert again.listing_key.tolist() == after_state.listing_key.tolist()
    assert fresh == next_key
    assert as_set(apply(known, delta).values()) == as_set(rows(after))


def test_a_listing_keeps_its_key_while_it_stays_and_gets_another_when_it_returns() -> None:
    a, b = _plain("a"), _plain("b")
    told = [capture_of(x).book for x in ([a], [a, b], [a._replace(price_cents=9), b], [b], [a, b])]
    state, next_key = EMPTY_STATE, 1
    keys: list[dict[str, int]] = []
    for book in told:
        _, state, next_key = encode(state, book, next_key)
        keys.append(dict(zip(book.source_listing_id, state.listing_key.tolist(), strict=True)))
    assert keys == [{"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"b": 2}, {"a": 3, "b": 2}]


@pytest.mark.parametrize("name", VALUES)
def test_each_value_alone_is_a_change(name: str) -> None:
    before, after = (capture_of([_plain("a"), _plain("b")._replace(**{name: n})]).book for n in (5, 6))
    _, state, next_key = encode(EMPTY_STATE, before, 1)
    delta, _, _ = encode(state, after, next_key)
    assert (delta.change_count, getattr(delta, name).tolist(), len(delta.source_listing_id)) == (1, [6], 0)


def test_seats_of_one_listing_leave_the_others_alone() -> None:
    before, after = (capture_of([_plain("a"), *more]).book for more in ([], [_plain("b")._replace(seat_low="5")]))
    _, state, next_key = encode(EMPTY_STATE, before, 1)
    delta, _, _ = encode(state, after, next_key)
    assert delta.source_listing_id.tolist() == ["b"]
    assert delta.change_count == 1


def test_the_same_book_again_is_no_change() -> None:
    book = capture_of([_plain("a"), _plain("b")]).book
    delta, state, next_key = encode(BookState.of(book, encode(EMPTY_STATE, book, 1)[1].listing_key), book, 3)
    assert (delta.change_count, next_key, sorted(state.listing_key.tolist())) == (0, 3, [1, 2])


def _plain(listing_id: str) -> PlainListing:
    return PlainListing(listing_id, "A", "1", "9", "99", None, None, (1, 2), "Mail", "", None, 2, 1000, 1200)
