"""One element of ``tickets``: a listing.

What belongs here: the keys of a ticket and what makes one unusable. What does not: the body around it (``listings``).

Certain are only ``i``, ``p`` and ``q``; each has a long twin, and the short key goes first. Seen in captured bodies of
2022 to 2026; ``aip`` is absent before 2026, ``vs``, ``faceValue``, ``ls`` and ``hs`` may be absent at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from ingestion.codec.book import NO_ALL_IN
from ingestion.codec.content import Placement, Terms, placement_id, terms_id
from ingestion.wire_format.scalars import Scalar, ScalarError, cents, is_missing, text, whole_number

LONGEST_ID = 64
MOST_TICKETS = 2**15 - 1
_LONGEST_SPLIT = len(str(MOST_TICKETS))


class Ticket(msgspec.Struct, gc=False):
    """The keys of a ticket that are kept. Deal scores, badges and the site's flags are left out."""

    i: Scalar = None
    listingId: Scalar = None  # noqa: N815
    id: Scalar = None
    s: Scalar = None
    sectionName: Scalar = None  # noqa: N815
    r: Scalar = None
    row: Scalar = None
    d: Scalar = None
    c: Scalar = None
    q: Scalar = None
    quantity: Scalar = None
    m: Scalar = None
    p: Scalar = None
    aip: Scalar = None
    allInPricePerTicket: Scalar = None  # noqa: N815
    faceValue: Scalar = None  # noqa: N815
    stp: Scalar = None
    n: Scalar = None
    ls: Scalar = None
    hs: Scalar = None


_decoder = msgspec.json.Decoder(Ticket)


class Listing(NamedTuple):
    """A listing as the book takes it; prices in cents, ``NO_ALL_IN`` where there is no all-in price."""

    source_listing_id: str
    placement_id: int
    placement: Placement
    terms_id: int
    terms: Terms
    seat_low: str | None
    seat_high: str | None
    quantity: int
    price_cents: int
    all_in_cents: int


def read_listing(ticket: Ticket | str) -> Listing:
    """Read one ticket; a text in its place says why it could not be decoded.

    Raises:
        ScalarError: it has no id, no price above zero or no tickets, or one of its prices is no number.
    """
    if isinstance(ticket, str):
        raise ScalarError(ticket)
    # An empty short key says nothing here, unlike that of a section or row.
    source_listing_id = text(ticket.i) or text(ticket.listingId) or text(ticket.id)
    if not source_listing_id or len(source_listing_id) > LONGEST_ID:
        raise ScalarError(f"{source_listing_id!r} is no listing id")
    price_cents = cents(ticket.p)
    if price_cents == 0:
        raise ScalarError("its price is zero")
    quantity = whole_number(ticket.q if not is_missing(ticket.q) else ticket.quantity)
    if not 0 < quantity <= MOST_TICKETS:
        raise ScalarError(f"its quantity is {quantity}")
    all_in = ticket.aip if not is_missing(ticket.aip) else ticket.allInPricePerTicket
    return Listing(
        source_listing_id,
        *_placement(text(ticket.s, ticket.sectionName), text(ticket.r, ticket.row), text(ticket.c), text(ticket.d)),
        *_terms(text(ticket.m), text(ticket.stp), text(ticket.n), _read_face_value(ticket.faceValue)),
        # Most listings have "" here: it says as little as a missing key, and nothing is what it costs to store.
        seat_low=text(ticket.ls) or None,
        seat_high=text(ticket.hs) or None,
        quantity=quantity,
        price_cents=price_cents,
        # An all-in price of zero cannot be one: it is how the marketplace would say that it has none (a guess).
        all_in_cents=NO_ALL_IN if is_missing(all_in) else cents(all_in) or NO_ALL_IN,
    )


def decode_ticket(ticket: msgspec.Raw) -> Ticket | str:
    """A ticket, or why its values are no scalars. Its JSON has been found well-formed."""
    try:
        return _decoder.decode(ticket)
    except msgspec.ValidationError as error:
        return str(error)


def sort_out(tickets: Iterable[Ticket | str]) -> tuple[list[Listing], dict[int, str]]:
    """The listings, and for the places of all other tickets why they are none."""
    listings: dict[str, Listing] = {}
    reasons: dict[int, str] = {}
    for position, ticket in enumerate(tickets):
        try:
            listing = read_listing(ticket)
        except ScalarError as error:
            reasons[position] = str(error)
            continue
        if listings.setdefault(listing.source_listing_id, listing) is not listing:
            reasons[position] = f"listing id {listing.source_listing_id} comes twice"
    return list(listings.values()), reasons


# A book repeats itself: 833 captured listings had 500 placements and a few dozen terms. The memories are for one book;
# what is larger than the processor's caches costs as much as it saves.
@lru_cache(maxsize=1 << 10)
def _placement(
    section: str | None, row: str | None, zone_id: str | None, section_id: str | None
) -> tuple[int, Placement]:
    placement = Placement(section, row, zone_id, section_id)
    return placement_id(placement), placement


@lru_cache(maxsize=1 << 10)
def _terms(splits: str | None, delivery: str | None, notes: str | None, face_value: int | None) -> tuple[int, Terms]:
    terms = Terms(read_splits(splits), delivery, notes, face_value)
    return terms_id(terms), terms


@lru_cache(maxsize=1 << 10, typed=True)  # 1, 1.0 and true would otherwise be one value
def _read_face_value(value: Scalar) -> int | None:
    """A face value in whole cents, None where there is none.

    Raises:
        ScalarError: it is no price.
    """
    return None if is_missing(value) else cents(value) or None


@lru_cache(maxsize=1 << 10)
def read_splits(value: str | None) -> tuple[int, ...]:
    """The quantities that a buyer may take, of ``"1,3"``; what is no number in it says nothing to a buyer."""
    parts = (part.strip() for part in (value or "").split(","))
    numbers = (int(part) for part in parts if part.isdecimal() and len(part) <= _LONGEST_SPLIT)
    return tuple(number for number in numbers if number <= MOST_TICKETS)
