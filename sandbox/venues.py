"""The invented venues: where they are and how many they hold.

What belongs here: plain facts of a venue. What does not: its zones and sections (``seating``).
Cities, time zones and coordinates are real; names and addresses are made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class VenueKind(Enum):
    """What kind of house it is; decides its seating plan and how many listings its events attract."""

    ARENA = "arena"
    STADIUM = "stadium"
    THEATER = "theater"
    AMPHITHEATER = "amphitheater"


@dataclass(frozen=True, slots=True)
class Venue:
    """One venue; ``time_zone`` is an IANA name, coordinates are in degrees, ``capacity`` in seats."""

    venue_id: int
    kind: VenueKind
    name: str
    address: str
    city: str
    state: str
    postal_code: str
    country_code: str
    time_zone: str
    latitude: float
    longitude: float
    capacity: int


class _City(NamedTuple):
    state: str
    postal_code: str
    country_code: str
    time_zone: str
    latitude: float
    longitude: float


_CITIES = {
    "Boston": _City("MA", "02114", "US", "America/New_York", 42.3662, -71.0621),
    "New York": _City("NY", "10001", "US", "America/New_York", 40.7505, -73.9934),
    "Philadelphia": _City("PA", "19148", "US", "America/New_York", 39.9012, -75.1720),
    "Miami": _City("FL", "33132", "US", "America/New_York", 25.7814, -80.1870),
    "Atlanta": _City("GA", "30303", "US", "America/New_York", 33.7573, -84.3963),
    "Detroit": _City("MI", "48201", "US", "America/Detroit", 42.3411, -83.0553),
    "Toronto": _City("ON", "M5J 2X2", "CA", "America/Toronto", 43.6435, -79.3791),
    "Indianapolis": _City("IN", "46204", "US", "America/Indiana/Indianapolis", 39.7640, -86.1555),
    "Chicago": _City("IL", "60612", "US", "America/Chicago", 41.8807, -87.6742),
    "Dallas": _City("TX", "75219", "US", "America/Chicago", 32.7905, -96.8103),
    "Nashville": _City("TN", "37203", "US", "America/Chicago", 36.1592, -86.7785),
    "New Orleans": _City("LA", "70112", "US", "America/Chicago", 29.9490, -90.0821),
    "Denver": _City("CO", "80204", "US", "America/Denver", 39.7487, -105.0077),
    "Phoenix": _City("AZ", "85004", "US", "America/Phoenix", 33.4457, -112.0712),
    "Los Angeles": _City("CA", "90015", "US", "America/Los_Angeles", 34.0430, -118.2673),
    "San Francisco": _City("CA", "94158", "US", "America/Los_Angeles", 37.7680, -122.3877),
    "Seattle": _City("WA", "98109", "US", "America/Los_Angeles", 47.6221, -122.3540),
    "Las Vegas": _City("NV", "89109", "US", "America/Los_Angeles", 36.1029, -115.1784),
}

# (name, address, city, capacity); the order gives the ids, so new rows go at the end of a kind's own block.
_HOUSES: dict[VenueKind, tuple[tuple[str, str, str, int], ...]] = {
    VenueKind.ARENA: (
        ("Causeway Arena", "100 Causeway Way", "Boston", 19580),
        ("Hudson Yards Garden", "4 Garden Plaza", "New York", 19812),
        ("Liberty Bell Center", "3601 Liberty Street", "Philadelphia", 20478),
        ("Biscayne Center", "601 Bayfront Drive", "Miami", 19600),
        ("Peachtree Arena", "1 Peachtree Drive", "Atlanta", 18118),
        ("Motor City Arena", "2645 Assembly Avenue", "Detroit", 20332),
        ("Lakeshore Arena", "40 Harbour Street", "Toronto", 19800),
        ("Crossroads Fieldhouse", "125 Meridian Street", "Indianapolis", 17923),
        ("Prairie Center", "1901 Prairie Street", "Chicago", 20917),
        ("Lone Star Center", "2500 Trinity Avenue", "Dallas", 19200),
        ("Mile High Arena", "1000 Summit Place", "Denver", 19520),
        ("Figueroa Arena", "1111 Figueroa Plaza", "Los Angeles", 19079),
        ("Mission Bay Center", "1 Channel Street", "San Francisco", 18064),
        ("Emerald City Arena", "334 Harrison Street", "Seattle", 18100),
    ),
    VenueKind.STADIUM: (
        ("Commonwealth Stadium", "1 Patriot Lane", "Boston", 64628),
        ("Hudson Stadium", "102 Meadow Drive", "New York", 82500),
        ("Delaware Park Field", "1 Pattison Way", "Philadelphia", 42792),
        ("Magnolia Dome", "1 Northside Drive", "Atlanta", 71000),
        ("Great Lakes Field", "2000 Brush Avenue", "Detroit", 41083),
        ("Grant Field", "1410 Shoreline Drive", "Chicago", 61500),
        ("Ranger Stadium", "1 Cowtown Way", "Dallas", 80000),
        ("Crescent Dome", "1500 Sugar Avenue", "New Orleans", 73208),
        ("Sonoran Stadium", "1 Saguaro Drive", "Phoenix", 63400),
        ("Pacific Park", "1000 Vin Avenue", "Los Angeles", 56000),
    ),
    VenueKind.THEATER: (
        ("Colonial Playhouse", "106 Boylston Row", "Boston", 1700),
        ("Lyric Theatre on 44th", "229 West 44th Row", "New York", 1622),
        ("Gershwin Hall", "222 West 51st Row", "New York", 1933),
        ("Academy Hall", "240 Broad Row", "Philadelphia", 2509),
        ("Foxglove Theatre", "660 Peachtree Row", "Atlanta", 4665),
        ("Oriental Row Theatre", "24 Randolph Row", "Chicago", 2253),
        ("Ryman Hill Auditorium", "116 Fifth Row", "Nashville", 2362),
        ("Pantages Row Theatre", "6233 Vine Row", "Los Angeles", 2703),
        ("Curran Street Theatre", "445 Geary Row", "San Francisco", 1667),
        ("Paramount Row Theatre", "911 Pine Row", "Seattle", 2807),
        ("Strip Colosseum", "3570 Boulevard South", "Las Vegas", 4298),
    ),
    VenueKind.AMPHITHEATER: (
        ("Harbor Lights Pavilion", "290 Northern Wharf", "Boston", 5270),
        ("Jones Cove Amphitheater", "895 Bay Parkway", "New York", 15000),
        ("Red Mesa Amphitheatre", "18300 Alameda Road", "Denver", 9545),
        ("Cumberland Riverfront Stage", "310 First Wharf", "Nashville", 6800),
        ("Hollywood Canyon Bowl", "2301 Canyon Road", "Los Angeles", 17500),
        ("Gorge View Amphitheatre", "754 Silica Road", "Seattle", 27500),
        ("Desert Sky Amphitheater", "2121 Desert Road", "Phoenix", 20000),
    ),
}

_FIRST_ID = {
    VenueKind.ARENA: 100,
    VenueKind.STADIUM: 300,
    VenueKind.THEATER: 500,
    VenueKind.AMPHITHEATER: 700,
}

VENUES: tuple[Venue, ...] = tuple(
    Venue(
        venue_id=_FIRST_ID[kind] + index,
        kind=kind,
        name=name,
        address=address,
        city=city,
        capacity=capacity,
        **_CITIES[city]._asdict(),
    )
    for kind, houses in _HOUSES.items()
    for index, (name, address, city, capacity) in enumerate(houses)
)

VENUES_BY_ID = {venue.venue_id: venue for venue in VENUES}


def venues_of(*kinds: VenueKind) -> tuple[Venue, ...]:
    """The venues of these kinds, in order of id."""
    return tuple(venue for venue in VENUES if venue.kind in kinds)
