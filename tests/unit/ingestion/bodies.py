"""Listings bodies as the marketplace writes them, for tests to bend.

What belongs here: a good ticket and a good body. What does not: assertions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

EVENT_ID = 5990417
ABSENT: Any = object()
"""As a value: the key is left out."""


def encoded(value: Any) -> bytes:
    """JSON as the marketplace writes it; the standard library's, since it also writes numbers past 64 bits."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def ticket(**keys: Any) -> dict[str, Any]:
    """A good ticket with some keys of another value, or ``ABSENT``."""
    whole = {
        "i": "VB17082859486",
        "s": "Promenade 316",
        "r": "Z",
        "d": "316",
        "c": "401890",
        "q": "3",
        "m": "1,3",
        "p": "212.55",
        "aip": "287.00",
        "n": "Mobile Tickets.",
        "stp": "Ticketmaster Transfer",
        "faceValue": "95.81",
        "ls": "9",
        "hs": "11",
        **keys,
    }
    return {key: value for key, value in whole.items() if value is not ABSENT}


def tickets(count: int) -> list[dict[str, Any]]:
    """Good tickets that differ in id and price."""
    return [ticket(i=f"VB{n}", p=f"{100 + n}.00") for n in range(count)]


def listings_body(ticketed: Sequence[Any] | None = None, *, event_id: int = EVENT_ID, **keys: Any) -> bytes:
    """A body with these tickets (None: two good ones) that agrees with itself, but for ``keys`` of ``global[0]``."""
    listed = tickets(2) if ticketed is None else list(ticketed)
    about = {
        "listingCount": str(len(listed)),
        "productionId": str(event_id),
        "productionName": "US Open Tennis - Session 23",
        "mapTitle": "Arthur Ashe Stadium",
        "venueId": "93",
        "venueCapacity": "22547",
        "venueTimeZone": "America/New_York",
        **keys,
    }
    return encoded(
        {
            "global": [{key: value for key, value in about.items() if value is not ABSENT}],
            "tickets": listed,
            "groups": [{"i": "401890", "n": "Promenade", "c": "0x5690D6", "q": "6"}],
            "sections": [{"i": "316", "g": "401890", "n": "Promenade 316", "a": "1", "q": "6", "ss": 7.5}],
            "i18n": {"from": "USD", "to": "USD", "rate": 1, "applyCurrencyConversion": False},
        }
    )


def changed(body: bytes, **keys: Any) -> bytes:
    """A body with some of its top-level keys of another value, or ``ABSENT``."""
    whole = json.loads(body) | keys
    return encoded({key: value for key, value in whole.items() if value is not ABSENT})
