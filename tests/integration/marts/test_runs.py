"""What a run of the models does to what is there: nothing where nothing changed, and only what changed otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stack.postgres_cluster import PostgresServer
from tests.integration.marts.conftest import copied_database, opened_warehouse
from tests.integration.marts.markets import DifficultMarket, line, ticket
from tests.integration.marts.warehouse import Dbt, Line, Warehouse

EVENTS = (21, 22)
STARTS_AT = datetime(2026, 3, 28, 6, 0, tzinfo=UTC)
WINDOWED = ("event_hourly", "event_daily", "zone_hourly", "section_daily")
FOLLOWING = (*WINDOWED, "event_latest", "listing_lifecycle")
MARTS = (
    *FOLLOWING,
    *("dim_events", "dim_venues", "dim_zones", "dim_sections", "dim_performers", "event_performers"),
)


@pytest.fixture(scope="module")
def market() -> list[Line]:
    """Two events of some forty captures each, in time order."""
    lines = [line for event_id in EVENTS for line in DifficultMarket(event_id, event_id, captures=40).lines()]
    return sorted(lines, key=lambda line: line["captured_at"])


@pytest.fixture(scope="module")
def built_database_url(
    postgres_server: PostgresServer,
    database_url: str,
    dbt: Dbt,
    market: list[Line],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """A database with the whole market in its marts."""
    folder = tmp_path_factory.mktemp("recordings")
    with opened_warehouse(postgres_server, database_url, dbt, folder) as warehouse:
        performer = {"id": 7, "name": "Sharks", "category": {"id": 3, "name": "Sports"}, "master": True}
        warehouse.announce(EVENTS[0], starts_at=STARTS_AT, performers=[performer])
        warehouse.record(market)
        warehouse.build()
        assert warehouse.stale_hours() == 0
    return database_url


@pytest.fixture
def built(postgres_server: PostgresServer, built_database_url: str, dbt: Dbt, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse with the whole market in its marts, for one test alone."""
    with (
        copied_database(postgres_server, built_database_url) as copy,
        opened_warehouse(postgres_server, copy, dbt, tmp_path) as warehouse,
    ):
        yield warehouse


def test_building_twice_writes_nothing(built: Warehouse) -> None:
    before = _written(built, *MARTS)
    relations = _relations(built)

    built.build()
    _mark_everything(built)
    built.build()

    assert _written(built, *MARTS) == before
    assert _relations(built) == relations
    assert built.stale_hours() == 0


def test_a_build_tells_who_keeps_answers(built: Warehouse) -> None:
    with psycopg.connect(built.database_url, autocommit=True) as listening:
        listening.execute("listen ticketmarts_built")  # as supabase/api/schema_watch.mjs does
        built.build()
        told = [notify.channel for notify in listening.notifies(timeout=30, stop_after=1)]
    assert told == ["ticketmarts_built"]


def test_the_session_time_zone_changes_nothing(built: Warehouse) -> None:
    before = _written(built, *MARTS)

    _mark_everything(built)
    built.build(session={"PGTZ": "Asia/Kathmandu"})

    assert _written(built, *MARTS) == before


def test_late_captures_change_their_events_windows_and_no_others(
    fresh_warehouse: Warehouse, market: list[Line]
) -> None:
    of_first = [number for number, line in enumerate(market) if line["event_id"] == EVENTS[0]]
    late = {of_first[number] for number in (3, 4, 17, 25)}
    fresh_warehouse.record([line for number, line in enumerate(market) if number not in late])
    fresh_warehouse.build()
    before = _written(fresh_warehouse, *FOLLOWING)

    fresh_warehouse.record([line for number, line in enumerate(market) if number in late])
    stale = {
        (row["event_id"], row["hour_at"])
        for row in fresh_warehouse.rows("select event_id, hour_at from raw.stale_hours")
    }
    report = fresh_warehouse.build()

    changed = _written(fresh_warehouse, *FOLLOWING) ^ before
    assert changed
    assert {event_id for _, event_id, _, _ in changed} == {EVENTS[0]}
    assert {mart for mart, *_ in changed} >= {*WINDOWED, "listing_lifecycle"}
    assert {(event_id, at) for mart, event_id, at, _ in changed if mart in {"event_hourly", "zone_hourly"}} <= stale
    assert report.states["event_hourly"] == "success"
    with _unchanged_by_a_full_refresh(fresh_warehouse):
        pass


