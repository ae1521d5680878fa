"""A captured body of September 2026 (its first 15 tickets) is read whole, value for value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from ingestion.answers import Answer, FailedAttempt, read_answer
from ingestion.codec.book import NO_ALL_IN
from ingestion.codec.content import Placement, Terms
from ingestion.failures import FailureKind
from ingestion.wire_format.listings import ListingsBody, parse_listings
from tests.real_captures import real_capture
from tests.unit.ingestion.bodies import EVENT_ID, encoded
from tests.unit.ingestion.test_answers import AT


@pytest.fixture(scope="module")
def captured() -> Any:
    return json.loads(real_capture(f"listings_{EVENT_ID}_excerpt.json").read_bytes())


@pytest.fixture(scope="module")
def parsed(captured: Any) -> ListingsBody:
    about = captured["global"][0] | {"listingCount": str(len(captured["tickets"]))}
    return parse_listings(EVENT_ID, encoded(captured | {"global": [about]}))


def exact_cents(price: str) -> int:
    return int(Decimal(price) * 100)


def test_every_value_of_every_ticket(captured: Any, parsed: ListingsBody) -> None:
    book = parsed.book
    read = {
        listing_id: (*parsed.placements[place], *parsed.terms[terms], low, high, int(q), int(p), int(aip))
        for listing_id, place, terms, low, high, q, p, aip in zip(
            book.source_listing_id,
            book.placement_id,
            book.terms_id,
            book.seat_low,
            book.seat_high,
            book.quantity,
            book.price_cents,
            book.all_in_cents,
            strict=True,
        )
    }
    assert len(captured["tickets"]) == 15
    assert read == {
        t["i"]: (
            *Placement(t["s"], t["r"], t["c"], t["d"]),
            *Terms(
                tuple(map(int, t["m"].split(","))),
                t["stp"],
                t["n"],
                exact_cents(t.get("faceValue", "0")) or None,
            ),
            t.get("ls") or None,
            t.get("hs") or None,
            int(t["q"]),
            exact_cents(t["p"]),
            exact_cents(t["aip"]) if "aip" in t else NO_ALL_IN,
        )
        for t in captured["tickets"]
    }
    assert parsed.rejected == []


def test_two_listings_known_by_heart(parsed: ListingsBody) -> None:
    prices = dict(zip(parsed.book.source_listing_id, parsed.book.price_cents, strict=True))
    assert (prices["VF2191575"], prices["VB17082859486"]) == (20000, 21255)


def test_its_seating(captured: Any, parsed: ListingsBody) -> None:
    assert parsed.seating["venue"] == {
        "id": "93",
        "name": "Arthur Ashe Stadium",
        "address1": "Flushing Meadows Corona Park",
        "state": "NY",
        "country": "US",
        "timezone": "America/New_York",
        "capacity": 22547,
    }
    assert {zone["id"] for zone in parsed.seating["zones"]} == {group["i"] for group in captured["groups"]}
    assert {s["id"] for s in parsed.seating["sections"]} == {section["i"] for section in captured["sections"]}


def test_the_excerpt_does_not_agree_with_its_own_count(captured: Any) -> None:
    failed = read_answer(Answer(EVENT_ID, AT, 200, encoded(captured)), 600, None)
    assert isinstance(failed, FailedAttempt)
    assert failed.error.kind is FailureKind.COUNT_MISMATCH
