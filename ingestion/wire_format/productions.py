"""A production object: what the marketplace says of an event itself.

What belongs here: which of its keys are kept and how its start is read. What does not: asking for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from ingestion.failures import CaptureError, FailureKind
from ingestion.wire_format.scalars import text

ProductionDocument: TypeAlias = dict[str, Any]

MOVING_KEYS = frozenset(
    {
        "minPrice", "maxPrice", "avgPrice", "medianPrice", "minAipPrice", "maxAipPrice", "listingCount", "ticketCount",
        "localPrices", "similarProductionCount", "productionCount", "revenueRank", "allTimeRevenueRank", "priority",
    }
)  # fmt: skip
"""Keys whose values move by themselves, at any depth: kept, they would make a new version of every production daily."""


def parse_production(event_id: int, body: bytes) -> ProductionDocument:
    """Read one production, without its moving keys.

    Raises:
        CaptureError: the body is no production (``bad_payload``) or another one (``wrong_production``).
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise CaptureError(FailureKind.BAD_PAYLOAD, f"no production: {error}", body=body) from error
    if isinstance(document, list) and len(document) == 1:  # seen once: the object alone in an array
        document = document[0]
    if not isinstance(document, dict) or "id" not in document:
        raise CaptureError(FailureKind.BAD_PAYLOAD, "no production: it has no id", body=body)
    if str(document["id"]) != str(event_id):
        message = f"asked for production {event_id}, got {document['id']}"
        raise CaptureError(FailureKind.WRONG_PRODUCTION, message, body=body)
    still: ProductionDocument = _without_moving_keys(document)
    return still


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


def _without_moving_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_moving_keys(item) for key, item in value.items() if key not in MOVING_KEYS}
    if isinstance(value, list):
        return [_without_moving_keys(item) for item in value]
    return text(value) if isinstance(value, str) else value  # without NUL, which jsonb cannot hold
