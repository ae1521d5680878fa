"""How long a person waits: for a warm start of everything, and from a schedule's tick to fresh marts.

What belongs here: the whole stack as `make up` runs it, watched from outside. What does not: parts of it (``writer``,
``rounds``, ``builds``).
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import marketplace
from benchmarks.market import LISTINGS
from benchmarks.report import Figure, console, show
from benchmarks.running_stack import Round, RunningStack, own_settings, running_stack
from ingestion.database import connect

HISTORY_DAYS = 1
ROUNDS = 5
MANY_EVENTS = 1000
ROUNDS_OF_MANY = 2
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
            rounds, sessions = _watched_rounds(stack, ROUNDS)
    return [
        show(Figure(_NAME, "warm `make up` until every port answers", start, "≤ 20 s")),
        show(Figure(_NAME, "Dagster idle: webserver, daemon and code servers", idle, "≤ 1,000 MB")),
        show(
            Figure(
                _NAME,
                f"24 events, {HISTORY_DAYS} day of history: from tick to fresh marts ({len(rounds)} rounds)",
                _seconds(rounds, _INTERVAL_MINUTES),
                "≤ 30 s",
            )
        ),
        show(Figure(_NAME, "connections to the served database in a minute with a round of 24 events", sessions)),
    ]


def _of_many_events() -> list[Figure]:
    console.print(f"{_NAME}: {MANY_EVENTS} events of {LISTINGS} listings, from a marketplace that can keep up")
    with (
        tempfile.TemporaryDirectory() as folder,
        marketplace.serving(MANY_EVENTS) as url,
        own_settings(
            SCRAPER_INTERVAL_MINUTES=str(_INTERVAL_MINUTES_OF_MANY),
            SCRAPER_REQUESTS_PER_SECOND="1000000",
            MARKETPLACE_BASE_URL=url,
            NO_PROXY=marketplace.HOST,
            TRACKING_FILE=_no_rules(Path(folder)),
        ) as settings,
        running_stack(settings) as stack,
    ):
        with connect(stack.database_url) as connection:
            connection.execute(
                "insert into raw.tracked_events (event_id, interval_seconds) select generate_series(1, %s), %s",
                (MANY_EVENTS, _INTERVAL_MINUTES_OF_MANY * 60),
            )
        stack.wait_for_rounds(1)  # the first makes the marts
        rounds, sessions = _watched_rounds(stack, ROUNDS_OF_MANY)
    what = f"{MANY_EVENTS:,} events of {LISTINGS} listings"
    return [
        show(
            Figure(
                _NAME,
                f"{what}: from tick to fresh marts ({len(rounds)} rounds)",
                _seconds(rounds, _INTERVAL_MINUTES_OF_MANY),
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


def _watched_rounds(stack: RunningStack, count: int) -> tuple[Sequence[Round], str]:
    """So many rounds, and how many connections were made while they went, for each."""
    before = stack.sessions()
    rounds = stack.wait_for_rounds(count)
    return rounds, f"{(stack.sessions() - before) / len(rounds):.0f}"


def _seconds(rounds: Sequence[Round], interval_minutes: int) -> str:
    seconds = [each.seconds_since_tick(interval_minutes) for each in rounds]
    return f"{statistics.median(seconds):.1f} s median, {max(seconds):.1f} s at most"
