"""Realtime: marts.event_latest stays in the publication whatever happens to it, and a subscriber hears of a scrape."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.database import Database
from ingestion.importing import import_recordings
from tests.integration.hosted.conftest import PIPELINE_ROLES, HostedProject
from tests.integration.marts.markets import line, ticket
from tests.integration.marts.warehouse import Dbt, DbtReport

LOADER, TRANSFORMER, ORCHESTRATOR = PIPELINE_ROLES
EVENT_ID = 31
TABLE = "marts.event_latest"
MEMBERS = "select schemaname || '.' || tablename from pg_publication_tables where pubname = 'supabase_realtime'"
FIRST_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@dataclass
class Feed:
    """A built project, and what tests do to it."""

    project: HostedProject
    dbt: Dbt
    folder: Path

    def capture(self, at: datetime, price: str) -> None:
        """Bring in one capture, as the loader."""
        recording = self.folder / "recording.jsonl"
        recording.write_text(json.dumps(line(EVENT_ID, at, [ticket("VB1", price)])) + "\n")
        with Database(self.project.url(LOADER)) as database:
            import_recordings(database, [recording], interval_seconds=1200)

    def build(self, *arguments: str) -> DbtReport:
        """One dbt run, as the transformer, logged in as Dagster."""
        report = self.dbt.run(self.project.url(ORCHESTRATOR), "run", *arguments)
        assert report.succeeded, report.messages[-5:]
        return report

    def build_table(self) -> DbtReport:
        """Only the published table."""
        return self.build("--select", "event_latest")

    def sql(self, statement: str) -> list[Any]:
        """Whatever it takes, from above."""
        with psycopg.connect(self.project.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def feed(project: HostedProject, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Feed:
    """One event, captured once and built."""
    made = Feed(project, dbt, tmp_path_factory.mktemp("feed"))
    made.capture(FIRST_AT, "20.00")
    made.build()
    return made


@pytest.fixture
def other_publication(feed: Feed) -> Iterator[None]:
    """For a test that puts another publication in the place of the project's."""
    owner = feed.sql("select pubowner::regrole::text from pg_publication")[0][0]
    feed.sql("drop publication supabase_realtime")
    yield
    feed.sql("drop publication if exists supabase_realtime")
    feed.sql(f"create publication supabase_realtime; alter publication supabase_realtime owner to {owner}")


def test_a_subscriber_hears_of_a_scrape_when_it_is_built(feed: Feed) -> None:
    feed.sql("select pg_create_logical_replication_slot('subscriber', 'pgoutput')")
    try:
        feed.capture(FIRST_AT + timedelta(minutes=20), "35.00")
        feed.build()
        feed.build_table()  # nothing has changed: nobody is told
        heard = feed.sql(
            "select data from pg_logical_slot_get_binary_changes('subscriber', null, null,"
            " 'proto_version', '1', 'publication_names', 'supabase_realtime')"
        )
    finally:
        feed.sql("select pg_drop_replication_slot('subscriber')")
    changes = list(_changes(data for (data,) in heard))
    assert {relation for relation, _, _ in changes} == {TABLE}
    # A row that changed is replaced: the deletion tells the key, the insertion the whole row.
    assert [kind for _, kind, _ in changes] == ["D", "I"]
    assert changes[0][2]["event_id"] == str(EVENT_ID)
    assert changes[0][2]["get_in"] is None
    assert (changes[1][2]["event_id"], changes[1][2]["get_in"]) == (str(EVENT_ID), "35.00")


def test_the_table_is_in_the_publication_also_after_a_full_refresh_and_made_anew(feed: Feed) -> None:
    assert feed.sql(MEMBERS) == [(TABLE,)]
    before = feed.sql(f"select '{TABLE}'::regclass::oid, prrelid from pg_publication_rel")
    feed.build("--full-refresh", "--select", "event_latest")
    assert feed.sql(f"select '{TABLE}'::regclass::oid, prrelid from pg_publication_rel") == before

    # As a migration does that gives the table other columns.
    with psycopg.connect(feed.project.url()) as connection:
        connection.execute(f"drop table {TABLE} cascade".encode())
    assert feed.sql(MEMBERS) == []
    feed.build_table()
    assert feed.sql(MEMBERS) == [(TABLE,)]


def test_the_table_is_as_realtime_wants_it(feed: Feed) -> None:
    """A key to find the row by, which deletions publish, and rights of the roles in whose name it asks."""
    assert feed.sql(
        f"""
        select c.relreplident::text, i.indisprimary, c.relrowsecurity
        from pg_class as c inner join pg_index as i on c.oid = i.indrelid and i.indisprimary
        where c.oid = '{TABLE}'::regclass
        """
    ) == [("d", True, True)]
    for role in ("anon", "authenticated"):
        with psycopg.connect(feed.project.superuser_url) as connection:
            connection.execute(f"set role {role}".encode())
            assert connection.execute(f"select event_id from {TABLE}".encode()).fetchall() == [(EVENT_ID,)]


@pytest.mark.usefixtures("other_publication")
def test_without_a_publication_nothing_happens(feed: Feed) -> None:
    report = feed.build_table()
    assert feed.sql(MEMBERS) == []
    assert not report.has_said("supabase_realtime")


@pytest.mark.usefixtures("other_publication")
def test_a_publication_of_all_tables_is_left_alone(feed: Feed) -> None:
    feed.sql("create publication supabase_realtime for all tables")
    report = feed.build_table()
    assert feed.sql("select puballtables from pg_publication") == [(True,)]
    assert not report.has_said("supabase_realtime")


@pytest.mark.usefixtures("other_publication")
def test_a_publication_of_somebody_else_is_told_of_with_the_line_that_helps(feed: Feed) -> None:
    feed.sql("create publication supabase_realtime")
    report = feed.build_table()
    assert feed.sql(MEMBERS) == []
    remedy = f"alter publication supabase_realtime add table {TABLE};"
    assert report.has_said(remedy)

    feed.sql(remedy)
    assert not feed.build_table().has_said("supabase_realtime")


def _changes(messages: Iterator[bytes]) -> Iterator[tuple[str, str, dict[str, str | None]]]:
    """Relation, kind (I, U, D) and columns of every change in pgoutput's messages, protocol version 1."""
    relations: dict[int, tuple[str, list[str]]] = {}
    for message in messages:
        kind, rest = message[:1].decode(), message[1:]
        if kind == "R":
            (oid,) = struct.unpack_from("!I", rest)
            schema, _, rest = rest[4:].partition(b"\0")
            table, _, rest = rest.partition(b"\0")
            (count,) = struct.unpack_from("!h", rest, 1)
            rest = rest[3:]
            columns = []
            for _ in range(count):
                name, _, rest = rest[1:].partition(b"\0")
                columns.append(name.decode())
                rest = rest[8:]
            relations[oid] = (f"{schema.decode()}.{table.decode()}", columns)
        elif kind in "IUD":
            (oid,) = struct.unpack_from("!I", rest)
            relation, columns = relations[oid]
            yield relation, kind, dict(zip(columns, _values(rest[5:]), strict=True))


def _values(tuple_data: bytes) -> list[str | None]:
    """Texts of a row; None where it is null or, in a deletion, no part of the key."""
    (count,) = struct.unpack_from("!h", tuple_data)
    values: list[str | None] = []
    rest = tuple_data[2:]
    for _ in range(count):
        kind, rest = rest[:1], rest[1:]
        if kind != b"t":
            values.append(None)
            continue
        (length,) = struct.unpack_from("!I", rest)
        values.append(rest[4 : 4 + length].decode())
        rest = rest[4 + length :]
    return values
