"""The pipeline by its least-privileged roles: what each does, what it may not, on every PostgreSQL that counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import yaml
import zstandard
from pydantic import SecretStr

from ingestion.alerts import Problem, evaluate
from ingestion.alerts.channels import Webhook
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import Database, connect
from ingestion.housekeeping.keeping import keep_house
from ingestion.importing import import_recordings
from ingestion.marketplace import open_marketplace
from ingestion.monitoring.reading import read_numbers
from ingestion.quarantine.items import Selection, list_keys
from ingestion.quarantine.retrying import retry
from ingestion.scraping import scrape_round
from ingestion.settings import PROJECT_FOLDER, Settings, load_settings
from ingestion.snapshots import read_snapshot
from ingestion.status import read_status
from ingestion.tracking import load_plan, track, update_tracking
from orchestration.dbt_project_files import BUILD_ARGUMENTS
from sandbox.catalogue import featured_events
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record
from sandbox.server import app_of
from stack.errors import StackError
from stack.migrations import bring_up_to_date, check_advisors
from stack.supabase_cli import run_cli
from tests.integration.codec.markets import PlainCapture, capture
from tests.integration.hosted.conftest import OWNER, PIPELINE_ROLES, HostedProject
from tests.integration.ingestion.marketplaces import RememberingSandbox, listings_of, serving
from tests.integration.marts.test_access import OF_ROLES, READABLE
from tests.integration.marts.warehouse import Dbt
from tests.unit.ingestion.bodies import EVENT_ID, listings_body, tickets

LOADER, TRANSFORMER, ORCHESTRATOR = PIPELINE_ROLES
SCHEMAS_OF_DBT = ("staging", "intermediate", "marts", "public")
CLOSED_HOURS = "select to_jsonb(a) from public.aggregated_analytics as a where is_final order by event_id, hour"
MIGRATIONS = PROJECT_FOLDER / "supabase" / "migrations"
SCHEMA_OF_OTHERS = "private"
"""Of a table that a test makes, and that nobody of the pipeline may read."""
TABLES_OF_MILLIONS = (
    "int_listing_flows",
    "int_listing_states",
    "int_part_books",
    "int_part_states",
    "int_window_states",
)
"""Emptied and refilled by every run, without a key: an index of as many rows would take longer than what reads them."""


@dataclass
class Pipeline:
    """A project that the pipeline has worked in, and a way to look at it from above."""

    project: HostedProject
    settings: dict[str, Settings]
    dbt: Dbt
    event_ids: list[int]
    bodies: dict[int, dict[str, bytes]]
    """By event and instant, the bodies that were recorded."""

    def rows(self, query: str) -> list[Any]:
        """What a superuser sees."""
        with psycopg.connect(self.project.superuser_url, options="-c timezone=UTC") as connection:
            return connection.execute(query.encode()).fetchall()

    def build(self, role: str, *arguments: str) -> None:
        """One whole dbt build, data tests included."""
        report = self.dbt.run(self.project.url(role), *BUILD_ARGUMENTS, *arguments)
        assert report.succeeded, (report.states, report.messages[-5:])
        assert not {state for state in report.states.values() if state in {"error", "fail", "warn", "skipped"}}, report


@pytest.fixture(scope="module")
def pipeline(project: HostedProject, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Tracked, imported, scraped and retried by the loader; built twice and refreshed by the transformer."""
    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "tracking.yaml").write_text("rules: []\n")
    now = datetime.now(UTC)
    featured = sorted(featured_events(now, 24), key=lambda event: event.peak_listings)
    event_ids = [event.event_id for event in featured[:2]]
    to_at = now.replace(minute=0, second=0, microsecond=0)
    plan = RecordingPlan(tuple(event_ids), to_at - timedelta(hours=3), to_at, 1200, DEFAULT_SEED)
    lines = list(record(plan))
    (folder / "recording.jsonl").write_bytes(b"".join(lines))
    bodies: dict[int, dict[str, bytes]] = {event_id: {} for event_id in event_ids}
    for line in map(json.loads, lines):
        bodies[line["event_id"]][line["captured_at"]] = json.dumps(line["body"]).encode()
    with serving(app_of(RememberingSandbox(), DEFAULT_SEED)) as marketplace_url:
        settings = {
            role: load_settings(
                with_running_stack=False,
                dotenv=folder / "none.env",
                database_url=project.url(role),
                marketplace_base_url=marketplace_url,
                tracking_file=folder / "tracking.yaml",
                scraper_requests_per_second=1000,
            )
            for role in PIPELINE_ROLES
        }
        made = Pipeline(project, settings, dbt, event_ids, bodies)
        with Database(project.url(LOADER)) as database:
            track(database.connection, event_ids, interval_seconds=1200)
            import_recordings(database, [folder / "recording.jsonl"], interval_seconds=1200)
            _leave_in_quarantine(database)
            keys = list_keys(database.connection, Selection())
            assert retry(database, keys, interval_seconds=1200).captured == 1
        _scrape(settings[LOADER], event_ids)
        made.build(TRANSFORMER)
        yield made


