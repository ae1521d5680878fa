"""The catalogue: big enough at any time, stable as time moves, and a good choice of events to track."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sandbox.catalogue import featured_events, find_event, listed_events
from sandbox.events import FIRST_EVENT_ID, IDS_PER_WEEK

NOW = datetime(2026, 11, 22, 22, tzinfo=UTC)


@pytest.mark.parametrize("at", [datetime(2021, 3, 1, tzinfo=UTC), NOW, datetime(2071, 12, 31, 23, 59, tzinfo=UTC)])
def test_a_thousand_events_are_ahead_at_any_time(at: datetime):
    events = listed_events(at)
    ahead = [event for event in events if event.starts_at > at]
    assert 1000 <= len(ahead) <= 1500
    assert len(events) > len(ahead), "some have just begun"
    assert max(event.starts_at for event in events) - at < timedelta(days=91)
    assert len({event.event_id for event in events}) == len(events)
    assert 20 <= sum(event.is_parking for event in events) <= 80
    assert all("Parking" in event.name for event in events if event.is_parking)


def test_an_event_is_the_same_from_its_announcement_until_a_month_after_it():
    event = listed_events(NOW)[600]
    for at in (event.on_sale_at, NOW, event.starts_at, event.starts_at + timedelta(days=29)):
        assert find_event(event.event_id, at) == event
    assert find_event(event.event_id, event.on_sale_at - timedelta(seconds=1)) is None
    assert find_event(event.event_id, event.starts_at + timedelta(days=30)) is None


@pytest.mark.parametrize("event_id", [0, 1, FIRST_EVENT_ID - 1, FIRST_EVENT_ID, 5_990_417, 2**53])
def test_ids_that_are_nobodys_are_unknown(event_id: int):
    assert find_event(event_id, NOW) is None


def test_ids_between_the_last_event_of_a_week_and_the_next_week_are_unknown():
    week_first = listed_events(NOW)[600].event_id // IDS_PER_WEEK * IDS_PER_WEEK
    known = [find_event(week_first + index, NOW) for index in range(IDS_PER_WEEK)]
    assert 0 < sum(event is None for event in known) < IDS_PER_WEEK


def test_sizes_run_from_fifteen_to_a_thousand_listings():
    sizes = np.array([event.peak_listings for event in listed_events(NOW)])
    assert 15 <= sizes.min() <= 20
    assert 900 <= sizes.max() <= 1000
    assert 150 <= np.median(sizes) <= 250


def test_no_house_holds_two_shows_on_a_day():
    shows = [event for event in listed_events(NOW) if not event.is_parking]
    assert max(Counter((event.venue.venue_id, event.local_start.date()) for event in shows).values()) == 1


def test_another_seed_is_another_catalogue():
    here, there = listed_events(NOW, seed=1)[:50], listed_events(NOW, seed=2)[:50]
    assert [event.name for event in here] != [event.name for event in there]


@pytest.mark.parametrize("day", range(7))
def test_featured_events_show_movement_on_every_day_of_a_week(day: int):
    at = datetime(2026, 11, 23, 9, tzinfo=UTC) + timedelta(days=day)
    events = featured_events(at)
    hours = [(event.starts_at - at) / timedelta(hours=1) for event in events]
    sizes = [event.peak_listings for event in events]
    assert len({event.event_id for event in events}) == 24
    assert min(hours) > 6
    assert sum(hour < 72 for hour in hours) >= 3
    assert sum(hour > 240 for hour in hours) >= 8
    assert sum(size <= 50 for size in sizes) >= 2
    assert sum(size >= 750 for size in sizes) >= 2
    assert 200 <= np.mean(sizes) <= 350
    assert not any(event.is_parking for event in events)


def test_featured_events_stay_as_long_as_they_have_not_begun():
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    first, last = featured_events(monday), featured_events(monday + timedelta(days=6))
    still_ahead = {event.event_id for event in first if event.starts_at > monday + timedelta(days=7)}
    assert still_ahead <= {event.event_id for event in last}
    assert featured_events(monday) == first


def test_fewer_featured_events_are_the_best_of_more():
    few, many = featured_events(NOW, 5), featured_events(NOW, 24)
    assert len(few) == 5
    assert {event.event_id for event in few} <= {event.event_id for event in many}
