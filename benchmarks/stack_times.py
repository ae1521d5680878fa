"""How long a person waits: for a warm start of everything, and from a schedule's tick to fresh marts.

What belongs here: the whole stack as `make up` runs it, watched from outside. What does not: parts of it (``writer``,
``rounds``, ``builds``).
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import marketplace
from benchmarks.market import LISTINGS, rounds
from benchmarks.report import Figure, console, show
from benchmarks.running_stack import Round, RunningStack, own_settings, running_stack
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect

HISTORY_DAYS = 1
ROUNDS = 5
MANY_EVENTS = 1000
CAPTURES_BEFORE = 138
"""Of each of the many events, earlier on the day: a round reads its whole day, and is longest at its end."""
ROUNDS_OF_MANY = 3
_BATCH_EVENTS = 100
_NAME = "stack"
_INTERVAL_MINUTES = 1
_INTERVAL_MINUTES_OF_MANY = 3
_IDLE_SECONDS = 60
_NO_ROUND = {"TICKETMARTS_ENV": "passive"}


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    return [*_of_the_sandbox(), *_of_many_events()]


def _of_the_sandbox() -> list[Figure]:
    with own_settings(SCRAPER_INTERVAL_MINUTES=str(_INTERVAL_MINUTES)) as settings:
        history = ("--history-days", str(HISTORY_DAYS))
        console.print(f"{_NAME}: first start, with {HISTORY_DAYS} day of 24 events' history")
        with running_stack({**settings, **_NO_ROUND}, *history):
            pass
        with running_stack({**settings, **_NO_ROUND}, *history) as stack:
            start = f"{stack.seconds_to_start:.1f} s"
            time.sleep(_IDLE_SECONDS)
            idle = f"{stack.dagster_megabytes():.0f} MB"
        with running_stack(settings, *history) as stack:
            watched, sessions = _watched_rounds(stack, ROUNDS)
    return [
        show(Figure(_NAME, "warm `make up` until every port answers", start, "≤ 20 s")),
        show(Figure(_NAME, "Dagster idle: webserver, daemon and code servers", idle, "≤ 1,000 MB")),
        show(
            Figure(
                _NAME,
                f"24 events, {HISTORY_DAYS} day of history: from tick to fresh marts ({len(watched)} rounds)",
                _seconds(watched, _INTERVAL_MINUTES),
                "≤ 30 s",
            )
        ),
        show(Figure(_NAME, "connections to the served database in a minute with a round of 24 events", sessions)),
    ]


def _of_many_events() -> list[Figure]:
    console.print(f"{_NAME}: {MANY_EVENTS} events of {LISTINGS} listings, from a marketplace that can keep up")
    with (
        tempfile.TemporaryDirectory() as folder,
        marketplace.serving(MANY_EVENTS, moves=CAPTURES_BEFORE) as url,
        own_settings(
            SCRAPER_INTERVAL_MINUTES=str(_INTERVAL_MINUTES_OF_MANY),
            SCRAPER_REQUESTS_PER_SECOND="1000000",
            MARKETPLACE_BASE_URL=url,
            NO_PROXY=marketplace.HOST,
            TRACKING_FILE=_no_rules(Path(folder)),
        ) as settings,
    ):
        with running_stack({**settings, **_NO_ROUND}) as stack:
            _write_the_day(stack.database_url)
        with running_stack(settings) as stack:
            stack.wait_for_rounds(1)  # the first makes the marts
            watched, sessions = _watched_rounds(stack, ROUNDS_OF_MANY)
    what = f"{MANY_EVENTS:,} events of {LISTINGS} listings, {CAPTURES_BEFORE} captures of the day before"
    return [
        show(
            Figure(
                _NAME,
                f"{what}: from tick to fresh marts ({len(watched)} rounds)",
                _seconds(watched, _INTERVAL_MINUTES_OF_MANY),
                "≤ 120 s",
            )
        ),
        show(
            Figure(
                _NAME, f"connections to the served database in {_INTERVAL_MINUTES_OF_MANY} minutes, {what}", sessions
            )
        ),
    ]


def _no_rules(folder: Path) -> str:
    file = folder / "tracking.yaml"
    file.write_text("rules: []\n")
    return str(file)


def _write_the_day(database_url: str) -> None:
    """A day's captures since midnight, without their hours: what follows is one round, not the building of a day."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    interval = (now - midnight) / (CAPTURES_BEFORE + 1)
    with connect(database_url) as connection:
        connection.execute(
            "insert into raw.tracked_events (event_id, interval_seconds) select generate_series(1, %s), %s",
            (MANY_EVENTS, _INTERVAL_MINUTES_OF_MANY * 60),
        )
        writer = SnapshotWriter(connection)
        for number, captures in enumerate(rounds(MANY_EVENTS, CAPTURES_BEFORE)):
            captured_at = midnight + number * interval
            for first in range(0, len(captures), _BATCH_EVENTS):
                batch = captures[first:][:_BATCH_EVENTS]
                writer.write([replace(c, captured_at=captured_at + timedelta(milliseconds=c.event_id)) for c in batch])
        connection.execute("delete from raw.stale_hours")


def _watched_rounds(stack: RunningStack, count: int) -> tuple[Sequence[Round], str]:
    """So many rounds, and how many connections were made while they went, for each."""
    before = stack.sessions()
    watched = stack.wait_for_rounds(count)
    return watched, f"{(stack.sessions() - before) / len(watched):.0f}"


def _seconds(watched: Sequence[Round], interval_minutes: int) -> str:
    seconds = [each.seconds_since_tick(interval_minutes) for each in watched]
    return f"{statistics.median(seconds):.1f} s median, {max(seconds):.1f} s at most"