def _leave_in_quarantine(database: Database) -> None:
    """A body that an older release could not read; today's can."""
    at = datetime.now(UTC) - timedelta(hours=5)
    content = zstandard.compress(listings_body(tickets(5)))
    database.connection.execute(
        "insert into raw.quarantine (event_id, captured_at, item, kind, reason, content)"
        " values (%s, %s, 'body', 'bad_payload', 'not understood', %s)",
        (EVENT_ID, at, content),
    )


def _scrape(settings: Settings, event_ids: list[int]) -> None:
    async def update(database: Database) -> None:
        async with open_marketplace(settings, database) as marketplace:
            await update_tracking(database, marketplace, load_plan(settings))

    with Database(settings.require_database_url()) as database:
        asyncio.run(update(database))
        report = scrape_round(settings, database, dict.fromkeys(event_ids, 1200))
    assert report.failed_count == 0
    assert report.captured_count == len(event_ids)


def test_what_was_captured_is_read_back_whole(pipeline: Pipeline) -> None:
    with connect(pipeline.project.url(LOADER)) as connection:
        for event_id, bodies in pipeline.bodies.items():
            for captured_at, body in bodies.items():
                read = read_snapshot(connection, event_id, datetime.fromisoformat(captured_at))
                assert [{k: v for k, v in row.items() if k != "captured_at"} for row in read] == listings_of(body)


def test_the_loader_says_how_things_stand(pipeline: Pipeline) -> None:
    with connect(pipeline.project.url(LOADER)) as connection:
        figures = read_status(connection, pipeline.settings[LOADER])
    assert (figures.events_tracked, figures.events_overdue) == (2, 0)
    assert figures.raw_bytes > 0


@pytest.mark.parametrize("role", [LOADER, ORCHESTRATOR])
def test_alerts_and_metrics_work_for_the_roles_that_write_raw(pipeline: Pipeline, role: str) -> None:
    settings = pipeline.settings[role]
    with connect(settings.require_database_url()) as connection:
        nobody = Webhook(SecretStr("http://127.0.0.1:1/"))
        evaluation = evaluate(connection, {"a_test": [Problem(role, "it is a test")]}, [nobody])
        assert evaluation.undelivered.keys() == {"webhook"}
        numbers = read_numbers(connection, settings)
        assert numbers.untold["webhook"] >= 1
        assert role in {alert.problem for alert in numbers.status.open_alerts}
        connection.execute("delete from raw.alerts")
        connection.execute("delete from raw.alert_channels")


