"""Several processes at the same events at once: all of them end well, and every answer is stored once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import orjson
import psycopg

from tests.integration.resilience.books import recorded_books, stored_books
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.comparison import Round, differences
from tests.integration.resilience.invariants import broken_invariants, failures_and_quarantine
from tests.integration.resilience.market import HurriedSandbox, recorded_lines, write_recordings


def deadlocks(database_url: str) -> int:
    """Deadlocks that PostgreSQL had to end in this database; what a second try has mended is counted too."""
    with psycopg.connect(database_url) as connection:
        statement = "select deadlocks from pg_stat_database where datname = current_database()"
        return int(connection.execute(statement).fetchall()[0][0])


def test_two_rounds_and_an_import_of_older_history_at_once(
    ticketmarts: Ticketmarts,
    market: HurriedSandbox,
    live_events: list[int],
    chance: random.Random,
) -> None:
    recordings = write_recordings(ticketmarts.folder, live_events[:8], files=2, blocks_each=6, chance=chance)
    rounds = []
    for recording in recordings:
        began_at = datetime.now(UTC)
        events = chance.sample(live_events, len(live_events))
        running = [
            ticketmarts.scrape(events),
            ticketmarts.start("import", recording),
            ticketmarts.scrape(events[::-1]),
        ]
        for each in running:
            each.finish()
        rounds.append(Round(began_at, datetime.now(UTC), 2, market.take_served()))
        assert broken_invariants(ticketmarts.database_url) == []
    recorded = {instant: book for path in recordings for instant, book in recorded_books(path).items()}
    assert differences(stored_books(ticketmarts.database_url), recorded, rounds) == []
    assert failures_and_quarantine(ticketmarts.database_url) == []
    assert deadlocks(ticketmarts.database_url) == 0


def test_parts_of_one_recording_imported_at_once(ticketmarts: Ticketmarts, live_events: list[int]) -> None:
    # Hours apart, so that hardly a book equals the one before and a delta against another one is found out.
    lines = recorded_lines(live_events[:8], 48, timedelta(hours=2))
    parts = [ticketmarts.folder / f"part-{number}.jsonl" for number in range(3)]
    for number, part in enumerate(parts):
        part.write_bytes(b"".join(lines[number::3]))
    running = [ticketmarts.start("import", part) for part in parts]
    for each in running:
        each.finish()
    assert broken_invariants(ticketmarts.database_url) == []
    recorded = {instant: book for part in parts for instant, book in recorded_books(part).items()}
    assert differences(stored_books(ticketmarts.database_url), recorded) == []
    assert deadlocks(ticketmarts.database_url) == 0


def test_the_same_recording_imported_twice_at_once_and_once_backwards(
    ticketmarts: Ticketmarts,
    live_events: list[int],
    chance: random.Random,
) -> None:
    (recording,) = write_recordings(ticketmarts.folder, live_events[:8], files=1, blocks_each=8, chance=chance)
    recorded = recorded_books(recording)
    # Answers that fail and answers with a listing that cannot be trusted, so that every table is written.
    lines = recording.read_bytes().splitlines()
    spoilt = chance.sample(lines, 40)
    lines = [_with_a_bad_ticket(line) if line in spoilt else line for line in lines]
    failed = [{**orjson.loads(line), "status": 404, "body": "gone"} for line in spoilt]
    lines += [orjson.dumps({**line, "event_id": line["event_id"] + 1_000_000}) for line in failed]
    paths = [ticketmarts.folder / "ahead.jsonl", ticketmarts.folder / "backwards.jsonl"]
    for path, content in zip(paths, (lines, lines[::-1]), strict=True):
        path.write_bytes(b"\n".join(content))

    running = [ticketmarts.start("import", "--json", path) for path in (paths[0], paths[0], paths[1])]
    reports = [orjson.loads(_printed_json(each.finish())) for each in running]
    assert sum(report["captured"] for report in reports) == len(recorded)
    assert sum(report["repeated"] for report in reports) == 2 * len(recorded)
    assert [report["conflicts"] for report in reports] == [[], [], []]
    assert broken_invariants(ticketmarts.database_url) == []
    assert differences(stored_books(ticketmarts.database_url), recorded) == []
    with psycopg.connect(ticketmarts.database_url) as connection:
        (counts,) = connection.execute(
            "select (select count(*) from raw.scrape_failures), (select count(*) from raw.quarantine)"
        ).fetchall()
    assert counts == (len(spoilt), len(spoilt))
    assert deadlocks(ticketmarts.database_url) == 0


def _printed_json(said: str) -> str:
    return said[said.index("{") : said.rindex("}") + 1]


def _with_a_bad_ticket(line: bytes) -> bytes:
    """The line with one more ticket, whose price is none."""
    capture = orjson.loads(line)
    tickets = capture["body"]["tickets"]
    tickets.append({**tickets[0], "i": "VB00000000000", "p": "NaN"})
    capture["body"]["global"][0]["listingCount"] = str(len(tickets))
    return orjson.dumps(capture)
