"""Days past their age go whole, with what belongs to them; what is left reads back value for value."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ingestion.codec.stored import read_books
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import Database, connect
from ingestion.housekeeping.days import DAYS_AHEAD, OldDay, drop_old_days, make_days_ahead
from ingestion.housekeeping.keeping import keep_house
from ingestion.settings import Settings, load_settings
from tests.integration.codec.markets import PlainCapture, capture
from tests.integration.housekeeping.history import (
    BACK_AGAIN,
    GONE,
    NEW,
    STEADY,
    TODAY,
    contents,
    days_ago,
    days_stored,
    read_back,
    roll_up,
    week,
    write,
)
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.invariants import broken_invariants
from tests.integration.resilience.test_company import deadlocks

KEPT_DAYS = 2
OLD_DAYS = [days_ago(days) for days in (6, 5, 4, 3)]
FIRST_KEPT_AT = TODAY - timedelta(days=2)
HALF_A_DAY = """
    select s.event_id, s.captured_at from raw.snapshots as s
    where not exists (
        select from raw.keyframes as k
        where k.event_id = s.event_id and k.captured_at <= s.captured_at
            and k.captured_at >= date_trunc('day', s.captured_at, 'UTC')
    )
"""


@pytest.fixture
def captured(fresh_database_url: str) -> list[PlainCapture]:
    """A week, rolled up."""
    captured = week()
    with connect(fresh_database_url) as connection:
        write(connection, captured)
        roll_up(connection)
    return captured


@pytest.fixture
def connection(fresh_database_url: str, captured: list[PlainCapture]) -> Iterator[psycopg.Connection[Any]]:  # noqa: ARG001
    with connect(fresh_database_url) as connection:
        yield connection


@pytest.fixture
def settings(fresh_database_url: str, tmp_path: Path) -> Settings:
    return load_settings(
        with_running_stack=False,
        dotenv=tmp_path / "none.env",
        database_url=fresh_database_url,
        retention_raw_days=KEPT_DAYS,
    )


def kept(captured: list[PlainCapture]) -> list[PlainCapture]:
    return [each for each in captured if each.captured_at >= FIRST_KEPT_AT]


def drop(settings: Settings, *, patience_seconds: float = 0.5) -> list[OldDay]:
    with Database(settings.require_database_url(), patience_seconds) as database:
        return drop_old_days(database, datetime.now(UTC), settings.retention_raw_days, is_dry_run=False)


def assert_sound(settings: Settings, captured: list[PlainCapture]) -> None:
    """These captures are there and no others, and nothing of raw contradicts itself."""
    with connect(settings.require_database_url()) as connection:
        stored = connection.execute("select event_id, captured_at from raw.snapshots").fetchall()
        assert sorted(stored) == sorted((each.event_id, each.captured_at) for each in captured)
        assert read_back(connection, captured) == captured
        connection.execute("select raw.mark_stale('-infinity', 'infinity')")
        assert broken_invariants(settings.require_database_url()) == []
        roll_up(connection)


def test_what_is_left_reads_back_and_begins_anew(
    connection: psycopg.Connection[Any], settings: Settings, captured: list[PlainCapture]
) -> None:
    connection.execute(
        "insert into raw.known_bodies values (%s, 'm', 'e', %s), (%s, 'm', 'e', %s)",
        (GONE, TODAY - timedelta(days=5), STEADY, TODAY),
    )
    report = keep_house(settings)
    assert [day.day for day in report.dropped] == OLD_DAYS
    assert report.kept == []
    assert [day.captures for day in report.dropped] == [12, 8, 4, 4]
    assert all(day.bytes > 0 for day in report.dropped)
    assert_sound(settings, kept(captured))
    dropped = connection.execute("select * from raw.dropped_captures order by event_id").fetchall()
    newest = {each.event_id: each.captured_at for each in captured if each.captured_at < FIRST_KEPT_AT}
    assert dropped == [
        (STEADY, newest[STEADY], TODAY - timedelta(days=1)),
        (BACK_AGAIN, newest[BACK_AGAIN], TODAY - timedelta(days=1)),
        (GONE, newest[GONE], TODAY - timedelta(days=4)),
    ], "an event that only began later has lost nothing"
    assert connection.execute("select event_id from raw.known_bodies").fetchall() == [(STEADY,)]
    changes = "select change from raw.listing_changes(%s, %s, %s)"
    first = kept(captured)[0]
    told = connection.execute(changes, (first.event_id, first.captured_at, first.captured_at + timedelta(seconds=1)))
    assert [change for (change,) in told] == ["added"] * len(first.listings)


def test_twice_changes_nothing_and_a_dry_run_neither(connection: psycopg.Connection[Any], settings: Settings) -> None:
    before = contents(connection)
    foreseen = keep_house(settings, is_dry_run=True)
    assert contents(connection) == before
    done = keep_house(settings)
    assert (foreseen.old_days, foreseen.days_made) == (done.old_days, done.days_made)
    after = contents(connection)
    assert after != before
    again = keep_house(settings)
    assert (again.old_days, again.days_made) == ([], [])
    assert contents(connection) == after


def test_without_a_limit_nothing_is_dropped(connection: psycopg.Connection[Any], settings: Settings) -> None:
    before = connection.execute("select count(*) from raw.snapshots").fetchall()
    report = keep_house(settings.model_copy(update={"retention_raw_days": None}))
    assert report.old_days == []
    assert connection.execute("select count(*) from raw.snapshots").fetchall() == before


def known_of_parents(connection: psycopg.Connection[Any]) -> list[tuple[str, str, float]]:
    """Of which tables and columns the planner knows how many values they have, over all partitions."""
    return connection.execute(
        """
        select tablename, attname, n_distinct from pg_stats
        where schemaname = 'raw' and tablename in ('snapshots', 'keyframes') and inherited
        order by tablename, attname
        """
    ).fetchall()


@pytest.mark.parametrize("role", ["ticketmarts_loader", "ticketmarts_orchestrator"])
def test_the_planner_is_told_of_the_tables_as_a_whole(
    connection: psycopg.Connection[Any], settings: Settings, captured: list[PlainCapture], role: str
) -> None:
    url = make_conninfo(settings.require_database_url(), options=f"-c role={role}")
    settings = load_settings(
        with_running_stack=False,
        dotenv=settings.ticketmarts_home / "none.env",
        database_url=url,
        retention_raw_days=KEPT_DAYS,
    )
    keep_house(settings, is_dry_run=True)
    assert known_of_parents(connection) == []
    report = keep_house(settings)
    assert report.analyzed.tables == ("raw.snapshots", "raw.keyframes")
    assert report.analyzed.seconds > 0
    known = known_of_parents(connection)
    tables = ("keyframes", "snapshots")
    assert [row[:2] for row in known] == [(table, column) for table in tables for column in ("captured_at", "event_id")]
    # Of what is left after the old days have gone.
    rows = connection.execute("select reltuples from pg_class where oid = 'raw.snapshots'::regclass").fetchall()
    assert rows == [(len(kept(captured)),)]
    events = {each.event_id for each in kept(captured)}
    assert known[-1][2] == pytest.approx(-len(events) / len(kept(captured))), "as a share of the rows"


def test_partitions_are_made_ahead_once(connection: psycopg.Connection[Any], settings: Settings) -> None:
    with Database(settings.require_database_url()) as database:
        made = make_days_ahead(database, datetime.now(UTC), is_dry_run=False)
        assert made == [days_ago(-n) for n in range(1, DAYS_AHEAD + 1)]
        assert f"keyframes_{made[-1]:%Y%m%d}" in days_stored(connection)
        assert make_days_ahead(database, datetime.now(UTC), is_dry_run=False) == []


@pytest.mark.parametrize(
    ("event_id", "at", "waiting_day"),
    [
        # An hour of the day after, too: its flows begin in the day before, without which it could not be rolled up.
        pytest.param(STEADY, TODAY - timedelta(days=3) + timedelta(hours=7), days_ago(4), id="an-hour-of-the-next-day"),
        pytest.param(BACK_AGAIN, TODAY - timedelta(days=2), days_ago(6), id="the-first-hour-since"),
    ],
)
def test_a_day_waits_until_what_it_has_a_part_in_is_rolled_up(
    connection: psycopg.Connection[Any], settings: Settings, event_id: int, at: datetime, waiting_day: date
) -> None:
    connection.execute("insert into raw.stale_hours (event_id, hour_at) values (%s, %s)", (event_id, at))
    *dropped, waiting = drop(settings)
    assert [day.kept_because for day in dropped] == [None] * len(dropped)
    assert (waiting.day, waiting.kept_because) == (waiting_day, "1 hours that it has a part in are not rolled up yet")
    roll_up(connection)
    assert [day.day for day in (*dropped, *drop(settings))] == OLD_DAYS


def test_a_day_stays_while_an_event_has_only_just_come_back(
    connection: psycopg.Connection[Any], settings: Settings
) -> None:
    write(connection, [PlainCapture(GONE, datetime.now(UTC), ())])
    roll_up(connection)
    dropped, waiting = drop(settings)
    assert (dropped.day, dropped.kept_because) == (days_ago(6), None)
    assert (waiting.day, waiting.kept_because) == (days_ago(5), "1 events were captured next only lately")


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("select count(*) from raw.snapshots", id="reading"),
        pytest.param("select pg_advisory_xact_lock(hashtext('ticketmarts.build'))", id="building"),
        pytest.param(f"select from raw.heads where event_id = {STEADY} for update", id="writing"),
    ],
)
def test_a_day_in_use_stays_for_now(
    connection: psycopg.Connection[Any], settings: Settings, captured: list[PlainCapture], statement: str
) -> None:
    before = contents(connection)
    with connection.transaction():
        connection.execute(statement.encode())
        (day,) = drop(settings)
    assert day.kept_because == "it is in use: canceling statement due to lock timeout"
    assert contents(connection) == before
    assert [each.kept_because for each in drop(settings)] == [None] * 4
    assert_sound(settings, kept(captured))


def test_only_the_oldest_day_and_none_that_is_not_over_can_be_dropped(connection: psycopg.Connection[Any]) -> None:
    for day, refusal in ((days_ago(5), "the oldest is dropped first"), (days_ago(0), "is not over")):
        with pytest.raises(psycopg.errors.RaiseException, match=refusal):
            connection.execute("select raw.drop_day(%s)", (day,))


def test_an_event_goes_on_after_its_newest_capture_was_dropped(
    connection: psycopg.Connection[Any], settings: Settings, captured: list[PlainCapture]
) -> None:
    remembering = SnapshotWriter(connection)
    again = [PlainCapture(GONE, TODAY + timedelta(minutes=n), captured[n].listings) for n in range(3)]
    drop(settings)
    for writer, each in zip((remembering, SnapshotWriter(connection), remembering), again, strict=True):
        writer.write([capture(each)])
    assert_sound(settings, sorted(kept(captured) + again, key=lambda each: each.captured_at))


def test_older_captures_may_come_in_after_their_day_was_dropped_and_go_again(
    connection: psycopg.Connection[Any], settings: Settings, captured: list[PlainCapture]
) -> None:
    writer = SnapshotWriter(connection)
    late = [
        PlainCapture(event_id, TODAY - timedelta(days=days) + timedelta(seconds=30), captured[0].listings)
        for event_id in (STEADY, BACK_AGAIN, NEW, 5)
        for days in (4, 2)
    ]
    # The writer that has seen the partitions does not know that they have gone.
    writer.write([capture(each) for each in captured])
    drop(settings)
    writer.write([capture(each) for each in late])
    in_order = sorted(kept(captured) + late, key=lambda each: (each.captured_at, each.event_id))
    assert_sound(settings, in_order)
    drop(settings)
    assert_sound(settings, kept(in_order))


def test_who_writes_and_who_reads_meanwhile_loses_nothing(
    connection: psycopg.Connection[Any], settings: Settings, captured: list[PlainCapture]
) -> None:
    """Older captures come into days that go, days that stay, and between; others read all the while."""
    late = [
        PlainCapture(event_id, TODAY - timedelta(days=days) + timedelta(minutes=17 * n, seconds=30), each.listings)
        for n, each in enumerate(captured[:8])
        for days in (4, 3, 2, 1)
        for event_id in (STEADY, NEW, 5)
    ]
    done = threading.Event()

    def come_in() -> None:
        with Database(settings.require_database_url()) as database:
            writer = SnapshotWriter(database.connection)
            for start in range(0, len(late), 8):
                batch = [capture(each) for each in late[start : start + 8]]
                database.run(lambda _, batch=batch: writer.write(batch))

    def look() -> int:
        looks, newest = 0, captured[-1]
        with connect(settings.require_database_url()) as reader:
            while not done.is_set():
                # Whoever has a capture has its book: no day is half there.
                assert not reader.execute(HALF_A_DAY).fetchall()
                # Two that take their locks in opposite order.
                assert read_back(reader, [newest]) == [newest]
                assert read_books(reader, [(newest.event_id, newest.captured_at)])
                looks += 1
        return looks

    with ThreadPoolExecutor(3) as threads:
        writing, reading = threads.submit(come_in), threads.submit(look)
        while not writing.done():
            roll_up(connection)
            drop(settings, patience_seconds=5)
        writing.result()
        done.set()
        assert reading.result() > 0
    roll_up(connection)
    drop(settings, patience_seconds=5)
    assert_sound(settings, sorted(kept(captured + late), key=lambda each: (each.captured_at, each.event_id)))
    assert deadlocks(settings.require_database_url()) == 0
    assert set(days_stored(connection)) == {
        f"{parent}_{days_ago(days):%Y%m%d}" for days in (2, 1, 0) for parent in ("snapshots", "keyframes")
    }


def test_killed_at_any_time_it_leaves_whole_days_and_goes_on(
    fresh_database_url: str, settings: Settings, captured: list[PlainCapture], tmp_path: Path
) -> None:
    first_days = {each.captured_at.date() for each in captured}
    with closing(Ticketmarts(fresh_database_url, "http://127.0.0.1:1", tmp_path, RETENTION_RAW_DAYS="2")) as command:
        running = command.start("housekeeping")
        with connect(fresh_database_url) as connection:
            while running.is_running and len(days_stored(connection)) > 2 * len(first_days) - 2:
                pass
            running.kill()
            left = sorted({int(name[-8:]) for name in days_stored(connection)})
            assert_sound(settings, [each for each in captured if int(f"{each.captured_at:%Y%m%d}") >= left[0]])
            # It may make days ahead before, and then is killed while it drops.
            said = command.start("housekeeping", "--json").finish()
            report = orjson.loads(said[said.index("{") : said.rindex("}") + 1])
            assert report["dagster_runs"] is None
            assert [day["kept_because"] for day in report["old_days"]] == [None] * len(report["old_days"])
            assert_sound(settings, kept(captured))
