"""200 events through a storm in which a fifth of the answers is bad: what is in the tables afterwards, to the last row.

Real rounds ask a real sandbox and write to a real PostgreSQL. What must have come of it is worked out from the
sandbox's record of what it served. The chance of the storm has a fixed seed and the market begins at a fixed instant;
only the seconds that rounds take make a difference from one run to another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import zip_longest
from typing import Any, TypeAlias

import psycopg

from tests.integration.resilience.books import COLUMNS, Book, Instant
from tests.integration.resilience.invariants import broken_invariants
from tests.integration.soak import tables
from tests.integration.soak.bodies import NEW_KEYS, change_count, ticket_count
from tests.integration.soak.market import all_events
from tests.integration.soak.oracle import KINDS, PARTIAL_INVENTORY, Captured, Failed, Step, failure_kind
from tests.integration.soak.rounds import INTERVAL_SECONDS, Round, Storm
from tests.integration.soak.storm import CHANCE, CONCURRENCY, SEED

Connection: TypeAlias = psycopg.Connection[Any]
_MOST_TOLD = 10
_OPENS_AFTER = 3


def assert_none(differences: Iterable[str]) -> None:
    told = list(differences)
    if len(told) > _MOST_TOLD:
        told[_MOST_TOLD:] = [f"… and {len(told) - _MOST_TOLD} more"]
    assert not told, f"storm of seed {SEED}:\n" + "\n".join(told)


def assert_same(wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> None:
    keys = [*wanted, *(key for key in found if key not in wanted)]
    differing = [key for key in keys if wanted.get(key) != found.get(key)]
    assert_none(f"{key}: wanted {wanted.get(key, 'nothing')}, found {found.get(key, 'nothing')}" for key in differing)


def test_it_was_a_storm(storm: Storm) -> None:
    bad = [served for served in storm.answers if failure_kind(served) or served.fault == PARTIAL_INVENTORY]
    assert len(all_events()) == 200
    assert 0.15 <= len(bad) / len(storm.answers) <= 0.3
    assert {served.fault for served in storm.answers} >= {rule["fault"] for rule in CHANCE}
    assert {name for served in storm.answers for name in served.standing} == {"fee_display", "re_keying"}
    steps = [step for of_event in storm.oracle.steps.values() for step in of_event]
    assert {step.row.kind for step in steps if isinstance(step.row, Failed)} == KINDS
    assert {step.row.http_status for step in steps if isinstance(step.row, Captured)} == {200, 304}
    held = [step for step in steps if isinstance(step.row, Failed) and step.row.kind == PARTIAL_INVENTORY]
    assert {bool(step.quarantined) for step in held} == {True, False}, "some were confirmed, and some were not"


def test_every_round_reports_what_came_of_it(storm: Storm) -> None:
    for each in (*storm.rounds, *storm.closed):
        assert_none(f"{each.name}: {breach}" for breach in each.outcome.breaches)
        wanted = {
            "events": len(all_events()),
            "captured": each.outcome.captured_count,
            "skipped": len(all_events()) - len(each.news),
            "failures": each.outcome.failures,
            "retried": each.outcome.retried,
            "unchanged": each.outcome.unchanged,
            "rejected tickets": each.outcome.rejected_tickets,
        }
        assert_same(wanted, _reported(each))


def _reported(each: Round) -> dict[str, Any]:
    report, loaded = each.report, each.report.loaded
    return {
        "events": report.event_count,
        "captured": report.captured_count,
        "skipped": report.skipped_count,
        "failures": {str(kind): count for kind, count in loaded.failures.items()},
        "retried": {str(kind): count for kind, count in loaded.retried.items()},
        "unchanged": loaded.unchanged,
        "rejected tickets": loaded.rejected_tickets,
    }


def test_every_answer_is_a_row_and_every_row_an_answer(storm: Storm, connection: Connection) -> None:
    """``raw.snapshots`` and ``raw.scrape_failures`` together, event by event in order of time."""
    rounds = {str(each.run_id): each for each in (*storm.rounds, *storm.closed)}
    timeline = tables.timeline(connection)
    differences = []
    for event_id in sorted({*timeline, *storm.oracle.steps}):
        pairs = zip_longest(timeline.get(event_id, []), storm.oracle.steps.get(event_id, []))
        for number, (found, step) in enumerate(pairs, 1):
            where = f"event {event_id}, row {number}"
            if found is None or step is None or found.row != step.row:
                wanted = (
                    f"{step.row} of {rounds[step.row.run].name}, since it was served {step.served}" if step else None
                )
                differences.append(f"{where}: wanted {wanted}, found {found}")
                break  # what follows it has moved on
            its_round = rounds[found.row.run]
            if not its_round.began_at <= found.at <= its_round.ended_at:
                differences.append(f"{where}: {found} is not of the time of {its_round}")
    assert_none(differences)


def test_every_book_is_the_one_that_was_served(storm: Storm, connection: Connection) -> None:
    served = {(event_id, at): step for event_id, captures in storm.captures().items() for at, step in captures}
    read_back = dict(tables.books(connection))
    assert read_back.keys() == served.keys()
    assert_none(
        _difference(instant, step, read_back[instant])
        for instant, step in served.items()
        if read_back[instant] != step.book
    )


def _difference(instant: Instant, step: Step, found: Book) -> str:
    wanted = step.book or ()
    only_wanted, only_found = (
        [dict(zip(COLUMNS, listing, strict=True)) for listing in sorted(set(some) - set(others), key=str)]
        for some, others in ((wanted, found), (found, wanted))
    )
    return (
        f"event {instant[0]} at {instant[1]}: {len(wanted)} listings served, {len(found)} read back; "
        f"only served: {len(only_wanted)}, such as {only_wanted[:1]}; only read back: {len(only_found)}, such as "
        f"{only_found[:1]}; the answer was {step.served}"
    )


def test_every_capture_counts_what_changed(storm: Storm, connection: Connection) -> None:
    wanted = {}
    for event_id, captures in storm.captures().items():
        before: Book = ()
        for at, step in captures:
            book = step.book or ()
            wanted[event_id, at] = len(book), ticket_count(book), change_count(before, book), INTERVAL_SECONDS
            before = book
    rows = connection.execute(
        "select event_id, captured_at, listing_count, ticket_count, change_count, interval_seconds from raw.snapshots"
    )
    assert_same(wanted, {(event_id, at): tuple(figures) for event_id, at, *figures in rows})


def test_what_cannot_be_trusted_is_in_quarantine_to_the_byte(storm: Storm, connection: Connection) -> None:
    wanted = {
        (event_id, at, item): tables.Quarantined(kind, step.row.run, content)
        for event_id, at, step in storm.steps()
        for item, (kind, content) in step.quarantined.items()
    }
    assert_same(wanted, tables.quarantine(connection))


def test_of_each_event_the_newest_body_that_has_an_etag_is_known(storm: Storm, connection: Connection) -> None:
    wanted = {
        event_id: (storm.marketplace, *[(step.etag, at) for at, step in captures if step.etag is not None][-1])
        for event_id, captures in storm.captures().items()
    }
    rows = connection.execute("select event_id, marketplace, etag, captured_at from raw.known_bodies")
    assert_same(wanted, {event_id: tuple(known) for event_id, *known in rows})


def test_heads_deltas_keyframes_and_the_ledger_agree(storm: Storm, database_url: str, connection: Connection) -> None:
    """Among them: each hour with captures is stale and no other, and an event's head is its newest capture."""
    assert_none(broken_invariants(database_url))
    captures = storm.captures()
    heads = connection.execute("select event_id, captured_at from raw.heads").fetchall()
    assert_same({event_id: of_event[-1][0] for event_id, of_event in captures.items()}, dict(heads))
    first = connection.execute("select event_id, min(captured_at) from raw.keyframes group by 1").fetchall()
    assert_same({event_id: of_event[0][0] for event_id, of_event in captures.items()}, dict(first))


