"""One element of ``tickets``: a listing.

What belongs here: the keys of a ticket and what makes one unusable. What does not: the body around it (``listings``).

Certain are only ``i``, ``p`` and ``q``; each has a long twin, and the short key goes first. Seen in captured bodies of
2022 to 2026; ``aip`` is absent before 2026, ``vs``, ``faceValue``, ``ls`` and ``hs`` may be absent at any time.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ingestion.codec.book import NO_ALL_IN
from ingestion.codec.content import Placement, Terms
from ingestion.wire_format.scalars import Scalar, ScalarError, cents, is_missing, text, whole_number

_LONGEST_ID = 64
_MOST_TICKETS = 2**15 - 1


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
    placement: Placement
    terms: Terms
    seat_low: str | None
    seat_high: str | None
    quantity: int
    price_cents: int
    all_in_cents: int


def read_listing(ticket: Ticket) -> Listing:
    """Read one ticket.

    Raises:
        ScalarError: it has no id, no price above zero or no tickets, or one of its prices is no number.
    """
    source_listing_id = text(ticket.i, ticket.listingId, ticket.id)
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
        source_listing_id=source_listing_id,
        placement=Placement(
            section=text(ticket.s, ticket.sectionName),
            seat_row=text(ticket.r, ticket.row),
            zone_id=text(ticket.c),
            section_id=text(ticket.d),
        ),
        terms=Terms(
            splits=_splits(ticket.m),
            delivery=text(ticket.stp),
            notes=text(ticket.n),
            face_value_cents=None if is_missing(ticket.faceValue) else cents(ticket.faceValue) or None,
        ),
        seat_low=text(ticket.ls),
        seat_high=text(ticket.hs),
        quantity=quantity,
        price_cents=price_cents,
        # An all-in price of zero cannot be one: it is how the marketplace would say that it has none (a guess).
        all_in_cents=NO_ALL_IN if is_missing(all_in) else cents(all_in) or NO_ALL_IN,
    )


def _splits(value: Scalar) -> tuple[int, ...]:
    """The quantities that a buyer may take, of ``"1,3"``; what is no number in it says nothing to a buyer."""
    parts = (part.strip() for part in (text(value) or "").split(","))
    return tuple(int(part) for part in parts if part.isdecimal() and int(part) <= _MOST_TICKETS)
