"""An answer of the marketplace, live or recorded, and what it turns into.

What belongs here: the data that goes in at the one door to ``raw``. What does not: getting answers (``marketplace``,
``recordings``) and storing them (``loading``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias
from uuid import UUID

from ingestion.codec.capture import Capture
from ingestion.failures import CaptureError, failure_of_status
from ingestion.wire_format.known_keys import UnknownKey
from ingestion.wire_format.listings import RejectedTicket, parse_listings
from ingestion.wire_format.seating import SeatingDocument


@dataclass(frozen=True)
class KnownBody:
    """A body that need not be sent again: its ETag, where that means something, and the capture that it became."""

    marketplace: str
    etag: str
    captured_at: datetime


@dataclass(frozen=True)
class Answer:
    """What the marketplace said of one event's listings at one instant.

    ``marketplace`` and ``etag`` are None for recorded answers, ``etag`` also where none came; ``known`` is the body
    that the marketplace was told we have, and that a 304 without a body stands for.
    """

    event_id: int
    captured_at: datetime
    status: int
    body: bytes
    fetch_ms: int | None = None
    marketplace: str | None = None
    etag: str | None = None
    known: KnownBody | None = None


@dataclass(frozen=True)
class GoodCapture:
    """A capture with what came along: tickets left out of the book, the seating, unknown keys, its body, its ETag."""

    capture: Capture
    rejected: list[RejectedTicket]
    seating: SeatingDocument
    unknown_keys: list[UnknownKey]
    body: bytes
    known: KnownBody | None = None


@dataclass(frozen=True)
class UnchangedCapture:
    """A capture of the very body that another one had: the marketplace says so and does not send it again."""

    event_id: int
    captured_at: datetime
    known: KnownBody
    interval_seconds: int
    fetch_ms: int | None
    run_id: UUID | None


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt that gave no capture: when, why, and the answer's figures where there was one."""

    event_id: int
    attempted_at: datetime
    error: CaptureError
    fetch_ms: int | None = None
    body_bytes: int | None = None
    run_id: UUID | None = None
    was_retried: bool = False


ReadAnswer: TypeAlias = GoodCapture | UnchangedCapture | FailedAttempt


def read_answer(answer: Answer, interval_seconds: int, run_id: UUID | None) -> ReadAnswer:
    """Turn an answer into a capture, or into the failure that it is. Never raises for what the marketplace sent."""
    if answer.status == HTTPStatus.NOT_MODIFIED and answer.known is not None:
        return UnchangedCapture(
            answer.event_id, answer.captured_at, answer.known, interval_seconds, answer.fetch_ms, run_id
        )
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
    known = None
    if answer.marketplace is not None and answer.etag is not None:
        known = KnownBody(answer.marketplace, answer.etag, answer.captured_at)
    return GoodCapture(capture, parsed.rejected, parsed.seating, parsed.unknown_keys, answer.body, known)
