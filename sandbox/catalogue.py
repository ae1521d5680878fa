"""The catalogue: which events the marketplace knows at an instant, and which of them are worth tracking.

What belongs here: looking up and choosing events. What does not: how events are drawn (``events``) or how a
page of them is written (``productions_body``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from sandbox.events import FIRST_EVENT_ID, IDS_PER_WEEK, ON_SALE_DAYS, Event, events_of_week, week_of, week_of_event
from sandbox.randomness import DEFAULT_SEED

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN_AFTER_START = timedelta(days=30)
"""So long after its start an event is still answered for by id; then it is unknown."""
LISTED_AFTER_START = timedelta(hours=6)
"""So long after its start an event is still found by a search without dates."""

_WEEKS_KNOWN_AFTER = KNOWN_AFTER_START.days // 7 + 1
_WEEKS_KNOWN_BEFORE = ON_SALE_DAYS // 7 + 1
_NEAR_DAYS = 10
_FAR_DAYS = 45
# A track record that has barely any time left shows little: the nearest start counts from here.
_FEATURED_LEAD = timedelta(hours=6)
# Peak listings (from, to) for the picks in turn: of 24, twelve middling, six small, three large, three between; a
# mean of about 300 at their peaks, 200 live at a time.
_FEATURED_SIZES = (
    (100, 400), (15, 50), (800, 1000), (100, 300), (100, 400), (400, 600), (100, 300), (15, 100),
)  # fmt: skip


def find_event(event_id: int, at: datetime, seed: int = DEFAULT_SEED) -> Event | None:
    """The event with this id, or None where the marketplace does not know it at ``at``."""
    week, this_week = week_of_event(event_id), week_of(at.date())
    # Without drawing the week: an id says when, and most wrong ids say some other century.
    if not this_week - _WEEKS_KNOWN_AFTER <= week <= this_week + _WEEKS_KNOWN_BEFORE:
        return None
    events = events_of_week(seed, week)
    index = (event_id - FIRST_EVENT_ID) % IDS_PER_WEEK
    if index >= len(events):
        return None
    event = events[index]
    return event if event.on_sale_at <= at < event.starts_at + KNOWN_AFTER_START else None


def events_between(from_at: datetime, to_at: datetime, at: datetime, seed: int = DEFAULT_SEED) -> list[Event]:
    """Events known at ``at`` that start in [from_at, to_at), by start, then id."""
    from_at = max(from_at, at - KNOWN_AFTER_START)
    to_at = min(to_at, at + timedelta(days=ON_SALE_DAYS + 1))
    if to_at <= from_at:
        return []
    # A local date may be the day before or after the UTC date.
    weeks = range(week_of((from_at - timedelta(days=1)).date()), week_of((to_at + timedelta(days=1)).date()) + 1)
    found = [
        event
        for week in weeks
        for event in events_of_week(seed, week)
        if from_at <= event.starts_at < to_at and event.on_sale_at <= at < event.starts_at + KNOWN_AFTER_START
    ]
    return sorted(found, key=lambda event: (event.starts_at, event.event_id))


def listed_events(at: datetime, seed: int = DEFAULT_SEED) -> list[Event]:
    """What a search without dates looks through: the events ahead and those that have just begun."""
    return events_between(at - LISTED_AFTER_START, at + timedelta(days=ON_SALE_DAYS + 1), at, seed)


def featured_events(at: datetime, count: int = 24, seed: int = DEFAULT_SEED) -> list[Event]:
    """Events worth tracking: many sizes, starts from the next days to six weeks ahead, no parking.

    The ranking is made once a UTC week, so that the same events stay featured; one that is about to start gives
    its place to the next of the ranking. Every second pick starts within ten days of the week's Monday, the days
    in turn, so that some always start within the next three days.

    Returns:
        ``count`` events (fewer only where the catalogue has no more), by start, then id.
    """
    at = at.astimezone(UTC)
    monday = datetime.combine(at.date() - timedelta(days=at.weekday()), datetime.min.time(), tzinfo=UTC)
    ahead = events_between(monday, monday + timedelta(days=_FAR_DAYS), monday, seed)
    ranking = _ranking([event for event in ahead if not event.is_parking], monday)
    picks = islice((event for event in ranking if event.starts_at > at + _FEATURED_LEAD), count)
    return sorted(picks, key=lambda event: (event.starts_at, event.event_id))


def _ranking(events: list[Event], monday: datetime) -> Iterator[Event]:
    """All events, best first, every prefix mixed in size and in time to the start."""
    left = list(events)
    for turn in range(len(events)):
        smallest, largest = _FEATURED_SIZES[turn % len(_FEATURED_SIZES)]
        # Steps of 3 and 11 days visit every day of either span, neighbours far apart.
        near_day, far_day = turn // 2 * 3 % _NEAR_DAYS, _NEAR_DAYS + turn // 2 * 11 % (_FAR_DAYS - _NEAR_DAYS)
        wanted = monday + timedelta(days=far_day if turn % 2 else near_day, hours=12)
        pick = min(left, key=lambda event: _unfitness(event, smallest, largest, wanted))
        left.remove(pick)
        yield pick


def _unfitness(event: Event, smallest: int, largest: int, wanted: datetime) -> tuple[int, timedelta, int]:
    """How far an event is off the wanted size, and then off the wanted time."""
    off_size = max(smallest - event.peak_listings, event.peak_listings - largest, 0)
    return off_size, abs(event.starts_at - wanted), event.event_id
