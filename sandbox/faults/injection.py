"""Injection: the faults in force, and which of them strikes an answer.

What belongs here: the document in force, and the counting of requests since it was set. What does not: the chance of
one draw (``chance``), the faults themselves, and sending (``delivery``).
What strikes the n-th request for an event follows from the document, the event and n: never from other events.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.faults.chance import draw
from sandbox.faults.document import FaultsDocument, Paths, Rule, read_document
from sandbox.faults.fault import AnyFault, Fault, Hit, Reply, StandingFault
from sandbox.faults.standing import ChangedMarketplace

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.marketplace import Answer, Marketplace

_LISTINGS: Paths = "listings"
_PRODUCTIONS: Paths = "productions"
SEARCH = 0
"""Stands for the event where a search is asked."""


class Injection:
    """Faults on the answers of one marketplace, for the one thread that asks."""

    def __init__(self, market: Marketplace) -> None:
        self._market = market
        self.clear()

    def set(self, text: bytes) -> None:
        """Put a document in force in place of the one before, and count from the beginning.

        Raises:
            BadRequestError: it is not a faults document; the one before stays in force.
        """
        self._put(*read_document(text))

    def clear(self) -> None:
        """End all faults."""
        self._put(FaultsDocument(), ())

    def _put(self, document: FaultsDocument, faults: tuple[AnyFault, ...]) -> None:
        self.document = document
        rules = list(zip(range(len(faults)), document.rules, faults, strict=True))
        self._striking = [(n, rule, fault) for n, rule, fault in rules if isinstance(fault, Fault)]
        self._standing = [(n, rule, fault) for n, rule, fault in rules if isinstance(fault, StandingFault)]
        self._changed = ChangedMarketplace(self._market, self._standing_of)
        self._requests: Counter[tuple[Paths, int]] = Counter()
        self._struck: Counter[tuple[int, int]] = Counter()
        self._fresh_at: dict[int, datetime] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there are no faults at all."""
        return not self.document.rules

    def listings(self, event_id: int, at: datetime) -> Reply:
        """What to answer to the next request for an event's listings."""
        standing = self._changed.names(event_id, at)
        answer = self._changed.listings(event_id, at)
        reply = self._strike(_LISTINGS, event_id, at, answer)
        if reply.fault is None:
            self._fresh_at[event_id] = at
        return replace(reply, standing=standing, fault=reply.fault or next(iter(standing), None))

    def production(self, event_id: int, at: datetime, answer: Answer) -> Reply:
        """What to say instead of a good answer about productions; the event is ``SEARCH`` for a search."""
        return self._strike(_PRODUCTIONS, event_id, at, answer)

    def _strike(self, paths: Paths, event_id: int, at: datetime, answer: Answer) -> Reply:
        self._requests[paths, event_id] += 1
        request = self._requests[paths, event_id]
        for number, rule, fault in self._striking:
            if rule.paths != paths or not rule.concerns(event_id) or self._is_spent(number, rule, event_id):
                continue
            drawn = draw(self.document.seed, number, event_id, request)
            if drawn.share >= rule.share:
                continue
            hit = Hit(self._changed, event_id, at, answer, drawn.choice, self._fresh_at.get(event_id))
            reply = fault.strike(hit)
            if reply is not None:
                self._struck[number, event_id] += 1
                return replace(reply, fault=rule.fault, request=request)
        return Reply(answer, at, request=request)

    def _is_spent(self, number: int, rule: Rule, event_id: int) -> bool:
        return rule.times is not None and self._struck[number, event_id] >= rule.times

    def _standing_of(self, event_id: int) -> list[tuple[str, StandingFault]]:
        """The standing faults that chance gives an event, by name."""
        seed = self.document.seed
        return [
            (rule.fault, fault)
            for number, rule, fault in self._standing
            if rule.concerns(event_id) and draw(seed, number, event_id, 0).share < rule.share
        ]
