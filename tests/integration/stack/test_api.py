"""The local Data API answers as PostgREST does, with the roles' own rights, and leaves the database as it is."""

from __future__ import annotations

import json
import subprocess
import time

import httpx
import jwt
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from stack.api import api_environment
from stack.keys import Keys
from stack.node import SUPABASE_FOLDER, node_environment, node_program
from stack.postgres_cluster import PostgresServer
from tests.conftest import ApiServer

# One row of every kind of value, and one of the odd ones. PostgREST's JSON is PostgreSQL's own, so that is the truth.
_TABLE = """
create table public.things (
    id bigint, price numeric(12, 2), at timestamptz, day date, ratio double precision, local_at timestamp,
    is_open boolean, label text, document jsonb, ats timestamptz[], prices numeric[], ids bigint[], days date[]
);
alter table public.things enable row level security;
create policy all_but_hidden on public.things for select to anon using (label is distinct from 'hidden');
grant select on public.things to anon;
insert into public.things values
(
    9007199254740991, 12.50, '2026-10-12 04:32:19.7+00', '2026-10-12', 0.1, '2026-10-12 04:32:19', true, 'é "q"',
    '{"a": [1.5, null]}', array['2026-10-12 04:32:19.123456+00'::timestamptz, null], array[1.10, null],
    array[1, null],
    array['2026-10-12'::date, null]
),
(null, 'NaN', 'infinity', null, 'NaN', null, null, null, null, null, '{}', null, null),
(3, 1, '0044-03-15 00:00:00+00 BC', null, null, null, null, 'hidden', null, null, null, null, null);
create view public.things_seen with (security_invoker = true) as select id, price from public.things;
grant select on public.things_seen to anon;
create function public.priced(factor numeric) returns table (price numeric, at timestamptz)
language sql stable set search_path = '' as 'select t.price * factor, t.at from public.things as t where t.id > 3';
grant execute on function public.priced to anon;
create table public.private (id integer);
grant select on public.private to service_role;
"""

_RIGHTS = """
select n.nspname, c.relname, c.relacl::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all select nspname, '', nspacl::text from pg_namespace where nspname !~ '^pg_'
union all select defaclnamespace::regnamespace::text, defaclobjtype::text, defaclacl::text from pg_default_acl
union all select 'public', oid::regprocedure::text, proacl::text from pg_proc
where pronamespace = 'public'::regnamespace
order by 1, 2
"""

_REQUEST_ROLES = ["anon", "authenticated", "service_role"]
_READABLE = """
select distinct a.attrelid::regclass::text, a.attname
from pg_attribute as a
inner join pg_class as c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm', 'f')
inner join pg_namespace as n on n.oid = c.relnamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
cross join unnest(%(roles)s::text[]) as role
where a.attnum > 0 and not a.attisdropped and has_column_privilege(role, c.oid, a.attnum, 'select')
order by 1, 2
"""
_MEMBERSHIPS = """
select roleid::regrole::text from pg_auth_members where member = 'api_introspector'::regrole order by 1
"""
_MIGRATION = SUPABASE_FOLDER / "migrations" / "20261128100000_api_introspector.sql"

_SUPABASE_JS = """
import { createClient } from "@supabase/supabase-js";
const supabase = createClient(process.env.URL, process.env.KEY);
const { data, error } = await supabase.from("things").select("id, price, at").eq("id", 9007199254740991)
  .gte("at", "2026-10-12T00:00:00Z").lte("at", "2026-10-13T00:00:00Z").order("at", { ascending: true });
const refused = await supabase.from("things").insert({ id: 1 });
console.log(JSON.stringify({ data, error, refused: refused.error.code }));
"""


@pytest.fixture(scope="module")
def things(database_url: str, api_server: ApiServer) -> ApiServer:
    """The API with the table above, made while it runs."""
    with psycopg.connect(database_url) as connection:
        connection.execute(_TABLE.encode())
    with api_server.client() as client:
        for _ in range(100):
            if client.get("/things").status_code == httpx.codes.OK:
                return api_server
            time.sleep(0.05)
    raise AssertionError("the API does not notice a new table")


def test_values_are_as_postgresql_writes_them(things: ApiServer, database_url: str):
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select json_agg(t)::text from things as t where label is distinct from 'hidden'")
        expected = str(row.fetchone()[0])
    with things.client() as client:
        assert client.get("/things").text == expected
        for thing in json.loads(expected):
            where = f"/things?id=eq.{thing['id']}" if thing["id"] else "/things?id=is.null"
            answer = client.get(where, headers={"Accept": "application/vnd.pgrst.object+json"})
            assert answer.json() == thing, "which the local server writes itself"


