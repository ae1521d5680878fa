"""How often an event is captured: the interval by its time to start, and whether a capture is due.

What belongs here: intervals and their slots. What does not: the file that they are written in (``tracking_file``) and
which events there are (``due``).

Intervals divide the hour, so time falls into slots that begin at its full minutes, and an event is due once in every
slot. That forgives a schedule its jitter: a round that takes three minutes captures its last event at :03 and again
from :10 on, where counting ten minutes from :03 would miss the tick of :10 and wait for that of :20.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SCRAPING_GRACE = timedelta(hours=6)
"""Leftovers stay on sale for hours after the start (seen: 7 listings 4.6 hours later); then an event is done."""
GONE_INTERVAL_SECONDS = 3600
"""An event that is gone is asked for so often, in case it is back: a request an hour, and at most an hour lost."""
MINUTES_AN_HOUR = 60


@dataclass(frozen=True)
class Step:
    """From ``within`` before the start until the start, a capture every ``interval_seconds``."""

    within: timedelta
    interval_seconds: int


@dataclass(frozen=True)
class Cadence:
    """The default interval and the tighter ones, those nearest to the start first."""

    default_seconds: int
    steps: tuple[Step, ...] = ()

    @property
    def tightest_minutes(self) -> int:
        """The shortest interval of all, which the others are multiples of."""
        return min([self.default_seconds, *(step.interval_seconds for step in self.steps)]) // 60

    def interval_seconds(self, starts_at: datetime | None, now: datetime) -> int:
        """The interval in force; the default where the start is unknown or past."""
        if starts_at is not None and starts_at >= now:
            for step in self.steps:
                if starts_at - now <= step.within:
                    return step.interval_seconds
        return self.default_seconds

    def next_change(self, starts_at: datetime | None, now: datetime) -> tuple[datetime, int] | None:
        """When the interval tightens next, and to how many seconds; None where it does not."""
        if starts_at is None:
            return None
        for step in reversed(self.steps):
            if starts_at - now > step.within:
                return starts_at - step.within, step.interval_seconds
        return None


def is_over(starts_at: datetime | None, now: datetime) -> bool:
    """Whether an event's market has ended; an unknown start has not happened."""
    return starts_at is not None and starts_at <= now - SCRAPING_GRACE


def slot_began_at(now: datetime, interval_seconds: int) -> datetime:
    """When the slot that ``now`` lies in began."""
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % interval_seconds, UTC)


def is_due(last_at: datetime | None, now: datetime, interval_seconds: int) -> bool:
    """Whether nothing has come in the present slot yet."""
    return last_at is None or last_at < slot_began_at(now, interval_seconds)
