"""A build that is cut off, by its database or by its own end, leaves the marts to the next one, which mends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ingestion.database import connect
from stack.migrations import apply_migrations
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres
from tests.integration.healing.waiting import wait_for
from tests.integration.resilience.commands import Ticketmarts
from tests.integration.resilience.crashing import CRASHES, CrashingPostgres
from tests.integration.resilience.market import recorded_lines

pytestmark = pytest.mark.timeout(900)
EVENTS, ROUNDS = 3, 24
DISTURBED, UNDISTURBED = "disturbed", "undisturbed"
_FALSE_CAPTURES = 1000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with throw_away_postgres(is_durable=True) as server:
        yield server


@pytest.fixture
def builds(server: PostgresServer, live_events: list[int], tmp_path: Path) -> Iterator[Callable[[str], Ticketmarts]]:
    """The command for either of two databases with the same captures and no marts."""
    started: list[Ticketmarts] = []

    def command(database: str) -> Ticketmarts:
        (tmp_path / database).mkdir(exist_ok=True)
        started.append(Ticketmarts(server.url(database), "http://127.0.0.1:1", tmp_path / database))
        return started[-1]

    _create(server, DISTURBED)
    apply_migrations(server.url(DISTURBED))
    recording = tmp_path / "history.jsonl"
    recording.write_bytes(b"".join(recorded_lines(live_events[:EVENTS], ROUNDS)))
    command(DISTURBED).start("import", recording).finish()
    _create(server, UNDISTURBED, template=DISTURBED)
    yield command
    for each in started:
        each.close()


def _create(server: PostgresServer, name: str, template: str = "template1") -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        statement = sql.SQL("create database {} template {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def test_marts_after_crashes_are_those_of_an_undisturbed_build(
    server: PostgresServer, builds: Callable[[str], Ticketmarts]
) -> None:
    disturbed, postgres = builds(DISTURBED), CrashingPostgres(server)
    url = disturbed.database_url
    marked = _stale(url)
    assert marked == EVENTS * ROUNDS // 6

    # The database crashes when some models are built and others are not.
    building = disturbed.start("build")
    wait_for("the first mart is there", lambda: _has_table(url, "marts.event_hourly"))
    postgres.crash(CRASHES[0])
    said = building.finish(status=1)
    assert "dbt build failed" in said
    postgres.recover()
    assert not _has_table(url, "public.event_live"), "it was no test: all was built before the crash"
    assert _stale(url) == marked

    # The builder is killed in the middle; dbt, which it has started, is not, and goes on beside the next one.
    with connect(url) as connection:
        connection.execute("update marts.event_hourly set captures = captures + %s", (_FALSE_CAPTURES,))
    building = disturbed.start("build")
    wait_for("the first mart is right again", lambda: not _is_false(url))
    building.kill()
    disturbed.start("build").finish()

    builds(UNDISTURBED).start("build").finish()
    assert _stale(url) == 0
    marts = _marts(url)
    assert len(marts["marts.event_hourly"]) == marked
    assert marts == _marts(server.url(UNDISTURBED))


def _stale(url: str) -> int:
    with connect(url) as connection:
        return connection.execute("select from raw.stale_hours").rowcount


def _has_table(url: str, name: str) -> bool:
    with connect(url) as connection:
        return connection.execute("select to_regclass(%s) is not null", (name,)).fetchall() == [(True,)]


def _is_false(url: str) -> bool:
    with connect(url) as connection:
        false = "select from marts.event_hourly where captures >= %s"
        return bool(connection.execute(false, (_FALSE_CAPTURES,)).rowcount)


def _marts(url: str) -> dict[str, list[str]]:
    """Every row of every mart."""
    with connect(url) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'marts'"
        ).fetchall()
        return {
            table: sorted(row for (row,) in connection.execute(f"select to_jsonb(t)::text from {table} as t".encode()))
            for (table,) in tables
        }