def test_what_listings_share_is_that_of_the_books_stored_and_of_no_other(storm: Storm, connection: Connection) -> None:
    listings = {
        listing for captures in storm.captures().values() for _, step in captures for listing in step.book or ()
    }
    shared = {
        "placements": ("section", "seat_row", "zone_id", "section_id"),
        "terms": ("splits", "delivery", "notes", "face_value_cents"),
    }
    for table, columns in shared.items():
        places = [COLUMNS.index(column) for column in columns]
        wanted = {tuple(listing[place] for place in places) for listing in listings}
        rows = map(tables.plain, connection.execute(f"select {', '.join(columns)} from raw.{table}".encode()))
        assert_same(dict.fromkeys(wanted, 1), Counter(rows))


def test_an_event_s_seating_is_stored_once(storm: Storm, connection: Connection) -> None:
    """Of one of its bodies: the storm bends prices, ids and rows, never the house."""
    rows = connection.execute("select event_id, observed_at from raw.seating").fetchall()
    captures = storm.captures()
    assert_same(dict.fromkeys(captures, 1), Counter(event_id for event_id, _ in rows))
    sent = {
        (event_id, at)
        for event_id, of_event in captures.items()
        for at, step in of_event
        if step.served.status == HTTPStatus.OK
    }
    assert set(rows) <= sent


