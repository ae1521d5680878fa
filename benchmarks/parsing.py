"""How fast bodies become books: checked, hashed, unknown keys looked for; one core.

What belongs here: ``parse_listings`` alone. What does not: HTTP and storing (``rounds``, ``writer``).
"""

from __future__ import annotations

import time

from benchmarks.listings_bodies import captured_like_bodies
from benchmarks.report import Figure, show
from ingestion.wire_format.listings import parse_listings

BODIES = 50
LISTINGS = (500, 850)
RUNS = 15
_NAME = "parsing"


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    bodies = captured_like_bodies(BODIES, *LISTINGS)
    megabytes = sum(len(body) for *_, body in bodies) / 1e6
    listings = sum(count for _, count, _ in bodies)
    seconds = sum(min(_seconds(event_id, body) for _ in range(RUNS)) for event_id, _, body in bodies)
    what = (
        f"{BODIES} bodies of {listings / BODIES:.0f} listings, {1000 * megabytes / BODIES:.0f} KB and "
        f"{1e6 * megabytes / listings:.0f} bytes a listing on average, "
        f"processor time of one core, the fastest of {RUNS} runs"
    )
    return [show(Figure(_NAME, what, f"{megabytes / seconds:.0f} MB/s of JSON", "≥ 100 MB/s"))]


def _seconds(event_id: int, body: bytes) -> float:
    # Of the processor: it works on nothing else here and waits for nobody. What neighbours do only adds to it, so that
    # the fastest run of each body says the most.
    started = time.process_time()
    parse_listings(event_id, body)
    return time.process_time() - started
