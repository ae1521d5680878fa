"""Searching productions: the criteria, what they find, and pages of it.

What belongs here: filter, order, paging. What does not: the spelling of the parameters (``requests``) or of
the answer (``productions_body``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sandbox.catalogue import events_between, listed_events

if TYPE_CHECKING:
    from sandbox.events import Event

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what was found; ``number`` is 1-based and may lie past the last page, then it is empty."""

    events: list[Event]
    number: int
    total: int
    page_count: int


@dataclass(frozen=True, slots=True)
class Search:
    """Criteria, all of which must hold; None or False does not restrict.

    Attributes:
        query: words that must all occur in the names of production, performers, venue or city.
        start_date: first local date; alone it reaches to the end of the catalogue.
        end_date: last local date, included; alone it begins with what is listed now.
        by_rank: largest market first instead of earliest start first.
    """

    performer_id: int | None = None
    venue_id: int | None = None
    category_id: int | None = None
    query: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    exclude_parking: bool = False
    by_rank: bool = False
    page_size: int = DEFAULT_PAGE_SIZE
    page_number: int = 1

    def found(self, seed: int, at: datetime) -> list[Event]:
        """Everything that matches at ``at``, in the asked order."""
        events = [event for event in self._candidates(seed, at) if self._matches(event)]
        if self.by_rank:
            events.sort(key=lambda event: (-event.peak_listings, event.event_id))
        return events

    def page_of(self, events: list[Event]) -> Page:
        """The asked page of ``events``."""
        first = (self.page_number - 1) * self.page_size
        return Page(
            events=events[first : first + self.page_size],
            number=self.page_number,
            total=len(events),
            page_count=-(-len(events) // self.page_size),
        )

    def _candidates(self, seed: int, at: datetime) -> list[Event]:
        if self.start_date is None:
            return listed_events(at, seed)
        # Local dates: a day more on either side in UTC, cut exactly by _matches.
        from_at = datetime.combine(self.start_date, time(), UTC) - timedelta(days=1)
        to_at = datetime.max.replace(tzinfo=UTC)
        if self.end_date is not None and self.end_date < date.max - timedelta(days=2):
            to_at = datetime.combine(self.end_date, time(), UTC) + timedelta(days=2)
        return events_between(from_at, to_at, at, seed)

    def _matches(self, event: Event) -> bool:
        local_date = event.local_start.date()
        return (
            (self.performer_id is None or any(p.performer_id == self.performer_id for p in event.performers))
            and (self.venue_id is None or event.venue.venue_id == self.venue_id)
            and (self.category_id is None or event.category.value.category_id == self.category_id)
            and (self.start_date is None or local_date >= self.start_date)
            and (self.end_date is None or local_date <= self.end_date)
            and not (self.exclude_parking and event.is_parking)
            and self._says(event)
        )

    def _says(self, event: Event) -> bool:
        if self.query is None:
            return True
        names = [event.name, event.venue.name, event.venue.city, *(p.name for p in event.performers)]
        text = " ".join(names).casefold()
        return all(word in text for word in self.query.casefold().split())
