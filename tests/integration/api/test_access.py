"""Who may ask for what: every view and function as every role, and what an attacker would try."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from tests.integration.api.conftest import HAND_MADE, History
from tests.integration.api.serving import ROLES, Api

EVERYBODY = frozenset(ROLES)
USERS = frozenset({"authenticated", "service_role"})
OPERATIONS = frozenset({"service_role"})

VIEWS = {
    "events": EVERYBODY,
    "event_live": EVERYBODY,
    "aggregated_analytics": EVERYBODY,
    "daily_analytics": EVERYBODY,
    "zone_analytics": EVERYBODY,
    "section_analytics": EVERYBODY,
    "performers": EVERYBODY,
    "listings_live": USERS,
    "listing_history": USERS,
    "pipeline_health": OPERATIONS,
}
_EVENT = {"event_id": HAND_MADE}
FUNCTIONS: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "search_events": (EVERYBODY, {"q": "event"}),
    "price_history": (EVERYBODY, _EVENT),
    "event_summary": (EVERYBODY, _EVENT),
    "compare_events": (EVERYBODY, {"event_ids": [HAND_MADE]}),
    "top_movers": (EVERYBODY, {}),
    "price_distribution": (EVERYBODY, _EVENT),
    "cheapest_by_zone": (EVERYBODY, _EVENT),
    "pair_get_in": (EVERYBODY, _EVENT),
    "listings_at": (USERS, _EVENT),
    "market_changes": (USERS, {**_EVENT, "since": "2026-01-01T00:00:00Z"}),
}
EMBEDDED: dict[tuple[str, str], frozenset[str]] = {
    ("events", "performers"): EVERYBODY,
    **{(view, "events"): roles for view, roles in VIEWS.items() if view not in {"events", "performers"}},
}
"""Which view has which other one's rows beside its own, by a function that is called like the other."""
REFUSED = {"anon": 401, "authenticated": 403, "service_role": 403}
_FUNCTIONS = """
select p.proname, p.provolatile, p.prosecdef, p.proconfig, c.relname as view, array(
    select (a.grantee::regrole::text) from aclexplode(p.proacl) as a where a.grantee <> p.proowner order by 1
) as grantees
from pg_proc as p
left join pg_class as c on p.pronargs = 1 and c.reltype = p.proargtypes[0]
where p.pronamespace = 'public'::regnamespace
"""


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_read_by_its_roles_alone(api: Api, role: str, view: str) -> None:
    answer = api.ask(f"/{view}", {"limit": 1}, role=role)
    if role in VIEWS[view]:
        assert answer.status_code == 200
        assert len(answer.json()) == 1
    else:
        assert (answer.status_code, answer.json()["code"]) == (REFUSED[role], "42501")


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_executed_by_its_roles_alone(api: Api, role: str, function: str) -> None:
    roles, arguments = FUNCTIONS[function]
    answer = api.ask(f"/rpc/{function}", role=role, method="POST", body=arguments)
    if role in roles:
        assert answer.status_code == 200, answer.text
    else:
        assert (answer.status_code, answer.json()["code"]) == (REFUSED[role], "42501")


def test_nothing_else_is_served(history: History) -> None:
    views = history.truth(
        "select relname from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm', 'p', 'f')"
    )
    assert {row["relname"] for row in views} == set(VIEWS)
    functions = history.truth(_FUNCTIONS)
    assert sorted(row["proname"] for row in functions if row["view"] is None) == sorted(FUNCTIONS)
    embedded = sorted((row["view"], row["proname"]) for row in functions if row["view"] is not None)
    assert embedded == sorted(EMBEDDED)


@pytest.mark.parametrize("role", ROLES)
def test_what_embeds_is_not_called(api: Api, role: str) -> None:
    for name in {name for _, name in EMBEDDED}:
        for method, body in (("GET", None), ("POST", {}), ("POST", {"event_id": HAND_MADE})):
            answer = api.ask(f"/rpc/{name}", role=role, method=method, body=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "PGRST202"), answer.text


