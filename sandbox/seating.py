"""Seating plans: the zones and sections of a venue, with geometry and what a seat there is worth.

What belongs here: the static map of a house. What does not: which seats are on sale (``population``).
Sections are labelled "Zone 316" as in captured bodies; geometry is in the map's own units (rx, ry, dst) and
degrees (ang), and missing for some zones, as there. ``value`` is in standard deviations of the event's log price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sandbox.venues import VENUES_BY_ID, VenueKind

_LETTERS = tuple("ABCDEFGHJKLMNPQRSTUVWXYZ")
_NUMBERS = tuple(str(number) for number in range(1, 31))
_GENERAL = ("GA",)
_BLOCKED_SECTION_ID = "777"
_FIRST_OWN_NUMBER = 100  # smaller ones repeat from zone to zone: their ids are made, "Floor 2" is 1002


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where a section lies on the map; the angle and the centre are missing for some."""

    view_score: float
    distance: float
    angle: float | None = None
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """A price zone (``groups`` on the wire); name and colour may be empty."""

    zone_id: str
    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class Section:
    """A section; ``share`` is its weight in the supply (0: never has any), ``rows`` front to back."""

    section_id: str
    zone_index: int
    label: str
    value: float
    share: float
    rows: tuple[str, ...]
    geometry: Geometry | None


@dataclass(frozen=True, slots=True, eq=False)
class SeatingPlan:
    """A house for one kind of production; sections of one zone stand together, in order of zone.

    Compared by identity: caches are keyed by plans, and hashing a hundred sections would cost more than they save.
    """

    zones: tuple[Zone, ...]
    sections: tuple[Section, ...]


class _Ring(NamedTuple):
    """One zone as a ring of sections around the stage."""

    zone: str
    colour: str
    first_number: int
    section_count: int
    value: float
    share: float
    rows: tuple[str, ...]
    distance: float
    view_score: float | None


_PLANS: dict[VenueKind, tuple[_Ring, ...]] = {
    VenueKind.ARENA: (
        _Ring("Floor", "0xD95BA0", 1, 6, 1.8, 6.0, _LETTERS[:18], 60.0, 9.5),
        _Ring("Lower Level", "0x5AAD58", 101, 24, 0.75, 34.0, _LETTERS, 110.0, 8.5),
        _Ring("Club", "0xE3A03A", 150, 16, 0.95, 12.0, _LETTERS[:12], 150.0, 7.5),
        _Ring("Upper Level", "0x5690D6", 301, 34, -0.8, 46.0, _NUMBERS[:20], 210.0, None),
        _Ring("Suites", "0x00DBD0", 401, 10, 1.4, 0.7, ("SRO", "1", "2"), 165.0, 7.0),
    ),
    VenueKind.STADIUM: (
        _Ring("Field", "0xD95BA0", 1, 12, 1.7, 5.0, _LETTERS[:14], 80.0, 9.0),
        _Ring("Lower Level", "0x5AAD58", 101, 40, 0.7, 34.0, _NUMBERS, 130.0, 8.0),
        _Ring("Club", "0xE3A03A", 201, 28, 0.85, 14.0, _NUMBERS[:16], 175.0, 7.5),
        _Ring("Terrace", "0x8E6BC1", 301, 30, -0.25, 18.0, _NUMBERS[:20], 205.0, 5.5),
        _Ring("Upper Level", "0x5690D6", 501, 44, -1.0, 40.0, _NUMBERS[:26], 240.0, None),
        _Ring("Suites", "0x00DBD0", 701, 14, 1.5, 0.5, ("SRO", "1", "2"), 190.0, 7.0),
    ),
    VenueKind.THEATER: (
        _Ring("Orchestra", "0xD95BA0", 1, 5, 0.7, 46.0, _LETTERS, 60.0, 9.0),
        _Ring("Mezzanine", "0x5AAD58", 11, 5, 0.1, 30.0, _LETTERS[:14], 95.0, 8.0),
        _Ring("Balcony", "0x5690D6", 21, 5, -1.1, 24.0, _LETTERS[:10], 130.0, None),
        _Ring("Box", "0x00DBD0", 31, 6, 0.8, 2.0, ("1", "2", ""), 75.0, 7.0),
    ),
    VenueKind.AMPHITHEATER: (
        _Ring("Pit", "0xD95BA0", 1, 2, 1.6, 8.0, ("GA", "1", "2", "3"), 40.0, 9.5),
        _Ring("Reserved", "0x5AAD58", 101, 14, 0.5, 44.0, _NUMBERS, 95.0, 8.0),
        _Ring("Terrace", "0xE3A03A", 201, 14, -0.2, 24.0, _NUMBERS[:20], 140.0, 6.0),
        _Ring("Lawn", "0x5690D6", 1, 1, -1.3, 30.0, _GENERAL, 200.0, None),
    ),
}

_PARKING = (
    _Ring("Parking", "0x999999", 1, 6, 0.0, 80.0, _GENERAL, 300.0, None),
    _Ring("Premium Parking", "0xE3A03A", 10, 3, 1.0, 20.0, ("GA", ""), 250.0, None),
)


def _sections_of(ring: _Ring, zone_index: int) -> list[Section]:
    sections = []
    for position in range(ring.section_count):
        turn = position / ring.section_count
        # Middle of the stage's long side is worth more than the corners: half a deviation over the ring.
        value = ring.value + 0.25 * math.cos(4 * math.pi * turn)
        angle = 360 * turn - 180
        geometry = None
        if ring.view_score is not None:
            view_score = ring.view_score + round(math.cos(4 * math.pi * turn)) / 2
            geometry = Geometry(
                view_score=view_score,
                distance=round(ring.distance * (1 + 0.2 * math.sin(math.pi * turn)), 2),
                angle=round(angle, 2),
                x=round(ring.distance * math.sin(math.radians(angle)), 2) + 0.0,  # no minus zero
                y=round(-ring.distance * math.cos(math.radians(angle)), 2) + 0.0,
            )
            if ring.zone == "Suites":
                geometry = Geometry(view_score=view_score, distance=geometry.distance)
        number = ring.first_number + position
        single = ring.section_count == 1
        sections.append(
            Section(
                section_id=str(number if number >= _FIRST_OWN_NUMBER else 1000 + 100 * zone_index + number),
                zone_index=zone_index,
                label=ring.zone if single else f"{ring.zone} {number}",
                value=value,
                share=ring.share / ring.section_count,
                rows=ring.rows,
                geometry=geometry,
            )
        )
    return sections


@lru_cache(maxsize=128)
def seating_plan(venue_id: int, *, is_parking: bool) -> SeatingPlan:
    """The plan of a venue, for a show or for the cars; the same object for the same question."""
    rings = _PARKING if is_parking else _PLANS[VENUES_BY_ID[venue_id].kind]
    first_zone_id = 390_000 + 20 * venue_id + (10 if is_parking else 0)
    zones = [Zone(str(first_zone_id + index), ring.zone, ring.colour) for index, ring in enumerate(rings)]
    sections = [section for index, ring in enumerate(rings) for section in _sections_of(ring, index)]
    if not is_parking:
        # Captured bodies end with a nameless zone holding a blocked section without seats.
        zones.append(Zone(str(first_zone_id + len(rings)), "", ""))
        sections.append(Section(_BLOCKED_SECTION_ID, len(rings), "(Block)", 0.0, 0.0, (), None))
    return SeatingPlan(tuple(zones), tuple(sections))
