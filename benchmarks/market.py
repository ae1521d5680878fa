"""Parsed captures of a market in which 6 % of the listings move from one capture to the next.

What belongs here: books without HTTP and JSON, so that the writer alone is measured. What does not: a lifelike market
(the sandbox's). Of each book 4 % get another price and 1 % vanish for as many new ones: between the quiet days (1.6 %
an interval) and the last hours (31 %) of the markets that were measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from ingestion.codec.book import build_book
from ingestion.codec.capture import Capture
from ingestion.codec.content import Placement, Terms, placement_id, terms_id

LISTINGS = 500
CAPTURES_A_DAY = 144
START = datetime(2026, 3, 1, tzinfo=UTC)
INTERVAL = timedelta(minutes=10)

_REPRICED_SHARE = 0.04
_REPLACED_SHARE = 0.01
PLACEMENTS = [
    Placement(f"Section {section}", str(row), str(section // 12), str(section))
    for section in range(60)
    for row in range(30)
]
TERMS = [
    Terms(splits, delivery, f"Note {number}", None)
    for splits in ((1, 2), (2,), (1, 2, 4))
    for delivery in ("E-tickets", "Ticketmaster Transfer")
    for number in range(10)
]
_PLACEMENT_IDS = np.array([placement_id(placement) for placement in PLACEMENTS])
_TERMS_IDS = np.array([terms_id(terms) for terms in TERMS])


class MarketEvent:
    """One event's book: columns of ``LISTINGS`` values, of which ``placement`` and ``terms`` index the lists above."""

    def __init__(self, event_id: int, start: datetime = START) -> None:
        self.event_id = event_id
        self._random = np.random.default_rng(event_id)
        self._next_id = 17_000_000_000 + event_id * 1_000_000
        self._at = start + timedelta(milliseconds=997 * event_id)
        self.ids = np.array([self._new_id() for _ in range(LISTINGS)], dtype=object)
        self.placement = self._random.integers(len(PLACEMENTS), size=LISTINGS)
        self.terms = self._random.integers(len(TERMS), size=LISTINGS)
        self.quantity = self._random.integers(1, 7, size=LISTINGS)
        self.price_cents = self._prices(LISTINGS)

    def advance(self) -> Capture:
        """The next capture."""
        capture = self._capture()
        self.move()
        return capture

    def move(self) -> None:
        """Let one interval pass."""
        fates = self._random.permutation(LISTINGS)
        replaced, repriced = np.split(fates[: int(LISTINGS * (_REPLACED_SHARE + _REPRICED_SHARE))], [LISTINGS // 100])
        self.price_cents[repriced] = self.price_cents[repriced] * self._random.uniform(0.9, 1.05, len(repriced)) + 1
        self.ids[replaced] = [self._new_id() for _ in replaced]
        self.placement[replaced] = self._random.integers(len(PLACEMENTS), size=len(replaced))
        self.price_cents[replaced] = self._prices(len(replaced))
        self._at += INTERVAL

    def _capture(self) -> Capture:
        book, _ = build_book(
            source_listing_id=self.ids.tolist(),
            placement_id=_PLACEMENT_IDS[self.placement],
            terms_id=_TERMS_IDS[self.terms],
            seat_low=[None] * LISTINGS,
            seat_high=[None] * LISTINGS,
            quantity=self.quantity,
            price_cents=self.price_cents,
            all_in_cents=self.price_cents * 135 // 100,
        )
        return Capture(
            event_id=self.event_id,
            captured_at=self._at,
            book=book,
            placements={int(_PLACEMENT_IDS[i]): PLACEMENTS[i] for i in set(self.placement.tolist())},
            terms={int(_TERMS_IDS[i]): TERMS[i] for i in set(self.terms.tolist())},
            interval_seconds=600,
            fetch_ms=120,
            body_bytes=320_000,
            http_status=200,
        )

    def _new_id(self) -> str:
        self._next_id += 1
        return f"VB{self._next_id}"

    def _prices(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.exp(self._random.normal(10, 0.7, size=count)).astype(np.int64) + 500


def rounds(event_count: int, capture_count: int, start: datetime = START) -> Iterator[list[Capture]]:
    """``capture_count`` rounds, from ``start`` on, of a capture of each of ``event_count`` events."""
    events = [MarketEvent(number, start) for number in range(1, event_count + 1)]
    for _ in range(capture_count):
        yield [event.advance() for event in events]
