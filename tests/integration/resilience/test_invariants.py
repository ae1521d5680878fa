"""The invariants that the other tests lean on do notice when something is broken."""

from __future__ import annotations

import pytest

from ingestion.database import connect
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.invariants import broken_invariants_in
from tests.integration.resilience.market import recorded_lines

_ONE = "(event_id, captured_at) = (select event_id, max(captured_at) from raw.snapshots group by 1 limit 1)"
_CHANGED = "(event_id, captured_at) = (select event_id, captured_at from raw.snapshots where change_count > 0 limit 1)"
BREAKING = {
    f"delete from raw.snapshots where {_ONE}": "the head is not the newest capture",
    "delete from raw.heads": "the head is not the newest capture",
    "update raw.heads set content_hash = 1": "the head is not the newest capture",
    "update raw.heads set changes_since_keyframe = -1": "the head does not know its newest keyframe",
    "update raw.heads set keyframe_at = captured_at": "the head does not know its newest keyframe",
    "update raw.heads set next_listing_key = 1": "a listing key was used",
    "delete from raw.stale_hours where mark % 5 = 0": "a capture's hour is not in the ledger",
    "delete from raw.loads where load_number % 5 = 0": "a capture has no place in the feed",
    "delete from raw.placements where placement_id > 0": "a placement is referred to",
    "delete from raw.terms where terms_id > 0": "terms are referred to",
    "delete from raw.keyframes where quantity[1] > 0": "the first capture of a UTC day",
    "update raw.snapshots set change_count = 100": "more than three books",
    "update raw.keyframes set captured_at = captured_at + interval '1 ms'": "a keyframe is of no capture",
    "update raw.keyframes set quantity[1] = quantity[1] + 1": "the keyframe is another book",
    f"update raw.snapshots set price_cents[1] = price_cents[1] + 1 where {_CHANGED}": "content_hash is",
    "update raw.snapshots set ticket_count = ticket_count + 1": "ticket_count is",
    f"update raw.snapshots set listing_key[1] = listing_key[1] + 1 where {_CHANGED}": "listing key",
}


@pytest.fixture
def imported(ticketmarts: Ticketmarts, live_events: list[int]) -> str:
    recording = ticketmarts.folder / "history.jsonl"
    recording.write_bytes(b"".join(recorded_lines(live_events[:2], 40)))
    ticketmarts.start("import", recording).finish()
    return ticketmarts.database_url


def test_what_is_broken_is_noticed(imported: str) -> None:
    with connect(imported) as connection:
        assert broken_invariants_in(connection) == []
        for statement, noticed in BREAKING.items():
            with connection.transaction(force_rollback=True):
                assert connection.execute(statement.encode()).rowcount, f"changes nothing: {statement}"
                assert noticed in "\n".join(broken_invariants_in(connection)), statement
