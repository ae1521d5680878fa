"""Arbitrary markets for the codec: sequences of captures that a real market would never, but could, produce.

What belongs here: hypothesis strategies and the plain form in which captures are compared. What does not: assertions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ingestion.codec.book import NO_ALL_IN, build_book
from ingestion.codec.capture import Capture
from ingestion.codec.content import Placement, Terms, placement_id, terms_id

# Two hours before a UTC midnight, so that sequences of a few dozen instants cross it.
START = datetime(2026, 3, 14, 22, 0, tzinfo=UTC)
EVENT_IDS = (7, 8_000_000_000)


class PlainListing(NamedTuple):
    """A listing in plain Python values, in the order of the columns of ``raw.listings_at``."""

    source_listing_id: str
    section: str | None
    seat_row: str | None
    zone_id: str | None
    section_id: str | None
    seat_low: str | None
    seat_high: str | None
    splits: tuple[int, ...]
    delivery: str | None
    notes: str | None
    face_value_cents: int | None
    quantity: int
    price_cents: int
    all_in_cents: int | None


class PlainCapture(NamedTuple):
    """A capture in plain Python values."""

    event_id: int
    captured_at: datetime
    listings: tuple[PlainListing, ...]


_few_texts = st.none() | st.sampled_from(["", "A", "Floor 1", "é✓ 😀"])
_any_text = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
_texts = _few_texts | _any_text

# Few ids and few values, so that listings stay, change, vanish and return from capture to capture.
_ids = st.sampled_from(["VB17082859486", "VB17082859487", "VF2191575", "x", "é", "12345678", "123456789"])
listings = st.builds(
    PlainListing,
    source_listing_id=_ids,
    section=_texts,
    seat_row=_few_texts,
    zone_id=_few_texts,
    section_id=_few_texts,
    seat_low=_few_texts,
    seat_high=_few_texts,
    splits=st.sampled_from([(), (1,), (2,), (1, 2, 4)]),
    delivery=_few_texts,
    notes=_texts,
    face_value_cents=st.none() | st.integers(1, 2**31 - 1),
    quantity=st.integers(1, 3) | st.integers(1, 2**15 - 1),
    price_cents=st.integers(0, 3) | st.integers(0, 2**31 - 1),
    all_in_cents=st.none() | st.integers(0, 3) | st.integers(0, 2**31 - 1),
)
_changes = st.sampled_from(["quantity", "price_cents", "all_in_cents", "notes", "seat_row"])


@st.composite
def captures_of_events(draw: st.DrawFn) -> list[PlainCapture]:
    """Captures of two events in order of time, distinct in instant; books drift, jump, empty and repeat."""
    captured = []
    for event_id in EVENT_IDS:
        book: dict[str, PlainListing] = {}
        minute = 0
        for _ in range(draw(st.integers(0, 9))):
            minute += draw(st.sampled_from([1, 10, 61, 600]))
            move = draw(st.sampled_from(["drift", "drift", "drift", "jump", "repeat", "empty"]))
            if move == "drift":
                book = _drift(draw, book)
            elif move == "jump":
                book = {item.source_listing_id: item for item in draw(st.lists(listings, max_size=6))}
            elif move == "empty":
                book = {}
            at = START + timedelta(minutes=minute, microseconds=draw(st.sampled_from([0, 1, 999_999])))
            captured.append(PlainCapture(event_id, at, tuple(book.values())))
    return captured


def _drift(draw: st.DrawFn, book: dict[str, PlainListing]) -> dict[str, PlainListing]:
    drifted = dict(book)
    for item in draw(st.lists(listings, max_size=2)):
        known = drifted.get(item.source_listing_id)
        # A known id changes in one respect; an unknown one is new.
        drifted[item.source_listing_id] = (
            known._replace(**{c: getattr(item, c) for c in [draw(_changes)]}) if known else item
        )
    if drifted and draw(st.booleans()):
        del drifted[draw(st.sampled_from(sorted(drifted)))]
    return drifted


def capture(plain: PlainCapture) -> Capture:
    """The capture that the writer takes."""
    places = [Placement(x.section, x.seat_row, x.zone_id, x.section_id) for x in plain.listings]
    terms = [Terms(x.splits, x.delivery, x.notes, x.face_value_cents) for x in plain.listings]
    book, _ = build_book(
        source_listing_id=[x.source_listing_id for x in plain.listings],
        placement_id=[placement_id(place) for place in places],
        terms_id=[terms_id(item) for item in terms],
        seat_low=[x.seat_low for x in plain.listings],
        seat_high=[x.seat_high for x in plain.listings],
        quantity=[x.quantity for x in plain.listings],
        price_cents=[x.price_cents for x in plain.listings],
        all_in_cents=[NO_ALL_IN if x.all_in_cents is None else x.all_in_cents for x in plain.listings],
    )
    return Capture(
        event_id=plain.event_id,
        captured_at=plain.captured_at,
        book=book,
        placements={placement_id(place): place for place in places},
        terms={terms_id(item): item for item in terms},
        interval_seconds=600,
    )


def capture_of(held: Sequence[PlainListing]) -> Capture:
    """A capture with these listings, of no event in particular."""
    return capture(PlainCapture(EVENT_IDS[0], START, tuple(held)))


def plain_listing(row: Sequence[Any]) -> PlainListing:
    """A row of ``raw.listings_at`` without its first column, the capture's instant."""
    values = PlainListing(*row)
    return values._replace(splits=tuple(values.splits))