def test_every_function_is_stable_and_has_its_own_search_path(history: History) -> None:
    for row in history.truth(_FUNCTIONS):
        assert (row["provolatile"], row["prosecdef"], row["proconfig"]) == ("s", False, ['search_path=""']), row
        roles = FUNCTIONS[row["proname"]][0] if row["view"] is None else EMBEDDED[row["view"], row["proname"]]
        assert row["grantees"] == sorted(roles), row


def test_nobody_else_executes_anything_of_ours(history: History) -> None:
    """The functions with their owner's rights above all: clients have four, and none of them tells of a listing."""
    open_to_all = history.truth(
        """
        select p.oid::regprocedure::text as function from pg_proc as p
        where p.pronamespace::regnamespace::text in ('public', 'raw', 'aggregates', 'gateway', 'publishing')
            and exists (
                select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0
            )
        """
    )
    assert open_to_all == []
    definers = history.truth(
        """
        select p.proname, p.proconfig, exists (
            select from unnest(array['anon', 'authenticated', 'service_role']) as r (role_name)
            where has_function_privilege(r.role_name, p.oid, 'execute')
        ) as is_for_clients
        from pg_proc as p
        where
            p.prosecdef
            and p.pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
        """
    )
    assert {row["proname"]: row["is_for_clients"] for row in definers} == {
        **dict.fromkeys(("prices_at", "newest_capture_at", "zones_at", "is_settled"), True),
        **dict.fromkeys(("ensure_partitions", "drop_day", "publish"), False),
    }
    assert [row["proname"] for row in definers if 'search_path=""' not in row["proconfig"]] == []


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_below_the_api_a_role_reads_what_it_needs(history: History, role: str) -> None:
    columns = history.truth(
        """
        select c.relname as relation, a.attname as name, p.privilege
        from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        cross join unnest(array['select', 'insert', 'update', 'references']) as p (privilege)
        where c.relnamespace = 'raw'::regnamespace and c.relkind in ('r', 'p', 'v')
            and has_column_privilege(%s, c.oid, a.attnum, p.privilege)
        """,
        role,
    )
    assert {row["privilege"] for row in columns} <= {"select"}
    readable: dict[str, set[str]] = {}
    for row in columns:
        readable.setdefault(row["relation"], set()).add(row["name"])
    listings = {"snapshots", "keyframes", "placements", "terms", "heads", "loads"}
    operations = {"tracked_events", "scrape_failures", "stale_hours"}
    expected = {"anon": set(), "authenticated": listings, "service_role": listings | operations}[role]
    assert set(readable) == expected
    if expected:
        assert not readable["snapshots"] & {"run_id", "fetch_ms", "body_bytes", "http_status", "content_hash"}
        assert readable["heads"] == {"event_id", "captured_at"}
    unprotected = history.truth(
        "select relname from pg_class where relnamespace = 'raw'::regnamespace and relname = any(%s)"
        " and not relrowsecurity",
        sorted(expected),
    )
    assert unprotected == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("schema", ["raw", "marts", "staging", "intermediate", "aggregates", "pg_catalog", "auth"])
def test_other_schemas_are_not_served(api: Api, role: str, schema: str) -> None:
    for path in ("/snapshots", "/event_hourly", "/pg_roles", "/users"):
        answer = api.ask(path, role=role, headers={"Accept-Profile": schema})
        assert (answer.status_code, answer.json()["code"]) == (406, "PGRST106")
        assert api.ask(f"/{schema}.{path[1:]}", role=role).status_code == 404
    for function in ("prices_at", "listings_at", "mark_stale", "pg_sleep", "pg_read_file", "set_config"):
        answer = api.ask(f"/rpc/{function}", role=role, method="POST", body={}, headers={"Content-Profile": schema})
        assert (answer.status_code, answer.json()["code"]) == (406, "PGRST106")
        if function != "listings_at":
            assert api.ask(f"/rpc/{function}", role=role, method="POST", body={}).status_code == 404


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_nobody_writes(api: Api, history: History, role: str, method: str) -> None:
    before = history.truth("select count(*) from marts.dim_events")
    for view in VIEWS:
        params = {} if method == "POST" else {"event_id": f"eq.{HAND_MADE}"}
        for prefer in ("return=minimal", "resolution=merge-duplicates", "tx=rollback"):
            answer = api.ask(f"/{view}", params, role=role, method=method, body=_EVENT, headers={"Prefer": prefer})
            # Of a view that joins, PostgreSQL says so (55000) before it looks at rights. PostgREST, too, makes it 500.
            assert answer.status_code in {400, 401, 403, 404, 405} or answer.json()["code"] == "55000", answer.text
            assert answer.status_code >= 400
    for verb in ("PATCH", "PUT", "DELETE"):
        assert api.ask("/rpc/top_movers", role=role, method=verb, body={}).status_code == 405
    assert history.truth("select count(*) from marts.dim_events") == before


