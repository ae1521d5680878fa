"""Who may read what dbt makes: exactly the API and the marts under it, and nobody writes, whatever a run does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.integration.marts.markets import line, ticket
from tests.integration.marts.warehouse import Warehouse

ROLES = ("anon", "authenticated", "service_role")
API = {
    *("events", "performers", "event_live"),
    *("aggregated_analytics", "daily_analytics", "zone_analytics", "section_analytics"),
}
OF_ROLES = {
    "listings_live": {"authenticated", "service_role"},
    "listing_history": {"authenticated", "service_role"},
    "pipeline_health": {"service_role"},
}
"""Views that not everybody reads."""
OPEN_MARTS = {
    *("event_hourly", "event_daily", "zone_hourly", "section_daily", "event_latest"),
    *("dim_events", "dim_venues", "dim_zones", "dim_sections", "dim_performers", "event_performers"),
}
MARTS = OPEN_MARTS | {"listing_lifecycle"}
OPEN = {f"public.{view}" for view in API} | {f"marts.{table}" for table in OPEN_MARTS}
EVERYTHING = OPEN | {"marts.listing_lifecycle"}
READABLE = {"anon": OPEN, "authenticated": EVERYTHING, "service_role": EVERYTHING}


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """A warehouse with one event in its marts, built where hosted Supabase's old default privileges still stand."""
    warehouse.execute(
        "alter default privileges for role ticketmarts_transformer in schema public"
        " grant all on tables to anon, authenticated, service_role"
    )
    at = datetime(2026, 3, 28, 6, 0, tzinfo=UTC)
    warehouse.announce(
        31, starts_at=at, performers=[{"id": 7, "name": "Sharks", "category": {"id": 3}, "master": True}]
    )
    warehouse.record([line(31, at, [ticket("VB1", "20.00")])])
    warehouse.build()
    return warehouse


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_the_api_and_the_marts_under_it(built: Warehouse, role: str) -> None:
    for relation in READABLE[role] | {f"public.{view}" for view in _views_of(role) - {"pipeline_health"}}:
        assert len(_ask_as(built, role, f"select * from {relation}")) == 1, relation


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_nothing_else(built: Warehouse, role: str) -> None:
    allowed = built.rows(
        """
        select c.oid::regclass::text as relation, p.privilege
        from pg_class as c
        cross join unnest(array[
            'select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'
        ]) as p (privilege)
        where
            c.relkind in ('r', 'v', 'm', 'p', 'f')
            and c.relnamespace::regnamespace::text in ('staging', 'intermediate', 'marts', 'public')
            and has_table_privilege(%s, c.oid, p.privilege)
        """,
        [role],
    )
    assert {(row["relation"].removeprefix("public."), row["privilege"]) for row in allowed} == {
        (relation.removeprefix("public."), "select") for relation in READABLE[role] | _views_of(role)
    }


def test_lives_of_listings_are_for_those_who_have_logged_in(built: Warehouse) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _ask_as(built, "anon", "select * from marts.listing_lifecycle")


@pytest.mark.parametrize(
    ("role", "schema"),
    [
        ("anon", "raw"),
        *((role, schema) for role in ("anon", "authenticated") for schema in ("staging", "intermediate")),
    ],
)
def test_a_client_cannot_look_into_other_schemas(built: Warehouse, role: str, schema: str) -> None:
    assert not built.value("select has_schema_privilege(%s, %s, 'usage')", [role, schema])


@pytest.mark.parametrize("statement", ["insert into {} default values", "delete from {}", "truncate {}"])
def test_a_client_cannot_write(built: Warehouse, statement: str) -> None:
    refusals = (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.ObjectNotInPrerequisiteState,  # not an updatable view
        psycopg.errors.WrongObjectType,
    )
    for relation in EVERYTHING:
        with pytest.raises(refusals):
            _ask_as(built, "authenticated", statement.format(relation))


def test_every_view_asks_with_the_rights_of_its_reader(built: Warehouse) -> None:
    options = built.rows(
        "select relname, reloptions from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v'"
    )
    assert {row["relname"]: row["reloptions"] for row in options} == {
        view: ["security_invoker=true"] for view in API | set(OF_ROLES)
    }


def test_row_level_security_stands_under_every_view(built: Warehouse) -> None:
    secured = built.rows("select relname from pg_class where relnamespace = 'marts'::regnamespace and relrowsecurity")
    assert {row["relname"] for row in secured} == MARTS


def test_a_full_refresh_changes_nothing_of_it(built: Warehouse) -> None:
    before = _security(built)

    built.build("--full-refresh")

    assert _security(built) == before


def test_a_run_takes_back_what_was_changed_by_hand(built: Warehouse) -> None:
    before = _security(built)

    built.execute("grant all on public.events, marts.event_hourly to anon, service_role with grant option")
    built.execute("grant select on marts.event_daily to public")
    built.execute("grant select on marts.listing_lifecycle to anon")
    built.execute("alter table marts.event_latest disable row level security")
    built.execute("drop policy everybody_reads on marts.dim_events")
    built.execute("alter policy everybody_reads on marts.dim_venues using (false)")
    built.execute("revoke select on public.event_live from anon")
    built.execute("grant select on public.pipeline_health to anon")
    built.execute("grant execute on function public.listings_at to anon, authenticated with grant option")
    built.execute("grant execute on function public.event_summary, public.events(public.pipeline_health) to public")
    built.execute("revoke execute on function public.price_history from anon")
    assert _security(built) != before
    built.build()

    assert _security(built) == before


