"""Events: one invented production each, drawn a calendar week at a time.

What belongs here: what an event is, and the draw of one week's events. What does not: looking events up or
choosing among them (``catalogue``), and their listings (``population``).
A week's events depend on (seed, week) alone and an id says its week, so the catalogue rolls on for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sandbox.performers import Category, Performer, performers_of
from sandbox.randomness import Stream, generator
from sandbox.venues import VENUES_BY_ID, Venue, VenueKind, venues_of

if TYPE_CHECKING:
    import numpy as np

WEEK_ZERO = date(2020, 1, 6)  # a Monday
FIRST_EVENT_ID = 5_000_000  # seven digits, as the real ids of 2026; 128 ids a week last past the year 2600
IDS_PER_WEEK = 128
ON_SALE_DAYS = 91
"""An event is announced at most so long before it starts; the catalogue reaches so far ahead."""

# 96 a week over 84-91 days of sale are about 1,200 events ahead at any moment.
_WEEKLY: dict[Category, int] = {
    Category.BASKETBALL: 24,
    Category.HOCKEY: 14,
    Category.FOOTBALL: 4,
    Category.BASEBALL: 6,
    Category.CONCERT: 26,
    Category.COMEDY: 6,
    Category.MUSICAL: 12,
}
_PARKING_PER_WEEK = 4
EVENTS_PER_WEEK = sum(_WEEKLY.values()) + _PARKING_PER_WEEK

_STAGES: dict[Category, tuple[VenueKind, ...]] = {
    Category.CONCERT: (VenueKind.ARENA, VenueKind.AMPHITHEATER, VenueKind.THEATER, VenueKind.STADIUM),
    Category.COMEDY: (VenueKind.THEATER,),
    Category.MUSICAL: (VenueKind.THEATER,),
}
_STARTS = (time(19, 0), time(19, 30), time(20, 0), time(19, 30), time(14, 0))
_SUPPORT_SHARE = 0.3  # of concerts have a second performer
# Monday to Sunday.
_WEEKDAY_WEIGHTS = (0.09, 0.11, 0.13, 0.14, 0.18, 0.20, 0.15)

# Peak listings of an event: log-normal, median about 200 over all houses, 15 to 1,000 as observed.
_MEDIAN_PEAK = {
    VenueKind.ARENA: 240.0,
    VenueKind.STADIUM: 420.0,
    VenueKind.THEATER: 110.0,
    VenueKind.AMPHITHEATER: 180.0,
}
_PEAK_SIGMA = 0.8
MIN_PEAK_LISTINGS = 15
MAX_PEAK_LISTINGS = 1000
_PARKING_MEDIAN_PEAK = 28.0
_PARKING_PRICE_DOLLARS = 38.0


@dataclass(frozen=True, slots=True)
class Event:
    """One production.

    Attributes:
        event_id: the production id.
        starts_at: start, UTC.
        on_sale_at: first instant at which the marketplace knows it, UTC.
        performers: home or headline first.
        peak_listings: expected live listings at the fullest moment, about 60 h before the start.
        tempo: how fast its market moves, as a factor on the measured rates (median 1).
        median_price_cents: middle of the prices before fees, before trend.
        price_sigma: standard deviation of the log price over listings.
    """

    event_id: int
    name: str
    starts_at: datetime
    on_sale_at: datetime
    venue: Venue
    category: Category
    performers: tuple[Performer, ...]
    is_parking: bool
    peak_listings: int
    tempo: float
    median_price_cents: int
    price_sigma: float

    @property
    def local_start(self) -> datetime:
        """The start on the clock of the venue."""
        return self.starts_at.astimezone(ZoneInfo(self.venue.time_zone))


def week_of(day: date) -> int:
    """The number of the calendar week (Monday first) that holds ``day``; 0 begins on WEEK_ZERO."""
    return (day - WEEK_ZERO).days // 7


def week_of_event(event_id: int) -> int:
    """The week that an id says, whether or not there is such an event."""
    return (event_id - FIRST_EVENT_ID) // IDS_PER_WEEK


@lru_cache(maxsize=64)
def events_of_week(seed: int, week: int) -> tuple[Event, ...]:
    """All events whose local date is in ``week``, in order of id; none before week 0."""
    if week < 0:
        return ()
    rng = generator(seed, Stream.CATALOGUE, week)
    shows = _Week(rng, week)
    for category, count in _WEEKLY.items():
        for _ in range(count):
            shows.add(category)
    hosts = [e for e in shows.events if e.venue.kind in (VenueKind.ARENA, VenueKind.STADIUM)]
    for index in rng.choice(len(hosts), _PARKING_PER_WEEK, replace=False).tolist():
        shows.add_parking(hosts[index])
    return tuple(shows.events)


class _Week:
    """The draw of one week: no venue holds two events on one day."""

    def __init__(self, rng: np.random.Generator, week: int) -> None:
        self.events: list[Event] = []
        self._rng = rng
        self._week = week
        self._taken: set[tuple[int, int]] = set()

    def add(self, category: Category) -> None:
        rng = self._rng
        candidates = performers_of(category)
        performer, venue, weekday = self._booking(category)
        performers: tuple[Performer, ...] = (performer,)
        name = performer.name
        if performer.home_venue_id is not None:
            others = [p for p in candidates if p is not performer]
            away = others[rng.integers(len(others))]
            performers, name = (performer, away), f"{away.name} at {performer.name}"
        elif category is Category.CONCERT and rng.random() < _SUPPORT_SHARE:
            others = [p for p in candidates if p is not performer]
            support = others[rng.integers(len(others))]
            performers, name = (performer, support), f"{performer.name} with {support.name}"
        local_start = datetime.combine(
            WEEK_ZERO + timedelta(days=7 * self._week + weekday),
            _STARTS[rng.integers(len(_STARTS))],
            tzinfo=ZoneInfo(venue.time_zone),
        )
        typical_dollars = category.value.typical_price_dollars * rng.lognormal(0.0, 0.5)
        self._append(
            name=name,
            starts_at=local_start.astimezone(UTC),
            venue=venue,
            category=category,
            performers=performers,
            is_parking=False,
            peak_listings=self._peak(_MEDIAN_PEAK[venue.kind]),
            median_price_cents=round(100 * typical_dollars),
        )

    def add_parking(self, host: Event) -> None:
        self._append(
            name=f"Parking Passes Only - {host.name}",
            starts_at=host.starts_at,
            venue=host.venue,
            category=host.category,
            performers=host.performers,
            is_parking=True,
            peak_listings=self._peak(_PARKING_MEDIAN_PEAK),
            median_price_cents=round(100 * _PARKING_PRICE_DOLLARS * self._rng.lognormal(0.0, 0.3)),
        )

    def _booking(self, category: Category) -> tuple[Performer, Venue, int]:
        """Who, where and on which weekday (0 Monday): drawn anew until the house is free on that day."""
        rng = self._rng
        candidates = performers_of(category)
        while True:
            performer = candidates[rng.integers(len(candidates))]
            weekday = int(rng.choice(7, p=_WEEKDAY_WEIGHTS))
            if performer.home_venue_id is not None:
                venue = VENUES_BY_ID[performer.home_venue_id]
            else:
                venues = venues_of(*_STAGES[category])
                venue = venues[rng.integers(len(venues))]
            if (venue.venue_id, weekday) not in self._taken:
                self._taken.add((venue.venue_id, weekday))
                return performer, venue, weekday

    def _peak(self, median: float) -> int:
        drawn = self._rng.lognormal(0.0, _PEAK_SIGMA) * median
        most = self._rng.integers(round(0.8 * MAX_PEAK_LISTINGS), MAX_PEAK_LISTINGS + 1)
        return int(min(max(float(drawn), MIN_PEAK_LISTINGS), int(most)))

    def _append(
        self,
        *,
        name: str,
        starts_at: datetime,
        venue: Venue,
        category: Category,
        performers: tuple[Performer, ...],
        is_parking: bool,
        peak_listings: int,
        median_price_cents: int,
    ) -> None:
        rng = self._rng
        on_sale_at = starts_at - timedelta(days=ON_SALE_DAYS - 7 * rng.random())
        self.events.append(
            Event(
                event_id=FIRST_EVENT_ID + IDS_PER_WEEK * self._week + len(self.events),
                name=name,
                starts_at=starts_at,
                on_sale_at=on_sale_at.replace(microsecond=0),
                venue=venue,
                category=category,
                performers=performers,
                is_parking=is_parking,
                peak_listings=peak_listings,
                tempo=float(min(max(rng.lognormal(0.0, 0.25), 0.5), 2.0)),
                median_price_cents=median_price_cents,
                # Measured dispersions of one event: 0.41, 0.59, 0.78, 1.02, 1.07.
                price_sigma=float(rng.uniform(0.4, 1.0)),
            )
        )
