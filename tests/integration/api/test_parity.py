"""What is asked means what PostgREST means by it: filters, order, select, calls, and how mistakes are answered.

Expected is what PostgREST's documentation says ("Tables and Views", "Functions as RPC", "Errors") and what its source
does: src/PostgREST/Error.hs for statuses and codes, test/spec/Feature/Query/{QuerySpec,AndOrParamsSpec,RpcSpec}.hs for
the rest. Nothing here is true of one server alone; for that there is ``test_parity_local``.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import FOLLOWED, HAND_MADE, NEVER_CAPTURED, History
from tests.integration.api.serving import Api, Row

pytestmark = pytest.mark.usefixtures("history")

_NAME = "100% Ünïque_Event"
"""That of HAND_MADE. The other known ones have none, and those of the sandbox have higher ids."""
_NAMELESS = [NEVER_CAPTURED, *FOLLOWED]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"event_id": "eq.77"}, [77]),
        ({"event_id": "not.eq.77"}, _NAMELESS),
        ({"event_id": "neq.77"}, _NAMELESS),
        ({"event_id": ["gt.77", "lte.82"]}, [78, 81, 82]),
        ({"event_id": "in.(77,78)"}, [77, 78]),
        ({"event_id": "in.()"}, []),
        ({"event_id": "not.in.(77,78)"}, [*FOLLOWED]),
        ({"event_id": "eq(any).{77,81}"}, [77, 81]),
        ({"event_id": "gt(all).{77,81}"}, [82, 83]),
        ({"event_name": f"eq.{_NAME}"}, [77]),
        ({"event_name": f'in.("{_NAME}","a,b")'}, [77]),
        ({"event_name": f'in.("a\\"b","c\\\\d",{_NAME})'}, [77]),
        ({"event_name": "is.null"}, _NAMELESS),
        ({"event_name": "not.is.null"}, [77]),
        ({"is_tracked": "is.true"}, [77, *_NAMELESS]),
        ({"is_tracked": "is.false"}, []),
        ({"is_tracked": "is.unknown"}, []),
        ({"is_tracked": "eq.true"}, [77, *_NAMELESS]),
        ({"is_tracked": "eq.t"}, [77, *_NAMELESS]),
        ({"is_tracked": "in.(false)"}, []),
        ({"event_name": "like.100*_Event"}, [77]),
        ({"event_name": "like.100%25*"}, []),
        ({"event_name": "like.*EVENT"}, []),
        ({"event_name": "ilike.*EVENT"}, [77]),
        ({"event_name": "like(any).{x*,100*}"}, [77]),
        ({"event_name": "ilike(all).{*EVENT,1*}"}, [77]),
        ({"event_name": "match.^100.*t$"}, [77]),
        ({"event_name": "imatch.EVENT"}, [77]),
        ({"event_name": f"isdistinct.{_NAME}"}, _NAMELESS),
        ({"event_name": "fts.event"}, [77]),
        ({"or": "(event_id.eq.77,event_id.eq.83)"}, [77, 83]),
        ({"or": "(event_id.eq.77,and(event_id.gt.77,event_id.lt.82))"}, [77, 78, 81]),
        ({"or": "(event_id.lt.78,not.and(event_id.gte.0,event_id.lte.82))"}, [77, 83]),
        ({"and": "(event_id.gt.77,or(event_id.eq.81,event_id.eq.83))"}, [81, 83]),
        ({"not.and": "(event_id.gte.80,event_id.lte.100)"}, [77, 78]),
        ({"not.or": "(event_id.eq.77,event_id.in.(78,81))"}, [82, 83]),
        ({"and": "(event_id.not.eq.77,not.or(event_id.eq.78,event_id.in.(81,82)))"}, [83]),
        ({"or": f'(event_name.eq."{_NAME}",event_name.eq."a.eq.b,c)")'}, [77]),
        ({"or": f"(event_name.eq.{_NAME},event_id.eq.81)", "event_id": "gt.77"}, [81]),
        ({"or": "(event_name.like(any).{x*,100*},event_id.eq.78)"}, [77, 78]),
        ({"or": '(event_name.in.("a,b",x),event_name.is.null)', "event_id": "lt.82"}, [78, 81]),
    ],
    ids=str,
)
def test_a_filter(api: Api, filters: dict[str, Any], expected: list[int]) -> None:
    # Those of the sandbox stand aside, by a filter that all of them have beside theirs.
    params = [("select", "event_id"), ("order", "event_id"), ("event_id", "lt.1000")]
    params += [(name, value) for name, values in filters.items() for value in _listed(values)]
    answer = httpx.get(f"{api.url}/rest/v1/events", params=params, headers=api.headers(), trust_env=False)
    assert answer.status_code == 200, answer.text
    assert [row["event_id"] for row in answer.json()] == expected


@pytest.mark.parametrize("q", ["st. louis", "not.a", "eq(one).a", "is", "(eq.a"])
def test_an_argument_that_is_no_filter_is_one_beside_logic_too(api: Api, q: str) -> None:
    """PostgREST takes a value that begins with an operator that there is for a filter, every other for an argument."""
    for logic in ({}, {"or": "(event_id.eq.77,event_id.eq.78)"}, {"and": "(event_id.eq.77)"}):
        answer = api.ask("/rpc/search_events", {"q": q, **logic})
        assert (answer.status_code, answer.json()) == (200, []), answer.text
        filtered = api.ask("/rpc/search_events", {"q": "eq.a", **logic})
        assert (filtered.status_code, filtered.json()["code"]) == (404, "PGRST202")


@pytest.mark.parametrize("operand", ["392241.0", "1e3", "true", "null", "not_null", "unknown", '"x"', " x ", "{}", ""])
def test_a_text_is_compared_as_it_is_written(api: Api, operand: str) -> None:
    texts = {"event_name": f"neq.{operand}", "select": "event_id", "event_id": "eq.77"}
    assert api.rows("/events", texts) == [{"event_id": 77}]
    equal = api.ask("/zone_analytics", {"zone_id": f"eq.{operand}", "select": "zone_id"})
    assert (equal.status_code, equal.json()) == (200, []), equal.text
    assert api.call("search_events", q=f"{operand} nothing is called like this") == []


def test_a_text_that_looks_like_a_number_is_found(api: Api, history: History) -> None:
    zone_id = history.truth("select zone_id from marts.zone_hourly where zone_id ~ '^[1-9][0-9]+$' limit 1")[0][
        "zone_id"
    ]
    for condition in (f"eq.{zone_id}", f"in.({zone_id})", f"in.(x,{zone_id})", f"like.{zone_id}"):
        assert api.rows("/zone_analytics", {"zone_id": condition, "select": "zone_id", "limit": 1}) == [
            {"zone_id": zone_id}
        ]
    for condition in (f"eq.0{zone_id}", f"eq.{zone_id}.0", f"in.({zone_id}.0)", f"eq.+{zone_id}"):
        assert api.rows("/zone_analytics", {"zone_id": condition}) == []
    logic = {"or": f"(zone_id.eq.{zone_id}.0,zone_id.eq.true)"}
    assert api.rows("/zone_analytics", logic) == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("event_id.desc", [83, 82, 81, 78, 77]),
        ("event_name,event_id", [77, 78, 81, 82, 83]),
        ("event_name.desc,event_id", [78, 81, 82, 83, 77]),
        ("event_name.nullsfirst,event_id.desc", [83, 82, 81, 78, 77]),
        ("event_name.desc.nullslast,event_id.asc", [77, 78, 81, 82, 83]),
        ("is_tracked.asc.nullslast,event_id.desc", [83, 82, 81, 78, 77]),
    ],
)
def test_an_order(api: Api, order: str, expected: list[int]) -> None:
    rows = api.rows("/events", {"select": "event_id", "event_id": "lt.1000", "order": order})
    assert [row["event_id"] for row in rows] == expected


def test_columns_are_cast_and_named_anew(api: Api, history: History) -> None:
    select = "event_id::text,id:event_id,day:starts_at::date,capacity::text,event_name::varchar,n:latitude::int"
    event_id = history.event_ids[0]
    truth = history.truth(
        "select event_id::text, event_id as id, starts_at::date as day, capacity::text, event_name, latitude::int as n"
        " from public.events where event_id = %s",
        event_id,
    )
    assert api.rows("/events", {"select": select, "event_id": f"eq.{event_id}"}) == truth
    health = {"select": "event_id,k:failures_by_kind_24h->timeout,failures_by_kind_24h->>other", "event_id": "eq.77"}
    assert api.rows("/pipeline_health", health, role="service_role") == [{"event_id": 77, "k": None, "other": None}]


def test_values_have_the_shape_of_postgres_json(api: Api, history: History) -> None:
    """Numbers are numbers, also bigint and numeric; instants are in ISO 8601 with +00:00, nulls are there."""
    for view, role in (
        *(
            (view, "anon")
            for view in ("events", "performers", "event_live", "aggregated_analytics", "section_analytics")
        ),
        ("listings_live", "authenticated"),
        ("daily_analytics", "service_role"),
    ):
        shown = api.rows(f"/{view}", role=role)
        truth = [row["row"] for row in history.truth(f"select to_jsonb(v) - 'is_final' as row from public.{view} as v")]
        for row in shown:
            row.pop("is_final", None)
        if view == "listings_live":
            assert len(shown) == min(len(truth), 1000)
            assert all(row in truth for row in shown[:20])
        else:
            assert sorted(shown, key=_as_text) == sorted(truth, key=_as_text)
    [health] = api.rows("/pipeline_health", {"event_id": f"eq.{HAND_MADE}"}, role="service_role")
    assert health["failures_by_kind_24h"] == {}


@pytest.mark.parametrize("view_or_call", ["aggregated_analytics", "rpc/price_history"])
def test_a_list_is_the_text_that_postgres_writes(api: Api, history: History, view_or_call: str) -> None:
    """So a price keeps its two decimals, however it is read."""
    columns = "captures,listings_avg,price_avg,all_in_price_max,first_captured_at"
    instant = "at" if view_or_call.startswith("rpc/") else "hour"
    wanted = f"event_id = {history.event_ids[0]} order by hour desc limit 25"
    rows = f"select {columns}, hour as {instant} from public.aggregated_analytics where {wanted}"
    truth = history.truth(f"select json_agg(rows)::text as text from ({rows}) as rows")[0]["text"]
    scope = {"event_id": history.event_ids[0], "from_at": history.from_at.isoformat()}
    filters = scope if view_or_call.startswith("rpc/") else {"event_id": f"eq.{history.event_ids[0]}"}
    asked = {**filters, "select": f"{columns},{instant}", "order": f"{instant}.desc", "limit": "25"}
    answer = api.ask(f"/{view_or_call}", asked)
    assert (answer.text, answer.headers["content-type"]) == (truth, "application/json; charset=utf-8")
    assert answer.headers["content-range"] == "0-24/*"
    if view_or_call.startswith("rpc/"):
        shape = {name: value for name, value in asked.items() if name not in scope}
        assert api.ask(f"/{view_or_call}", shape, method="POST", body=scope).text == truth


def test_a_function_is_filtered_ordered_and_cut_as_a_view_is(api: Api) -> None:
    """As many bins as are asked for, whatever the market did."""
    asked = {"event_id": HAND_MADE, "bins": 3}
    for params, expected in (
        ({"select": "bin", "order": "bin"}, [1, 2, 3]),
        ({"select": "bin", "order": "bin.desc", "limit": 1}, [3]),
        ({"select": "bin", "order": "bin", "offset": 1, "limit": 1}, [2]),
        ({"select": "bin", "bin": "gt.1", "order": "bin.asc"}, [2, 3]),
    ):
        by_get = api.ask("/rpc/price_distribution", {**params, **asked})
        by_post = api.ask("/rpc/price_distribution", params, method="POST", body=asked)
        assert by_get.status_code == by_post.status_code == 200, (by_get.text, by_post.text)
        assert [row["bin"] for row in by_get.json()] == expected
        assert by_post.json() == by_get.json()
    for either in (
        {"or": "(bin.eq.1,bin.eq.0)"},
        {"and": "(bin.gte.1,or(bin.eq.1,bin.eq.0))"},
        {"not.or": "(bin.gt.1)"},
    ):
        params = {"select": "bin", **either}
        by_post = api.ask("/rpc/price_distribution", params, method="POST", body=asked)
        by_get = api.ask("/rpc/price_distribution", {**params, **asked})
        assert by_get.json() == by_post.json() == [{"bin": 1}], by_get.text
        assert by_get.headers["Cache-Control"].startswith("public, max-age=")
    cast = api.ask("/rpc/pair_get_in", {"select": "n:listings::text"}, method="POST", body={"event_id": HAND_MADE})
    assert cast.json() == [{"n": "10"}]
    form = httpx.post(
        f"{api.url}/rest/v1/rpc/pair_get_in?select=listings",
        data={"event_id": "77"},
        headers=api.headers(),
        trust_env=False,
    )
    assert form.json() == [{"listings": 10}]


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/nothing", {}, 404, "PGRST205"),
        ("/rpc/nothing", {}, 404, "PGRST202"),
        ("/rpc/search_events", {}, 404, "PGRST202"),
        ("/rpc/search_events", {"q": "x", "nothing": "1"}, 404, "PGRST202"),
        ("/events", {"select": "nothing"}, 400, "42703"),
        ("/events", {"nothing": "eq.1"}, 400, "42703"),
        ("/events", {"order": "nothing"}, 400, "42703"),
        ("/rpc/top_movers", {"select": "nothing"}, 400, "42703"),
        ("/rpc/top_movers", {"order": "nothing"}, 400, "42703"),
        ("/rpc/top_movers", {"nothing": "eq.1"}, 400, "42703"),
        ("/events", {"event_id": "like_this.1"}, 400, "PGRST100"),
        ("/events", {"event_id": "77"}, 400, "PGRST100"),
        ("/events", {"is_tracked": "is.maybe"}, 400, "PGRST100"),
        ("/events", {"order": "event_id.sideways"}, 400, "PGRST100"),
        ("/events", {"or": "(event_id.eq.1"}, 400, "PGRST100"),
        ("/events", {"select": "event_id("}, 400, "PGRST100"),
        ("/events", {"select": "event_id::nothing"}, 400, "42704"),
        ("/events", {"select": "event_name::int"}, 400, "22P02"),
        ("/events", {"event_id": "eq.x"}, 400, "22P02"),
        ("/events", {"event_id": "eq.1.0"}, 400, "22P02"),
        ("/events", {"event_id": "eq.99999999999999999999"}, 400, "22003"),
        ("/events", {"starts_at": "gt.someday"}, 400, "22007"),
        ("/rpc/pair_get_in", {"event_id": "x"}, 400, "22P02"),
        ("/events", {"select": "count()"}, 400, "PGRST123"),
        ("/events", {"select": "event_id.sum()"}, 400, "PGRST123"),
        ("/events", {"select": "event_id,performers(n:performer_id.max())"}, 400, "PGRST123"),
        ("/rpc/top_movers", {"select": "event_id.sum()"}, 400, "PGRST123"),
    ],
)
def test_a_mistake_has_its_code(api: Api, path: str, params: dict[str, str], status: int, code: str) -> None:
    answer = api.ask(path, params)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(answer.json()) == {"code", "message", "details", "hint"}
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("body", ["{", "[1", '{"event_id": }', "event_id=77"])
def test_a_body_that_is_no_json_is_refused(api: Api, body: str) -> None:
    answer = _post(api, body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "PGRST102"), answer.text


def test_a_body_of_another_type_is_refused(api: Api) -> None:
    answer = _post(api, "<event_id>77</event_id>", "application/xml")
    assert (answer.status_code, answer.json()["code"]) == (400, "PGRST102"), answer.text
    assert _post(api, "", "application/json").json()["code"] == "PGRST202"


def test_a_verb_that_there_is_not_is_refused(api: Api) -> None:
    answer = api.ask("/events", method="TRACE")
    assert (answer.status_code, answer.json()["code"]) == (405, "PGRST117"), answer.text
    for verb in ("PUT", "PATCH", "DELETE"):
        answer = api.ask("/rpc/top_movers", method=verb, body={})
        assert (answer.status_code, answer.json()["code"]) == (405, "PGRST101"), answer.text


@pytest.mark.parametrize("role", ["anon", "service_role"])
@pytest.mark.parametrize("view", ["events", "performers", "aggregated_analytics", "event_live"])
def test_a_view_says_that_it_cannot_be_written_to(api: Api, view: str, role: str) -> None:
    """PostgreSQL refuses (55000) before it looks at rights, and PostgREST answers every 55… with 500 (Error.hs)."""
    column = "performer_id" if view == "performers" else "event_id"
    one = {column: f"eq.{HAND_MADE}"}
    for verb, params, body in (("POST", {}, {column: 1}), ("PATCH", one, {column: 1}), ("DELETE", one, None)):
        answer = api.ask(f"/{view}", params, role=role, method=verb, body=body)
        assert (answer.status_code, answer.json()["code"]) == (500, "55000"), answer.text
    unknown = api.ask(f"/{view}", one, role=role, method="PATCH", body={"nothing": 1})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "PGRST204")
    put = api.ask(f"/{view}", one, role=role, method="PUT", body={column: HAND_MADE})
    assert (put.status_code, put.json()["code"]) == (405, "PGRST105"), put.text


def _post(api: Api, body: str, content_type: str) -> httpx.Response:
    headers = {**api.headers(), "Content-Type": content_type}
    return httpx.post(f"{api.url}/rest/v1/rpc/pair_get_in", content=body, headers=headers, trust_env=False)


def _as_text(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
