"""The seating document: what is kept of venue, zones and sections, and that it stays whatever moves."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from ingestion.wire_format.listings import parse_listings
from tests.unit.ingestion.bodies import ABSENT, EVENT_ID, changed, listings_body, tickets

ZONES = [{"i": str(n), "n": f"Zone {n}", "a": "1", "l": "10.00", "h": "90.00", "q": "7"} for n in range(5)]
SECTIONS = [{"i": str(n), "g": "1", "n": f"Section {n}", "q": "2", "laip": "12.00", "ss": n / 2} for n in range(9)]


def seating(body: bytes) -> Any:
    return parse_listings(EVENT_ID, body).seating


def test_what_is_kept() -> None:
    body = changed(
        listings_body(venueAddress1="Flushing Meadows", venueState="NY", venueCountry="US"),
        groups=[{"i": 401890, "n": "", "c": "0x5690D6"}],
        sections=[
            {"i": "316", "g": 401890, "n": "Promenade 316", "ss": 7.5, "ang": 0, "dst": "2.5", "rx": 1, "ry": -1}
        ],
    )
    assert seating(body) == {
        "production_name": "US Open Tennis - Session 23",
        "venue": {
            "id": "93",
            "name": "Arthur Ashe Stadium",
            "address1": "Flushing Meadows",
            "state": "NY",
            "country": "US",
            "timezone": "America/New_York",
            "capacity": 22547,
        },
        "zones": [{"id": "401890"}],
        "sections": [
            {
                "id": "316",
                "zone_id": "401890",
                "name": "Promenade 316",
                "view_score": 7.5,
                "angle": 0,
                "distance": 2.5,
                "x": 1,
                "y": -1,
            }
        ],
    }


def test_it_stays_whatever_moves() -> None:
    before = changed(listings_body(), groups=ZONES, sections=SECTIONS)
    moved = changed(
        listings_body(tickets(1), dte="2", lp="1.00", ticketCount="3", percentRemaining=9),
        groups=[{**zone, "a": "0", "l": "0", "h": "0", "q": "0", "c": "0x0"} for zone in reversed(ZONES)],
        sections=random.Random(1).sample(
            [{**s, "a": "0", "q": "0", "laip": "0", "ss": str(s["ss"])} for s in SECTIONS], 9
        ),
    )
    assert json.dumps(seating(before)) == json.dumps(seating(moved))


def test_sections_of_one_id_are_in_one_order() -> None:
    twins = [{"i": "1", "n": name} for name in ("A", "B")]
    assert seating(changed(listings_body(), sections=twins)) == seating(changed(listings_body(), sections=twins[::-1]))


@pytest.mark.parametrize("capacity", ["", None, ABSENT, "unknown", "2.5", True])
def test_a_capacity_that_is_no_number_is_left_out(capacity: Any) -> None:
    assert "capacity" not in seating(listings_body(venueCapacity=capacity))["venue"]


@pytest.mark.parametrize("score", ["", None, "N\x00A", True, 10**400])
def test_a_geometry_that_is_no_number_is_left_out(score: Any) -> None:
    (section,) = seating(changed(listings_body(), sections=[{"i": "1", "ss": score}]))["sections"]
    assert section == {"id": "1"}
