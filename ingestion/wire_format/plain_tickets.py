"""The tickets of a body all at once, as columns, where most of them are plain: as all captured in 2026 are.

What belongs here: what makes a ticket plain, and reading such tickets without an object for each. What does not: what
the values mean and what makes a ticket unusable (``tickets``), to which the others are left, one by one.
Whatever is read here means what it says there: a property-based test compares the two.

Plain is a ticket whose short keys hold an id, a section, a row, a quantity and both prices, and texts in all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
import numpy as np
from msgspec.structs import astuple

from ingestion.codec.book import NO_ALL_IN, Book, BookError, Int64s, build_book
from ingestion.codec.content import Placement, Terms, content_ids
from ingestion.wire_format.scalars import CURRENCY_DIGITS, MOST_CENTS, Scalar
from ingestion.wire_format.tickets import LONGEST_ID, MOST_TICKETS, decode_ticket, read_splits, sort_out

_Content = TypeVar("_Content", Placement, Terms)

_NUL = rb"\u0000"
_USED = 14
"""The first so many fields of ``_PlainTicket`` are used."""
_MOST_SET_ASIDE = 1 / 4
_MOST = MOST_CENTS // CURRENCY_DIGITS
_Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=_MOST)]


class _PlainTicket(msgspec.Struct, gc=False, kw_only=True):
    # Decoded laxly, which takes "3" for 3 and "212.55" for 212.55, but neither true nor null, and no unusual spelling.
    i: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
    s: str
    r: str
    c: str
    d: str
    m: str = ""
    stp: str | None = None
    n: str | None = None
    ls: str = ""
    hs: str = ""
    q: Annotated[int, msgspec.Meta(ge=1, le=MOST_TICKETS)]
    p: Annotated[float, msgspec.Meta(ge=1 / CURRENCY_DIGITS, le=_MOST)]
    aip: _Amount
    faceValue: _Amount = 0.0  # noqa: N815
    # Not used, but whoever reads one ticket alone refuses it for an object or array here.
    listingId: Scalar = None  # noqa: N815
    id: Scalar = None
    sectionName: Scalar = None  # noqa: N815
    row: Scalar = None
    quantity: Scalar = None
    allInPricePerTicket: Scalar = None  # noqa: N815


_decode = msgspec.json.Decoder(_PlainTicket, strict=False).decode


def read_plain_tickets(
    body: bytes, tickets: Sequence[msgspec.Raw]
) -> tuple[Book, dict[int, Placement], dict[int, Terms], dict[int, str]] | None:
    """The book of a body's tickets, what it refers to, and for the places of those left out of it why they are.

    None where there are no tickets or many are not plain, where an id comes twice, or a text holds NUL.
    """
    if not tickets or _NUL in body:
        return None
    try:
        decoded = _decode_all(tickets)
        if decoded is None:
            return None
        plain, aside = decoded
        listings, reasons = sort_out(decode_ticket(tickets[position]) for position in aside)
        columns = [list(column) for column in list(zip(*map(astuple, plain), strict=True))[:_USED]]
        ids, sections, rows, zone_ids, section_ids, splits, deliveries, notes, lows, highs, counts, *prices = columns
        price_cents, all_in_cents, face_values = map(_cents, prices)
        all_in_cents[all_in_cents == 0] = NO_ALL_IN
        places: list[tuple[Any, ...]] = list(zip(sections, rows, zone_ids, section_ids, strict=True))
        face_value_cents = [cents or None for cents in face_values.tolist()]
        sold: list[tuple[Any, ...]] = list(
            zip(map(read_splits, splits), deliveries, notes, face_value_cents, strict=True)
        )
        placement_ids, placements = _shared(Placement, places + [tuple(one.placement) for one in listings])
        terms_ids, terms = _shared(Terms, sold + [tuple(one.terms) for one in listings])
        book, _ = build_book(
            source_listing_id=ids + [one.source_listing_id for one in listings],
            placement_id=placement_ids,
            terms_id=terms_ids,
            seat_low=[seat or None for seat in lows] + [one.seat_low for one in listings],
            seat_high=[seat or None for seat in highs] + [one.seat_high for one in listings],
            quantity=counts + [one.quantity for one in listings],
            price_cents=np.append(price_cents, [one.price_cents for one in listings]).astype(np.int64),
            all_in_cents=np.append(all_in_cents, [one.all_in_cents for one in listings]).astype(np.int64),
        )
    except (UnicodeDecodeError, BookError):
        return None
    return book, placements, terms, {aside[place]: reason for place, reason in reasons.items()}


def _decode_all(tickets: Sequence[msgspec.Raw]) -> tuple[list[_PlainTicket], list[int]] | None:
    """The plain tickets, and the places of the others; None where these are many."""
    try:
        return list(map(_decode, tickets)), []
    except msgspec.ValidationError:
        plain, aside = [], []
    for position, ticket in enumerate(tickets):
        try:
            plain.append(_decode(ticket))
        except msgspec.ValidationError:
            aside.append(position)
            if len(aside) > _MOST_SET_ASIDE * len(tickets):
                return None
    return plain, aside


def _shared(kind: type[_Content], contents: Iterable[tuple[Any, ...]]) -> tuple[Int64s, dict[int, _Content]]:
    """Of each listing the key of what it shares with others, and what the keys stand for."""
    numbers: dict[tuple[Any, ...], int] = {}
    number_of = [numbers.setdefault(content, len(numbers)) for content in contents]
    keys = content_ids(numbers)
    return keys[number_of], dict(zip(keys.tolist(), map(kind._make, numbers), strict=True))


def _cents(prices: Sequence[float]) -> Int64s:
    """What ``scalars.cents`` makes of each."""
    cents: Int64s = np.rint(np.array(prices) * CURRENCY_DIGITS).astype(np.int64)
    return cents