def test_a_start_that_moves_changes_what_counts_as_sold(built: Warehouse) -> None:
    sold = "select sum(tickets_sold_est) from marts.event_daily where event_id = %s"
    before = built.value(sold, [EVENTS[0]])
    first_captured_at = built.value(
        "select min(first_captured_at) from marts.event_daily where event_id = %s", [EVENTS[0]]
    )

    built.announce(EVENTS[0], starts_at=first_captured_at)
    built.build()

    assert before > 0
    assert built.value(sold, [EVENTS[0]]) == 0
    assert built.stale_hours() == 0
    assert built.value("select starts_at from public.events where event_id = %s", [EVENTS[0]]) == first_captured_at
    with _unchanged_by_a_full_refresh(built):
        pass


def test_a_start_that_moves_changes_how_listings_ended(built: Warehouse) -> None:
    ends = "select ended_as, count(*) from marts.listing_lifecycle where event_id = %s group by ended_as"
    ended = {}
    for start, moved in (("after everything", timedelta(days=30)), ("before everything", timedelta(days=-30))):
        built.announce(EVENTS[0], starts_at=STARTS_AT + moved)
        built.build()
        ended[start] = {row["ended_as"]: row["count"] for row in built.rows(ends, [EVENTS[0]])}

    after, before = ended["after everything"], ended["before everything"]
    assert after["sold_est"] > 0
    assert "expired" not in after
    assert before == {("expired" if end == "sold_est" else end): count for end, count in after.items()}
    with _unchanged_by_a_full_refresh(built):
        pass


def test_a_capture_that_changes_nothing_writes_no_life(built: Warehouse, market: list[Line]) -> None:
    before = _written(built, "listing_lifecycle")
    newest = [line for line in market if line["event_id"] == EVENTS[1]][-1]
    at = datetime.fromisoformat(newest["captured_at"])

    built.record([{**newest, "captured_at": (at + timedelta(minutes=minutes)).isoformat()} for minutes in (1, 2)])
    built.build()

    assert _written(built, "listing_lifecycle") == before
    with _unchanged_by_a_full_refresh(built):
        pass


def test_a_late_capture_corrects_lives_over_midnight(fresh_warehouse: Warehouse) -> None:
    midnight = datetime(2026, 3, 28, tzinfo=UTC)
    minutes = {-30: "20.00", -20: "20.00", 10: None, 20: None}
    captures = {
        minute: line(EVENTS[0], midnight + timedelta(minutes=minute), [ticket("VB1", price)] if price else [])
        for minute, price in minutes.items()
    }
    life = "select lowest_price, last_price, last_seen_at, gone_at from marts.listing_lifecycle"
    fresh_warehouse.record(captures.values())
    fresh_warehouse.build()
    assert fresh_warehouse.rows(life) == [
        {
            "lowest_price": 20,
            "last_price": 20,
            "last_seen_at": midnight - timedelta(minutes=20),
            "gone_at": midnight + timedelta(minutes=10),
        }
    ]

    seen_later = line(EVENTS[0], midnight - timedelta(minutes=10), [ticket("VB1", "15.00")])
    missed_before = line(EVENTS[0], midnight - timedelta(minutes=5), [])
    for late, gone_at in (
        (seen_later, midnight + timedelta(minutes=10)),
        (missed_before, midnight - timedelta(minutes=5)),
    ):
        fresh_warehouse.record([late])
        fresh_warehouse.build()
        assert fresh_warehouse.rows(life) == [
            {
                "lowest_price": 15,
                "last_price": 15,
                "last_seen_at": midnight - timedelta(minutes=10),
                "gone_at": gone_at,
            }
        ]
    with _unchanged_by_a_full_refresh(fresh_warehouse):
        pass


def test_zones_and_sections_follow_the_seating_that_captures_bring(built: Warehouse, market: list[Line]) -> None:
    names = "select zone_id, zone_name from marts.dim_zones where event_id = %s order by zone_id"
    assert [tuple(row.values()) for row in built.rows(names, [EVENTS[0]])] == [("401890", "Loge")]
    of_event = [datetime.fromisoformat(each["captured_at"]) for each in market if each["event_id"] == EVENTS[0]]
    untouched = {row for row in _written(built, "dim_zones", "dim_sections") if row[1] != EVENTS[0]}

    def seated(at: datetime, name: str, *more: dict[str, str]) -> Line:
        capture = line(EVENTS[0], at, [ticket("VB1", "20.00")])
        return {**capture, "body": {**capture["body"], "groups": [{"i": "401890", "n": name}, *more]}}

    built.record([seated(of_event[-1] + timedelta(minutes=10), "Loges", {"i": "9", "n": "Pit"})])
    built.build()
    assert [tuple(row.values()) for row in built.rows(names, [EVENTS[0]])] == [("401890", "Loges"), ("9", "Pit")]
    # An older word that comes in late is not the newest; a zone that only it knows is one nevertheless.
    built.record([seated(of_event[0] - timedelta(days=1), "Lodge", {"i": "8", "n": "Loft"})])
    built.build()
    assert [tuple(row.values()) for row in built.rows(names, [EVENTS[0]])] == [
        ("401890", "Loges"),
        ("8", "Loft"),
        ("9", "Pit"),
    ]
    assert untouched < _written(built, "dim_zones", "dim_sections")
    with _unchanged_by_a_full_refresh(built):
        pass


