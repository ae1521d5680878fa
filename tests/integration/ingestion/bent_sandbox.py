"""The sandbox with events that are bent: hidden, moved, gone, not found by searches; and with pages that lie.

What belongs here: the marketplace. What does not: assertions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeAlias

from sandbox.catalogue import listed_events
from sandbox.events import Event
from sandbox.marketplace import Answer, InventedMarketplace, error, ok
from sandbox.randomness import DEFAULT_SEED
from sandbox.search import Search

Page: TypeAlias = dict[str, Any]
PAGE_SIZE = 20
"""However many are asked for."""


class BentSandbox(InventedMarketplace):
    """Answers as the sandbox does, but for the events that are bent; it counts what it is asked.

    Attributes:
        gone: 404 for their productions and listings, and no search finds them.
        gone_productions: 404 for their productions.
        gone_listings: 404 for their listings.
        unlisted: no search finds them.
        changes: keys of productions that have other values.
        bend_page: what becomes of a page of a search; it may be another answer altogether.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[int] = set()
        self.gone_productions: set[int] = set()
        self.gone_listings: set[int] = set()
        self.unlisted: set[int] = set()
        self.changes: dict[int, dict[str, Any]] = {}
        self.bend_page: Callable[[Page], Page | Answer] = lambda page: page
        self.asked: Counter[str] = Counter()

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The book of one event."""
        self.asked["listings"] += 1
        if event_id in self.gone | self.gone_listings:
            return error(HTTPStatus.NOT_FOUND, "gone")
        return super().listings(event_id, at)

    def production(self, event_id: int, at: datetime) -> Answer:
        """One production."""
        self.asked["production"] += 1
        answer = super().production(event_id, at)
        if event_id in self.gone | self.gone_productions or answer.status != HTTPStatus.OK:
            return error(HTTPStatus.NOT_FOUND, "gone")
        return ok(json.dumps(self._bent(json.loads(answer.body))).encode())

    def productions(self, search: Search, at: datetime) -> Answer:
        """One page of what is found, never more than ``PAGE_SIZE``."""
        self.asked["productions"] += 1
        whole = super().productions(replace(search, page_size=500, page_number=1), at)
        items = json.loads(whole.body)["items"]
        listed = [self._bent(item) for item in items if item["id"] not in self.gone | self.unlisted]
        first = (search.page_number - 1) * PAGE_SIZE
        page = self.bend_page(
            {
                "page": search.page_number,
                "total": len(listed),
                "numberOfPages": -(-len(listed) // PAGE_SIZE),
                "items": listed[first : first + PAGE_SIZE],
            }
        )
        return page if isinstance(page, Answer) else ok(json.dumps(page).encode())

    def _bent(self, item: dict[str, Any]) -> dict[str, Any]:
        return {**item, **self.changes.get(item["id"], {})}


def events_at(venue_id: int) -> list[Event]:
    """What a search for a venue finds that is no parking, those that start first at the top."""
    now = datetime.now(UTC)
    return [
        event for event in listed_events(now, DEFAULT_SEED) if event.venue.venue_id == venue_id and not event.is_parking
    ]
