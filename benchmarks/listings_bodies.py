"""Listings bodies of the size and with the keys of captured ones.

What belongs here: writing a market's event as JSON quickly, and completing the sandbox's bodies. What does not: how the
market moves (``market``), serving (``marketplace``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from benchmarks.market import PLACEMENTS, TERMS, MarketEvent
from ingestion.wire_format.known_keys import GLOBAL, KNOWN_KEYS
from sandbox.book import book_at
from sandbox.catalogue import listed_events
from sandbox.listings_body import listings_body as sandbox_body
from sandbox.randomness import DEFAULT_SEED

VENUES = 100
"""Events that are at one venue share its placements."""

_ZONES = 5
_SECTIONS_A_ZONE = 34
_NOTE = "Please note that you will need to use an iOS or Android mobile device to gain entry to your event."
_SCORES = tuple(f"{score / 10:.1f}" for score in range(101))


def captured_like_bodies(
    count: int, fewest: int, most: int, at: datetime = datetime(2026, 11, 23, tzinfo=UTC)
) -> list[tuple[int, int, bytes]]:
    """The sandbox's bodies of so many events that have ``fewest`` to ``most`` listings: event_id, listings, body.

    Their tickets, zones and sections have every key of captured ones; ``global[0]`` gets what it lacks. One invented
    market has too few events of that size, so that it takes several.
    """
    return list(itertools.islice(_captured_like_bodies(fewest, most, at), count))


def _captured_like_bodies(fewest: int, most: int, at: datetime) -> Iterator[tuple[int, int, bytes]]:
    for seed in itertools.count(DEFAULT_SEED):
        for event in listed_events(at, seed):
            if event.peak_listings < fewest:
                continue
            book = book_at(seed, event, at)
            if fewest <= len(book) <= most:
                body = orjson.loads(sandbox_body(event, book, at))
                about = body["global"][0]
                body["global"] = [about | dict.fromkeys(KNOWN_KEYS[GLOBAL] - about.keys(), "")]
                yield event.event_id, len(book), orjson.dumps(body)


def body_of(event: MarketEvent) -> bytes:
    """An event of the benchmarks' market as a body."""
    event_id, venue = event.event_id, event.event_id % VENUES
    about: dict[str, Any] = dict.fromkeys(sorted(KNOWN_KEYS[GLOBAL]), "false") | {
        "listingCount": str(len(event.ids)),
        "ticketCount": str(event.quantity.sum()),
        "productionId": str(event_id),
        "productionName": f"Event {event_id}",
        "mapTitle": f"Venue {venue}",
        "venueId": str(venue),
        "venueCapacity": "22547",
        "venueTimeZone": "America/New_York",
    }
    order = event.price_cents.argsort()
    columns = (event.ids, event.placement, event.terms, event.quantity, event.price_cents)
    listings = zip(*(column[order].tolist() for column in columns), strict=True)
    tickets = ",".join(_ticket(venue, listing) for listing in listings)
    groups = ",".join(_zone(event_id, venue, number) for number in range(_ZONES))
    sections = ",".join(_section(event_id, venue, number) for number in range(_ZONES * _SECTIONS_A_ZONE))
    return (
        f'{{"global":[{orjson.dumps(about).decode()}],"tickets":[{tickets}],"groups":[{groups}],"sections":[{sections}],'
        '"i18n":{"from":"USD","to":"USD","rate":1,"applyCurrencyConversion":false}}'
    ).encode()


def _ticket(venue: int, listing: tuple[str, int, int, int, int]) -> str:
    listing_id, placed, sold, quantity, price_cents = listing
    section, row, zone_id, section_id = PLACEMENTS[placed]
    splits, delivery, notes, _ = TERMS[sold]
    price, all_in = f"{price_cents / 100:.2f}", f"{price_cents * 135 // 10_000}.00"
    score = _SCORES[price_cents % 101]
    return (
        f'{{"s":"{section}","r":"{row}","q":"{quantity}","p":"{price}","i":"{listing_id}","d":"{section_id}",'
        f'"n":"{notes}. {_NOTE}","f":"0","l":"{section}","g":"0","t":"3","m":"{",".join(map(str, splits))}",'
        f'"c":"{venue}{zone_id}","z":"0","zo":"0","ind":"0","instantElectronicTransfer":"0","instantFlashSeats":"0",'
        f'"st":"1","vs":"{score}","sd":"0","stp":"{delivery}","aip":"{all_in}","ls":"","hs":"","faceValue":"0.00",'
        f'"di":false,"fdi":"","pdi":"","sectionName":"{section}","row":"{row}","quantity":"{quantity}",'
        f'"allInPricePerTicket":"{all_in}","dealScore":"{score}","badges":[],"perks":["Seated Together"],'
        '"localPrices":null}'
    )


def _zone(event_id: int, venue: int, number: int) -> str:
    return (
        f'{{"productionId":{event_id},"i":"{venue}{number}","n":"Zone {number}","c":"0x5690D6","a":"1","t":"0",'
        '"h":"900.00","l":"90.00","q":"200","z":"","zd":"","g":"0","localPrices":null}'
    )


def _section(event_id: int, venue: int, number: int) -> str:
    return (
        f'{{"productionId":{event_id},"i":"{number}","g":"{venue}{number // _SECTIONS_A_ZONE}","a":"1","h":"900.00",'
        '"l":"90.00","q":"9",'
        f'"n":"Section {number}","si":"","li":"","pi":"","laip":"121.00","mbi":"","s3d":"","p3d":"","rd":"","ss":8.5,'
        '"ang":-39.12,"dst":78.95,"rx":-48.07,"ry":59.11,"localPrices":null}'
    )