def test_tokens_that_are_not_ours_open_nothing(api: Api) -> None:
    secret, now = api.secret, int(time.time())

    def unsigned(claims: dict[str, Any], alg: str) -> str:
        parts = [json.dumps(part).encode() for part in ({"alg": alg, "typ": "JWT"}, claims)]
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."

    claims = {"role": "service_role", "exp": now + 600}
    good = jwt.encode(claims, secret, algorithm="HS256")
    header, payload, signature = api.user_token.split(".")
    raised = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    attempts = {
        "another secret": jwt.encode(claims, "0" * 64, algorithm="HS256"),
        "another algorithm": jwt.encode(claims, "0" * 64, algorithm="HS512"),
        "no algorithm": unsigned(claims, "none"),
        "no algorithm, shouted": unsigned(claims, "NONE"),
        "no signature": unsigned(claims, "HS256"),
        "expired": jwt.encode({**claims, "exp": now - 3600}, secret, algorithm="HS256"),
        "not yet": jwt.encode({**claims, "nbf": now + 3600}, secret, algorithm="HS256"),
        "claims exchanged": f"{header}.{raised}.{signature}",
        "cut off": good[:-3],
        "no token": "service_role",
    }
    for name, token in attempts.items():
        answer = api.ask("/pipeline_health", {"limit": 1}, token=token)
        assert answer.status_code == 401, (name, answer.text)
        assert secret not in answer.text
    assert api.ask("/pipeline_health", {"limit": 1}, token=good).status_code == 200
    assert payload not in api.ask("/pipeline_health", token=api.user_token).text


@pytest.mark.parametrize(
    "role",
    ["postgres", "authenticator", "api_introspector", "pg_read_all_data", "nobody", "", 7, None, "anon; reset role"],
)
def test_a_signed_token_of_a_wrong_role_opens_nothing_more(api: Api, role: Any) -> None:
    token = jwt.encode({"role": role, "exp": int(time.time()) + 600}, api.secret, algorithm="HS256")
    for path in ("/listings_live", "/pipeline_health"):
        answer = api.ask(path, {"limit": 1}, token=token)
        assert 400 <= answer.status_code < 500, answer.text


def test_without_a_key_nobody_is_let_in(api: Api) -> None:
    for headers in ({}, {"apikey": "anon"}, {"apikey": api.user_token}, {"Authorization": f"Bearer {api.user_token}"}):
        answer = httpx.get(f"{api.url}/rest/v1/events", headers=headers, trust_env=False)
        assert answer.status_code == 401