def test_windows_that_are_no_longer_true_vanish(built: Warehouse) -> None:
    last_hour = built.value("select max(hour) from marts.event_hourly where event_id = %s", [EVENTS[0]])
    is_ghost = [EVENTS[0], last_hour]
    before = built.rows("select * from marts.event_latest where event_id = %s", [EVENTS[0]])

    built.execute("delete from raw.snapshots where event_id = %s and captured_at >= %s", is_ghost)
    built.execute("delete from raw.keyframes where event_id = %s and captured_at >= %s", is_ghost)
    built.execute("insert into raw.stale_hours (event_id, hour_at) values (%s, %s)", is_ghost)
    built.build()

    assert built.rows("select * from marts.event_hourly where event_id = %s and hour >= %s", is_ghost) == []
    assert built.rows("select * from marts.event_latest where event_id = %s", [EVENTS[0]]) != before
    with _unchanged_by_a_full_refresh(built):
        pass


def test_an_event_without_a_capture_left_has_no_row_left(built: Warehouse) -> None:
    built.execute("select raw.mark_stale('-infinity', 'infinity')")
    built.execute("delete from raw.snapshots where event_id = %s", [EVENTS[0]])
    built.execute("delete from raw.keyframes where event_id = %s", [EVENTS[0]])
    built.build()

    for mart in FOLLOWING:
        assert {row["event_id"] for row in built.rows(f"select event_id from marts.{mart}")} == {EVENTS[1]}
    assert built.stale_hours() == 0


def test_a_capture_that_lands_during_a_run_is_not_missed(built: Warehouse) -> None:
    newest = built.value("select captured_at from marts.event_latest where event_id = %s", [EVENTS[0]])
    _mark_everything(built)

    def land_after(model: str, minutes: int) -> Any:
        at = newest + timedelta(minutes=minutes)
        return lambda: built.record([line(EVENTS[0], at, [ticket(f"VB{minutes}", "19.00")])]), model

    for minutes, model in enumerate(("int_captures", "event_hourly"), start=1):
        land, after = land_after(model, minutes)
        _mark_everything(built)
        built.build_meanwhile(after, land)
        assert built.stale_hours() == 1, model

    built.build()
    assert built.stale_hours() == 0
    assert built.value("select get_in from public.event_live where event_id = %s", [EVENTS[0]]) == 19
    with _unchanged_by_a_full_refresh(built):
        pass


def test_another_runs_claims_are_not_cleared(built: Warehouse) -> None:
    _mark_everything(built)
    marks = built.stale_hours()

    built.build_meanwhile(
        "event_hourly", lambda: built.execute("update intermediate.int_claimed_marks set invocation_id = ''")
    )

    assert built.stale_hours() == marks


@pytest.mark.parametrize("selection", ["event_hourly", "+event_hourly"])
def test_a_run_of_some_models_clears_nothing_and_says_so(built: Warehouse, selection: str) -> None:
    _mark_everything(built)
    marks = built.stale_hours()

    report = built.build(f"--select={selection}")

    assert report.has_said("The ledger keeps its marks")
    assert built.stale_hours() == marks


def test_a_run_in_which_a_model_fails_clears_nothing(built: Warehouse) -> None:
    _mark_everything(built)
    marks = built.stale_hours()
    built.execute("alter table marts.event_daily add column surprise integer")

    report = built.dbt("run")

    assert not report.succeeded
    assert report.states["event_hourly"] == "success"
    assert report.states["event_daily"] == "error"
    assert built.stale_hours() == marks


def test_a_long_history_is_built_a_piece_a_run_and_the_newest_first(
    fresh_warehouse: Warehouse, market: list[Line]
) -> None:
    fresh_warehouse.record(market)
    hours = fresh_warehouse.stale_hours()
    runs = 3
    a_piece = f"--vars={{max_stale_hours: {-(-hours // runs)}}}"

    fresh_warehouse.build(a_piece)
    built = fresh_warehouse.value("select min(hour) from marts.event_hourly")
    left = fresh_warehouse.value("select max(hour_at) from raw.stale_hours")
    assert built.date() >= left.date()
    for _ in range(runs - 1):
        fresh_warehouse.build(a_piece)

    assert fresh_warehouse.stale_hours() == 0
    with _unchanged_by_a_full_refresh(fresh_warehouse):
        pass


