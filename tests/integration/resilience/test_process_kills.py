"""A process that is killed while it scrapes or imports leaves whole captures or none, and the next one goes on."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import cycle

from ingestion.database import connect
from tests.integration.resilience.books import recorded_books, stored_books
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.comparison import Round, differences
from tests.integration.resilience.invariants import broken_invariants, failures_and_quarantine
from tests.integration.resilience.market import HurriedSandbox, write_recordings

KILLS = 50
MOST_ATTEMPTS = 2 * KILLS
FEWEST_IN_THE_MIDDLE = 5
"""Kills that must have come between two commits of one run; a dozen to twenty do."""


def captures_stored(database_url: str) -> int:
    with connect(database_url) as connection:
        return int(connection.execute("select count(*) from raw.snapshots").fetchall()[0][0])


def test_killed_at_fifty_random_moments_of_scrape_and_import(
    ticketmarts: Ticketmarts,
    market: HurriedSandbox,
    live_events: list[int],
    chance: random.Random,
) -> None:
    recordings = write_recordings(ticketmarts.folder, live_events[:8], files=16, blocks_each=6, chance=chance)
    in_turn = cycle(recordings)
    rounds: list[Round] = []

    def scrape(kill_after_seconds: float) -> tuple[bool, float]:
        market.take_served()
        began_at = datetime.now(UTC)
        running = ticketmarts.scrape(live_events)
        was_killed = running.kill_after(kill_after_seconds)
        captures_each = None if was_killed else 1
        rounds.append(Round(began_at, datetime.now(UTC), captures_each, market.take_served()))
        return was_killed, running.seconds

    def import_one(kill_after_seconds: float) -> tuple[bool, float]:
        running = ticketmarts.start("import", next(in_turn))
        return running.kill_after(kill_after_seconds), running.seconds

    commands = (scrape, import_one)
    seconds = {command: command(60)[1] for command in commands}  # nobody kills the first
    after = captures_stored(ticketmarts.database_url)
    kills = in_the_middle = 0
    for attempt in range(MOST_ATTEMPTS):
        command = chance.choice(commands)
        # The later of two moments: at its beginning a command only reads.
        moment = max(chance.uniform(0, seconds[command]), chance.uniform(0, seconds[command]))
        was_killed, seconds_run = command(moment)
        before, after = after, captures_stored(ticketmarts.database_url)
        in_the_middle += was_killed and after > before
        kills += was_killed
        if not was_killed:
            seconds[command] = seconds_run  # no kill would hit what lies beyond
        print(f"{attempt}: {command.__name__} {moment:.3f} s, {was_killed=}, {after - before} captures")  # noqa: T201
        assert broken_invariants(ticketmarts.database_url) == []
        if kills == KILLS:
            break
    assert kills == KILLS, f"{MOST_ATTEMPTS} attempts hit a running process only {kills} times"
    assert in_the_middle >= FEWEST_IN_THE_MIDDLE, "the kills were no test: nearly all came before the first commit"

    assert scrape(60)[0] is False
    ticketmarts.start("import", *recordings).finish()
    assert broken_invariants(ticketmarts.database_url) == []
    recorded = {instant: book for path in recordings for instant, book in recorded_books(path).items()}
    assert differences(stored_books(ticketmarts.database_url), recorded, rounds) == []
    assert failures_and_quarantine(ticketmarts.database_url) == []
