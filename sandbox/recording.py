"""Recordings: what a scraper would have captured, as JSON lines in order of time.

What belongs here: which captures a recording holds, when each was made, and its line. What does not: files and
compression (``recording_file``), and serving one (``replay``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from sandbox.marketplace import Answer, InventedMarketplace
from sandbox.randomness import Stream, generator

if TYPE_CHECKING:
    from collections.abc import Iterator

# A round of captures takes so much of its interval, event after event; then the scraper rests.
_ROUND_SHARE = 0.5
_JITTER_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """Which captures to make: each event once in every interval from ``from_at`` up to, not including, ``to_at``.

    Raises:
        ValueError: there is no event, one is named twice, the interval is not positive, the range is empty or
            without offsets.
    """

    event_ids: tuple[int, ...]
    from_at: datetime
    to_at: datetime
    interval_seconds: int
    seed: int

    def __post_init__(self) -> None:
        if not self.event_ids or len(set(self.event_ids)) != len(self.event_ids):
            raise ValueError("a recording needs at least one event, and each only once")
        if self.interval_seconds <= 0:
            raise ValueError(f"the interval must be positive, not {self.interval_seconds} seconds")
        if self.from_at.tzinfo is None or self.to_at.tzinfo is None:
            raise ValueError("the range of a recording needs instants with an offset, like 2026-09-07T12:00:00Z")
        if self.to_at <= self.from_at:
            raise ValueError(f"nothing to record: {self.to_at.isoformat()} is not after {self.from_at.isoformat()}")

    @property
    def rounds(self) -> int:
        """Whole intervals that fit into the range, at least one."""
        return max(int((self.to_at - self.from_at).total_seconds() // self.interval_seconds), 1)

    def __len__(self) -> int:
        """How many captures there will be."""
        return self.rounds * len(self.event_ids)


def captures(plan: RecordingPlan) -> Iterator[tuple[int, datetime]]:
    """Event and instant of every capture, in order of time.

    Events take turns within the first half of an interval, each a little early or late, the same for the same
    seed, events, interval and instant of the round.
    """
    turn_seconds = plan.interval_seconds * _ROUND_SHARE / len(plan.event_ids)
    for number in range(plan.rounds):
        round_at = plan.from_at + timedelta(seconds=number * plan.interval_seconds)
        jitter = generator(plan.seed, Stream.CAPTURES, int(round_at.timestamp())).random(len(plan.event_ids))
        for turn, event_id in enumerate(plan.event_ids):
            milliseconds = int(1000 * turn_seconds * (turn + _JITTER_SHARE * jitter[turn]))
            yield event_id, round_at + timedelta(milliseconds=milliseconds)


def record(plan: RecordingPlan) -> Iterator[bytes]:
    """The lines of the recording, each with its line feed; ``len(plan)`` of them."""
    market = InventedMarketplace(plan.seed)
    for event_id, captured_at in captures(plan):
        yield _line(event_id, captured_at, market.listings(event_id, captured_at))


def _line(event_id: int, captured_at: datetime, answer: Answer) -> bytes:
    # The body goes in as it is: parsing and writing it again would take longer than making it.
    return b'{"event_id":%d,"captured_at":"%s","status":%d,"headers":%s,"body":%s}\n' % (
        event_id,
        captured_at.isoformat(timespec="milliseconds").encode(),
        answer.status,
        orjson.dumps(answer.headers),
        answer.body,
    )
