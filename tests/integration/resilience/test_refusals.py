"""A database that refuses a statement in the middle of a batch, or is full, leaves nothing of the batch behind."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import psycopg
import pytest

from tests.integration.resilience.books import recorded_books, stored_books
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.comparison import Round, differences
from tests.integration.resilience.invariants import broken_invariants, failures_and_quarantine
from tests.integration.resilience.market import HurriedSandbox, recorded_lines

DISK_FULL, NOT_NULL_VIOLATION = "53100", "23502"
# Rows into each table's work at which it refuses, once: in the first batch, or in a later one.
REFUSALS = {
    "placements": 3,
    "snapshots": 70,
    "keyframes": 3,
    "heads": 11,
    "stale_hours": 20,
    "seating": 3,
}


def refuse_once(database_url: str, table: str, row: int, error_code: str) -> None:
    """Make the database refuse one row of a table, the so manieth that is written, and no other."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            f"""
            create sequence written_rows;
            create function refuse() returns trigger language plpgsql as $$
            begin
                -- A sequence is not rolled back: the next try is let through.
                if nextval('public.written_rows') = {row} then
                    raise exception 'refused by the test' using errcode = '{error_code}';
                end if;
                return new;
            end;
            $$;
            -- Who attaches the day's partition is given its trigger.
            grant execute on function refuse() to ticketmarts_loader;
            grant usage on sequence written_rows to ticketmarts_loader;
            create trigger refuse before insert or update on raw.{table} for each row execute function refuse();
            """
        )


def refused(database_url: str, row: int) -> bool:
    with psycopg.connect(database_url) as connection:
        return connection.execute("select last_value >= %s from written_rows", (row,)).fetchall() == [(True,)]


@pytest.mark.parametrize("table", REFUSALS)
def test_a_refused_statement_leaves_nothing_of_its_batch(
    ticketmarts: Ticketmarts, live_events: list[int], table: str
) -> None:
    recording = ticketmarts.folder / "history.jsonl"
    recording.write_bytes(b"".join(recorded_lines(live_events[:4], 25)))
    refuse_once(ticketmarts.database_url, table, REFUSALS[table], NOT_NULL_VIOLATION)
    said = ticketmarts.start("import", recording).finish(status=1)
    assert "refused by the test" in said
    assert refused(ticketmarts.database_url, REFUSALS[table])
    assert broken_invariants(ticketmarts.database_url) == []
    recorded = recorded_books(recording)
    stored = stored_books(ticketmarts.database_url)
    assert len(stored) % 64 == 0, "whole batches and nothing of the refused one"
    assert stored.items() <= recorded.items()

    ticketmarts.start("import", recording).finish()
    assert broken_invariants(ticketmarts.database_url) == []
    assert differences(stored_books(ticketmarts.database_url), recorded) == []


@pytest.mark.parametrize("table", ["snapshots", "stale_hours"])
def test_a_full_disk_delays_a_round(
    ticketmarts: Ticketmarts,
    market: HurriedSandbox,
    live_events: list[int],
    chance: random.Random,
    table: str,
) -> None:
    row = chance.randrange(1, len(live_events))
    refuse_once(ticketmarts.database_url, table, row, DISK_FULL)
    began_at = datetime.now(UTC)
    ticketmarts.scrape(live_events).finish()
    assert refused(ticketmarts.database_url, row)
    rounds = [Round(began_at, datetime.now(UTC), 1, market.take_served())]
    assert broken_invariants(ticketmarts.database_url) == []
    assert differences(stored_books(ticketmarts.database_url), {}, rounds) == []
    assert failures_and_quarantine(ticketmarts.database_url) == []