def test_views_functions_filters_and_counts(things: ApiServer):
    with things.client() as client:
        assert client.get("/things_seen?id=eq.9007199254740991").json() == [{"id": 9007199254740991, "price": 12.5}]
        assert client.post("/rpc/priced", json={"factor": 2}).json() == [
            {"price": 25.0, "at": "2026-10-12T04:32:19.7+00:00"}
        ]
        page = client.get("/things?order=id.asc.nullslast&limit=1", headers={"Prefer": "count=exact"})
        assert (page.status_code, page.headers["Content-Range"], len(page.json())) == (206, "0-0/2", 1)


def test_nobody_writes_and_only_public_is_there(things: ApiServer):
    with things.client() as client:
        assert client.post("/things", json={"id": 1}).status_code == 401
        assert client.patch("/things?id=eq.3", json={"id": 1}).status_code == 401
        assert client.delete("/things?id=eq.3").status_code == 401
        assert client.get("/private").status_code == 401
        assert client.get("/snapshots", headers={"Accept-Profile": "raw"}).status_code == 406
        assert client.get("/nothing").status_code == 404


def test_every_request_runs_as_the_role_of_its_key_or_token(things: ApiServer):
    def token(role: str, secret: str) -> str:
        return jwt.encode({"role": role}, secret, algorithm="HS256")

    secret = things.keys.jwt_secret
    answers = {
        "service key": things.client(things.keys.service_key),
        "user": things.client(token=token("authenticated", secret)),
        "superuser": things.client(token=token("postgres", secret)),
        "forged": things.client(token=token("service_role", "0" * 64)),
        "unknown key": things.client("no such key"),
    }
    statuses = {}
    for who, client in answers.items():
        with client:
            statuses[who] = client.get("/things").status_code
    assert statuses == {"service key": 403, "user": 403, "superuser": 403, "forged": 401, "unknown key": 401}
    without_key = httpx.get(f"{things.url}/rest/v1/things", trust_env=False)
    assert without_key.status_code == 401


def test_grants_and_schemas_stay_as_they_are(things: ApiServer, database_url: str):
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = connection.execute(_RIGHTS).fetchall()
        with things.client() as client:
            for path in ("/things", "/things_seen", "/private", "/rpc/priced?factor=1"):
                client.get(path)
        assert connection.execute(_RIGHTS).fetchall() == before


def test_the_role_that_looks_for_views_reads_no_more_than_requests_may(
    postgres_server: PostgresServer, database_url: str, api_keys: Keys
):
    database = str(conninfo_to_dict(database_url)["dbname"])
    variables = api_environment(postgres_server, database, api_keys, port=0, postgrest_port=None)
    with psycopg.connect(variables["API_INTROSPECTION_URL"], autocommit=True) as connection:
        for table in ("raw.quarantine", "raw.alerts", "raw.snapshots", "pg_authid"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select * from {table}".encode())
        readable = connection.execute(_READABLE, {"roles": ["api_introspector"]}).fetchall()
        assert readable
        assert readable == connection.execute(_READABLE, {"roles": _REQUEST_ROLES}).fetchall()


@pytest.mark.usefixtures("api_keys")
def test_an_older_role_that_read_everything_is_set_right(empty_database_url: str):
    with psycopg.connect(empty_database_url) as connection:
        # Rolled back at the end: roles belong to the whole server, and other tests use this one.
        connection.execute("revoke anon, authenticated, service_role from api_introspector")
        connection.execute("grant pg_read_all_data to api_introspector")
        connection.execute(_MIGRATION.read_bytes())
        assert connection.execute(_MEMBERSHIPS).fetchall() == [(role,) for role in _REQUEST_ROLES]
        connection.execute(_MIGRATION.read_bytes())
        assert connection.execute(_MEMBERSHIPS).fetchall() == [(role,) for role in _REQUEST_ROLES]
        connection.rollback()


def test_supabase_js(things: ApiServer):
    result = subprocess.run(
        [node_program(), "--input-type=module", "--eval", _SUPABASE_JS],
        check=True,
        capture_output=True,
        text=True,
        cwd=SUPABASE_FOLDER,
        env={**node_environment(), "URL": things.url, "KEY": things.keys.anon_key},
        timeout=60,
    )
    assert json.loads(result.stdout) == {
        "data": [{"id": 9007199254740991, "price": 12.5, "at": "2026-10-12T04:32:19.7+00:00"}],
        "error": None,
        "refused": "42501",
    }


def test_browsers_may_ask(things: ApiServer):
    preflight = httpx.options(
        f"{things.url}/rest/v1/things",
        headers={"Origin": "http://elsewhere", "Access-Control-Request-Method": "GET"},
        trust_env=False,
    )
    assert preflight.is_success
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
