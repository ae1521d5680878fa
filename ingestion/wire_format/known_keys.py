"""The keys that a listings body is known to have, and finding those that it has besides.

What belongs here: the known keys and the search for others. What does not: counting them (``schema_drift``). A known
key that vanishes is not looked for: nearly all may be absent at any time.

The keys are those of one captured body of September 2026, most of them of no use here, and those that public client
code reads in older ones: ``listingId``, ``id`` and ``tags`` of a ticket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

MOST_LOOKED_AT = 16
"""Objects of one array that are looked at. All would cost as much as everything else that is read of them."""

_MOST_REPORTED = 100
_LONGEST_KEY = 100
_LONGEST_EXAMPLE = 200

BODY, GLOBAL, TICKETS, ZONES, SECTIONS, CONVERSION = "body", "global[0]", "tickets[]", "groups[]", "sections[]", "i18n"

KNOWN_KEYS: Mapping[str, frozenset[str]] = {
    BODY: frozenset({"global", "tickets", "groups", "sections", "i18n"}),
    GLOBAL: frozenset(
        {
            "listingCount", "ticketCount", "venueCapacity", "vpcr", "mapTitle", "pageColor", "productionId",
            "productionName", "venueId", "venueCountry", "zoned", "staticMapUrl", "patternSize", "zoomFactor",
            "zoomXoff", "zoomYoff", "svgFileName", "jsonFileName", "venueAddress1", "venueAddress2", "venueState",
            "venueTimeZone", "showServiceCharge", "mapboxLayoutUrl", "layoutId", "primaryTicketProvider",
            "showFaceValueInListingDetails", "priceLocalized", "dte", "atp", "lp", "hp", "mp", "hq", "eventId",
            "eventMobileHeroImage", "psd", "map_src", "flashActive", "jsonActive", "averageAip", "lowestAip",
            "highestAip", "medianAip", "showAip", "vatAddedToAip", "showAipIncludedPrices", "aipIncludedPrices",
            "defaultAipOn", "isFaceValue", "countryCode", "productionCategory", "vsAvailable", "isPriceLocalized",
            "percentRemaining", "localPrices", "loyaltyPartnership", "hasGreatDeal", "hasSuperSeller",
            "hasBrokerDiscount", "hasUnlimitedFoodAndBeverage", "hasVIP", "hasClubSeats",
        }
    ),
    TICKETS: frozenset(
        {
            "s", "r", "q", "p", "i", "d", "n", "f", "l", "g", "t", "m", "c", "z", "zo", "ind",
            "instantElectronicTransfer", "instantFlashSeats", "st", "vs", "svs", "sd", "stp", "aip", "ls", "hs",
            "faceValue", "di", "fdi", "pdi", "sectionName", "row", "quantity", "allInPricePerTicket", "dealScore",
            "badges", "perks", "localPrices", "listingId", "id", "tags",
        }
    ),
    ZONES: frozenset({"productionId", "i", "n", "c", "a", "t", "h", "l", "q", "z", "zd", "g", "localPrices"}),
    SECTIONS: frozenset(
        {
            "productionId", "i", "g", "a", "h", "l", "q", "n", "si", "li", "pi", "laip", "mbi", "s3d", "p3d", "rd",
            "ss", "ang", "dst", "rx", "ry", "localPrices",
        }
    ),
    CONVERSION: frozenset({"from", "to", "rate", "applyCurrencyConversion"}),
}  # fmt: skip
"""By place in the body, in the order in which the captured body has them."""


@dataclass(frozen=True)
class UnknownKey:
    """A key that the body has and that is not known: where (a key of ``KNOWN_KEYS``), and one of its values as JSON."""

    place: str
    key: str
    example: str

    def __str__(self) -> str:
        """What to tell a person."""
        return f"the marketplace sends a key we do not know: {self.place}.{self.key} (example {self.example})"


_decode_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def unknown_keys(body_length: int, objects: Mapping[str, Sequence[msgspec.Raw]]) -> list[UnknownKey]:
    """The unknown keys of the objects at each place of a body, each key once, 100 at most.

    Of each place ``MOST_LOOKED_AT`` objects are looked at, evenly apart. Which ones, the body's length decides: it is
    another one nearly every time, so that in a round of 1,000 events a key that one ticket in 100 has is still found.
    An object that is none has no keys.
    """
    found: dict[tuple[str, str], UnknownKey] = {}
    for place, values in objects.items():
        known = KNOWN_KEYS[place]
        step = -(-len(values) // MOST_LOOKED_AT) or 1
        for value in values[body_length % step :: step]:
            held = _held_keys(value)
            if held.keys() <= known:
                continue
            for key in held.keys() - known:
                unknown = UnknownKey(place, _storable(key, _LONGEST_KEY), _storable(held[key], _LONGEST_EXAMPLE))
                found.setdefault((place, unknown.key), unknown)
    return sorted(found.values(), key=lambda unknown: (unknown.place, unknown.key))[:_MOST_REPORTED]


def _held_keys(value: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return _decode_keys(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _storable(value: str | msgspec.Raw, length: int) -> str:
    """Its beginning, without NUL, which PostgreSQL cannot store."""
    if not isinstance(value, str):
        value = bytes(memoryview(value)[:length]).decode(errors="replace")
    return value[:length].replace("\x00", "")
