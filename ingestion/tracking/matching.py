"""What a rule asks the marketplace for, and which of the answers it means.

What belongs here: one rule against one production. What does not: caps and several rules (``choosing``).

The marketplace is known to search by one criterion, or by dates; nobody has said what it makes of several. So all are
sent, and each is checked again on what comes back wherever a production tells it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from ingestion.tracking.cadence import is_over
from ingestion.tracking.rules import Exclusions, Rule
from ingestion.wire_format.productions import FoundProduction, ProductionDocument, local_day, starts_at

_DAY = timedelta(days=1)
_LONGEST_AHEAD = timedelta(days=730)
"""Where a rule has no last day: a ``startDate`` without an ``endDate`` means days in some answers, years in others."""
_PARKING = "parking"


def search_criteria(rule: Rule, now: datetime) -> dict[str, str] | None:
    """The search of a rule in the marketplace's parameters; None where nothing can be found, its days being over."""
    criteria: dict[str, Any] = {
        "performerId": rule.performer,
        "venueId": rule.venue,
        "categoryId": rule.category,
        "query": rule.search,
        "sortBy": "RANK" if rule.first == "rank" else None,
        "excludeParking": "true",
    }
    if rule.dates is not None or rule.within_days is not None:
        first_day, last_day = _days(rule, now)
        if last_day < first_day:
            return None
        criteria |= {"startDate": first_day, "endDate": last_day}
    return {name: str(value) for name, value in criteria.items() if value is not None}


def _days(rule: Rule, now: datetime) -> tuple[date, date]:
    """Days to ask for: one more on either side, whatever clock the marketplace counts them by."""
    first_day = rule.dates and rule.dates.from_day
    last_day = rule.dates and rule.dates.to_day
    first_day = max(first_day or now.date(), now.date())
    if rule.within_days is not None:
        window_end = (now + min(rule.within_days * _DAY, _LONGEST_AHEAD)).date()
        last_day = min(last_day or window_end, window_end)
    return first_day - _DAY, (last_day or first_day + _LONGEST_AHEAD) + _DAY


def is_meant(rule: Rule, found: FoundProduction, now: datetime, *, is_in: bool) -> bool:
    """Whether a rule means a production. To enter, it must not have begun; one that ``is_in`` stays till it is over."""
    document = found.document
    start = starts_at(document)
    return (
        (not is_over(start, now) if is_in else start is None or start > now)
        and _PARKING not in _name(document)
        and _agrees(rule.venue, [_inside(document, "venue", "id")])
        and _agrees(rule.category, [document.get("categoryId")])
        and _agrees(rule.performer, _performer_ids(document))
        and (rule.dates is None or _is_on(rule, local_day(document)))
        and (rule.within_days is None or (start is not None and start <= now + rule.within_days * _DAY))
        and (rule.min_listings is None or is_in or (found.listing_count or 0) >= rule.min_listings)
    )


def is_excluded(exclusions: Exclusions, event_id: int, document: ProductionDocument) -> bool:
    """Whether a person does not want to have the event."""
    name = _name(document)
    return event_id in exclusions.events or any(words.casefold() in name for words in exclusions.name_contains)


def _is_on(rule: Rule, day: date | None) -> bool:
    if day is None or rule.dates is None:
        return False
    from_day, to_day = rule.dates.from_day, rule.dates.to_day
    return (from_day is None or from_day <= day) and (to_day is None or day <= to_day)


def _agrees(wanted: int | None, said: list[Any]) -> bool:
    """Whether one of the values is the one that is wanted; a production that does not say is believed."""
    told = [str(value) for value in said if value is not None]
    return wanted is None or not told or str(wanted) in told


def _performer_ids(document: ProductionDocument) -> list[Any]:
    performers = document.get("performers")
    return [_inside(performer, "id") for performer in performers] if isinstance(performers, list) else []


def _inside(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _name(document: ProductionDocument) -> str:
    name = document.get("name")
    return name.casefold() if isinstance(name, str) else ""
