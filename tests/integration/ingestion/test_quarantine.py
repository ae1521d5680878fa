"""``ticketmarts quarantine``: what an older parser could not trust is looked at, read again, and put where it belongs.

Rows are inserted as an older release would have left them: bodies and tickets that today's parser can read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import zstandard

from ingestion.answers import Answer, GoodCapture, read_answer
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import Database
from ingestion.failures import FailureKind
from ingestion.loading import Loader
from ingestion.quarantine.items import Selection, list_items
from ingestion.snapshots import NoSnapshotError, read_snapshot
from tests.integration.ingestion.conftest import Finished
from tests.unit.ingestion.bodies import EVENT_ID, encoded, listings_body, ticket, tickets

Run = Callable[..., Finished]
START = datetime(2026, 3, 14, 22, 10, 0, 250_000, tzinfo=UTC)
OTHER_EVENT = EVENT_ID + 1
UNREADABLE = ticket(i="VB-NaN", p="NaN")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def quarantine(
    connection: psycopg.Connection[Any],
    minutes: float,
    content: bytes,
    *,
    item: str = "body",
    kind: str = "bad_payload",
    status: int | None = None,
    event_id: int = EVENT_ID,
) -> None:
    """Leave an item behind as an older release has; a body with the failed attempt that it belongs to."""
    connection.execute(
        "insert into raw.quarantine (event_id, captured_at, item, kind, reason, content)"
        " values (%s, %s, %s, %s, 'not understood', %s)",
        (event_id, at(minutes), item, kind, zstandard.compress(content)),
    )
    if status is not None:
        connection.execute(
            "insert into raw.scrape_failures (event_id, attempted_at, kind, message, http_status, fetch_ms)"
            " values (%s, %s, %s, 'not understood', %s, 321)",
            (event_id, at(minutes), kind, status),
        )


def capture(minutes: float, body: bytes, *, event_id: int = EVENT_ID) -> GoodCapture:
    read = read_answer(Answer(event_id, at(minutes), 200, body), 600, None)
    assert isinstance(read, GoodCapture)
    return read


def load(url: str, *captures: GoodCapture) -> None:
    with Database(url) as database:
        Loader(database).load_confirmed(captures)


def load_without(
    url: str, connection: psycopg.Connection[Any], minutes: float, listed: Sequence[dict[str, Any]], left_out: set[int]
) -> None:
    """Store a capture as a release has that could not read the tickets at some places."""
    marked = [{**each, "p": "unheard of"} if n in left_out else each for n, each in enumerate(listed)]
    load(url, capture(minutes, listings_body(marked)))
    for n in left_out:
        connection.execute(
            "update raw.quarantine set content = %s where event_id = %s and captured_at = %s and item = %s",
            (zstandard.compress(encoded(listed[n])), EVENT_ID, at(minutes), f"ticket {n}"),
        )


def in_quarantine(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute("select event_id, captured_at, item from raw.quarantine order by 1, 2, 3").fetchall()


def book(connection: psycopg.Connection[Any], minutes: float, event_id: int = EVENT_ID) -> set[str]:
    rows = read_snapshot(connection, event_id, at(minutes))
    assert all(row["captured_at"] == at(minutes) for row in rows)
    return {row["source_listing_id"] for row in rows}


def stale_hours(connection: psycopg.Connection[Any]) -> set[datetime]:
    return {hour for (hour,) in connection.execute("select hour_at from raw.stale_hours").fetchall()}


def report(finished: Finished) -> dict[str, Any]:
    assert finished.returncode == 0, finished.stderr
    answer: dict[str, Any] = json.loads(finished.stdout)
    return answer


def test_list_shows_the_newest_first_and_says_how_many_more(
    ticketmarts: Run, connection: psycopg.Connection[Any]
) -> None:
    nothing = ticketmarts("quarantine", "list")
    assert (nothing.returncode, nothing.stdout, nothing.stderr.strip()) == (0, b"", b"the quarantine is empty")
    body = listings_body(tickets(300))
    quarantine(connection, 0, body)
    quarantine(connection, 10, b"<html>", kind="blocked", event_id=OTHER_EVENT)
    quarantine(connection, 20, encoded(UNREADABLE), item="ticket 10")
    quarantine(connection, 20, encoded(UNREADABLE), item="ticket 9")

    def keys(**chosen: Any) -> list[tuple[int, datetime, str]]:
        items, total = list_items(connection, Selection(**chosen))
        assert total == len(items)
        return [(each.event_id, each.captured_at, each.item) for each in items]

    everything = [
        (EVENT_ID, at(20), "ticket 9"),
        (EVENT_ID, at(20), "ticket 10"),
        (OTHER_EVENT, at(10), "body"),
        (EVENT_ID, at(0), "body"),
    ]
    assert keys() == everything
    assert keys(event_ids=[OTHER_EVENT]) == everything[2:3]
    assert keys(kinds=[FailureKind.BLOCKED, FailureKind.TIMEOUT]) == everything[2:3]
    assert keys(is_body=True) == everything[2:]
    assert keys(is_body=False) == everything[:2]
    assert keys(from_at=at(10), to_at=at(20)) == everything[2:3]
    assert keys(kinds=[FailureKind.TIMEOUT]) == []

    span = ("--from", at(10).isoformat(), "--to", at(20).isoformat())
    chosen = ("--event", OTHER_EVENT, "--kind", "blocked", "--kind", "timeout", "--item", "body", *span)
    assert json.loads(ticketmarts("quarantine", "list", "--json", *chosen).stdout) == [
        {
            "event_id": OTHER_EVENT,
            "captured_at": at(10).isoformat(),
            "item": "body",
            "kind": "blocked",
            "reason": "not understood",
            "content_bytes": 6,
        }
    ]
    limited = ticketmarts("quarantine", "list", "--limit", 1)
    assert limited.stderr.strip() == b"3 more; --limit shows more of them"
    shown = ticketmarts("quarantine", "list", "--event", EVENT_ID).stdout.decode()
    assert [
        line for line in shown.splitlines() if at(0).isoformat() in line and "body" in line and f"{len(body):,}" in line
    ]
    assert ticketmarts("quarantine", "list", "--kind", "nonsense").returncode == 2


def test_show_writes_the_very_bytes(ticketmarts: Run, connection: psycopg.Connection[Any]) -> None:
    content = b'\x00\xff\r\n{"a" : 1}\x1b[31m'
    quarantine(connection, 0, content)
    shown = ticketmarts("quarantine", "show", EVENT_ID, at(0).isoformat())
    assert (shown.returncode, shown.stdout) == (0, content)
    assert shown.stderr.decode().strip().endswith("bad_payload: not understood")
    quarantine(connection, 0, b"a ticket", item="ticket 7")
    assert ticketmarts("quarantine", "show", EVENT_ID, at(0).isoformat(), "ticket", 7).stdout == b"a ticket"
    assert ticketmarts("quarantine", "show", EVENT_ID, at(0).isoformat(), "ticket 7").stdout == b"a ticket"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (EVENT_ID, at(1).isoformat()),
            "nothing of event 5990417 at 2026-03-14T22:11:00.250000+00:00 is in quarantine",
        ),
        ((EVENT_ID, at(0).isoformat()), "there are 2 items in quarantine, say which: body, ticket 7"),
        ((EVENT_ID, at(0).isoformat(), "ticket 8"), "there is no 'ticket 8' in quarantine, but body, ticket 7"),
    ],
)
def test_show_says_what_there_is_instead(
    ticketmarts: Run, connection: psycopg.Connection[Any], arguments: Sequence[object], message: str
) -> None:
    quarantine(connection, 0, b"a body")
    quarantine(connection, 0, b"a ticket", item="ticket 7")
    shown = ticketmarts("quarantine", "show", *arguments)
    assert (shown.returncode, shown.stdout) == (1, b"")
    assert message in shown.stderr.decode()


def test_a_body_that_can_be_trusted_now_becomes_a_capture_in_its_place(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    load(fresh_database_url, capture(0, listings_body(tickets(3))), capture(120, listings_body(tickets(5))))
    connection.execute("delete from raw.stale_hours")
    connection.execute("insert into raw.tracked_events (event_id, interval_seconds) values (%s, 900)", (EVENT_ID,))
    quarantine(connection, 60, listings_body([*tickets(4), UNREADABLE]), status=200)
    quarantine(connection, 70, listings_body(tickets(2), event_id=OTHER_EVENT), event_id=OTHER_EVENT)
    before = in_quarantine(connection)

    foreseen = report(ticketmarts("quarantine", "retry", "--dry-run", "--json"))
    assert (foreseen["bodies"], foreseen["captured"], foreseen["is_dry_run"]) == (2, 2, True)
    assert in_quarantine(connection) == before
    with pytest.raises(NoSnapshotError):
        read_snapshot(connection, OTHER_EVENT, at(70))

    retried = report(ticketmarts("quarantine", "retry", "--json"))
    assert (retried["bodies"], retried["captured"], retried["untrusted"], retried["tickets"]) == (2, 2, {}, 0)
    assert in_quarantine(connection) == [(EVENT_ID, at(60), "ticket 4")]
    assert book(connection, 60) == {f"VB{n}" for n in range(4)}
    assert book(connection, 120) == {f"VB{n}" for n in range(5)}
    assert book(connection, 70, OTHER_EVENT) == {"VB0", "VB1"}
    assert stale_hours(connection) == {datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((14, 23), (15, 0))}
    stored = connection.execute(
        "select interval_seconds, http_status, fetch_ms, rejected_count from raw.snapshots"
        " where captured_at in (%s, %s) order by captured_at",
        (at(60), at(70)),
    ).fetchall()
    assert stored == [(900, 200, 321, 1), (600, 200, None, 0)]

    again = report(ticketmarts("quarantine", "retry", "--json", "--item", "body"))
    assert (again["bodies"], again["captured"]) == (0, 0)


def test_a_body_that_cannot_be_trusted_stays_and_its_kind_is_told(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    load(fresh_database_url, capture(30, listings_body(tickets(3))), capture(40, listings_body(tickets(3))))
    quarantine(connection, 0, b"<html>a challenge</html>", kind="blocked", status=403)
    quarantine(connection, 10, listings_body(tickets(2)), kind="blocked", status=403)
    quarantine(connection, 20, listings_body(event_id=OTHER_EVENT), kind="wrong_production")
    quarantine(connection, 30, listings_body(tickets(3)))
    quarantine(connection, 40, listings_body(tickets(4)))
    left = [key for key in in_quarantine(connection) if key[1] != at(30)]
    for arguments in (("--dry-run",), ()):
        retried = report(ticketmarts("quarantine", "retry", "--json", *arguments))
        assert retried["untrusted"] == {"blocked": 1, "access_denied": 1, "wrong_production": 1}
        assert (retried["captured"], retried["repeated"]) == (0, 1)
        assert retried["conflicts"] == [[EVENT_ID, at(40).isoformat()]]
    assert in_quarantine(connection) == left
    assert len(book(connection, 40)) == 3
    said = ticketmarts("quarantine", "retry").stderr.decode()
    assert "0 of 4 bodies are captures now, 0 were there already; 4 stay" in said
    assert "1 wrong_production" in said
    assert "another book is stored for that instant" in said


def test_a_held_body_that_a_person_retries_is_believed(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    load(fresh_database_url, capture(0, listings_body(tickets(100))))
    with Database(fresh_database_url) as database:
        Loader(database).load([capture(10, listings_body(tickets(20)))])
    assert in_quarantine(connection) == [(EVENT_ID, at(10), "body")]
    retried = report(ticketmarts("quarantine", "retry", "--json", "--kind", "partial_inventory"))
    assert (retried["bodies"], retried["captured"]) == (1, 1)
    assert in_quarantine(connection) == []
    assert len(book(connection, 10)) == 20


def test_tickets_that_can_be_read_now_join_their_captures(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    for minutes, left_out in ((0, {0, 2}), (60, set()), (120, {4}), (180, {1})):
        load_without(fresh_database_url, connection, minutes, tickets(5), left_out)
    connection.execute("delete from raw.stale_hours")
    before = in_quarantine(connection)
    foreseen = report(ticketmarts("quarantine", "retry", "--dry-run", "--json"))
    assert in_quarantine(connection) == before
    assert book(connection, 0) == {"VB1", "VB3", "VB4"}
    assert stale_hours(connection) == set()

    retried = report(ticketmarts("quarantine", "retry", "--json"))
    assert {**foreseen, "is_dry_run": False} == retried
    assert (retried["tickets"], retried["joined"], retried["amended_captures"]) == (4, 4, 3)
    assert in_quarantine(connection) == []
    whole = capture(0, listings_body(tickets(5))).capture.book
    for minutes in (0, 60, 120, 180):
        assert book(connection, minutes) == {f"VB{n}" for n in range(5)}
    rows = connection.execute(
        "select distinct content_hash, listing_count, ticket_count, rejected_count from raw.snapshots"
    ).fetchall()
    assert rows == [(whole.content_hash, 5, 15, 0)]
    assert stale_hours(connection) == {
        at(minutes).replace(minute=0, second=0, microsecond=0) for minutes in (0, 60, 120, 180)
    }
    load(fresh_database_url, *(capture(minutes, listings_body(tickets(5))) for minutes in (0, 60, 120, 180)))


def test_tickets_that_stay_say_why(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    listed = [*tickets(2), UNREADABLE, ticket(i="VB1"), ticket(i="VB7", p="8.00")]
    load_without(fresh_database_url, connection, 0, listed, {4})
    quarantine(connection, 10, encoded(ticket()), item="ticket 3")
    load(fresh_database_url, capture(20, listings_body(tickets(2))))
    quarantine(connection, 20, encoded(ticket()), item="ticket 3")
    quarantine(connection, 20, b"{", item="ticket 4", event_id=OTHER_EVENT)
    retried = report(ticketmarts("quarantine", "retry", "--json", "--item", "ticket"))
    assert (retried["tickets"], retried["joined"]) == (6, 1)
    assert retried["rejected"] == {
        "'NaN' is no price": 1,
        "its listing id is in the book already": 1,
        "its capture is not stored": 1,
        "the capture that is stored for its instant has not left it out": 1,
        "Input data was truncated": 1,
    }
    assert book(connection, 0) == {"VB0", "VB1", "VB7"}
    assert [item for *_, item in in_quarantine(connection)] == [
        "ticket 2",
        "ticket 3",
        "ticket 3",
        "ticket 3",
        "ticket 4",
    ]
    counts = connection.execute("select rejected_count from raw.snapshots order by captured_at").fetchall()
    assert counts == [(2,), (0,)]
    assert connection.execute("select event_id from raw.heads").fetchall() == [(EVENT_ID,)]
    said = ticketmarts("quarantine", "retry").stderr.decode()
    assert "0 of 5 tickets have joined their captures, 0 of them; 5 stay" in said
    assert "1: 'NaN' is no price" in said


def test_captures_of_the_same_unsent_body_are_amended_with_it(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    load_without(fresh_database_url, connection, 0, tickets(3), {1})
    load_without(fresh_database_url, connection, 40, tickets(3), {1})
    connection.execute("delete from raw.quarantine where captured_at = %s", (at(40),))
    marked = [{**each, "p": "unheard of"} if n == 1 else each for n, each in enumerate(tickets(3))]
    stored = capture(0, listings_body(marked)).capture
    not_modified = [replace(stored, captured_at=at(minutes), http_status=304) for minutes in (10, 20, 50)]
    SnapshotWriter(connection).write(not_modified)
    # Not of that body, since its book is another one, whatever the marketplace said.
    another = capture(30, listings_body([tickets(1)[0], UNREADABLE])).capture
    SnapshotWriter(connection).write([replace(another, http_status=304)])
    retried = report(ticketmarts("quarantine", "retry", "--json"))
    assert (retried["joined"], retried["amended_captures"]) == (1, 3)
    counts = connection.execute(
        "select listing_count, rejected_count from raw.snapshots order by captured_at"
    ).fetchall()
    assert counts == [(3, 0), (3, 0), (3, 0), (1, 1), (2, 1), (2, 1)]


def test_many_items_go_in_batches(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    """More bodies, and more captures with tickets, than go into one transaction each."""
    for n in range(70):
        load_without(fresh_database_url, connection, n, tickets(3), {n % 3})
        quarantine(connection, n + 0.5, listings_body(tickets(2 + n % 3)))
    retried = ticketmarts("quarantine", "retry", "--json")
    figures = report(retried)
    assert (figures["captured"], figures["joined"], figures["amended_captures"]) == (70, 70, 70)
    assert retried.stderr.decode().splitlines()[-1] == "reading again: 140, done"
    assert in_quarantine(connection) == []
    for n in range(70):
        assert book(connection, n) == {"VB0", "VB1", "VB2"}
        assert len(book(connection, n + 0.5)) == 2 + n % 3


def test_two_retries_at_once_end_right(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str
) -> None:
    for n in range(40):
        load_without(fresh_database_url, connection, n, tickets(3), {n % 3})
        quarantine(connection, n + 0.5, listings_body(tickets(2)))
    with ThreadPoolExecutor(2) as threads:
        retries = [threads.submit(ticketmarts, "quarantine", "retry", "--json") for _ in range(2)]
        figures = [report(retry.result(timeout=60)) for retry in retries]
    assert sum(each["joined"] for each in figures) == sum(each["captured"] for each in figures) == 40
    assert [each["rejected"] for each in figures] == [{}, {}]
    assert in_quarantine(connection) == []
    assert {len(book(connection, n)) for n in range(40)} == {3}


@pytest.mark.parametrize("table", ["snapshots", "quarantine"])
def test_what_breaks_off_loses_nothing(
    ticketmarts: Run, connection: psycopg.Connection[Any], fresh_database_url: str, table: str
) -> None:
    """Whichever of the two tables refuses, both stay as they were; afterwards it all goes through."""
    load_without(fresh_database_url, connection, 0, tickets(3), {1})
    quarantine(connection, 10, listings_body(tickets(4)))
    before = in_quarantine(connection)
    connection.execute(
        f"""
        create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
        create trigger refuse before insert or update or delete on raw.{table} for each row execute function refuse()
        """
    )
    for item in ("body", "ticket"):
        retried = ticketmarts("quarantine", "retry", "--item", item)
        assert retried.returncode == 1
        assert b"refused" in retried.stderr
    assert in_quarantine(connection) == before
    assert book(connection, 0) == {"VB0", "VB2"}
    assert connection.execute("select count(*) from raw.snapshots").fetchall() == [(1,)]
    connection.execute(f"drop trigger refuse on raw.{table}")
    figures = report(ticketmarts("quarantine", "retry", "--json"))
    assert (figures["captured"], figures["joined"]) == (1, 1)
    assert in_quarantine(connection) == []
    assert book(connection, 0) == {"VB0", "VB1", "VB2"}
