"""Reading requests: query parameters to typed questions.

What belongs here: names of parameters, their forms, and what to say of a wrong one. What does not: answering.
Parameters that the real site takes and that change nothing here (priceGroupId, distinct, ...) are passed over.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sandbox.search import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Search

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE_SIZE_NAMES = ("pageSize", "rows", "limit")
_PAGE_NUMBER_NAMES = ("page", "pageNumber")
_MAX_ID = 2**53
_CURRENCY = "USD"
MAX_FEATURED = 500
_SERVED_PAGE = 1_000
_MAX_SERVED_PAGE = 10_000


class BadRequestError(Exception):
    """A parameter is missing or wrong; the message says which, what it was and what it should be."""


def instant(text: str) -> datetime:
    """An aware UTC datetime from ISO 8601; without an offset it is taken as UTC.

    Raises:
        BadRequestError: it is no such text, or lies at the very edge of the calendar.
    """
    # An unescaped "+" of an offset arrives as a blank.
    head, has_time, tail = text.partition("T")
    try:
        at = datetime.fromisoformat(head + has_time + tail.replace(" ", "+"))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or not datetime(1971, 1, 1, tzinfo=UTC) <= at <= datetime(9000, 1, 1, tzinfo=UTC):
        raise BadRequestError(f"at={text!r} is no instant; give ISO 8601 in UTC, like 2026-09-07T12:00:00Z")
    return at


def asked_instant(parameters: Mapping[str, str]) -> datetime:
    """The instant asked for with ``at``, else now."""
    text = parameters.get("at")
    return datetime.now(UTC) if text is None else instant(text)


def asked_event_id(parameters: Mapping[str, str]) -> int:
    """The id in ``productionId``, after refusing a currency that is not sold in.

    Raises:
        BadRequestError: it is missing or no id, or the currency is another one.
    """
    currency = parameters.get("currency", _CURRENCY)
    if currency != _CURRENCY:
        raise BadRequestError(f"currency={currency!r} is not sold in; leave it out or give {_CURRENCY}")
    event_id = _integer(parameters, "productionId", 1, _MAX_ID)
    if event_id is None:
        raise BadRequestError("productionId is missing; give the id of a production, like productionId=5990417")
    return event_id


def asked_count(parameters: Mapping[str, str], default: int) -> int:
    """The number of featured events asked for."""
    count = _integer(parameters, "count", 1, MAX_FEATURED)
    return default if count is None else count


def asked_since(parameters: Mapping[str, str]) -> tuple[int, int]:
    """The sequence number after which, and the number of entries up to which, served answers are asked for."""
    since = _integer(parameters, "since", 0, _MAX_ID)
    limit = _integer(parameters, "limit", 1, _MAX_SERVED_PAGE)
    return since or 0, limit or _SERVED_PAGE


def asked_search(parameters: Mapping[str, str]) -> Search:
    """The search that the parameters of ``GET productions`` describe.

    Raises:
        BadRequestError: a value is wrong, dates are in the wrong order, or a page is named twice differently.
    """
    start_date, end_date = _date(parameters, "startDate"), _date(parameters, "endDate")
    if start_date and end_date and end_date < start_date:
        raise BadRequestError(f"endDate={end_date} is before startDate={start_date}; exchange them")
    sort_by = parameters.get("sortBy", "DATE").upper()
    if sort_by not in {"DATE", "RANK"}:
        raise BadRequestError(f"sortBy={sort_by!r} is unknown; give RANK or DATE")
    return Search(
        performer_id=_integer(parameters, "performerId", 1, _MAX_ID),
        venue_id=_integer(parameters, "venueId", 1, _MAX_ID),
        category_id=_integer(parameters, "categoryId", 1, _MAX_ID),
        query=parameters.get("query"),
        start_date=start_date,
        end_date=end_date,
        exclude_parking=_flag(parameters, "excludeParking"),
        by_rank=sort_by == "RANK",
        page_size=_first_of(parameters, _PAGE_SIZE_NAMES, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE),
        page_number=_first_of(parameters, _PAGE_NUMBER_NAMES, 1, _MAX_ID),
    )


def _first_of(parameters: Mapping[str, str], names: tuple[str, ...], default: int, most: int) -> int:
    values = {name: _integer(parameters, name, 1, most) for name in names if name in parameters}
    if len(set(values.values())) > 1:
        raise BadRequestError(f"{' and '.join(values)} disagree; give one of them")
    return next((value for value in values.values() if value is not None), default)


def _integer(parameters: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    # Not int() alone: it takes "1_000", "+5" and other scripts' digits; and 17 digits are enough for any id.
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else -1
    if not least <= number <= most:
        raise BadRequestError(f"{name}={text!r} is wrong; give a whole number from {least} to {most}")
    return number


def _date(parameters: Mapping[str, str], name: str) -> date | None:
    text = parameters.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequestError(f"{name}={text!r} is no date; give YYYY-MM-DD") from None


def _flag(parameters: Mapping[str, str], name: str) -> bool:
    text = parameters.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise BadRequestError(f"{name}={text!r} is wrong; give true or false")
    return text == "true"
