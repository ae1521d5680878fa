"""The invented performers: teams with a home, artists on tour, shows that stay; and their categories.

What belongs here: who performs and under which category. What does not: when and where (``events``).
Category ids are the marketplace's (2 concerts, 3 sports, 4 theater); every name is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sandbox.venues import VENUES, VenueKind


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    """A category as the marketplace names it, with one subcategory and a typical price.

    ``typical_price_dollars`` is the median of the events' own medians before fees, an assumption.
    """

    category_id: int
    name: str
    subcategory_id: int
    subcategory_name: str
    typical_price_dollars: float


class Category(Enum):
    """The kinds of events of the catalogue."""

    BASKETBALL = CategoryFacts(3, "Sports", 3, "Basketball", 85.0)
    HOCKEY = CategoryFacts(3, "Sports", 7, "Hockey", 80.0)
    FOOTBALL = CategoryFacts(3, "Sports", 5, "Football", 150.0)
    BASEBALL = CategoryFacts(3, "Sports", 2, "Baseball", 48.0)
    CONCERT = CategoryFacts(2, "Concerts", 40, "Pop and Rock", 120.0)
    COMEDY = CategoryFacts(4, "Theater", 62, "Comedy", 75.0)
    MUSICAL = CategoryFacts(4, "Theater", 60, "Musical", 110.0)


@dataclass(frozen=True, slots=True)
class Performer:
    """One performer; ``home_venue_id`` where a team plays at home, None for those who travel."""

    performer_id: int
    name: str
    category: Category
    home_venue_id: int | None = None


_TEAMS: dict[Category, tuple[VenueKind, tuple[tuple[str, str], ...]]] = {
    Category.BASKETBALL: (
        VenueKind.ARENA,
        (
            ("Boston", "Schooners"), ("New York", "Towers"), ("Philadelphia", "Founders"), ("Miami", "Surge"),
            ("Atlanta", "Kestrels"), ("Detroit", "Gears"), ("Toronto", "Foxes"), ("Indianapolis", "Racers"),
            ("Chicago", "Gale"), ("Dallas", "Longhorns"), ("Denver", "Summits"), ("Los Angeles", "Comets"),
            ("San Francisco", "Fog"), ("Seattle", "Orcas"),
        ),
    ),
    Category.HOCKEY: (
        VenueKind.ARENA,
        (
            ("Boston", "Harpooners"), ("New York", "Sentinels"), ("Philadelphia", "Ironsides"), ("Detroit", "Forge"),
            ("Toronto", "Northmen"), ("Chicago", "Windlasses"), ("Dallas", "Mavens"), ("Denver", "Rockslide"),
            ("Seattle", "Krill"),
        ),
    ),
    Category.FOOTBALL: (
        VenueKind.STADIUM,
        (
            ("Boston", "Minutemen"), ("New York", "Skyliners"), ("Atlanta", "Hornbills"), ("Chicago", "Grizzlies"),
            ("Dallas", "Drovers"), ("New Orleans", "Brass"), ("Phoenix", "Rattlers"),
        ),
    ),
    Category.BASEBALL: (
        VenueKind.STADIUM,
        (
            ("Philadelphia", "Bells"), ("Detroit", "Lynx"), ("Los Angeles", "Condors"), ("Atlanta", "Hickories"),
            ("Chicago", "Windbreakers"), ("Phoenix", "Scorpions"),
        ),
    ),
}  # fmt: skip

_TOURING: dict[Category, tuple[str, ...]] = {
    Category.CONCERT: (
        "Velvet Harbor", "The Paper Lanterns", "Nova Reyes", "Iron Orchard", "Sable & Finch",
        "Midnight Ferry", "Juniper Lane", "The Static Hours", "Carmen Vale", "Glass Anthem",
        "Low Tide Choir", "Ezra Quill", "Neon Prairie", "The Amber Kites", "Marlowe Grey", "Holloway Road",
        "Saint Isadora", "DJ Parallax", "Wild Cassette", "Copper Canyon Band", "Lila Moreau",
        "The Northern Line", "Black Tulip", "Rookie of the Year", "Ode to Summer", "King Tamarind",
        "The Borrowed Suits", "Echo Delgado", "Papercut Parade", "Solenne", "Thunder & Lace",
        "Ghost Regatta", "The Long Weekend", "Beatriz Luna",
    ),
    Category.COMEDY: (
        "Marty Glass", "Deborah Quick", "Omar Fields", "The Late Bus", "Priya Nair", "Gus Halloran",
        "Two Aunts",
    ),
    Category.MUSICAL: (
        "The Clockmaker's Daughter", "Harvest Moon", "Lighthouse", "Madame Butterworth",
        "The Count of Canal Street", "Wired", "Six Degrees South", "Paper Moon Rising",
        "A Winter in Savannah", "The Mapmaker",
    ),
}  # fmt: skip

_FIRST_ID = {
    Category.BASKETBALL: 100, Category.HOCKEY: 200, Category.FOOTBALL: 300, Category.BASEBALL: 400,
    Category.CONCERT: 1000, Category.COMEDY: 2000, Category.MUSICAL: 3000,
}  # fmt: skip


def _teams() -> tuple[Performer, ...]:
    homes = {(venue.city, venue.kind): venue.venue_id for venue in VENUES}
    return tuple(
        Performer(_FIRST_ID[category] + index, f"{city} {nickname}", category, homes[city, kind])
        for category, (kind, teams) in _TEAMS.items()
        for index, (city, nickname) in enumerate(teams)
    )


def _touring() -> tuple[Performer, ...]:
    return tuple(
        Performer(_FIRST_ID[category] + index, name, category)
        for category, names in _TOURING.items()
        for index, name in enumerate(names)
    )


PERFORMERS: tuple[Performer, ...] = _teams() + _touring()


def performers_of(category: Category) -> tuple[Performer, ...]:
    """The performers of one category, in order of id."""
    return tuple(performer for performer in PERFORMERS if performer.category is category)