def test_a_round_by_the_orchestrator_leaves_everything_to_its_owner(pipeline: Pipeline) -> None:
    settings = pipeline.settings[ORCHESTRATOR]
    a_day_ago = datetime.now(UTC) - timedelta(days=3)
    with Database(settings.require_database_url()) as database:
        database.connection.execute("select raw.ensure_partitions(%s, %s)", (a_day_ago.date(), a_day_ago.date()))
    _scrape(settings, pipeline.event_ids)
    pipeline.build(ORCHESTRATOR)

    owners = pipeline.rows(
        f"""
        select n.nspname, pg_get_userbyid(c.relowner), count(*) > 0
        from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname = any(array{list(SCHEMAS_OF_DBT)}) and c.relkind in ('r', 'v') group by 1, 2
        union
        select n.nspname, pg_get_userbyid(p.proowner), count(*) > 0
        from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid
        where n.nspname = any(array{list(SCHEMAS_OF_DBT)}) group by 1, 2
        """
    )
    assert sorted(owners) == sorted((schema, TRANSFORMER, True) for schema in SCHEMAS_OF_DBT)
    captures = pipeline.rows(
        "select distinct pg_get_userbyid(relowner) from pg_class"
        " where relnamespace = 'raw'::regnamespace and relname ~ '^(snapshots|keyframes)(_[0-9]+)?$'"
    )
    assert captures == [(LOADER,)]


def test_a_full_refresh_gives_what_builds_gave(pipeline: Pipeline) -> None:
    marts = pipeline.rows("select relname from pg_class where relnamespace = 'marts'::regnamespace and relkind = 'r'")

    def content() -> dict[str, list[Any]]:
        return {name: pipeline.rows(f"select to_jsonb(m) from marts.{name} as m order by 1") for (name,) in marts}

    assert pipeline.rows("select count(*) from raw.stale_hours") == [(0,)]
    before = content()
    assert len(before["event_latest"]) == 3
    pipeline.build(TRANSFORMER, "--full-refresh")
    assert content() == before


CALLS = {
    "search_events": "'a'",
    "price_history": "{0}",
    "event_summary": "{0}",
    "compare_events": "array[{0}]",
    "top_movers": "'1h'",
    "price_distribution": "{0}",
    "cheapest_by_zone": "{0}",
    "pair_get_in": "{0}",
    "listings_at": "{0}",
    "market_changes": "{0}, '2026-01-01'",
}
"""The functions of the API, and what to ask them."""


def test_every_function_of_the_api_answers(pipeline: Pipeline) -> None:
    # Those with names for their arguments: computed relationships have none.
    made = pipeline.rows(
        "select proname from pg_proc where prosrc like '%-- statements %' and pronargs > 0 and proargnames is not null"
    )
    assert {name for (name,) in made} == set(CALLS)
    event_id = pipeline.event_ids[0]
    with psycopg.connect(pipeline.project.superuser_url) as connection:
        connection.execute("set role authenticated")
        answers = {
            name: connection.execute(f"select * from public.{name}({given.format(event_id)})".encode()).fetchall()
            for name, given in CALLS.items()
        }
    assert {name for name, rows in answers.items() if not rows} <= {"top_movers"}  # which has no hour to compare with
    book = pipeline.rows(f"select count(*) from raw.listings_at({event_id}, now())")
    assert [(len(answers["listings_at"]),)] == book


def test_every_source_of_dbt_is_readable_and_every_table_of_raw_is_writable(pipeline: Pipeline) -> None:
    sources = yaml.safe_load((PROJECT_FOLDER / "dbt_project/models/staging/_raw__sources.yml").read_text())["sources"]
    read = {table["name"] for source in sources for table in source["tables"]}
    of_raw = [
        name
        for (name,) in pipeline.rows(
            "select c.relname from pg_class as c where c.relnamespace = 'raw'::regnamespace and c.relkind in ('r', 'p')"
            " and not c.relispartition"
        )
    ]
    with psycopg.connect(pipeline.project.url(TRANSFORMER)) as connection:
        readable = {name for name in of_raw if _may(connection, f"select from raw.{name} limit 0")}
        writable = {name for name in of_raw if _may(connection, f"delete from raw.{name} where false")}
    assert readable == read | {"keyframes"}  # which raw.listing_states reads for dbt
    assert writable == {"stale_hours"}
    with psycopg.connect(pipeline.project.url(LOADER)) as connection:
        # Of a table with rows, without a policy for the loader none would be seen.
        assert {name for name in of_raw if not _may(connection, f"delete from raw.{name} where false")} == set()
        seen = {name: connection.execute(f"select count(*) from raw.{name}".encode()).fetchone() for name in of_raw}
    assert seen == {name: pipeline.rows(f"select count(*) from raw.{name}")[0] for name in of_raw}


