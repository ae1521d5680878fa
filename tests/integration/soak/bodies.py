"""What a body of the sandbox says, read without the code under test.

What belongs here: the book of a body, and the tickets that are to be left out of it. What does not: whether the body
is to be believed (``oracle``).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from sandbox.marketplace import ok
from tests.integration.resilience.books import COLUMNS, Book, served_book

NEW_KEYS = (
    ("body", "experiments"),
    ("global[0]", "marketSentiment"),
    ("global[0]", "offerTypes"),
    ("tickets[]", "sellerRating"),
    ("tickets[]", "fulfilment"),
    ("sections[]", "heat"),
    ("sections[]", "isObstructed"),
)
"""What the fault unknown_keys adds, and where."""
_QUANTITY = COLUMNS.index("quantity")
_MOVING = ("quantity", "price_cents", "all_in_cents")
_FIXED_PLACES = [place for place, column in enumerate(COLUMNS) if column not in _MOVING]


class ToldBook(NamedTuple):
    """The book of a body, and its bad tickets' JSON by their place in the body."""

    book: Book
    bad_tickets: dict[int, bytes]


@lru_cache(maxsize=4096)
def told_book(body: bytes) -> ToldBook:
    """A ticket is bad whose price or quantity is no number above zero."""
    tickets = orjson.loads(body)["tickets"]
    bad = {place: ticket for place, ticket in enumerate(tickets) if not _is_good(ticket)}
    good = [ticket for place, ticket in enumerate(tickets) if place not in bad]
    told = {place: orjson.dumps(ticket) for place, ticket in bad.items()}
    assert all(ticket in body for ticket in told.values())
    return ToldBook(served_book(orjson.dumps({"tickets": good})), told)


def _is_good(ticket: dict[str, Any]) -> bool:
    try:
        return Decimal(ticket["p"]) > 0 and int(ticket["q"]) > 0
    except InvalidOperation:  # "not-a-price"; a comparison with NaN is one too
        return False


def etag_of(body: bytes) -> str:
    """What the sandbox gives with a body."""
    return ok(body).headers["etag"]


def ticket_count(book: Book) -> int:
    """Tickets of all listings."""
    return sum(listing[_QUANTITY] for listing in book)


def change_count(before: Book, after: Book) -> int:
    """Listings that came, went, or changed price or quantity; one whose other values change goes and comes."""
    was, is_now = _by_fixed_values(before), _by_fixed_values(after)
    return sum(was.get(fixed) != is_now.get(fixed) for fixed in was.keys() | is_now.keys())


def _by_fixed_values(book: Book) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {tuple(listing[place] for place in _FIXED_PLACES): listing for listing in book}
