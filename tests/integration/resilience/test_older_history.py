"""History that comes late, or in any order, is the same as if it had come in order, and the ledger knows of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.resilience.books import Book, Instant, recorded_books, stored_books
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.comparison import differences
from tests.integration.resilience.invariants import broken_invariants, failures_and_quarantine
from tests.integration.resilience.market import HurriedSandbox, recorded_lines

ROUNDS = 40
"""Every ten minutes, until two hours past a UTC midnight."""


def in_files(folder: Path, files: Iterable[Iterable[bytes]]) -> list[Path]:
    paths = []
    for number, lines in enumerate(files):
        paths.append(folder / f"part-{number}.jsonl")
        paths[-1].write_bytes(b"".join(lines))
    return paths


def deltas(books: Mapping[Instant, Book]) -> dict[Instant, int]:
    """How many listings each capture must differ in from the one before: without those that are the same in both."""
    told: dict[Instant, int] = {}
    for event_id in {event_id for event_id, _ in books}:
        instants = sorted(instant for instant in books if instant[0] == event_id)
        told[instants[0]] = len(books[instants[0]])
        for before, after in pairwise(instants):
            # By source id: the listings of these recordings keep their other fixed attributes for life.
            differing = {listing[1] for listing in set(books[before]) ^ set(books[after])}
            told[after] = len(differing)
    return told


def rows(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        return connection.execute(statement.encode()).fetchall()


@pytest.mark.parametrize("order", ["ahead", "backwards", "shuffled", "file by file"])
def test_any_order_gives_the_same_history(
    ticketmarts: Ticketmarts,
    live_events: list[int],
    chance: random.Random,
    order: str,
) -> None:
    lines = recorded_lines(live_events[:4], ROUNDS)
    shuffled = chance.sample(lines, len(lines))
    files = {
        "ahead": [lines],
        "backwards": [lines[::-1]],
        "shuffled": [shuffled],
        "file by file": [sorted(shuffled[n::8]) for n in range(8)],
    }[order]
    paths = in_files(ticketmarts.folder, files)
    ticketmarts.start("import", *paths).finish()
    assert broken_invariants(ticketmarts.database_url) == []
    recorded = {instant: book for path in paths for instant, book in recorded_books(path).items()}
    assert differences(stored_books(ticketmarts.database_url), recorded) == []
    changes = rows(ticketmarts.database_url, "select event_id, captured_at, change_count from raw.snapshots")
    assert {(event_id, at): count for event_id, at, count in changes} == deltas(recorded)
    first_seen = rows(
        ticketmarts.database_url, "select event_id, min(observed_at) from raw.seating group by 1 order by 1"
    )
    first_captured = rows(
        ticketmarts.database_url, "select event_id, min(captured_at) from raw.snapshots group by 1 order by 1"
    )
    assert sorted(first_seen) == sorted(first_captured), "the seating is known from the first capture on"


def test_the_ledger_has_the_hours_of_older_history_and_those_of_the_captures_after_it(
    ticketmarts: Ticketmarts,
    market: HurriedSandbox,
    live_events: list[int],
    chance: random.Random,
) -> None:
    lines = recorded_lines(live_events[:4], ROUNDS)
    known = sorted(chance.sample(lines, len(lines) // 8), key=lines.index)
    late = sorted(chance.sample([line for line in lines if line not in known], 24), key=lines.index)
    first, second = in_files(ticketmarts.folder, (known, late))
    ticketmarts.start("import", first).finish()
    ticketmarts.scrape(live_events[:3]).finish()
    with psycopg.connect(ticketmarts.database_url) as connection:
        connection.execute("delete from raw.stale_hours")  # as a build does

    ticketmarts.start("import", second).finish()
    captured_late = set(recorded_books(second))
    stored = sorted(stored_books(ticketmarts.database_url))
    after = {before: later for before, later in pairwise(stored) if before[0] == later[0]}
    changed = captured_late | {after[instant] for instant in captured_late if instant in after}
    assert set(rows(ticketmarts.database_url, "select event_id, hour_at from raw.stale_hours")) == set(
        map(_hour, changed)
    )
    assert market.take_served().keys() == set(live_events[:3])
    assert failures_and_quarantine(ticketmarts.database_url) == []


def _hour(instant: Instant) -> tuple[int, datetime]:
    event_id, captured_at = instant
    return event_id, captured_at.replace(minute=0, second=0, microsecond=0)
