"""The body of ``GET /hermes/api/v1/listings``: one event's whole book.

What belongs here: reading the body and deciding whether it can be trusted. What does not: single tickets
(``tickets``, ``plain_tickets``), zones and sections (``seating``), keys that nobody reads (``known_keys``).

``global`` is an array of one object, ``tickets`` holds every listing (there is no paging), and ``global.listingCount``
says how many there should be: a body that does not agree with itself is not loaded.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ingestion.codec.book import Book, build_book
from ingestion.codec.content import Placement, Terms
from ingestion.failures import CaptureError, FailureKind
from ingestion.wire_format import known_keys
from ingestion.wire_format.known_keys import UnknownKey
from ingestion.wire_format.plain_tickets import read_plain_tickets
from ingestion.wire_format.scalars import Scalar, ScalarError, is_missing, text, whole_number
from ingestion.wire_format.seating import Global, SeatingDocument, Section, Zone, seating_document
from ingestion.wire_format.tickets import Listing, Ticket, decode_ticket, sort_out

CURRENCY = "USD"
_MOST_TICKETS = 2**31 - 1


class Conversion(msgspec.Struct):
    """``i18n``: which currency the prices are in."""

    to: Scalar = None
    applyCurrencyConversion: Scalar = None  # noqa: N815


class _Body(msgspec.Struct):
    global_: list[msgspec.Raw] = msgspec.field(name="global", default_factory=list)
    tickets: list[msgspec.Raw] | None = None
    groups: list[msgspec.Raw] | None = None
    sections: list[msgspec.Raw] | None = None
    i18n: msgspec.Raw = msgspec.Raw(b"null")


class _KnownBody(_Body, forbid_unknown_fields=True):
    pass


@dataclass(frozen=True)
class RejectedTicket:
    """A ticket that is left out of the book: its place in the body, why, and its JSON."""

    position: int
    reason: str
    content: bytes


@dataclass(frozen=True)
class SingleTickets:
    """Tickets without the body that they came in: the book of those that can be read, and what it refers to.

    By the ticket's place in what was given: ``listing_ids`` says which listing it is, ``reasons`` why it is none.
    """

    book: Book
    placements: dict[int, Placement]
    terms: dict[int, Terms]
    listing_ids: dict[int, str]
    reasons: dict[int, str]


@dataclass(frozen=True)
class ListingsBody:
    """A body that can be trusted: its book, what the book refers to, what was left out, the seating, unknown keys."""

    book: Book
    placements: dict[int, Placement]
    terms: dict[int, Terms]
    rejected: list[RejectedTicket]
    seating: SeatingDocument
    unknown_keys: list[UnknownKey]


_known_body_decoder = msgspec.json.Decoder(_KnownBody)
_body_decoder = msgspec.json.Decoder(_Body)
_global_decoder = msgspec.json.Decoder(Global)
_zone_decoder = msgspec.json.Decoder(Zone)
_section_decoder = msgspec.json.Decoder(Section)
_conversion_decoder = msgspec.json.Decoder(Conversion | None)


def parse_listings(event_id: int, body: bytes) -> ListingsBody:
    """Read the body of a listings answer for ``event_id``.

    Raises:
        CaptureError: the body is no listings body or none of its tickets can be read (``bad_payload``), is another
            event's (``wrong_production``), does not agree with its own count (``count_mismatch``,
            ``empty_unexpected``) or is not in US dollars (``wrong_currency``). It carries the body.
    """
    # Of the thousands of values made here none refers back to another: there is nothing for the collector to find.
    was_on = gc.isenabled()
    gc.disable()
    try:
        return _parse(event_id, body)
    finally:
        if was_on:
            gc.enable()


def _parse(event_id: int, body: bytes) -> ListingsBody:
    try:
        parsed, has_unknown_keys = _decode_body(body)
        about = [_global_decoder.decode(item) for item in parsed.global_]
        zones = [_zone_decoder.decode(zone) for zone in parsed.groups or ()]
        sections = [_section_decoder.decode(section) for section in parsed.sections or ()]
        conversion = _conversion_decoder.decode(parsed.i18n)
        read = read_plain_tickets(body, parsed.tickets or [])
        tickets = [decode_ticket(ticket) for ticket in parsed.tickets or ()] if read is None else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaptureError(FailureKind.BAD_PAYLOAD, f"no listings body: {error}", body=body) from error
    if not about or parsed.tickets is None:
        missing = "global" if not about else "tickets"
        kind = FailureKind.BAD_PAYLOAD if parsed.tickets else FailureKind.EMPTY_UNEXPECTED
        raise CaptureError(kind, f"the body has no {missing}", body=body)
    problem = _find_problem(event_id, about[0], len(parsed.tickets), conversion)
    if problem is not None:
        kind, message = problem
        raise CaptureError(kind, message, body=body)

    if read is None:
        listings, reasons = sort_out(tickets)
        if reasons and not listings:  # a change of the format, which must not look like everything being sold
            message = f"none of its {len(reasons)} tickets can be read; of the first one {reasons[0]}"
            raise CaptureError(FailureKind.BAD_PAYLOAD, message, body=body)
        read = *_build(listings), reasons
    book, placements, terms, reasons = read
    rejected = [RejectedTicket(place, reason, bytes(parsed.tickets[place])) for place, reason in reasons.items()]
    if book.ticket_count > _MOST_TICKETS:
        message = f"{book.ticket_count} tickets are no venue's"
        raise CaptureError(FailureKind.BAD_PAYLOAD, message, body=body)
    seating = seating_document(about[0], zones, sections)
    unknown = _unknown_keys(body, parsed, has_unknown_keys=has_unknown_keys)
    return ListingsBody(book, placements, terms, rejected, seating, unknown)


def parse_tickets(contents: Sequence[bytes]) -> SingleTickets:
    """Read tickets of one body that were left out of its book, each given as its JSON, in their order in the body."""
    listings, reasons = sort_out([_decode_single(content) for content in contents])
    book, placements, terms = _build(listings)
    readable = [position for position in range(len(contents)) if position not in reasons]
    listing_ids = {position: listing.source_listing_id for position, listing in zip(readable, listings, strict=True)}
    return SingleTickets(book, placements, terms, listing_ids, reasons)


def _decode_single(content: bytes) -> Ticket | str:
    try:
        return decode_ticket(msgspec.Raw(content))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return str(error)


def _decode_body(body: bytes) -> tuple[_Body, bool]:
    """The body, and whether it has unknown keys itself."""
    try:
        return _known_body_decoder.decode(body), False
    except msgspec.ValidationError:
        return _body_decoder.decode(body), True


def _unknown_keys(body: bytes, parsed: _Body, *, has_unknown_keys: bool) -> list[UnknownKey]:
    return known_keys.unknown_keys(
        len(body),
        {
            known_keys.BODY: [msgspec.Raw(body)] if has_unknown_keys else [],
            known_keys.GLOBAL: parsed.global_[:1],
            known_keys.TICKETS: parsed.tickets or [],
            known_keys.ZONES: parsed.groups or [],
            known_keys.SECTIONS: parsed.sections or [],
            known_keys.CONVERSION: [parsed.i18n],
        },
    )


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
