"""Which of the found events are tracked: the caps, and who has a place under them.

What belongs here: choosing among what is there. What does not: asking the marketplace (``paging``) and writing it down
(``discovery``).

Rules have their turn in the order of the file. An event belongs to the first rule that chooses it, and takes a place of
that rule and of all rules together. Events that a person has added or removed take none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ingestion.tracking.cadence import is_over
from ingestion.tracking.matching import is_excluded, is_meant
from ingestion.tracking.paging import Listing
from ingestion.tracking.rules import Rule, Rules
from ingestion.wire_format.productions import ProductionDocument, starts_at

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    """An event of ``raw.tracked_events`` as it was before."""

    event_id: int
    is_tracked: bool
    added_by_hand: bool
    removed_by_hand: bool
    rule: str | None
    starts_at: datetime | None

    @property
    def is_in(self) -> bool:
        """Whether a rule is what keeps it tracked."""
        return self.is_tracked and not self.added_by_hand


@dataclass(frozen=True)
class Choice:
    """An event that a rule has chosen; no document where the rule names it, or where it could not be looked for."""

    event_id: int
    rule: str
    starts_at: datetime | None
    document: ProductionDocument | None


def choose(
    rules: Rules, listings: Mapping[str, Listing], known: Mapping[int, Known], now: datetime
) -> dict[int, Choice]:
    """The events to track, by id; ``listings`` has one for each rule that searches, by name.

    Where a listing is incomplete, whoever is in counts as found and goes first: newcomers take places that are free.
    """
    is_complete = all(listing.problem is None for listing in listings.values())
    chosen: dict[int, Choice] = {}
    places_taken = 0
    for rule in rules.rules:
        candidates = _candidates(rule, rules, listings.get(rule.name), known, now)
        if not is_complete:
            candidates |= _unseen(rule, known, candidates, now)
        in_order = list(candidates.values())  # as the marketplace ranks them, if it was asked to
        if rule.first == "soonest":
            in_order.sort(key=lambda choice: (choice.starts_at or _NEVER, choice.event_id))
        if rule.first == "rank" or not is_complete:
            in_order.sort(key=lambda choice: not _is_in(known, choice.event_id))
        places_of_rule = 0
        for choice in in_order:
            if choice.event_id in chosen:
                continue
            if not _is_by_hand(known, choice.event_id):
                if places_of_rule == rule.max_events or places_taken == rules.max_events:
                    continue
                places_of_rule += 1
                places_taken += 1
            chosen[choice.event_id] = choice
    return chosen


def _candidates(
    rule: Rule, rules: Rules, listing: Listing | None, known: Mapping[int, Known], now: datetime
) -> dict[int, Choice]:
    if rule.events is not None:
        named = [event_id for event_id in rule.events if event_id not in rules.exclude.events]
        choices = [Choice(event_id, rule.name, _start_of(known, event_id), None) for event_id in named]
        return {choice.event_id: choice for choice in choices if not is_over(choice.starts_at, now)}
    found = listing.found if listing is not None else {}
    return {
        event_id: Choice(event_id, rule.name, starts_at(production.document), production.document)
        for event_id, production in found.items()
        if is_meant(rule, production, now, is_in=_is_in(known, event_id))
        and not is_excluded(rules.exclude, event_id, production.document)
        and not is_excluded(rule.exclude, event_id, production.document)
    }


def _unseen(
    rule: Rule, known: Mapping[int, Known], candidates: Mapping[int, Choice], now: datetime
) -> dict[int, Choice]:
    return {
        event.event_id: Choice(event.event_id, rule.name, event.starts_at, None)
        for event in known.values()
        if event.is_in
        and event.rule == rule.name
        and event.event_id not in candidates
        and not is_over(event.starts_at, now)
    }


def _start_of(known: Mapping[int, Known], event_id: int) -> datetime | None:
    return known[event_id].starts_at if event_id in known else None


def _is_in(known: Mapping[int, Known], event_id: int) -> bool:
    return event_id in known and known[event_id].is_in


def _is_by_hand(known: Mapping[int, Known], event_id: int) -> bool:
    return event_id in known and (known[event_id].added_by_hand or known[event_id].removed_by_hand)