def test_what_was_dropped_comes_back_as_it_was(built: Warehouse) -> None:
    before = _security(built)

    built.execute("drop view public.event_live, public.events, staging.stg_raw__snapshots cascade")
    built.execute("drop function public.listings_at, public.top_movers")
    report = built.build()

    assert report.succeeded
    assert _security(built) == before


def test_the_api_documents_itself(built: Warehouse) -> None:
    undocumented = built.rows(
        """
        select c.relname, a.attname
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0
        where
            c.relnamespace = 'public'::regnamespace
            and (
                coalesce(obj_description(c.oid, 'pg_class'), '') = ''
                or coalesce(col_description(c.oid, a.attnum), '') = ''
            )
        """
    )
    assert undocumented == []


def test_the_functions_of_the_api_document_themselves(built: Warehouse) -> None:
    functions = built.rows(
        """
        select
            p.proname, obj_description(p.oid, 'pg_proc') as description,
            coalesce(p.proargnames, '{}') as names, p.proargnames is null as is_of_a_row
        from pg_proc as p where p.pronamespace = 'public'::regnamespace
        """
    )
    assert sum(not function["is_of_a_row"] for function in functions) == 10
    for function in functions:
        assert function["description"]
        assert [name for name in function["names"] if f"\n- {name} (" not in function["description"]] == []


def test_a_run_leaves_functions_alone_and_makes_one_anew_that_somebody_has_changed(built: Warehouse) -> None:
    before = _functions(built)
    built.build()
    assert _functions(built) == before

    built.execute("create function public.pair_get_in(event_id text) returns text language sql return 'mine'")
    built.execute("alter function public.pair_get_in(text) owner to ticketmarts_transformer")
    built.execute("drop function public.event_summary")
    built.build()
    after = _functions(built)
    assert [function for function, _ in after] == [function for function, _ in before]
    assert {f for f, oid in set(after) - set(before)} == {"event_summary(bigint)", "pair_get_in(bigint)"}


def test_what_a_view_embeds_comes_back_when_either_view_is_made_anew(built: Warehouse) -> None:
    before = dict(_functions(built))
    of_rows = {"performers(events)"} | {function for function in before if function.startswith("events(")}
    assert len(of_rows) == 9

    for view, lost in (
        ("events", of_rows),
        ("performers", {"performers(events)"}),
        ("event_live", {"events(event_live)"}),
    ):
        built.execute(f"drop view public.{view} cascade")
        assert set(before) - set(dict(_functions(built))) == lost
        assert built.dbt("run", "--select", view).succeeded
        after = dict(_functions(built))
        assert set(after) == set(before)
        assert {function for function in after if after[function] != before[function]} == lost
        before = after


def test_a_run_takes_back_what_was_done_to_embedding_by_hand(built: Warehouse) -> None:
    before = dict(_functions(built))
    security = _security(built)
    returned = "(public.event_live) returns setof public.events language sql as 'select * from public.events'"
    built.execute(f"create function public.mine{returned}")
    built.execute("alter function public.mine(public.event_live) owner to ticketmarts_transformer")
    built.execute(f"create or replace function public.events{returned}")
    built.build()
    after = dict(_functions(built))
    assert set(after) == set(before)
    assert {function for function in after if after[function] != before[function]} == {"events(event_live)"}
    assert _security(built) == security


def test_a_run_leaves_a_function_of_others_where_it_is(built: Warehouse) -> None:
    of_others = "theirs(event_live)"
    built.execute(f"create function public.{of_others} returns text language sql as 'select null'")
    try:
        built.build()
        assert of_others in dict(_functions(built))
    finally:
        built.execute(f"drop function public.{of_others}")


def _functions(warehouse: Warehouse) -> list[tuple[str, int]]:
    rows = warehouse.rows(
        """
        select p.oid::regprocedure::text as function, p.oid::bigint as oid
        from pg_proc as p where p.pronamespace = 'public'::regnamespace order by 1
        """
    )
    return [(row["function"].removeprefix("public."), row["oid"]) for row in rows]


def _views_of(role: str) -> set[str]:
    return {view for view, roles in OF_ROLES.items() if role in roles}


def _ask_as(warehouse: Warehouse, role: str, statement: str) -> list[Any]:
    with psycopg.connect(warehouse.database_url) as connection:
        connection.execute(f"set role {role}".encode())
        return connection.execute(statement.encode()).fetchall()


def _security(warehouse: Warehouse) -> list[dict[str, Any]]:
    """All that decides who may do what in the schemas that clients reach."""
    return warehouse.rows(
        """
        select
            c.oid::regclass::text as relation,
            c.relrowsecurity,
            c.reloptions,
            array(
                select (a.grantee::regrole::text, a.privilege_type, a.is_grantable)::text
                from aclexplode(c.relacl) as a
                order by 1
            ) as grants,
            array(
                select (p.policyname, p.permissive, p.roles, p.cmd, p.qual, p.with_check)::text
                from pg_policies as p
                where p.schemaname = n.nspname and p.tablename = c.relname
                order by 1
            ) as policies,
            n.nspacl::text as schema_grants
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('public', 'marts') and c.relkind in ('r', 'v')
        union all
        select
            p.oid::regprocedure::text as relation,
            p.prosecdef,
            p.proconfig,
            array(
                select (a.grantee::regrole::text, a.privilege_type, a.is_grantable)::text
                from aclexplode(p.proacl) as a
                order by 1
            ) as grants,
            '{}' as policies,
            null as schema_grants
        from pg_proc as p
        where p.pronamespace = 'public'::regnamespace
        order by 1
        """
    )
