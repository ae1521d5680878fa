"""Standing faults: real changes of an event's whole market, true for every answer of an instant.

What belongs here: the fee display and the re-keying, and the market as they leave it. What does not: what strikes
single answers. Both are functions of event and instant, so an old book asked for again is the same again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from sandbox.faults.bodies import good_answer, read_body, scale_prices
from sandbox.faults.connections import Share
from sandbox.faults.fault import StandingFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sandbox.marketplace import Answer, Marketplace
    from sandbox.search import Search

_ID = re.compile(r"(?P<letters>\D*)(?P<high>[1-9]\d*)(?P<low>\d{3})")
_LOW_NUMBERS = 1000
_STEP = 6_180_339_887


class FeeDisplay(StandingFault):
    """Every price higher by so many per cent while it is on, as when a site changes how it shows fees."""

    percent: Annotated[float, Meta(gt=-100, le=1000)] = 4.6

    def change(self, body: dict[str, Any]) -> None:
        """Raise prices."""
        scale_prices(body, 1 + self.percent / 100)


class ReKeying(StandingFault):
    """Most of the book under new ids while it is on; each listing's new id is always the same."""

    listings_share: Share = 0.9

    def change(self, body: dict[str, Any]) -> None:
        """Give ids of the same form to the listings that the last three digits of their ids choose."""
        for ticket in body["tickets"]:
            ticket["i"] = self._new_id(str(ticket["i"]))

    def _new_id(self, old: str) -> str:
        # The last three digits stay, so a new id is never that of a listing that keeps its own; and the others move
        # round, so two new ids are never the same.
        parts = _ID.fullmatch(old)
        if parts is None or int(parts["low"]) >= self.listings_share * _LOW_NUMBERS:
            return old
        first = 10 ** (len(parts["high"]) - 1)
        high = first + (int(parts["high"]) - first + _STEP) % (9 * first)
        return f"{parts['letters']}{high}{parts['low']}"


class ChangedMarketplace:
    """A marketplace with standing faults on some of its events; ``of_event`` names and gives those of one."""

    def __init__(self, market: Marketplace, of_event: Callable[[int], list[tuple[str, StandingFault]]]) -> None:
        self._market = market
        self._of_event = of_event

    def names(self, event_id: int, at: datetime) -> tuple[str, ...]:
        """The standing faults that are on for an event at an instant."""
        return tuple(name for name, fault in self._of_event(event_id) if fault.is_on(at))

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The book as the standing faults leave it."""
        answer = self._market.listings(event_id, at)
        changes = [fault for _, fault in self._of_event(event_id) if fault.is_on(at)]
        body = read_body(answer) if changes else None
        if body is None:
            return answer
        for fault in changes:
            fault.change(body)
        return good_answer(body)

    def production(self, event_id: int, at: datetime) -> Answer:
        """One production, unchanged."""
        return self._market.production(event_id, at)

    def productions(self, search: Search, at: datetime) -> Answer:
        """A page of productions, unchanged."""
        return self._market.productions(search, at)

    def featured(self, count: int, at: datetime) -> list[int]:
        """Ids of events worth tracking, unchanged."""
        return self._market.featured(count, at)