def test_new_keys_are_counted(storm: Storm, connection: Connection) -> None:
    """In every body that was stored, but not again for a 304, which sends none."""
    drifted = [
        at
        for captures in storm.captures().values()
        for at, step in captures
        if step.served.fault == "unknown_keys" and step.served.status == HTTPStatus.OK
    ]
    rows = connection.execute("select place, key, body_count, first_seen_at, last_seen_at from raw.schema_drift")
    wanted = dict.fromkeys(NEW_KEYS, (len(drifted), min(drifted), max(drifted)))
    assert_same(wanted, {(place, key): tuple(seen) for place, key, *seen in rows})


def test_every_capture_has_its_place_in_the_feed(storm: Storm, connection: Connection) -> None:
    rows = connection.execute("select event_id, captured_at from raw.loads").fetchall()
    wanted = [(event_id, at) for event_id, captures in storm.captures().items() for at, _ in captures]
    assert_same(Counter(wanted), Counter(rows))


def test_a_marketplace_that_turns_us_away_is_left_alone(storm: Storm, connection: Connection) -> None:
    turned_away, left_alone = storm.closed
    # Those that were on their way when the third one came back are answered; nobody is asked after that.
    assert _OPENS_AFTER <= len(turned_away.news) < _OPENS_AFTER + CONCURRENCY
    assert not left_alone.news
    assert all(each.report.open_breaker for each in storm.closed)
    assert not any(each.report.open_breaker for each in storm.rounds)
    rows = connection.execute("select marketplace, times_opened, kind, opened_at from raw.circuit_breakers").fetchall()
    ((marketplace, times_opened, kind, opened_at),) = rows
    assert (marketplace, times_opened) == (storm.marketplace, 1)
    assert kind in ("blocked", "access_denied")
    assert turned_away.began_at <= opened_at <= turned_away.ended_at


def test_nothing_else_is_in_the_tables(connection: Connection) -> None:
    looked_at = {
        "snapshots",
        "scrape_failures",
        "quarantine",
        "known_bodies",
        "heads",
        "keyframes",
        "stale_hours",
        "loads",
        "placements",
        "terms",
        "seating",
        "schema_drift",
        "circuit_breakers",
    }
    assert tables.tables_with_rows(connection) == {f"raw.{table}" for table in looked_at}
