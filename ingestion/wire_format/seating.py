"""Where an event takes place: the venue, zones and sections that come with its listings.

What belongs here: the parts of a listings body that hardly ever change. What does not: its moving numbers (counts,
prices), which are the book's and the marts' business.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from ingestion.wire_format.scalars import Scalar, ScalarError, finite_number, text, whole_number

SeatingDocument: TypeAlias = dict[str, Any]


class Global(msgspec.Struct):
    """``global[0]``: what the body says of itself and of the event. ``mapTitle`` is the venue's name."""

    listingCount: Scalar = None  # noqa: N815
    productionId: Scalar = None  # noqa: N815
    productionName: Scalar = None  # noqa: N815
    mapTitle: Scalar = None  # noqa: N815
    venueId: Scalar = None  # noqa: N815
    venueAddress1: Scalar = None  # noqa: N815
    venueState: Scalar = None  # noqa: N815
    venueCountry: Scalar = None  # noqa: N815
    venueTimeZone: Scalar = None  # noqa: N815
    venueCapacity: Scalar = None  # noqa: N815


class Zone(msgspec.Struct, gc=False):
    """An element of ``groups``."""

    i: Scalar = None
    n: Scalar = None


class Section(msgspec.Struct, gc=False):
    """An element of ``sections``: its zone, and where it lies (view score and geometry, numbers, optional)."""

    i: Scalar = None
    g: Scalar = None
    n: Scalar = None
    ss: Scalar = None
    ang: Scalar = None
    dst: Scalar = None
    rx: Scalar = None
    ry: Scalar = None


def seating_document(about: Global, zones: list[Zone], sections: list[Section]) -> SeatingDocument:
    """The document of ``raw.seating``: keys without a value are left out, zones and sections are in order of id.

    The same seating gives the same document whatever order it comes in and whether numbers come as strings.
    """
    return {
        "production_name": text(about.productionName),
        "venue": _without_missing(
            id=text(about.venueId),
            name=text(about.mapTitle),
            address1=text(about.venueAddress1),
            state=text(about.venueState),
            country=text(about.venueCountry),
            timezone=text(about.venueTimeZone),
            capacity=_count(about.venueCapacity),
        ),
        "zones": sorted((_without_missing(id=text(zone.i), name=text(zone.n)) for zone in zones), key=_in_order),
        "sections": sorted(
            (
                _without_missing(
                    id=text(section.i),
                    zone_id=text(section.g),
                    name=text(section.n),
                    view_score=finite_number(section.ss),
                    angle=finite_number(section.ang),
                    distance=finite_number(section.dst),
                    x=finite_number(section.rx),
                    y=finite_number(section.ry),
                )
                for section in sections
            ),
            key=_in_order,
        ),
    }


def _without_missing(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != ""}


def _in_order(item: dict[str, Any]) -> tuple[str, str]:
    return item.get("id", ""), item.get("name", "")


def _count(value: Scalar) -> int | None:
    try:
        return whole_number(value)
    except ScalarError:
        return None
