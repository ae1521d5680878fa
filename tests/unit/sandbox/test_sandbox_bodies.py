"""The bodies: exactly what a JSON library writes, with the keys of the captured ones, and sums that agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from typing import Any

import orjson
import pytest

from sandbox import terms
from sandbox.book import Book, book_at
from sandbox.catalogue import featured_events, listed_events
from sandbox.events import Event
from sandbox.listings_body import listings_body
from sandbox.population import SEATS_MISSING, SEATS_NUMBERED
from sandbox.productions_body import production_body

SEED = 2026
NOW = datetime(2026, 11, 22, 22, tzinfo=UTC)
CAPTURED = Path(__file__).parents[4] / "shared" / "data"


def body_of(event: Event, at: datetime = NOW) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(listings_body(event, book_at(SEED, event, at), at))
    return body


@pytest.fixture(scope="module")
def events() -> list[Event]:
    later = NOW + timedelta(days=3)
    parking = next(e for e in listed_events(NOW, SEED) if e.is_parking and e.starts_at > later)
    return [*featured_events(NOW, 16, SEED), parking]


@pytest.fixture(scope="module")
def bodies(events: list[Event]) -> list[dict[str, Any]]:
    return [body_of(event) for event in events]


def captured(name: str) -> Any:
    path = CAPTURED / name
    if not path.exists():
        pytest.skip(f"the captured {name} is not on this machine")
    return orjson.loads(path.read_bytes())


def money(cents: float) -> str:
    return f"{cents / 100:.2f}"


def ticket_facts(book: Book, index: int) -> dict[str, Any]:
    """What a ticket must say, taken from the arrays one at a time."""
    market, listing = book.population, int(book.listing[index])
    section = market.plan.sections[int(market.section[listing])]
    quantity, price, all_in = int(book.quantity[index]), int(book.price_cents[index]), int(book.all_in_cents[index])
    row = section.rows[int(market.row[listing])]
    splits = terms.SPLITS[int(market.split_policy[listing])][quantity]
    facts: dict[str, Any] = {
        "i": f"{'VB' if market.is_broker[listing] else 'VF'}{market.number[listing]}",
        "s": section.label, "l": section.label, "sectionName": section.label,
        "d": section.section_id, "c": market.plan.zones[section.zone_index].zone_id,
        "r": row, "row": row, "q": str(quantity), "quantity": str(quantity), "m": ",".join(map(str, splits)),
        "p": money(price), "aip": money(all_in), "allInPricePerTicket": money(all_in),
        "n": terms.NOTES[int(market.note[listing])], "stp": terms.DELIVERIES[int(market.delivery[listing])],
    }  # fmt: skip
    if market.face_value_cents[listing] >= 0:
        facts["faceValue"] = money(int(market.face_value_cents[listing]))
    if market.seats[listing] == SEATS_NUMBERED:
        low = int(market.low_seat[listing])
        facts |= {"ls": str(low), "hs": str(low + quantity - 1)}
    return facts


def test_spliced_bytes_are_what_a_json_library_writes(events: list[Event]):
    for event in events:
        for at in (NOW, event.starts_at - timedelta(hours=1), event.starts_at + timedelta(days=2)):
            body = listings_body(event, book_at(SEED, event, at), at)
            assert orjson.dumps(orjson.loads(body)) == body


def test_every_ticket_says_what_its_listing_is(events: list[Event]):
    for event in events:
        book = book_at(SEED, event, NOW)
        tickets = body_of(event)["tickets"]
        assert len(tickets) == len(book)
        for index, ticket in enumerate(tickets):
            facts = ticket_facts(book, index)
            assert {key: ticket.get(key) for key in facts} == facts
            market, listing = book.population, book.listing[index]
            assert ("faceValue" in ticket) == (market.face_value_cents[listing] >= 0)
            assert ("ls" in ticket) == ("hs" in ticket) == (market.seats[listing] != SEATS_MISSING)
            assert ticket.get("vs") == ticket.get("dealScore")


def test_global_agrees_with_the_tickets(bodies: list[dict[str, Any]]):
    for body in bodies:
        (facts,) = body["global"]
        prices = [float(ticket["p"]) for ticket in body["tickets"]]
        all_in = [float(ticket["aip"]) for ticket in body["tickets"]]
        quantities = [int(ticket["q"]) for ticket in body["tickets"]]
        assert prices == sorted(prices)
        assert facts["listingCount"] == str(len(prices))
        assert facts["ticketCount"] == str(sum(quantities))
        assert facts["hq"] == str(max(quantities))
        assert facts["percentRemaining"] == 100 * sum(quantities) // int(facts["venueCapacity"])
        for values, names in ((prices, ("lp", "hp")), (all_in, ("lowestAip", "highestAip"))):
            assert [float(facts[name]) for name in names] == [min(values), max(values)]
        for values, names in ((prices, ("atp", "mp")), (all_in, ("averageAip", "medianAip"))):
            means = [fmean(values), median(values)]
            assert [float(facts[name]) for name in names] == pytest.approx(means, abs=0.006)


@pytest.mark.parametrize(("places", "key"), [("groups", "c"), ("sections", "d")])
def test_zones_and_sections_agree_with_the_tickets(bodies: list[dict[str, Any]], places: str, key: str):
    for body in bodies:
        ids = [place["i"] for place in body[places]]
        assert len(set(ids)) == len(ids)
        assert {ticket[key] for ticket in body["tickets"]} <= set(ids)
        for place in body[places]:
            tickets = [ticket for ticket in body["tickets"] if ticket[key] == place["i"]]
            prices = [ticket["p"] for ticket in tickets] or ["0.00"]
            assert place["a"] == str(int(bool(tickets)))
            assert place["q"] == str(sum(int(ticket["q"]) for ticket in tickets))
            assert (place["l"], place["h"]) == (prices[0], prices[-1])
            if places == "sections":
                lowest = min((float(ticket["aip"]) for ticket in tickets), default=0.0)
                assert float(place["laip"]) == lowest


def test_every_section_lies_in_a_zone_and_some_are_empty(bodies: list[dict[str, Any]]):
    for body in bodies:
        assert {section["g"] for section in body["sections"]} <= {group["i"] for group in body["groups"]}
    sections = [section for body in bodies for section in body["sections"]]
    assert {section["a"] for section in sections} == {"0", "1"}
    assert {"ss", "ang", "dst", "rx", "ry"} <= set().union(*sections)
    assert any("ss" not in section for section in sections)


def test_optional_keys_are_absent_at_times(bodies: list[dict[str, Any]]):
    tickets = [ticket for body in bodies for ticket in body["tickets"]]
    for key in ("vs", "dealScore", "svs", "ls", "hs", "faceValue", "badges"):
        assert 0 < sum(key not in ticket for ticket in tickets) < len(tickets), key
    assert {"", "N/A", "0"} < {ticket["ls"] for ticket in tickets if "ls" in ticket}


def test_keys_and_types_are_the_captured_ones(bodies: list[dict[str, Any]]):
    real = captured("listings_5990417_excerpt.json")
    assert list(bodies[0]) == list(real)
    for part in ("global", "tickets", "groups", "sections"):
        types = {key: type(value) for item in real[part] for key, value in item.items()}
        always = set.intersection(*(set(item) for item in real[part]))
        for body in bodies:
            for item in body[part]:
                assert set(item) <= set(types), f"{part}: keys that no captured body has"
                wrong = {
                    key: value
                    for key, value in item.items()
                    if type(value) is not types[key] and not isinstance(value, (int, float))
                }
                assert not wrong, part
                if part != "global":  # its map and picture keys are left out
                    assert always - set(item) <= {"faceValue", "badges"}, part
    assert bodies[0]["i18n"] == real["i18n"]


def test_a_market_that_is_over_is_empty_but_whole(events: list[Event]):
    body = body_of(events[0], events[0].starts_at + timedelta(days=2))
    assert body["tickets"] == []
    assert body["global"][0]["listingCount"] == body["global"][0]["ticketCount"] == "0"
    assert body["global"][0]["lp"] == "0.00"
    assert {section["a"] for section in body["sections"]} == {"0"}


def test_days_to_event_are_whole_and_never_negative(events: list[Event]):
    start = events[0].starts_at
    instants = (start - timedelta(days=3, hours=2), start - timedelta(minutes=1), start + timedelta(days=1))
    assert [body_of(events[0], at)["global"][0]["dte"] for at in instants] == ["3", "0", "0"]


def test_a_production_has_the_captured_keys_and_types(events: list[Event]):
    (real,) = captured("production_4833304.json")
    ours = orjson.loads(production_body(events[0], book_at(SEED, events[0], NOW)))
    left_out = {"similarProductionCount"}
    assert set(real) - set(ours) == left_out
    assert set(ours) - set(real) == {"minAipPrice", "maxAipPrice"}
    for key in set(real) & set(ours):
        same = type(ours[key]) is type(real[key])
        assert same or isinstance(ours[key], (int, float)), key
    assert {"id", "name", "city", "state", "timezone", "latitude", "longitude"} <= set(ours["venue"])
    assert set(ours["performers"][0]) <= set(real["performers"][0])


def test_production_sums_are_those_of_its_listings(events: list[Event]):
    for event in events:
        ours = orjson.loads(production_body(event, book_at(SEED, event, NOW)))
        (facts,) = body_of(event)["global"]
        assert ours["listingCount"] == int(facts["listingCount"])
        assert ours["ticketCount"] == int(facts["ticketCount"])
        names = {"minPrice": "lp", "maxPrice": "hp", "minAipPrice": "lowestAip", "maxAipPrice": "highestAip"}
        for name, twin in names.items():
            assert ours[name] == float(facts[twin])


def test_a_production_without_inventory_has_no_prices(events: list[Event]):
    over = events[0].starts_at + timedelta(days=2)
    ours = orjson.loads(production_body(events[0], book_at(SEED, events[0], over)))
    assert ours["listingCount"] == 0
    assert ours["minPrice"] is ours["maxPrice"] is ours["avgPrice"] is ours["medianPrice"] is None


def test_local_and_utc_dates_are_one_instant(events: list[Event]):
    for event in events:
        ours = orjson.loads(production_body(event, book_at(SEED, event, NOW)))
        local, _, zone = ours["localDate"].partition("[")
        assert zone == f"{ours['venue']['timezone']}]"
        assert datetime.fromisoformat(local) == datetime.fromisoformat(ours["utcDate"]) == event.starts_at
