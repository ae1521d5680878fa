"""A production object, alone or on a page of found ones: what the marketplace says of an event itself.

What belongs here: which of its keys are kept and how its start is read. What does not: asking for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import orjson

from ingestion.failures import CaptureError, FailureKind
from ingestion.wire_format.scalars import Scalar, ScalarError, text, whole_number

ProductionDocument: TypeAlias = dict[str, Any]

_LARGEST_ID = 2**53

MOVING_KEYS = frozenset(
    {
        "minPrice", "maxPrice", "avgPrice", "medianPrice", "minAipPrice", "maxAipPrice", "listingCount", "ticketCount",
        "localPrices", "similarProductionCount", "productionCount", "revenueRank", "allTimeRevenueRank", "priority",
    }
)  # fmt: skip
"""Keys whose values move by themselves, at any depth: kept, they would make a new version of every production daily."""


@dataclass(frozen=True)
class FoundProduction:
    """A production on a page: its document without moving keys, and its listings at that moment (None: not said)."""

    event_id: int
    document: ProductionDocument
    listing_count: int | None


@dataclass(frozen=True)
class ProductionsPage:
    """A page as the marketplace says it is, which need not be the one that was asked for; numbers are 1-based."""

    number: int
    page_count: int
    total: int
    productions: list[FoundProduction]


def parse_production(event_id: int, body: bytes) -> ProductionDocument:
    """Read one production, without its moving keys.

    Raises:
        CaptureError: the body is no production (``bad_payload``) or another one (``wrong_production``).
    """
    document = _json(body)
    if isinstance(document, list) and len(document) == 1:  # seen once: the object alone in an array
        document = document[0]
    if not isinstance(document, dict) or "id" not in document:
        raise CaptureError(FailureKind.BAD_PAYLOAD, "no production: it has no id", body=body)
    if str(document["id"]) != str(event_id):
        message = f"asked for production {event_id}, got {document['id']}"
        raise CaptureError(FailureKind.WRONG_PRODUCTION, message, body=body)
    still: ProductionDocument = _without_moving_keys(document)
    return still


def parse_productions_page(body: bytes) -> ProductionsPage:
    """Read a page of found productions.

    Raises:
        CaptureError: it is none, or one of its productions has no id (``bad_payload``).
    """
    page = _json(body)
    try:
        return ProductionsPage(
            whole_number(page["page"]),
            whole_number(page["numberOfPages"]),
            whole_number(page["total"]),
            [_found(item) for item in page["items"]],
        )
    except (KeyError, TypeError, ScalarError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        message = f"no page of productions: {what}"
        raise CaptureError(FailureKind.BAD_PAYLOAD, message, body=body) from error


def starts_at(document: ProductionDocument) -> datetime | None:
    """The event's start (``utcDate``), None where it is unknown or the marketplace says that it is to be decided."""
    utc_date = document.get("utcDate")
    if not isinstance(utc_date, str) or document.get("dateTbd") in (True, "true"):
        return None
    try:
        start = datetime.fromisoformat(utc_date)
        return start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # no date, or one at the very edge of the calendar
        return None


def local_day(document: ProductionDocument) -> date | None:
    """The day of the event by the calendar at the venue, None where it is unknown."""
    local_date = document.get("localDate")
    start = starts_at(document)
    if start is None:
        return None
    try:
        return date.fromisoformat(local_date[:10]) if isinstance(local_date, str) else start.date()
    except ValueError:
        return start.date()


def is_hidden(document: ProductionDocument) -> bool:
    """Whether the marketplace has taken the event out of its listings."""
    return document.get("hidden") in (True, "true")


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise CaptureError(FailureKind.BAD_PAYLOAD, f"no production: {error}", body=body) from error


def _found(item: dict[str, Any]) -> FoundProduction:
    event_id = whole_number(item["id"])
    if not 0 < event_id < _LARGEST_ID:
        raise ScalarError(f"{event_id} is no id")
    return FoundProduction(event_id, _without_moving_keys(item), _count(item.get("listingCount")))


def _count(value: Scalar) -> int | None:
    try:
        return whole_number(value)
    except ScalarError:
        return None


def _without_moving_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_moving_keys(item) for key, item in value.items() if key not in MOVING_KEYS}
    if isinstance(value, list):
        return [_without_moving_keys(item) for item in value]
    return text(value) if isinstance(value, str) else value  # without NUL, which jsonb cannot hold