def _may(connection: psycopg.Connection[Any], statement: str) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


@pytest.mark.parametrize("role", sorted(READABLE))
def test_clients_read_what_they_may_and_nothing_else(pipeline: Pipeline, role: str) -> None:
    allowed = pipeline.rows(
        f"""
        select n.nspname || '.' || c.relname, p.privilege
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references']) as p (privilege)
        where n.nspname = any(array{list(SCHEMAS_OF_DBT)}) and c.relkind in ('r', 'v')
            and has_table_privilege('{role}', c.oid, p.privilege)
        """
    )
    own_views = {f"public.{view}" for view, roles in OF_ROLES.items() if role in roles}
    assert set(allowed) == {(relation, "select") for relation in READABLE[role] | own_views}
    unsecured = pipeline.rows(
        "select relname from pg_class where relnamespace = 'marts'::regnamespace and relkind = 'r'"
        " and not relrowsecurity"
    )
    assert unsecured == []


FORBIDDEN = {
    LOADER: (
        "select from supabase_migrations.schema_migrations",
        "select from marts.event_latest",
        "select from staging.stg_raw__snapshots",
        "select from public.event_live",
        "delete from marts.event_latest",
        "create table marts.mine (id bigint)",
        "create table public.mine (id bigint)",
        "create view public.mine as select 1 as one",
        "drop view public.event_live",
        "drop table raw.productions",
        "truncate raw.quarantine",
        "alter table raw.heads disable row level security",
        "select publishing.publish('marts.event_latest')",
        "set role ticketmarts_transformer",
    ),
    TRANSFORMER: (
        "select from supabase_migrations.schema_migrations",
        "insert into raw.tracked_events (event_id, interval_seconds) values (1, 600)",
        "update raw.heads set listing_count = 0",
        "delete from raw.snapshots",
        "truncate raw.stale_hours",
        "select from raw.quarantine",
        "select from raw.circuit_breakers",
        "create table raw.mine (id bigint)",
        "select raw.ensure_partitions('2026-01-01', '2026-01-01')",
        "drop table raw.keyframes",
        "create schema mine",
        "alter publication supabase_realtime drop table marts.event_latest",
        "set role ticketmarts_loader",
    ),
    ORCHESTRATOR: (
        "drop table raw.productions",
        "create schema mine",
        "delete from supabase_migrations.schema_migrations where false",
    ),
}
FOR_NOBODY = (
    "create role mine",
    "alter role ticketmarts_loader superuser",
    f"set role {OWNER}",
    "set role service_role",
    "select from private.secrets",
    "select from pg_authid",
    "select pg_read_file('/etc/passwd')",
    "alter default privileges for role anon grant all on tables to public",
)


@pytest.mark.parametrize("role", PIPELINE_ROLES)
def test_what_a_role_may_not(pipeline: Pipeline, role: str) -> None:
    with psycopg.connect(pipeline.project.superuser_url) as connection:
        connection.execute("create schema if not exists private")
        connection.execute("create table if not exists private.secrets as select 1 as one")
    with psycopg.connect(pipeline.project.url(role), autocommit=True) as connection:
        for statement in (*FORBIDDEN[role], *FOR_NOBODY):
            assert not _may(connection, statement), statement


