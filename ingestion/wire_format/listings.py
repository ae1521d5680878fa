"""The body of ``GET /hermes/api/v1/listings``: one event's whole book.

What belongs here: reading the body and deciding whether it can be trusted. What does not: single tickets
(``tickets``), zones and sections (``seating``).

``global`` is an array of one object, ``tickets`` holds every listing (there is no paging), and ``global.listingCount``
says how many there should be: a body that does not agree with itself is not loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ingestion.codec.book import Book, build_book
from ingestion.codec.content import Placement, Terms
from ingestion.failures import CaptureError, FailureKind
from ingestion.wire_format.scalars import Scalar, ScalarError, is_missing, text, whole_number
from ingestion.wire_format.seating import Global, SeatingDocument, Section, Zone, seating_document
from ingestion.wire_format.tickets import Listing, Ticket, read_listing

CURRENCY = "USD"
_MOST_TICKETS = 2**31 - 1


class Conversion(msgspec.Struct):
    """``i18n``: which currency the prices are in."""

    to: Scalar = None
    applyCurrencyConversion: Scalar = None  # noqa: N815


class _Body(msgspec.Struct):
    global_: list[Global] = msgspec.field(name="global", default_factory=list)
    tickets: msgspec.Raw = msgspec.Raw(b"null")
    groups: list[Zone] | None = None
    sections: list[Section] | None = None
    i18n: Conversion | None = None


@dataclass(frozen=True)
class RejectedTicket:
    """A ticket that is left out of the book: its place in the body, why, and its JSON."""

    position: int
    reason: str
    content: bytes


@dataclass(frozen=True)
class ListingsBody:
    """A body that can be trusted: its book, what the book refers to, what was left out, and the seating."""

    book: Book
    placements: dict[int, Placement]
    terms: dict[int, Terms]
    rejected: list[RejectedTicket]
    seating: SeatingDocument


_body_decoder = msgspec.json.Decoder(_Body)
_tickets_decoder = msgspec.json.Decoder(list[Ticket] | None)
_raw_tickets_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_ticket_decoder = msgspec.json.Decoder(Ticket)


def parse_listings(event_id: int, body: bytes) -> ListingsBody:
    """Read the body of a listings answer for ``event_id``.

    Raises:
        CaptureError: the body is no listings body or none of its tickets can be read (``bad_payload``), is another
            event's (``wrong_production``), does not agree with its own count (``count_mismatch``,
            ``empty_unexpected``) or is not in US dollars (``wrong_currency``). It carries the body.
    """
    try:
        parsed = _body_decoder.decode(body)
        tickets = _decode_tickets(parsed.tickets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaptureError(FailureKind.BAD_PAYLOAD, f"no listings body: {error}", body=body) from error
    if not parsed.global_ or tickets is None:
        missing = "global" if not parsed.global_ else "tickets"
        kind = FailureKind.BAD_PAYLOAD if tickets else FailureKind.EMPTY_UNEXPECTED
        raise CaptureError(kind, f"the body has no {missing}", body=body)
    problem = _find_problem(event_id, parsed.global_[0], len(tickets), parsed.i18n)
    if problem is not None:
        kind, message = problem
        raise CaptureError(kind, message, body=body)

    listings, rejected = _read_tickets(tickets, parsed.tickets)
    if rejected and not listings:  # a change of the format, which must not look like everything being sold
        message = f"none of its {len(rejected)} tickets can be read; of the first one {rejected[0].reason}"
        raise CaptureError(FailureKind.BAD_PAYLOAD, message, body=body)
    book, placements, terms = _build(listings)
    if book.ticket_count > _MOST_TICKETS:
        message = f"{book.ticket_count} tickets are no venue's"
        raise CaptureError(FailureKind.BAD_PAYLOAD, message, body=body)
    seating = seating_document(parsed.global_[0], parsed.groups or [], parsed.sections or [])
    return ListingsBody(book, placements, terms, rejected, seating)


def _decode_tickets(tickets: msgspec.Raw) -> Sequence[Ticket | str] | None:
    """The tickets, None where the body has none; in place of one whose values are no scalars, what is wrong with it."""
    try:
        decoded: list[Ticket] | None = _tickets_decoder.decode(tickets)
    except msgspec.ValidationError:
        return [_decode_ticket(ticket) for ticket in _raw_tickets_decoder.decode(tickets)]
    return decoded


def _decode_ticket(ticket: msgspec.Raw) -> Ticket | str:
    try:
        return _ticket_decoder.decode(ticket)
    except msgspec.ValidationError as error:
        return str(error)


def _find_problem(
    event_id: int, about: Global, ticket_count: int, conversion: Conversion | None
) -> tuple[FailureKind, str] | None:
    production_id = text(about.productionId)
    if production_id and production_id != str(event_id):
        return FailureKind.WRONG_PRODUCTION, f"asked for event {event_id}, got {production_id}"
    if conversion is not None:
        currency = text(conversion.to)
        if (currency and currency != CURRENCY) or text(conversion.applyCurrencyConversion) == "true":
            return FailureKind.WRONG_CURRENCY, f"prices are converted to {currency}, not {CURRENCY}"
    if is_missing(about.listingCount):
        return None if ticket_count else (FailureKind.EMPTY_UNEXPECTED, "no tickets, and no listingCount of 0")
    try:
        listing_count = whole_number(about.listingCount)
    except ScalarError as error:
        return FailureKind.BAD_PAYLOAD, f"listingCount: {error}"
    if listing_count != ticket_count:
        kind = FailureKind.COUNT_MISMATCH if ticket_count else FailureKind.EMPTY_UNEXPECTED
        return kind, f"listingCount says {listing_count}, the body holds {ticket_count} tickets"
    return None


def _read_tickets(
    tickets: Sequence[Ticket | str], raw_tickets: msgspec.Raw
) -> tuple[list[Listing], list[RejectedTicket]]:
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
    if not reasons:
        return list(listings.values()), []
    contents = _raw_tickets_decoder.decode(raw_tickets)
    rejected = [RejectedTicket(position, reason, bytes(contents[position])) for position, reason in reasons.items()]
    return list(listings.values()), rejected


def _build(listings: list[Listing]) -> tuple[Book, dict[int, Placement], dict[int, Terms]]:
    book, _ = build_book(
        source_listing_id=[listing.source_listing_id for listing in listings],
        placement_id=[listing.placement_id for listing in listings],
        terms_id=[listing.terms_id for listing in listings],
        seat_low=[listing.seat_low for listing in listings],
        seat_high=[listing.seat_high for listing in listings],
        quantity=[listing.quantity for listing in listings],
        price_cents=[listing.price_cents for listing in listings],
        all_in_cents=[listing.all_in_cents for listing in listings],
    )
    placements = {listing.placement_id: listing.placement for listing in listings}
    terms = {listing.terms_id: listing.terms for listing in listings}
    return book, placements, terms