_INJECTIONS = [
    ("/events", {"event_id": "eq.1 or 1=1"}),
    ("/events", {"event_id": "eq.1);drop table marts.dim_events;--"}),
    ("/events", {"event_name": "eq.x' or '1'='1"}),
    ("/events", {"event_name": "like.*'||pg_sleep(9)||'*"}),
    ("/events", {"event_name": "imatch.(((((a+)+)+)+)+)+$"}),
    ("/events", {"event_name": "fts(english').x"}),
    ("/events", {"or": '(event_id.eq.1,event_name.eq.") or true --")'}),
    ("/events", {"select": "*,pg_sleep(9)"}),
    ("/events", {"select": "event_id::text;drop table x"}),
    ("/events", {"select": 'event_id,"x" from pg_authid--'}),
    ("/events", {"order": "event_id;select pg_sleep(9)"}),
    ("/events", {"order": "(select pg_sleep(9))"}),
    ("/events", {"event_id); drop table marts.dim_events; --": "eq.1"}),
    ("/events", {"limit": "1; drop table marts.dim_events"}),
    ("/events", {"offset": "1 union select 1"}),
    ("/events", {"event_id": "in.(1,2);select 1"}),
    ("/events", {"select": "event_id,raw.snapshots(*)"}),
    ("/events", {"select": "event_id,snapshots(*)"}),
    ("/events;drop table x", {}),
    ('/events"', {}),
    ("/rpc/search_events", {"q": "x', 1); drop table marts.dim_events; --"}),
    ("/rpc/search_events", {"q": "x", "max_events => 5); drop table x; --": "1"}),
    ("/rpc/top_movers", {"metric": "listings' || pg_sleep(9) || '"}),
    ("/rpc/price_history", {"event_id": f"{HAND_MADE} or true"}),
    ("/rpc/compare_events", {"event_ids": "{1}'); drop table x; --"}),
    ("/rpc/pg_sleep", {"seconds": "9"}),
    ("/rpc/search_events(q=>'x')", {}),
]


@pytest.mark.parametrize(("path", "params"), _INJECTIONS)
def test_what_is_sent_is_never_taken_for_sql(api: Api, history: History, path: str, params: dict[str, str]) -> None:
    before = history.truth("select count(*) from marts.dim_events")
    answer = api.ask(path, params)
    assert answer.status_code < 500, answer.text
    if answer.status_code == 200:  # a limit or an offset that is no number is left out
        assert answer.json() == ([] if {"limit", "offset"}.isdisjoint(params) else api.rows("/events"))
    else:
        assert answer.json()["code"] != "57014", "something ran into the time-out"
    assert history.truth("select count(*) from marts.dim_events") == before


@pytest.mark.usefixtures("history")
def test_giant_lists_offsets_and_ranges_are_answered_or_refused(api: Api) -> None:
    ids = ",".join(map(str, range(1, 1500)))
    assert len(api.rows("/events", {"event_id": f"in.({ids})", "select": "event_id"})) > 0
    huge = api.ask("/events", {"event_id": "in.(" + ",".join(map(str, range(7000))) + ")"})
    assert 400 <= huge.status_code < 500
    assert api.rows("/events", {"offset": 10**9}) == []
    assert 400 <= api.ask("/events", {"offset": 10**30}).status_code < 500
    assert len(api.rows("/aggregated_analytics", {"limit": 10**9})) <= 1000
    deep = "(" * 200 + "event_id.eq.1" + ")" * 200
    assert 400 <= api.ask("/events", {"or": deep}).status_code < 500


def test_no_answer_has_more_rows_than_the_limit(api: Api, history: History) -> None:
    everything = history.truth("select sum(listing_count)::integer as listings from raw.heads")[0]["listings"]
    rows = api.rows("/listings_live", {"select": "event_id"}, role="authenticated")
    assert len(rows) == min(everything, 1000)


@pytest.mark.parametrize(("role", "timeout"), [("anon", "3s"), ("authenticated", "8s"), ("service_role", "0")])
def test_each_role_has_its_time_out(api: Api, history: History, role: str, timeout: str) -> None:
    with psycopg.connect(history.database_url, autocommit=True) as connection:
        connection.execute(
            "create function public.my_time_out() returns text language sql stable set search_path = ''"
            " as $$ select current_setting('statement_timeout') $$"
        )
        connection.execute("grant execute on function public.my_time_out() to anon, authenticated, service_role")
        try:
            deadline = time.monotonic() + 20
            while (answer := api.ask("/rpc/my_time_out", role=role)).status_code == 404:
                assert time.monotonic() < deadline, "the API does not notice a new function"
                time.sleep(0.1)
        finally:
            connection.execute("drop function public.my_time_out()")
    # service_role has none of its own: what the API logs in with has the longest there is.
    assert answer.json() == (timeout if timeout != "0" else "8s")


def test_columns_that_are_not_there_are_not_read(api: Api) -> None:
    for column in ("xmin", "tableoid", "ctid", "run_id", "content_hash"):
        answer = api.ask("/event_live", {"select": column})
        assert (answer.status_code, answer.json()["code"]) == (400, "42703"), answer.text
