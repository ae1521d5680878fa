"""One element of ``tickets``: a listing.

What belongs here: the keys of a ticket and what makes one unusable. What does not: the body around it (``listings``).

Certain are only ``i``, ``p`` and ``q``; each has a long twin, and the short key goes first. Seen in captured bodies of
2022 to 2026; ``aip`` is absent before 2026, ``vs``, ``faceValue``, ``ls`` and ``hs`` may be absent at any time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from ingestion.codec.book import NO_ALL_IN
from ingestion.codec.content import Placement, Terms, placement_id, terms_id
from ingestion.wire_format.scalars import Scalar, ScalarError, cents, is_missing, text, whole_number

_LONGEST_ID = 64
_MOST_TICKETS = 2**15 - 1
_LONGEST_SPLIT = len(str(_MOST_TICKETS))


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
    if not source_listing_id or len(source_listing_id) > _LONGEST_ID:
        raise ScalarError(f"{source_listing_id!r} is no listing id")
    price_cents = cents(ticket.p)
    if price_cents == 0:
        raise ScalarError("its price is zero")
    quantity = whole_number(ticket.q if not is_missing(ticket.q) else ticket.quantity)
    if not 0 < quantity <= _MOST_TICKETS:
        raise ScalarError(f"its quantity is {quantity}")
    all_in = ticket.aip if not is_missing(ticket.aip) else ticket.allInPricePerTicket
    return Listing(
        source_listing_id,
        *_read_placement(ticket.s, ticket.sectionName, ticket.r, ticket.row, ticket.c, ticket.d),
        *_read_terms(ticket.m, ticket.stp, ticket.n, ticket.faceValue),
        # Most listings have "" here: it says as little as a missing key, and nothing is what it costs to store.
        seat_low=text(ticket.ls) or None,
        seat_high=text(ticket.hs) or None,
        quantity=quantity,
        price_cents=price_cents,
        # An all-in price of zero cannot be one: it is how the marketplace would say that it has none (a guess).
        all_in_cents=NO_ALL_IN if is_missing(all_in) else cents(all_in) or NO_ALL_IN,
    )


# A market repeats itself: 833 captured listings had 500 placements and a few dozen terms, and the next capture has
# nearly the same. Typed, since 1, 1.0 and true would otherwise be one key.
@lru_cache(maxsize=1 << 17, typed=True)
def _read_placement(  # noqa: PLR0917
    s: Scalar, section_name: Scalar, r: Scalar, row: Scalar, c: Scalar, d: Scalar
) -> tuple[int, Placement]:
    placement = Placement(text(s, section_name), text(r, row), zone_id=text(c), section_id=text(d))
    return placement_id(placement), placement


@lru_cache(maxsize=1 << 15, typed=True)
def _read_terms(m: Scalar, stp: Scalar, n: Scalar, face_value: Scalar) -> tuple[int, Terms]:
    face_value_cents = None if is_missing(face_value) else cents(face_value) or None
    terms = Terms(_splits(m), text(stp), text(n), face_value_cents)
    return terms_id(terms), terms


def _splits(value: Scalar) -> tuple[int, ...]:
    """The quantities that a buyer may take, of ``"1,3"``; what is no number in it says nothing to a buyer."""
    parts = (part.strip() for part in (text(value) or "").split(","))
    numbers = (int(part) for part in parts if part.isdecimal() and len(part) <= _LONGEST_SPLIT)
    return tuple(number for number in numbers if number <= _MOST_TICKETS)
