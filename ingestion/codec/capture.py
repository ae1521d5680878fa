"""A capture as the writer takes it, and what it says of a batch.

What belongs here: plain data. What does not: anything that acts on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from ingestion.codec.book import Book
from ingestion.codec.content import Placement, Terms


@dataclass(frozen=True)
class Capture:
    """One successful scrape of one event at one instant.

    ``placements`` and ``terms`` say what the book's ids stand for; ``interval_seconds`` is the interval in force
    (seconds between two captures of this event); ``rejected_count`` the listings of the body that are not in it.
    """

    event_id: int
    captured_at: datetime
    book: Book
    placements: Mapping[int, Placement]
    terms: Mapping[int, Terms]
    interval_seconds: int
    fetch_ms: int | None = None
    body_bytes: int | None = None
    http_status: int | None = None
    rejected_count: int = 0
    run_id: UUID | None = None

    @property
    def instant(self) -> tuple[int, datetime]:
        """Its key: event and instant."""
        return self.event_id, self.captured_at

    @property
    def hour_at(self) -> datetime:
        """Start of the UTC hour that the capture counts in."""
        return utc_hour(self.captured_at)


@dataclass(frozen=True)
class Amendment:
    """Listings that were left out of a capture that is stored, and now join it; ``book`` holds these alone."""

    event_id: int
    captured_at: datetime
    book: Book
    placements: Mapping[int, Placement]
    terms: Mapping[int, Terms]


@dataclass(frozen=True)
class RefusedListing:
    """A listing that could not join a capture, and why."""

    event_id: int
    captured_at: datetime
    source_listing_id: str
    reason: str


@dataclass(frozen=True)
class Conflict:
    """A capture that was refused: raw holds another book for the same event and instant."""

    event_id: int
    captured_at: datetime


@dataclass
class WriteResult:
    """What became of a batch: captures written, captures that raw had already, and captures refused."""

    written: int = 0
    repeated: int = 0
    observations: int = 0
    changes: int = 0
    conflicts: list[Conflict] = field(default_factory=list)

    def add(self, other: WriteResult) -> None:
        """Count ``other`` in."""
        self.written += other.written
        self.repeated += other.repeated
        self.observations += other.observations
        self.changes += other.changes
        self.conflicts += other.conflicts


def utc_hour(at: datetime) -> datetime:
    """Start of the UTC hour of an instant."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def utc_day(at: datetime) -> date:
    """The UTC day of an instant."""
    return at.astimezone(UTC).date()
