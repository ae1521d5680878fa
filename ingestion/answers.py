"""An answer of the marketplace, live or recorded, and what it turns into.

What belongs here: the data that goes in at the one door to ``raw``. What does not: getting answers (``marketplace``,
``recordings``) and storing them (``loading``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingestion.codec.capture import Capture
from ingestion.failures import CaptureError, failure_of_status
from ingestion.wire_format.listings import RejectedTicket, parse_listings
from ingestion.wire_format.seating import SeatingDocument


@dataclass(frozen=True)
class Answer:
    """What the marketplace said of one event's listings at one instant."""

    event_id: int
    captured_at: datetime
    status: int
    body: bytes
    fetch_ms: int | None = None


@dataclass(frozen=True)
class GoodCapture:
    """A capture with what came along with it: tickets left out of the book, and the seating."""

    capture: Capture
    rejected: list[RejectedTicket]
    seating: SeatingDocument


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt that gave no capture: when, why, and the answer's figures where there was one."""

    event_id: int
    attempted_at: datetime
    error: CaptureError
    fetch_ms: int | None = None
    body_bytes: int | None = None
    run_id: UUID | None = None


def read_answer(answer: Answer, interval_seconds: int, run_id: UUID | None) -> GoodCapture | FailedAttempt:
    """Turn an answer into a capture, or into the failure that it is. Never raises for what the marketplace sent."""
    try:
        failure = failure_of_status(answer.status, answer.body)
        if failure is not None:
            raise failure
        parsed = parse_listings(answer.event_id, answer.body)
    except CaptureError as error:
        error.http_status = answer.status
        return FailedAttempt(answer.event_id, answer.captured_at, error, answer.fetch_ms, len(answer.body), run_id)
    capture = Capture(
        event_id=answer.event_id,
        captured_at=answer.captured_at,
        book=parsed.book,
        placements=parsed.placements,
        terms=parsed.terms,
        interval_seconds=interval_seconds,
        fetch_ms=answer.fetch_ms,
        body_bytes=len(answer.body),
        http_status=answer.status,
        rejected_count=len(parsed.rejected),
        run_id=run_id,
    )
    return GoodCapture(capture, parsed.rejected, parsed.seating)