def test_who_may_not_migrate_is_told_when_somebody_has_to(pipeline: Pipeline) -> None:
    bring_up_to_date(pipeline.project.url(ORCHESTRATOR))
    with psycopg.connect(pipeline.project.superuser_url, autocommit=True) as connection:
        kept = connection.execute("select version from supabase_migrations.schema_migrations").fetchall()
        newest = max(kept)
        change = "update supabase_migrations.schema_migrations set version = %s where version = %s"
        connection.execute(change, ("none", *newest))
        try:
            with pytest.raises(StackError, match=rf"1 migrations .* {newest[0]}_.* {ORCHESTRATOR} may not"):
                bring_up_to_date(pipeline.project.url(ORCHESTRATOR))
        finally:
            connection.execute(change, (*newest, "none"))
    with pytest.raises(StackError, match=f"{LOADER} may not"):
        bring_up_to_date(pipeline.project.url(LOADER))
    bring_up_to_date(pipeline.project.url())


def test_a_transformer_may_only_publish_marts(pipeline: Pipeline) -> None:
    with psycopg.connect(pipeline.project.url(TRANSFORMER)) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("select publishing.publish('raw.tracked_events')")


def test_the_advisors_have_nothing_to_say(pipeline: Pipeline) -> None:
    check_advisors(pipeline.project.url())


def test_as_information_the_advisors_name_what_the_guide_names(pipeline: Pipeline) -> None:
    """Indexes that nobody has used yet depend on what was asked; of all else only what is as it is on purpose."""
    options = ("--level", "info", "--fail-on", "none", "--output-format", "json")
    told = json.loads(run_cli("db", "advisors", f"--remote={pipeline.project.url()}", *options).stdout)["results"]
    told = {
        (advice["name"], advice["metadata"]["name"])
        for advice in told
        if advice["name"] != "unused_index" and advice["metadata"]["schema"] != SCHEMA_OF_OTHERS
    }
    assert told == {("no_primary_key", table) for table in TABLES_OF_MILLIONS}


def test_a_populated_database_of_an_earlier_release_is_handed_over(pipeline: Pipeline) -> None:
    """Everything belongs to who migrated, as before these migrations; they are applied again, and dbt goes on."""
    before = pipeline.rows(CLOSED_HOURS)
    with psycopg.connect(pipeline.project.superuser_url) as connection:
        connection.execute(f"reassign owned by {LOADER}, {TRANSFORMER} to {OWNER}".encode())
        connection.execute(f"drop owned by {LOADER}, {TRANSFORMER}".encode())
        connection.execute("drop schema publishing cascade")
    with psycopg.connect(pipeline.project.url()) as connection:
        for name in ("20261125200000_pipeline_roles.sql", "20261125210000_realtime.sql"):
            connection.execute((MIGRATIONS / name).read_bytes())
        # Of a migration after these, which was applied before.
        connection.execute(f"grant select on raw.dropped_captures to {TRANSFORMER}".encode())

    pipeline.build(ORCHESTRATOR)

    assert pipeline.rows(CLOSED_HOURS) == before != []
    _scrape(pipeline.settings[LOADER], pipeline.event_ids)


@pytest.mark.parametrize("role", [LOADER, ORCHESTRATOR])
def test_house_is_kept_by_the_roles_that_write_raw(pipeline: Pipeline, role: str) -> None:
    settings = pipeline.settings[role].model_copy(update={"retention_raw_days": 2})
    before = pipeline.rows("select count(*) from raw.snapshots")
    old = datetime.now(UTC) - timedelta(days=30)
    with Database(pipeline.project.url(LOADER)) as database:
        captures = [capture(PlainCapture(1, old + timedelta(days=n), ())) for n in range(2)]
        SnapshotWriter(database.connection).write(captures)
        database.connection.execute("delete from raw.stale_hours")
    report = keep_house(settings)
    assert [day.captures for day in report.dropped if day.captures] == [1, 1]
    assert report.kept == []
    assert pipeline.rows("select count(*) from raw.snapshots") == before
    assert keep_house(settings).old_days == []


def test_the_transformer_drops_nothing(pipeline: Pipeline) -> None:
    with connect(pipeline.project.url(TRANSFORMER)) as connection:
        assert not _may(connection, "select raw.drop_day('2026-01-01')")
        assert not _may(connection, "select * from raw.events_of_day('2026-01-01')")
