"""The tickets of a body all at once, as columns, where every one of them is plain: as all captured in 2026 are.

What belongs here: what makes a ticket plain, and reading such tickets without an object for each. What does not: what
the values mean and what makes a ticket unusable (``tickets``); a body with one ticket that is not plain is left to it.
Whatever is read here means what it says there: a property-based test compares the two.

Plain is a ticket whose short keys hold an id, a section, a row, a quantity and both prices, and texts in all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
import numpy as np
from msgspec.structs import astuple

from ingestion.codec.book import NO_ALL_IN, Book, BookError, Int64s, build_book
from ingestion.codec.content import Placement, Terms
from ingestion.wire_format.scalars import CURRENCY_DIGITS, MOST_CENTS, Scalar, ScalarError
from ingestion.wire_format.tickets import LONGEST_ID, MOST_TICKETS, face_value_cents, placement_of, terms_of

BookWithContent: TypeAlias = tuple[Book, dict[int, Placement], dict[int, Terms]]
"""A book, and what its placement and terms ids stand for."""

_NUL = rb"\u0000"
_USED = 14
"""The first so many fields of ``_PlainTicket`` are used."""


class _PlainTicket(msgspec.Struct, gc=False):
    # Decoded laxly, which takes "3" for 3 and "212.55" for 212.55, but neither true nor null, and no unusual spelling.
    i: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
    s: str
    r: str
    c: str
    d: str
    q: Annotated[int, msgspec.Meta(ge=1, le=MOST_TICKETS)]
    p: float
    aip: float
    m: str = ""
    stp: str | None = None
    n: str | None = None
    faceValue: str = ""  # noqa: N815
    ls: str = ""
    hs: str = ""
    # Not used, but whoever reads one ticket alone refuses it for an object or array here.
    listingId: Scalar = None  # noqa: N815
    id: Scalar = None
    sectionName: Scalar = None  # noqa: N815
    row: Scalar = None
    quantity: Scalar = None
    allInPricePerTicket: Scalar = None  # noqa: N815


_decode = msgspec.json.Decoder(_PlainTicket, strict=False).decode


def read_plain_tickets(body: bytes, tickets: Sequence[msgspec.Raw]) -> BookWithContent | None:
    """The book of a body's tickets and what it refers to; None where one of them is not plain, or there are none."""
    if not tickets or _NUL in body:
        return None
    try:
        columns = list(zip(*map(astuple, map(_decode, tickets)), strict=True))[:_USED]
        ids, sections, rows, zone_ids, section_ids, counts, prices, all_ins, *sold, face_values, lows, highs = columns
        placements = list(map(placement_of, sections, rows, zone_ids, section_ids))
        terms = list(map(terms_of, *sold, map(face_value_cents, face_values)))
        price_cents, all_in_cents = _cents(prices), _cents(all_ins)
        if not price_cents.all():
            return None
        all_in_cents[all_in_cents == 0] = NO_ALL_IN
        book, _ = build_book(
            source_listing_id=ids,
            placement_id=[key for key, _ in placements],
            terms_id=[key for key, _ in terms],
            seat_low=[seat or None for seat in lows],
            seat_high=[seat or None for seat in highs],
            quantity=counts,
            price_cents=price_cents,
            all_in_cents=all_in_cents,
        )
    except (msgspec.DecodeError, UnicodeDecodeError, ScalarError, BookError):
        return None
    return book, dict(placements), dict(terms)


def _cents(prices: Sequence[float]) -> Int64s:
    """What ``scalars.cents`` makes of each.

    Raises:
        ScalarError: one of them is no price.
    """
    cents = np.rint(np.array(prices) * CURRENCY_DIGITS)
    if not ((cents >= 0) & (cents <= MOST_CENTS)).all():
        raise ScalarError("one of them is no price")
    whole: Int64s = cents.astype(np.int64)
    return whole