def _change_a_price(warehouse: Warehouse) -> tuple[int, str]:
    """A capture that differs from the one before it in one price; whose it is."""
    event_id, newest = EVENTS[0], "select captured_at from marts.event_latest where event_id = %s"
    at = warehouse.value(newest, [EVENTS[0]]) + timedelta(minutes=1)
    book = [ticket("VB-steady", "30.00"), ticket("VB-moved", "40.00")]
    warehouse.record([line(event_id, at, book)])
    warehouse.build()
    warehouse.record([line(event_id, at + timedelta(minutes=1), [book[0], ticket("VB-moved", "41.00")])])
    return event_id, "VB-moved"


def _listed(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in warehouse.rows("select * from intermediate.int_changed_listings")]


def test_of_all_lives_only_those_are_looked_at_whose_days_have_changed(built: Warehouse) -> None:
    built.build()
    moved = _change_a_price(built)
    assert _listed(built) == []
    built.build("--select=+int_listing_days")
    assert _listed(built) == [moved]
    built.build()
    assert _listed(built) == []
    with _unchanged_by_a_full_refresh(built):
        pass


def test_lives_follow_after_a_run_that_broke_off_between_days_and_lives(built: Warehouse) -> None:
    moved = _change_a_price(built)
    built.execute("alter table marts.listing_lifecycle add column surprise integer")
    assert not built.dbt("run").succeeded
    assert _listed(built) == [moved]
    built.execute("alter table marts.listing_lifecycle drop column surprise")
    # The list alone brings the next run there: the days have been built.
    built.execute("delete from raw.stale_hours")
    built.build()
    assert _listed(built) == []
    with _unchanged_by_a_full_refresh(built):
        pass


@pytest.mark.parametrize("table", ["int_changed_listings", "int_listing_days"])
def test_lives_are_right_again_where_the_list_or_the_days_are_made_anew(built: Warehouse, table: str) -> None:
    """As after an upgrade from a release without the list, and after a drop by hand."""
    with _unchanged_by_a_full_refresh(built):
        built.execute(f"drop table intermediate.{table} cascade")
        built.execute("update marts.listing_lifecycle set price_changes = 99")
        _mark_everything(built)
        built.build()
        built.build()
        assert not built.value("select count(*) from marts.listing_lifecycle where price_changes = 99")


def test_a_full_refresh_builds_everything_without_a_mark(built: Warehouse) -> None:
    built.execute("delete from raw.stale_hours")
    with _unchanged_by_a_full_refresh(built):
        built.execute(f"truncate {', '.join(f'marts.{mart}' for mart in (*FOLLOWING, 'dim_events'))}")
        built.execute("truncate intermediate.int_listing_days")
        built.execute("insert into marts.dim_venues (venue_id, venue_name) values (1, 'No event names it')")


def test_a_table_that_was_dropped_comes_back_with_all_that_hangs_on_it(built: Warehouse) -> None:
    with _unchanged_by_a_full_refresh(built):
        built.execute("drop table marts.event_hourly, marts.event_latest, marts.dim_events cascade")
        built.execute("drop table marts.zone_hourly, marts.listing_lifecycle cascade")
        built.execute("drop table intermediate.int_windows cascade")
    assert built.rows("select * from public.aggregated_analytics")
    assert built.rows("select * from public.event_live")


def _mark_everything(warehouse: Warehouse) -> None:
    warehouse.execute("select raw.mark_stale('-infinity', 'infinity')")


def _written(warehouse: Warehouse, *marts: str) -> set[tuple[Any, ...]]:
    """The rows of marts with the transaction that wrote each, as (mart, event, hour or day, rest)."""
    return {
        (mart, row.get("event_id"), row.get("hour", row.get("day")), tuple(row.values()))
        for mart in marts
        for row in warehouse.rows(f"select xmin::text, * from marts.{mart}")
    }


def _relations(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every table and view that dbt makes, by the number it got when it was created."""
    return warehouse.rows(
        """
        select c.oid, c.relname from pg_class as c
        where c.relnamespace::regnamespace::text in ('staging', 'intermediate', 'marts', 'public')
        order by 1
        """
    )


@contextmanager
def _unchanged_by_a_full_refresh(warehouse: Warehouse) -> Iterator[None]:
    """Every row is the same after the block and a full refresh as it was before."""
    contents = {f"marts.{mart}": f"select * from marts.{mart} order by 1, 2, 3" for mart in MARTS}
    contents["days"] = "select * from intermediate.int_listing_days order by 1, 2, 3"
    before = {mart: warehouse.rows(query) for mart, query in contents.items()}
    yield
    warehouse.build("--full-refresh")
    assert {mart: warehouse.rows(query) for mart, query in contents.items()} == before
