"""What there is to scrape and to import: a sandbox in a hurry, small events, and recordings that interleave.

What belongs here: making answers and remembering them. What does not: comparing them with anything.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.catalogue import events_between
from sandbox.marketplace import Answer, InventedMarketplace
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record

_INTERVAL = timedelta(minutes=10)
_ROUNDS_A_BLOCK = 4
_STEP = timedelta(minutes=20)
_REQUESTS_BETWEEN_REPEATS = 4
_SMALLEST_LEFT_OUT = 12  # events of a handful of listings, which barely ever change


class HurriedSandbox(InventedMarketplace):
    """The sandbox, where twenty minutes pass between two answers for an event, and which remembers its answers.

    Every fourth time nothing has happened: the body is the one before, and its ETag too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._began_at = datetime.now(UTC)
        self._requests: Counter[int] = Counter()
        self._served: dict[int, list[bytes]] = {}

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The book of one event; 404 where it is unknown."""
        del at
        steps = self._requests[event_id] - self._requests[event_id] // _REQUESTS_BETWEEN_REPEATS
        self._requests[event_id] += 1
        answer = super().listings(event_id, self._began_at + steps * _STEP)
        self._served.setdefault(event_id, []).append(answer.body)
        return answer

    def take_served(self) -> dict[int, list[bytes]]:
        """The bodies of each event that were asked for since this was asked last, also where a 304 stood for them."""
        served, self._served = self._served, {}
        return served


def small_events(count: int) -> list[int]:
    """Events of ten to fifty listings, on sale for weeks to come, the smallest first."""
    now = datetime.now(UTC)
    events = events_between(now + timedelta(days=14), now + timedelta(days=40), now)
    by_size = sorted(events, key=lambda event: (event.peak_listings, event.event_id))
    return [event.event_id for event in by_size[_SMALLEST_LEFT_OUT : _SMALLEST_LEFT_OUT + count]]


def recorded_lines(event_ids: Sequence[int], rounds: int, interval: timedelta = _INTERVAL) -> list[bytes]:
    """The lines of a recording that ended yesterday at two o'clock UTC."""
    to_at = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)
    seconds = int(interval.total_seconds())
    return list(record(RecordingPlan(tuple(event_ids), to_at - rounds * interval, to_at, seconds, DEFAULT_SEED)))


def write_recordings(
    folder: Path, event_ids: Sequence[int], *, files: int, blocks_each: int, chance: random.Random
) -> list[Path]:
    """Recordings of the same days, each of blocks of 40 minutes that chance gave it, in order of time.

    What one of them holds lies between what others hold: each is history older than what is stored, but the first.
    """
    lines = recorded_lines(event_ids, files * blocks_each * _ROUNDS_A_BLOCK)
    size = len(event_ids) * _ROUNDS_A_BLOCK
    blocks = [b"".join(lines[start : start + size]) for start in range(0, len(lines), size)]
    dealt = chance.sample(range(len(blocks)), len(blocks))
    paths = []
    for number in range(files):
        paths.append(folder / f"history-{number}.jsonl")
        paths[-1].write_bytes(b"".join(blocks[n] for n in sorted(dealt[number::files])))
    return paths
